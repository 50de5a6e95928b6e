package model

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
)

// RankOptions set how passages are ranked.
type RankOptions struct {
	ReadOptions
	Label         string // of a classifier: the class whose probability is the score
	Raw           bool   // scores are outputs of the head, not put through the sigmoid or the softmax
	QueryPrompt   string // of a model that gives vectors: stands before the query; see Model.PromptText
	PassagePrompt string // likewise, before each passage
}

// Ranked is a passage with its score. A higher score is better.
type Ranked struct {
	Reading
	Index int     `json:"index"` // of the passage in the arguments
	Score float64 `json:"score"` // a probability, 0 … 1, a cosine, or with Raw an output
	From  int     `json:"from"`  // the bytes of the passage that have the score: all, or those of the best chunk
	To    int     `json:"to"`
}

// Rank returns passages, the best answer to a query first. A model with the head regress, or with classify and o.Label, reads the query
// with each passage (a cross-encoder); the score is the sigmoid of the number, or the probability of the label. A model with the head embed
// reads the query and the passages by themselves; the score is the cosine of the vectors. A passage that is longer than the model reads at
// once has the score of its best chunk.
func (s *Session) Rank(ctx context.Context, query string, passages []string, o RankOptions) ([]Ranked, error) {
	if query == "" {
		return nil, errors.New("model: the query is empty, expected something to look for")
	}
	score, err := s.scorer(ctx, query, o)
	if err != nil {
		return nil, err
	}
	pairs := make([]Pair, len(passages))
	w := asked{options: o.ReadOptions, joined: "the score is that of the best chunk"}
	for i, p := range passages {
		if p == "" {
			return nil, &TextError{i, len(passages), errEmpty}
		}
		if pairs[i] = (Pair{query, p}); s.m.spec.Head.Kind == Embed {
			pairs[i], w.prompt = Pair{First: p}, o.PassagePrompt
		}
	}
	all := make([]Ranked, 0, len(passages))
	err = s.eachOutput(ctx, pairs, w, func(i int, out outputs) error {
		r := Ranked{Reading: out.d.reading, Index: i, Score: math.Inf(-1), To: len(passages[i])}
		for k, rows := range out.rows {
			if v := score(rows.Row(0)); v > r.Score {
				r.Score = v
				if len(out.rows) > 1 {
					p := out.d.pieces[k]
					r.From, r.To = int(out.d.e.Offsets[out.d.from+p.from].From), int(out.d.e.Offsets[out.d.from+p.to-1].To)
				}
			}
		}
		all = append(all, r)
		return nil
	})
	sort.SliceStable(all, func(i, j int) bool { return all[i].Score > all[j].Score })
	return all, err
}

// scorer is the score of the outputs of a passage.
func (s *Session) scorer(ctx context.Context, query string, o RankOptions) (func([]float32) float64, error) {
	head := s.m.spec.Head
	if o.Label != "" && head.Kind != Classify {
		return nil, fmt.Errorf("model: found the label %q for the head %s, expected one for classify alone", o.Label, head.Kind)
	}
	switch head.Kind {
	case Regress:
		return func(out []float32) float64 {
			if o.Raw {
				return s.m.answers.Value(float64(out[0]))
			}
			return 1 / (1 + math.Exp(-s.m.answers.Value(float64(out[0]))))
		}, nil
	case Classify:
		class := slices.Index(s.m.answers.Classes, o.Label)
		if class < 0 {
			return nil, fmt.Errorf("model: found the label %q for a score, expected one of %q", o.Label, s.m.answers.Classes)
		}
		return func(out []float32) float64 {
			if o.Raw {
				return float64(out[class])
			}
			return s.m.probabilities(out)[class]
		}, nil
	case Embed:
		made, err := s.Embed(ctx, []string{query}, EmbedOptions{ReadOptions: o.ReadOptions, Prompt: o.QueryPrompt})
		if err != nil {
			return nil, err
		}
		return func(out []float32) float64 { return Cosine(made[0].Vectors[0].Vector, out) }, nil
	}
	return nil, fmt.Errorf("model: found the head %s, expected regress, classify or embed", head.Kind)
}

// Cosine is the cosine of two vectors, or 0 if one is zero.
func Cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}
