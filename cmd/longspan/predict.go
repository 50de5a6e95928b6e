package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/plan"
)

// prediction is one text of the output of `predict`.
type prediction struct {
	Input string `json:"input"` // the file; - for standard input
	model.Answer
}

// predictOptions are the flags of `predict`.
type predictOptions struct {
	modelFlags
	inputFlags
}

func newPredict(o *output) *cobra.Command {
	var p predictOptions
	c := &cobra.Command{
		Use:   "predict MODEL [FILE…]",
		Short: "Classify or tag texts, or predict a number for each",
		Long: `Predict with the model in a folder: the class of each text, the classes of its parts, or a number, by the head of the model.
A file is one text. A model of DNA reads FASTA too, with an answer for each record; of JSON lines (.jsonl, .ndjson) each line has an answer.
Without files the text is --text, or standard input. The folder is all the model needs.

  longspan predict runs/labelled review.txt
  longspan predict runs/genes --text ATGAAACGCATTAGC --json`,
		Args: arguments(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			rows, err := p.run(o, args[0], args[1:])
			if err != nil {
				return err
			}
			return o.print(rows, func(w io.Writer) { writePredictions(w, rows) })
		},
	}
	p.inputFlags.add(c)
	p.modelFlags.add(c)
	p.addPrecision(c)
	return c
}

func (p *predictOptions) run(o *output, dir string, files []string) (rows []prediction, err error) {
	var texts []input
	m, err := p.open(o, dir, "the longest text", "use shorter texts", func(m *model.Model) (e plan.Estimate, err error) {
		if m.Spec().Kind == model.EncoderDecoder {
			return e, errors.New("found an encoder-decoder, expected a model that answers with classes, tags or a number; use generate or summarize")
		}
		if texts, err = p.read(o, m.Tokenizer(), files); err != nil {
			return e, err
		}
		return plan.Prediction(*m.Spec(), longestOf(m.Spec(), texts), p.threads)
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	for _, t := range texts {
		answer, err := m.session.Answer(t.text)
		if err != nil {
			return nil, usage(fmt.Errorf("%s: %w", t.name, err))
		}
		p.noteLength(o, m.Model, t)
		rows = append(rows, prediction{t.name, answer})
	}
	return rows, nil
}

// noteLength warns of a text that is longer than any sequence of the training: what the model learned may not hold there.
func (p *predictOptions) noteLength(o *output, m *model.Model, t input) {
	trained := m.Answers().Tokens
	if trained == 0 || len(t.text) <= trained {
		return
	}
	if e, err := m.Tokenizer().EncodeDocument(t.text); err == nil && len(e.IDs) > trained {
		fmt.Fprintf(o.err, "%s has %d tokens; the longest sequence of the training had %d\n", t.name, len(e.IDs), trained)
	}
}

// longestOf bounds the tokens of the longest text: a token has at least one byte, and a document two special tokens. The session refuses a
// text of more tokens than the model has learned positions.
func longestOf(s *model.Spec, texts []input) int {
	longest := 1
	for _, t := range texts {
		longest = max(longest, len(t.text)+2)
	}
	if limit := s.MaxTokens(); limit > 0 {
		longest = min(longest, limit)
	}
	return longest
}

// writePredictions writes tab-separated rows: one for each text, or for each run of a class in it.
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
