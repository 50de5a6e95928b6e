package summarize

import (
	"context"
	"fmt"
	"math"
	"slices"
)

// Budget is how long a summary may be. One of its numbers is positive.
type Budget struct {
	Words     int // most words of all its sentences
	Sentences int // number of sentences
}

// DefaultWords is the length of a summary by default.
const DefaultWords = 150

// redundancy is how much a sentence loses for its cosine with what is chosen: in standard deviations of the scores, for a cosine of 1.
const redundancy = 0.5

// alike is the cosine from which two sentences say the same: the second is not chosen.
const alike = 0.9

// scores are what a scorer gives, one finite number a sentence.
func (t *Text) scores(ctx context.Context, scorer Scorer) ([]float32, error) {
	scores, err := scorer.Score(ctx, t)
	if err != nil {
		return nil, err
	}
	if len(scores) != len(t.Sentences) {
		return nil, fmt.Errorf("summarize: found %d scores for %d sentences, expected one each", len(scores), len(t.Sentences))
	}
	for i, v := range scores {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return nil, fmt.Errorf("summarize: found the score %g of sentence %d, expected a finite number; the scorer's weights are too large",
				v, i)
		}
	}
	return scores, nil
}

// summary returns the sentences of a summary in the order of the document. scores are what the scorer gave, and standard what sentences
// count by: the standardised scores, and what a query adds.
func (t *Text) summary(ctx context.Context, scorer Scorer, scores []float32, standard []float64, b Budget) ([]int, error) {
	w, ok := scorer.(Weigher)
	if !ok || t.foreign { // what is expected was learned from English
		return t.choose(ctx, standard, b, redundancy)
	}
	list, err := t.listed(ctx, standard, b)
	if err != nil {
		return nil, err
	}
	m, err := w.Weigh(ctx, t, scores, list)
	if err != nil {
		return nil, err
	}
	if err := m.check(t); err != nil {
		return nil, err
	}
	return t.chooseExpected(ctx, list, m, b, t.bonus())
}

// choose returns the sentences of a summary in the order of the document, by maximal marginal relevance (Carbonell and Goldstein 1998):
// the sentence with the largest score minus lambda times its largest cosine with those that are chosen, if it fits into the rest of the
// budget, until no candidate fits. With lambda, sentences that say the same are chosen once. Scores should have a standard deviation of 1.
// Cost: linear in the text for each sentence that is chosen.
func (t *Text) choose(ctx context.Context, scores []float64, b Budget, lambda float64) (chosen []int, err error) {
	n := len(t.Sentences)
	left := b.Words
	open := make([]bool, n)
	for i, s := range t.Sentences {
		open[i] = s.Candidate
	}
	near, dense := make([]float64, n), make([]float64, t.size)
	for b.Sentences == 0 || len(chosen) < b.Sentences {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		best, top := -1, math.Inf(-1)
		for i, s := range t.Sentences {
			if !open[i] || b.Words > 0 && s.Words > left || lambda > 0 && near[i] > alike {
				continue
			}
			if gain := scores[i] - lambda*near[i]; gain > top {
				best, top = i, gain
			}
		}
		if best < 0 {
			break
		}
		chosen = append(chosen, best)
		open[best] = false
		left -= t.Sentences[best].Words
		if lambda != 0 {
			t.resemble(near, dense, best)
		}
	}
	slices.Sort(chosen)
	return chosen, nil
}

// resemble raises the largest cosine of each sentence with what is chosen by that with sentence i.
func (t *Text) resemble(near, dense []float64, i int) {
	t.scatter(dense, i, 1)
	for j := range near {
		near[j] = max(near[j], t.dot(dense, j))
	}
	t.unscatter(dense, i)
}

// standardise gives the scores of candidates the mean 0 and the standard deviation 1.
func (t *Text) standardise(scores []float32) []float64 {
	sum, squares, n := 0.0, 0.0, 0
	for i, s := range t.Sentences {
		if s.Candidate {
			sum += float64(scores[i])
			n++
		}
	}
	mean := sum / float64(max(1, n))
	for i, s := range t.Sentences {
		if s.Candidate {
			squares += (float64(scores[i]) - mean) * (float64(scores[i]) - mean)
		}
	}
	scale := math.Sqrt(squares / float64(max(1, n)))
	if scale == 0 {
		scale = 1
	}
	out := make([]float64, len(scores))
	for i, v := range scores {
		out[i] = (float64(v) - mean) / scale
	}
	return out
}
