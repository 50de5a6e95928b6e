package model

import (
	"context"
	"fmt"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/tokenizer"
)

// Pair is two texts that a model reads together, such as a question and a passage. Without a Second it is one text.
type Pair struct{ First, Second string }

// encodePair returns the tokens of a pair, and the range of those that may be cut into chunks: the tokens of its last text.
func (m *Model) encodePair(prompt string, p Pair) (e tokenizer.Encoding, from, to int, err error) {
	if p.Second == "" {
		e, from, err = m.prompted(prompt, p.First)
		return e, from, int(e.Texts[0].To), err
	}
	if e, err = m.tokenizer.EncodePair(p.First, p.Second); err != nil {
		return e, 0, 0, fmt.Errorf("model: the pair of texts: %w", err)
	}
	return e, int(e.Texts[1].From), int(e.Texts[1].To), nil
}

// outputs are those of a head for a text.
type outputs struct {
	d    *document
	rows []tensor.Mat // of each piece: a row for each token, or one for the sequence
}

// asked is what eachOutput computes.
type asked struct {
	options ReadOptions
	prompt  string // stands before texts that are no pairs
	joined  string // says what is made of the chunks
}

// eachOutput runs pairs, and calls use with the outputs of each, in order.
func (s *Session) eachOutput(ctx context.Context, pairs []Pair, w asked, use func(i int, out outputs) error) error {
	first := make([]string, len(pairs))
	for i, p := range pairs {
		first[i] = p.First
	}
	if err := s.checkTexts(first); err != nil {
		return err
	}
	c, err := s.m.cutter(w.options)
	if err != nil {
		return err
	}
	all := map[*document][]tensor.Mat{}
	k := packer{s: s, ctx: ctx, options: w.options,
		compute: func(b *data.Batch, _ []part) (tensor.Mat, error) { return s.Predict(b, StepOptions{}) },
		take: func(p part, rows tensor.Mat) error {
			if err := checkFinite(rows.F32); err != nil {
				return err
			}
			all[p.d] = append(all[p.d], clone(nil, rows))
			return nil
		},
		finish: func(documents []*document) error {
			for _, d := range documents {
				if err := use(d.index, outputs{d, all[d]}); err != nil {
					return err
				}
				delete(all, d)
			}
			return nil
		}}
	if s.m.spec.Head.OfSequences() {
		k.rows = func(part) int { return 1 }
	}
	for _, p := range pairs {
		k.all += int64(len(p.First) + len(p.Second))
	}
	for i, p := range pairs {
		d, err := s.m.read(c, i, p, w)
		if err != nil {
			return &TextError{i, len(pairs), err}
		}
		if err := k.add(d); err != nil {
			return err
		}
	}
	return k.flush()
}

// read makes a document of a pair.
func (m *Model) read(c cutter, index int, p Pair, w asked) (d *document, err error) {
	d = &document{index: index, bytes: len(p.First) + len(p.Second)}
	if d.e, d.from, d.to, err = m.encodePair(w.prompt, p); err != nil {
		return nil, err
	}
	if d.pieces, err = c.pieces(len(d.e.IDs)-(d.to-d.from), d.to-d.from); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	d.reading = c.describe(len(d.e.IDs), d.pieces, w.joined)
	return d, nil
}

// mean is the mean of the outputs of the pieces, by the tokens that they keep.
func (o outputs) mean() []float32 {
	total, all := make([]float64, o.rows[0].Cols), 0.0
	for i, m := range o.rows {
		weight := 0.0
		for _, r := range o.d.kept(i) {
			weight += float64(r.n)
		}
		for j, v := range m.Row(0) {
			total[j] += weight * float64(v)
		}
		all += weight
	}
	logits := make([]float32, len(total))
	for j, v := range total {
		logits[j] = float32(v / all)
	}
	return logits
}

// largest is the largest of each output of the pieces.
func (o outputs) largest() []float32 {
	logits := append([]float32(nil), o.rows[0].Row(0)...)
	for _, m := range o.rows[1:] {
		for j, v := range m.Row(0) {
			logits[j] = max(logits[j], v)
		}
	}
	return logits
}
