package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/plan"
	"github.com/longspan/longspan/tensor"
)

// encoderFlags are the flags of commands that read texts of any length with a model.
type encoderFlags struct {
	modelFlags
	mechanismFlags
	inputFlags
	rankFlags
	options model.ReadOptions
	overlap int
}

func (f *encoderFlags) add(o *output, c *cobra.Command) {
	f.inputFlags.add(c)
	flags := c.Flags()
	flags.IntVar(&f.options.Chunk, "chunk", 0,
		"most tokens that are read at once (default: what the model was made for)")
	flags.IntVar(&f.overlap, "overlap", -1, "least number of tokens that neighbouring chunks share (default: 1/8 of a chunk, at least 64)")
	flags.Lookup("overlap").DefValue = "0" // the help has the default in words
	flags.BoolVar(&f.options.Beyond, "beyond", false, "read texts as a whole that are longer than the model was made for")
	flags.IntVar(&f.options.Batch, "batch", model.DefaultBatch, "tokens that are computed together; longer texts are computed alone")
	f.mechanismFlags.add(c)
	f.modelFlags.add(c)
	f.addPrecision(c)
	f.wrap(o, c)
}

// opened is a model that is ready to read texts.
type opened struct {
	*openedModel
	texts []input
	read  model.ReadOptions
	ctx   context.Context
	end   func() error // closes the model
}

// work says what a command computes, for a plan of the memory.
type work struct {
	spec  func(s model.Spec) model.Spec // the model that is planned; nil: the model itself
	mask  string                        // outputs are computed where it stands, one for each token of the vocabulary; empty: none
	more  []string                      // texts beside those of the arguments
	joint string                        // stands before each text
}

// body plans the model below the head.
func body(s model.Spec) model.Spec {
	s.Head = model.Head{Kind: model.Embed, Pooling: "mean"}
	return s
}

// open opens the model and reads the texts. check refuses a model that does not suit the command. It returns a *memory.Error if reading the
// texts takes more than the allowed memory.
func (f *encoderFlags) open(o *output, c *cobra.Command, args []string, check func(*model.Model) (work, error)) (r *opened, err error) {
	if f.options.Overlap = max(f.overlap, 0); c.Flags().Changed("overlap") {
		if f.overlap < 0 {
			return nil, usage(fmt.Errorf("found --overlap %d, expected at least 0", f.overlap))
		}
		if f.overlap == 0 {
			f.options.Overlap = model.NoOverlap
		}
	}
	if err := f.checkInput(f.inputFlags, args[1:]); err != nil {
		return nil, usage(err)
	}
	m, path, err := openModel(o, args[0], f.modelFlags, f.mechanismFlags)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, m.Close())
		}
	}()
	w, err := check(m)
	if err != nil {
		return nil, usage(err)
	}
	texts, err := f.read(o, m.Tokenizer(), args[1:])
	if err != nil {
		return nil, usage(err)
	}
	if err := sameInput(f.engine, m, texts); err != nil {
		return nil, err
	}
	need, err := f.fit(m, w, texts)
	if err != nil {
		return nil, err
	}
	r = &opened{openedModel: &openedModel{m, m.NewSessionOver(tensor.Exec{Threads: f.threads, Pool: reservedPool(need)}, f.engine), path},
		texts: texts, read: f.options}
	ctx, stop := untilStopped()
	r.ctx, r.end = ctx, func() error { stop(); return m.Close() }
	done := bar(o, "bytes of text")
	r.read.Progress = done.step64
	return r, nil
}

// fit returns the memory that reading takes, or a *memory.Error that says which chunks would fit.
func (f *encoderFlags) fit(m *model.Model, w work, texts []input) (need plan.Bytes, err error) {
	all, masks := []string{}, 0
	for _, t := range texts {
		if t.text == "" {
			return need, usage(fmt.Errorf("%s: the text is empty, expected something to read", t.name))
		}
		all = append(all, w.joint+t.text+t.second)
		if w.mask != "" {
			masks += strings.Count(t.text, w.mask)
		}
	}
	tokens, err := m.Together(append(all, w.more...), f.options)
	if err != nil {
		return need, usage(byName(err, texts))
	}
	limit, err := allowance(f.memory)
	if err != nil {
		return need, err
	}
	need, err = f.plan(m, w, tokens, masks)
	if err != nil || limit == 0 || need.Total() <= limit {
		return need, usage(err)
	}
	tooBig := &memory.Error{What: fmt.Sprintf("reading up to %d tokens at once", tokens), Need: need.Total(), Available: limit,
		Advice: "no chunk fits; use a smaller model, or --precision bf16"}
	for n := tokens / 2; n >= 32; n /= 2 {
		if smaller, err := f.plan(m, w, n, masks); err == nil && smaller.Total() <= limit {
			tooBig.Advice = fmt.Sprintf("use --chunk %d and --batch %[1]d, which fit", n)
			break
		}
	}
	return need, tooBig
}

// plan is the memory of a pass over a number of tokens, some of them masks.
func (f *encoderFlags) plan(m *model.Model, w work, tokens, masks int) (plan.Bytes, error) {
	masks = min(masks, tokens)
	s := *m.Spec()
	if w.spec != nil {
		s = w.spec(s)
	}
	var lengths []int
	for limit := s.MaxTokens(); limit > 0 && tokens > limit; tokens -= limit {
		lengths = append(lengths, limit)
	}
	e, err := plan.Predictions(s, append(lengths, tokens), f.threads)
	const copies = 4 // of the outputs of a mask: in the pass, in its result, in sorting, and their probabilities
	e.Bytes.Scratch += copies * 4 * int64(masks) * int64(s.Vocab)
	return e.Bytes, err
}

// strings are the texts.
func (r *opened) strings() []string {
	texts := make([]string, len(r.texts))
	for i, t := range r.texts {
		texts[i] = t.text
	}
	return texts
}

// failed is the error of the session: of a command that was interrupted, or about a text, by its name.
func (r *opened) failed(err error) error {
	if r.ctx.Err() != nil {
		return errInterrupted
	}
	return byName(err, r.texts)
}

// byName gives an error about a text the name of the text.
func byName(err error, texts []input) error {
	var about *model.TextError
	if !errors.As(err, &about) || about.Index >= len(texts) {
		return err
	}
	return usage(fmt.Errorf("%s: %w", texts[about.Index].name, about.Err))
}

// bar shows progress on a terminal, and nowhere else: nil.
func bar(o *output, what string) *progress {
	if f, ok := o.err.(*os.File); ok && isTerminal(f) {
		return o.progress(what)
	}
	return nil
}

// step64 is step for large numbers, and nothing for nil.
func (p *progress) step64(done, size int64) {
	if p == nil {
		return
	}
	p.step(int(done), int(size))
	if done == size {
		p.finish()
	}
}
