package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/model"
)

// classRow is a text of the output of `classify`.
type classRow struct {
	Name string `json:"name"` // the file, and the line of JSON lines; - for standard input
	model.Classified
}

// classifyOptions are the flags of `classify`.
type classifyOptions struct {
	encoderFlags
	pair, chunks string
	top          int
}

func newClassify(o *output) *cobra.Command {
	var f classifyOptions
	c := &cobra.Command{
		Use:   "classify MODEL [FILE…]",
		Short: "Find the classes of texts, with their probabilities",
		Long: `Find the classes of each text with their probabilities, the most probable first. A file is one text; of JSON lines
(.jsonl, .ndjson) each line is one, and of a folder each file. Without files the text is --text, or standard input. A model of pairs, such
as a premise and a hypothesis, reads --pair as the second text, or the field --pair-field of JSON lines.

A text that is longer than the model reads at once is read in chunks that overlap, and each line of the output says so.

  longspan classify org/classifier review.txt
  longspan classify org/entailment --text 'A dog barks.' --pair 'An animal makes a sound.' --json
  longspan classify folder/of/model pairs.jsonl --pair-field text_pair --top 1`,
		Args: arguments(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return f.run(o, c, args) },
	}
	flags := c.Flags()
	flags.StringVar(&f.pair, "pair", "", "second text of each pair")
	flags.StringVar(&f.pairField, "pair-field", "", "field of JSON lines that is the second text of a pair, such as text_pair")
	flags.StringVar(&f.chunks, "chunks", "mean", "outputs of a text in chunks: their mean by tokens, or max: the largest of each class")
	flags.IntVar(&f.top, "top", 0, "print the most probable classes only (default: all)")
	f.encoderFlags.add(o, c)
	return c
}

func (f *classifyOptions) run(o *output, c *cobra.Command, args []string) (err error) {
	switch {
	case f.top < 0:
		return usage(fmt.Errorf("found --top %d, expected at least 1", f.top))
	case f.chunks != "mean" && f.chunks != "max":
		return usage(fmt.Errorf("found --chunks %s, expected mean or max", f.chunks))
	case f.pair != "" && f.pairField != "":
		return usage(errors.New("found --pair and --pair-field, expected one of them"))
	}
	r, err := f.open(o, c, args, func(m *model.Model) (work, error) {
		return work{joint: f.pair}, needHead(m, model.Classify)
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.end()) }()
	pairs := make([]model.Pair, len(r.texts))
	for i, t := range r.texts {
		pairs[i] = model.Pair{First: t.text, Second: t.second + f.pair} // one of them is empty
	}
	return o.list(func(add func(any, func(io.Writer)) error) error {
		options := model.ClassifyOptions{ReadOptions: r.read, Chunks: f.chunks}
		return r.failed(r.session.ClassifyEach(r.ctx, pairs, options, func(i int, found model.Classified) error {
			if f.top > 0 && f.top < len(found.Classes) {
				found.Classes = found.Classes[:f.top]
			}
			row := classRow{r.texts[i].name, found}
			return add(row, row.write)
		}))
	})
}

// write writes a tab-separated line for each class, and how the text was read.
func (r classRow) write(w io.Writer) {
	for _, c := range r.Classes {
		fmt.Fprintf(w, "%s\t%s\t%.4f\t%s\n", r.Name, c.Class, c.Probability, read(r.Reading))
	}
}

// read says how a text was read, in a line of text.
func read(r model.Reading) string { return fmt.Sprintf("%d of %d tokens, %s", r.Used, r.Tokens, r.How) }
