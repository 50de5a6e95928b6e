package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/model"
)

// fillRow is a text of the output of `fill`.
type fillRow struct {
	Name string `json:"name"` // the file, and the line of JSON lines; - for standard input
	model.Filled
}

// fillOptions are the flags of `fill`.
type fillOptions struct {
	encoderFlags
	mask string
	top  int
}

func newFill(o *output) *cobra.Command {
	var f fillOptions
	c := &cobra.Command{
		Use:   "fill MODEL [FILE…]",
		Short: "Guess masked tokens of texts",
		Long: `Guess the masked tokens of each text with a masked language model, each with its probability. A mask is the name of the tokenizer's
mask token, such as [MASK] or <mask>, or the word --mask. A file is one text; of JSON lines (.jsonl, .ndjson) each line is one, and of a
folder each file. Without files the text is --text, or standard input.

A text that is longer than the model reads at once is read in chunks that overlap; chunks without a mask are not read.

  longspan fill org/masked --text 'Paris is the [MASK] of France.'
  longspan fill folder/of/model --mask ___ --text 'The ___ was signed in 1992.' --top 10 --json`,
		Args: arguments(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return f.run(o, c, args) },
	}
	c.Flags().StringVar(&f.mask, "mask", "", "word that stands for a masked token (default: the name of the tokenizer's mask token)")
	c.Flags().IntVar(&f.top, "top", 5, "number of guesses for each mask")
	f.encoderFlags.add(o, c)
	return c
}

func (f *fillOptions) run(o *output, c *cobra.Command, args []string) (err error) {
	if f.top < 1 {
		return usage(fmt.Errorf("found --top %d, expected at least 1", f.top))
	}
	r, err := f.open(o, c, args, func(m *model.Model) (work, error) {
		return work{spec: body, mask: f.name(m)}, needHead(m, model.MaskedLM)
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.end()) }()
	return o.list(func(add func(any, func(io.Writer)) error) error {
		options := model.FillOptions{ReadOptions: r.read, Mask: f.mask, Top: f.top}
		return r.failed(r.session.FillEach(r.ctx, r.strings(), options, func(i int, found model.Filled) error {
			row := fillRow{r.texts[i].name, found}
			return add(row, row.write)
		}))
	})
}

// name is what stands for a mask.
func (f *fillOptions) name(m *model.Model) string {
	if f.mask != "" {
		return f.mask
	}
	return m.MaskName()
}

// write writes how the text was read, and a tab-separated line for each guess.
func (r fillRow) write(w io.Writer) {
	fmt.Fprintf(w, "# %s\t%s\n", r.Name, read(r.Reading))
	for _, m := range r.Masks {
		for _, g := range m.Guesses {
			fmt.Fprintf(w, "%s\t%d\t%d\t%q\t%.4f\n", r.Name, m.From, m.To, g.Token, g.Probability)
		}
	}
}
