package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/bootstrap"
	"github.com/longspan/longspan/data/text"
	"github.com/longspan/longspan/internal/smallfile"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/retrieval"
	"github.com/longspan/longspan/tensor"
)

// retrieveReport is the output of `retrieve`.
type retrieveReport struct {
	Model string `json:"model"` // file of the weights
	retrieval.Score
	Read    retrieveReading     `json:"read"`
	Ranks   []int32             `json:"ranks"`            // of each query's passage, in the order of the lines
	Digest  string              `json:"digest"`           // of the lines
	Beside  *retrieveComparison `json:"beside,omitempty"` // this model minus the other
	Seconds float64             `json:"seconds"`          // for all texts, tokens and vectors
}

// retrieveReading says how passages were read.
type retrieveReading struct {
	Tokens  int `json:"tokens"`   // of the longest passage as it was read, with special ones and the prompt
	Chunked int `json:"chunked"`  // passages that were read in chunks
	Cut     int `json:"cut"`      // passages that --first cut
	LeftOut int `json:"left_out"` // tokens by which the cut passages are shorter
}

// retrieveComparison is a comparison with an earlier report.
type retrieveComparison struct {
	Model string `json:"model"`
	retrieval.Comparison
}

// retrieveOptions are the flags of `retrieve`.
type retrieveOptions struct {
	modelFlags
	mechanismFlags
	model.ReadOptions
	bootstrap.Resampling
	query, passage         []string
	queryText, passageText string
	pooling                string
	first                  int
	beside                 string
}

func newRetrieve(o *output) *cobra.Command {
	var f retrieveOptions
	c := &cobra.Command{
		Use:   "retrieve MODEL FILE…",
		Short: "Measure how well a model finds passages by their queries",
		Long: `Measure how well the vectors of a model find passages by their queries. Each line of JSON lines has a query and its passage, and each
query looks among the passages of all lines. The output has recall@1, recall@10 and the mean reciprocal rank, with 95% intervals.

A passage that is longer than the model reads at once is read in chunks, and its vector is the mean of their tokens. --first reads the
beginning alone. --beside compares with the output of an earlier run on the same lines, query by query.

  longspan retrieve org/embedder papers.jsonl --query title --passage sections --json > short.json
  longspan retrieve long papers.jsonl --query title --passage sections --beside short.json`,
		Args: arguments(cobra.MinimumNArgs(2)),
		RunE: func(c *cobra.Command, args []string) error {
			if err := f.check(c); err != nil {
				return usage(err)
			}
			r, err := f.run(o, args)
			if err != nil {
				return err
			}
			return o.print(r, r.write)
		},
	}
	f.add(c)
	return c
}

func (f *retrieveOptions) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringSliceVar(&f.query, "query", []string{"query"}, "fields of the query")
	flags.StringSliceVar(&f.passage, "passage", []string{"passage"}, "fields of the passage")
	flags.StringVar(&f.queryText, "query-prompt-text", "", "text before each query (default: the model's prompt named query)")
	flags.StringVar(&f.passageText, "passage-prompt-text", "", "text before each passage (default: the model's prompt for documents)")
	addPooling(c, &f.pooling)
	flags.IntVar(&f.first, "first", 0, "most tokens of a passage that are read, with special ones and the prompt (default: all)")
	flags.StringVar(&f.beside, "beside", "", "file with the output of an earlier run, from --json")
	flags.IntVar(&f.Samples, "samples", 10000, "resamples of the intervals")
	flags.Uint64Var(&f.Seed, "seed", 1, "seed of the resamples")
	flags.IntVar(&f.Chunk, "chunk", 0, "most tokens that are read at once (default: what the model was made for)")
	flags.BoolVar(&f.Beyond, "beyond", false, "read texts as a whole that are longer than the model was made for")
	flags.IntVar(&f.Batch, "batch", model.DefaultBatch, "tokens that are computed together; longer texts are computed alone")
	f.mechanismFlags.add(c)
	f.modelFlags.add(c)
	f.addPrecision(c)
}

// check refuses values that a flag cannot have. The defaults are no numbers to ask for.
func (f *retrieveOptions) check(c *cobra.Command) error {
	switch {
	case f.first < 0 || f.first == 0 && c.Flags().Changed("first"):
		return fmt.Errorf("found --first %d, expected at least 1; leave it out to read all", f.first)
	case f.Samples < 1:
		return fmt.Errorf("found --samples %d, expected 100 to 1000000", f.Samples)
	}
	return nil
}

func (f *retrieveOptions) run(o *output, args []string) (r *retrieveReport, err error) {
	lines, err := f.read(args[1:])
	if err != nil {
		return nil, usage(err)
	}
	before, err := f.earlier(lines.digest)
	if err != nil {
		return nil, usage(err)
	}
	f.bodyOnly = f.pooling != ""
	m, path, err := openModel(o, args[0], f.modelFlags, f.mechanismFlags)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	if err := givesVectors(m, f.pooling); err != nil {
		return nil, usage(err)
	}
	r = &retrieveReport{Model: path, Digest: lines.digest}
	began := time.Now()
	if err := f.rank(o, m, lines, r); err != nil {
		return nil, err
	}
	r.Seconds = time.Since(began).Seconds()
	return r, f.measure(r, before)
}

// retrieveLines are the texts of all lines.
type retrieveLines struct {
	queries, passages []input
	digest            string
}

