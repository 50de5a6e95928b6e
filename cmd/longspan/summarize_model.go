package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/plan"
	"github.com/longspan/longspan/summarize"
)

// scorerFlags say what scores the sentences of documents.
type scorerFlags struct {
	modelFlags
	model  string
	reader summarize.EncoderOptions
}

func (f *scorerFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.model, "model", "", "encoder, or encoder-decoder: a folder, a GGUF file or a repo of the hub's cache; or a file that "+
		"summarize train has written (default: the scorer in the program)")
	flags.IntVar(&f.reader.Chunk, "chunk", 0, "most tokens that an encoder reads at once (default: what it was made for)")
	f.modelFlags.add(c)
	f.addPrecision(c)
	for _, name := range []string{"weights", "max-memory", "precision"} {
		flag := flags.Lookup(name)
		flag.Usage = "of an encoder: " + flag.Usage
	}
}

// forEncoders are the flags that mean nothing without an encoder.
var forEncoders = []string{"chunk", "weights", "max-memory", "precision"}

// open opens the scorer, and returns what closes it. It returns a *memory.Error for an encoder that takes more than the allowed memory.
func (f *scorerFlags) open(o *output, c *cobra.Command) (s *summarize.Summarizer, end func() error, err error) {
	s, m, end, err := f.openAny(o, c, mechanismFlags{})
	if err == nil && s == nil {
		return nil, nil, errors.Join(usage(fmt.Errorf("--model %s: %w", f.model, errWrites)), m.Close())
	}
	return s, end, err
}

// openAny is open for commands that write summaries too: of an encoder-decoder it returns the model, and no scorer.
func (f *scorerFlags) openAny(o *output, c *cobra.Command, g mechanismFlags) (s *summarize.Summarizer, m *model.Model, end func() error,
	err error) {
	if !summarize.IsEncoder(f.model) {
		for _, name := range forEncoders {
			if c.Flags().Changed(name) {
				return nil, nil, nil, usage(fmt.Errorf("found --%s without an encoder, expected --model with one", name))
			}
		}
		s, err = summarize.Open(f.model)
		return s, nil, func() error { return nil }, usage(err)
	}
	if s, err = summarize.Open(""); err != nil {
		return nil, nil, nil, err
	}
	if m, _, err = openModel(o, f.model, f.modelFlags, g); err != nil {
		return nil, nil, nil, err
	}
	if m.Spec().Kind == model.EncoderDecoder {
		return nil, m, m.Close, nil
	}
	f.reader.Threads = f.threads
	e, err := summarize.NewEncoder(m, nil, f.reader)
	if err != nil {
		return nil, nil, nil, errors.Join(usage(fmt.Errorf("--model %s: %w", f.model, err)), m.Close())
	}
	if err := f.fit(m, e.Chunk()); err != nil {
		return nil, nil, nil, errors.Join(err, m.Close())
	}
	return s.With(e), m, m.Close, nil
}

// fit refuses windows that need more than the allowed memory.
func (f *scorerFlags) fit(m *model.Model, chunk int) error {
	limit, err := allowance(f.memory)
	if err != nil || limit == 0 {
		return err
	}
	need := func(chunk int) (int64, error) {
		var lengths []int // of the windows that are computed together
		for left := max(chunk, model.DefaultBatch); left > 0; left -= chunk {
			lengths = append(lengths, min(chunk, left))
		}
		e, err := plan.Predictions(body(*m.Spec()), lengths, f.threads)
		return e.Bytes.Total(), err
	}
	total, err := need(chunk)
	if err != nil || total <= limit {
		return usage(err)
	}
	tooBig := &memory.Error{What: fmt.Sprintf("reading %d tokens at once", chunk), Need: total, Available: limit,
		Advice: "no window fits; use a smaller model, or --precision bf16"}
	for n := chunk / 2; n >= 32; n /= 2 {
		if smaller, err := need(n); err == nil && smaller <= limit {
			tooBig.Advice = fmt.Sprintf("use --chunk %d, which fits", n)
			break
		}
	}
	return tooBig
}
