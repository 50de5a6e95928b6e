package model

import (
	"context"
	"fmt"
	"sort"
)

// ClassifyOptions set how texts are classified.
type ClassifyOptions struct {
	ReadOptions
	Chunks string // what the outputs of a text in chunks are: mean, by the tokens that each keeps, or max; empty: mean
}

// Classified is the classes of a text, the most probable first.
type Classified struct {
	Reading
	Classes []ClassProbability `json:"classes"`
}

// ClassifyEach finds the classes of texts or pairs, and calls use with those of each, in order. The model must have the head classify.
// Short texts are computed together. Of a text that is longer than the model reads at once the outputs before the softmax, or of
// independent classes before the sigmoid, are those of its chunks, joined as o says.
func (s *Session) ClassifyEach(ctx context.Context, texts []Pair, o ClassifyOptions, use func(i int, c Classified) error) error {
	if head := s.m.spec.Head.Kind; head != Classify {
		return fmt.Errorf("model: found the head %s, expected classify", head)
	}
	join, joined := outputs.mean, "the mean of their outputs, by the tokens they keep"
	switch o.Chunks {
	case "", "mean":
	case "max":
		join, joined = outputs.largest, "the largest of their outputs"
	default:
		return fmt.Errorf("model: found %q for the outputs of chunks, expected mean or max", o.Chunks)
	}
	return s.eachOutput(ctx, texts, asked{options: o.ReadOptions, joined: joined}, func(i int, out outputs) error {
		c := Classified{Reading: out.d.reading}
		for class, p := range s.m.probabilities(join(out)) {
			c.Classes = append(c.Classes, ClassProbability{s.m.className(class), p})
		}
		sort.SliceStable(c.Classes, func(i, j int) bool { return c.Classes[i].Probability > c.Classes[j].Probability })
		return use(i, c)
	})
}

// Classify is [Session.ClassifyEach] with the results in a slice.
func (s *Session) Classify(ctx context.Context, texts []Pair, o ClassifyOptions) ([]Classified, error) {
	all := make([]Classified, 0, len(texts))
	err := s.ClassifyEach(ctx, texts, o, func(_ int, c Classified) error {
		all = append(all, c)
		return nil
	})
	return all, err
}
