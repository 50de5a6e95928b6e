package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/plan"
	"github.com/longspan/longspan/tensor"
)

// prediction is a row of what `predict` prints.
type prediction struct {
	Input string `json:"input"` // the file; - for standard input
	model.Answer
}

// predictOptions are the flags of `predict`.
type predictOptions struct {
	weights, precision, memory, text string
	threads                          int
	given                            bool // --text
}

func newPredict(o *output) *cobra.Command {
	var p predictOptions
	c := &cobra.Command{
		Use:   "predict MODEL [FILE…]",
		Short: "Classify or tag texts, or predict a number for each",
		Long: `Ask the model in a folder about texts: the class of each, the classes along it, or a number, by the head of the model. A file is one text; without
files the text is --text, or standard input. The folder is all it needs.
  longspan predict runs/labelled review.txt
  longspan predict runs/genes --text ATGAAACGCATTAGC --json`,
		Args: arguments(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			p.given = c.Flags().Changed("text")
			rows, err := p.run(o, args[0], args[1:])
			if err != nil {
				return err
			}
			return o.print(rows, func(w io.Writer) { writePredictions(w, rows) })
		},
	}
	f := c.Flags()
	f.StringVar(&p.text, "text", "", "the text to ask about, in place of files")
	f.StringVar(&p.weights, "weights", "", "final, latest, best or a file (default: final, or latest while there is none)")
	f.StringVar(&p.precision, "precision", "", "f32, bf16 or fp16 (default: the model's)")
	addMaxMemory(c, &p.memory, "the available memory")
	f.IntVar(&p.threads, "threads", 0, "threads (default: all processors); the result does not depend on them")
	return c
}

// inputs reads the texts.
func (p *predictOptions) inputs(files []string) (names, texts []string, err error) {
	switch {
	case p.given && len(files) > 0:
		return nil, nil, errors.New("found --text and files, expected one of both")
	case p.given:
		return []string{"--text"}, []string{p.text}, nil
	case len(files) == 0:
		files = []string{"-"}
	}
	for _, name := range files {
		var text []byte
		if name == "-" {
			text, err = io.ReadAll(os.Stdin)
		} else {
			text, err = os.ReadFile(name)
		}
		if err != nil {
			return nil, nil, err
		}
		names, texts = append(names, name), append(texts, string(text))
	}
	return names, texts, nil
}

func (p *predictOptions) run(o *output, dir string, files []string) (rows []prediction, err error) {
	names, texts, err := p.inputs(files)
	if err != nil {
		return nil, usage(err)
	}
	path, err := findWeights(o, dir, p.weights)
	if err != nil {
		return nil, err
	}
	m, err := model.OpenWith(dir, model.OpenOptions{Weights: path, Precision: p.precision})
	if err != nil {
		return nil, usage(err)
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	need, err := p.need(m, texts)
	if err != nil {
		return nil, usage(err)
	}
	if err := fits(need, p.memory, "the longest text", "use shorter texts"); err != nil {
		return nil, err
	}
	session := m.NewSession(tensor.Exec{Threads: p.threads, Pool: reservedPool(need)})
	for i, text := range texts {
		answer, err := session.Answer(text)
		if err != nil {
			return nil, usage(fmt.Errorf("%s: %w", names[i], err))
		}
		rows = append(rows, prediction{names[i], answer})
	}
	return rows, nil
}

// need is the memory of the longest text.
func (p *predictOptions) need(m *model.Model, texts []string) (plan.Bytes, error) {
	longest := 1
	for _, text := range texts {
		longest = max(longest, len(text)+2) // a token has at least a byte, and a document two special tokens
	}
	e, err := plan.Prediction(*m.Spec(), longest, p.threads)
	return e.Bytes, err
}

func writePredictions(w io.Writer, rows []prediction) {
	for _, r := range rows {
		switch {
		case r.Number != nil:
			fmt.Fprintf(w, "%s\t%g\n", r.Input, *r.Number)
		case len(r.Classes) > 0:
			best := r.Best()
			fmt.Fprintf(w, "%s\t%s\t%.4f\n", r.Input, best.Class, best.Probability)
		}
		for _, tag := range r.Tags {
			fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%.4f\n", r.Input, tag.From, tag.To, tag.Class, tag.Probability)
		}
	}
}
