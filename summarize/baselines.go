package summarize

import (
	"context"
	"math"

	"github.com/longspan/longspan/internal/random"
	"github.com/longspan/longspan/rouge"
)

// System is a way of making summaries that evaluations compare.
type System struct {
	Name   string
	choose func(ctx context.Context, t *Text, e *Example, b Budget) ([]int, error)
}

// Scored is the system that chooses as Summarize does: by what a summary is expected to have if the Scorer is a Weigher, or as Ranked.
func Scored(name string, s Scorer) System {
	return System{name, func(ctx context.Context, t *Text, _ *Example, b Budget) ([]int, error) {
		scores, err := t.scores(ctx, s)
		if err != nil {
			return nil, err
		}
		return t.summary(ctx, s, scores, t.standardise(scores), b)
	}}
}

// Ranked is the system that chooses by the scores of a Scorer alone, with less redundancy (maximal marginal relevance).
func Ranked(name string, s Scorer) System {
	return System{name, func(ctx context.Context, t *Text, _ *Example, b Budget) ([]int, error) {
		scores, err := t.scores(ctx, s)
		if err != nil {
			return nil, err
		}
		return t.choose(ctx, t.standardise(scores), b, redundancy)
	}}
}

// Baselines are systems that learn nothing, from random sentences to the oracle, which knows the summary and is a bound.
func Baselines(seed uint64) []System {
	return []System{
		{"random", func(ctx context.Context, t *Text, e *Example, b Budget) ([]int, error) {
			draw := random.NewSplitMix(seed, uint64(bucket(e.ID)), uint64(len(t.Sentences)))
			return t.choose(ctx, each(t, func(int) float64 { return float64(draw.Next() >> 11) }), b, 0)
		}},
		{"lead", func(ctx context.Context, t *Text, _ *Example, b Budget) ([]int, error) {
			return t.choose(ctx, each(t, func(i int) float64 { return -float64(i) }), b, 0)
		}},
		{"introduction and conclusion", func(ctx context.Context, t *Text, _ *Example, b Budget) ([]int, error) {
			return t.bothEnds(ctx, b)
		}},
		{"LexRank", func(ctx context.Context, t *Text, _ *Example, b Budget) ([]int, error) {
			near, err := t.lexrankAbove(ctx, lexrankThreshold)
			if err != nil {
				return nil, err
			}
			return t.unlike(ctx, near, b)
		}},
		{"centroid and MMR", func(ctx context.Context, t *Text, _ *Example, b Budget) ([]int, error) {
			all := make([]int, len(t.Sentences))
			scores := make([]float32, len(all))
			for i := range all {
				all[i] = i
			}
			for i, c := range t.cosines(all) {
				scores[i] = float32(c)
			}
			return t.choose(ctx, t.standardise(scores), b, redundancy)
		}},
		{"oracle", func(_ context.Context, t *Text, e *Example, b Budget) ([]int, error) {
			return t.oracle(e.reference(), b), nil
		}},
	}
}

func each(t *Text, score func(i int) float64) []float64 {
	scores := make([]float64, len(t.Sentences))
	for i := range scores {
		scores[i] = score(i)
	}
	return scores
}

// bothEnds chooses the first sentences of the introduction up to half of the words, and the first ones of the conclusion.
func (t *Text) bothEnds(ctx context.Context, b Budget) ([]int, error) {
	p := t.placement()
	in := map[int]bool{}
	for _, i := range p.conclusion {
		in[i] = true
	}
	half := Budget{Words: b.Words / 2, Sentences: b.Sentences/2 + b.Sentences%2}
	first, err := t.choose(ctx, each(t, func(i int) float64 { return -float64(i) }), half, 0)
	if err != nil {
		return nil, err
	}
	score := map[int]float64{}
	for k, i := range first {
		score[i] = float64(2*len(t.Sentences) - k)
	}
	return t.choose(ctx, each(t, func(i int) float64 {
		switch {
		case score[i] > 0:
			return score[i]
		case in[i]:
			return float64(len(t.Sentences) - i)
		}
		return -float64(i)
	}), b, 0)
}

// lexrankThreshold is the least cosine of neighbours in the graph of LexRank.
const lexrankThreshold = 0.1

// lexrankAbove is LexRank with a threshold (Erkan and Radev 2004, algorithm 3): sentences are neighbours if their cosine is above it. Time
// and memory grow with the square of the number of sentences.
func (t *Text) lexrankAbove(ctx context.Context, threshold float64) ([]float64, error) {
	n := len(t.Sentences)
	near := make([][]int32, n)
	dense := make([]float64, t.size)
	for i := range n {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		t.scatter(dense, i, 1)
		for j := i; j < n; j++ {
			if t.dot(dense, j) > threshold {
				near[i] = append(near[i], int32(j))
				if j != i {
					near[j] = append(near[j], int32(i))
				}
			}
		}
		t.unscatter(dense, i)
	}
	now, next := make([]float64, n), make([]float64, n)
	for i := range now {
		now[i] = 1 / float64(n)
	}
	for range 60 {
		for i := range next {
			next[i] = (1 - damping) / float64(n)
		}
		for i, list := range near {
			for _, j := range list {
				next[j] += damping * now[i] / float64(len(list))
			}
		}
		now, next = next, now
	}
	return now, nil
}

// unlike chooses by scores and passes over sentences that share three words in a row with what is chosen (Paulus et al. 2017,
// arXiv:1705.04304, section 2.5).
func (t *Text) unlike(ctx context.Context, scores []float64, b Budget) ([]int, error) {
	trigrams := map[[3]string]bool{}
	scores = append([]float64(nil), scores...)
	var kept []int
	for left := b; b.Sentences == 0 || left.Sentences > 0; {
		one, err := t.choose(ctx, scores, Budget{Words: left.Words, Sentences: 1}, 0)
		if err != nil {
			return nil, err
		}
		if len(one) == 0 || math.IsInf(scores[one[0]], -1) {
			break
		}
		i := one[0]
		scores[i] = math.Inf(-1)
		if t.repeats(trigrams, i) {
			continue
		}
		kept = append(kept, i)
		left.Words -= t.Sentences[i].Words
		left.Sentences--
		if b.Words > 0 && left.Words < FewestWords {
			break
		}
	}
	return sorted(kept), nil
}

// repeats reports whether sentence i has one of the trigrams; if not, its own join them.
func (t *Text) repeats(trigrams map[[3]string]bool, i int) bool {
	tokens := rouge.Tokens(t.Sentences[i].Text, false)
	for k := 2; k < len(tokens); k++ {
		if trigrams[[3]string(tokens[k-2:k+1])] {
			return true
		}
	}
	for k := 2; k < len(tokens); k++ {
		trigrams[[3]string(tokens[k-2:k+1])] = true
	}
	return false
}