// read reads the lines.
func (f *retrieveOptions) read(paths []string) (l retrieveLines, err error) {
	files, _, err := text.List(paths...)
	if err != nil {
		return l, err
	}
	limit, err := budget(f.memory)
	if err != nil {
		return l, err
	}
	records, err := text.NewRecords(files, limit, func(r text.Record) error {
		query, err := r.Text(f.query...)
		if err != nil {
			return err
		}
		passage, err := r.Text(f.passage...)
		name := fmt.Sprintf("%s:%d", r.Name, r.At.Line)
		l.queries = append(l.queries, input{name: name, text: string(query)})
		l.passages = append(l.passages, input{name: name, text: string(passage)})
		return err
	})
	if err != nil {
		return l, err
	}
	l.digest = records.Digest()
	return l, nil
}

// earlier reads the output of an earlier run; nil: none is named.
func (f *retrieveOptions) earlier(digest string) (*retrieveReport, error) {
	if f.beside == "" {
		return nil, nil
	}
	content, err := smallfile.Read(f.beside, 64<<20)
	if err != nil {
		return nil, err
	}
	var r retrieveReport
	if err := json.Unmarshal(content, &r); err != nil {
		return nil, fmt.Errorf("%s: %w", f.beside, err)
	}
	if r.Digest != digest {
		return nil, fmt.Errorf("%s: found the output of other lines, expected that of retrieve on the same files", f.beside)
	}
	return &r, nil
}

// rank embeds all texts and ranks the passages of each query.
func (f *retrieveOptions) rank(o *output, m *model.Model, l retrieveLines, r *retrieveReport) error {
	queryPrompt, err := promptOf(m, "", f.queryText, "query")
	if err != nil {
		return usage(err)
	}
	passagePrompt, err := promptOf(m, "", f.passageText, "document", "passage")
	if err != nil {
		return usage(err)
	}
	if err := f.cut(m, l.passages, passagePrompt, &r.Read); err != nil {
		return usage(err)
	}
	e := encoderFlags{modelFlags: f.modelFlags, options: f.ReadOptions}
	need, err := e.fit(m, work{spec: body, joint: passagePrompt + queryPrompt}, slices.Concat(l.passages, l.queries))
	if err != nil {
		return err
	}
	s := m.NewSession(tensor.Exec{Threads: f.threads, Pool: reservedPool(need)})
	ctx, stop := untilStopped()
	defer stop()
	queries, err := f.embed(ctx, o, s, l.queries, queryPrompt, nil)
	if err != nil {
		return err
	}
	passages, err := f.embed(ctx, o, s, l.passages, passagePrompt, &r.Read)
	if err != nil {
		return err
	}
	r.Ranks, err = retrieval.Ranks(queries, passages)
	return err
}

// embed is the vectors of texts.
func (f *retrieveOptions) embed(ctx context.Context, o *output, s *model.Session, texts []input, prompt string, count *retrieveReading) (
	vectors [][]float32, err error) {
	all := make([]string, len(texts))
	for i, t := range texts {
		all[i] = t.text
	}
	options := model.EmbedOptions{ReadOptions: f.ReadOptions, Pooling: f.pooling, Prompt: prompt}
	options.Progress = bar(o, "bytes of text").step64
	err = s.EmbedEach(ctx, all, options, func(_ int, e model.Embedded) error {
		vectors = append(vectors, e.Vectors[0].Vector)
		if count != nil {
			count.Tokens = max(count.Tokens, e.Tokens)
			if e.Chunks > 1 {
				count.Chunked++
			}
		}
		return nil
	})
	if ctx.Err() != nil {
		return nil, errInterrupted
	}
	return vectors, byName(err, texts)
}

// measure fills the scores.
func (f *retrieveOptions) measure(r, before *retrieveReport) (err error) {
	if r.Score, err = retrieval.ScoreOf(r.Ranks, f.Resampling); err != nil {
		return usage(err)
	}
	if before == nil {
		return nil
	}
	c, err := retrieval.Compare(r.Ranks, before.Ranks, f.Resampling)
	r.Beside = &retrieveComparison{before.Model, c}
	return usage(err)
}

func (r *retrieveReport) write(w io.Writer) {
	fmt.Fprintf(w, "weights   %s\n", r.Model)
	fmt.Fprintf(w, "passages  %d, up to %d tokens; %d in chunks", r.Queries, r.Read.Tokens, r.Read.Chunked)
	if r.Read.Cut > 0 {
		fmt.Fprintf(w, "; %d cut by --first, %d tokens left out", r.Read.Cut, r.Read.LeftOut)
	}
	fmt.Fprintf(w, "; %.1f s\n", r.Seconds)
	writeRetrieval(w, r.Score)
	if b := r.Beside; b != nil {
		for _, c := range []struct {
			name string
			bootstrap.Comparison
		}{{"recall@1", b.Recall1}, {"MRR", b.MRR}} {
			fmt.Fprintf(w, "%-9s %+.4f (%+.4f … %+.4f) beside %s, p %.4f\n", c.name, c.Difference.Mean, c.Difference.Low, c.Difference.High,
				b.Model, c.P)
		}
	}
}

// writeRetrieval writes a score.
func writeRetrieval(w io.Writer, s retrieval.Score) {
	for _, m := range []struct {
		name string
		bootstrap.Interval
	}{{"recall@1", s.Recall1}, {"recall@10", s.Recall10}, {"MRR", s.MRR}} {
		fmt.Fprintf(w, "%-9s %.4f (%.4f … %.4f)\n", m.name, m.Mean, m.Low, m.High)
	}
}
