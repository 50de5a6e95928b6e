package summarize

import (
	"context"
	"errors"
	"fmt"
	"math"
)

// levels is the number of times that an Importance counts a term. Summaries of 150 words seldom have a term more often.
const levels = 8

// Importance is what a summary of a text, as a person would write it, is expected to have. Sentences are chosen by it.
type Importance struct {
	// Terms has an element for each term of the text. Its element k is the probability that the summary has the term more than k times,
	// 0 … 1, falling in k.
	Terms [][levels]float32
	// Pairs has the probability that the summary has two terms as neighbours. A pair that is not there has the probability 0.
	Pairs map[gram]float32
	// Words is the most words of the summaries that the probabilities were learned from.
	Words int
}

// newImportance expects nothing of a summary.
func newImportance(t *Text, words int) *Importance {
	return &Importance{Terms: make([][levels]float32, t.size), Pairs: map[gram]float32{}, Words: words}
}

// set sets the probabilities of rows. The levels of a term follow each other, and fall.
func (m *Importance) set(rows []gramRow, p []float32) {
	for i, r := range rows {
		if r.gram[1] >= 0 {
			m.Pairs[r.gram] = p[i]
			continue
		}
		levels := &m.Terms[r.gram[0]]
		levels[r.level] = p[i]
		if r.level > 0 {
			levels[r.level] = min(p[i], levels[r.level-1])
		}
	}
}

// Weigher tells what a summary is expected to have. A Scorer that is a Weigher too has sentences chosen by what they add to that; any
// other has them chosen by maximal marginal relevance. The scores are those that the Scorer has given; listed are the sentences whose terms
// and pairs count: what stands in no other may have the probability 0.
type Weigher interface {
	Weigh(ctx context.Context, t *Text, scores []float32, listed []int) (*Importance, error)
}

// check refuses an importance that is not of a text.
func (m *Importance) check(t *Text) error {
	if m == nil {
		return errors.New("summarize: found no importance of terms, expected some of the Weigher")
	}
	if len(m.Terms) != t.size || m.Words < 1 {
		return fmt.Errorf("summarize: found the importance of %d terms for summaries of %d words, expected %d terms and a positive number",
			len(m.Terms), m.Words, t.size)
	}
	for term, all := range m.Terms {
		before := float32(1)
		for k, p := range all {
			if !(p >= 0 && p <= before) {
				return fmt.Errorf("summarize: found the probability %g that a summary has %q more than %d times, expected 0 to %g", p, t.names[term],
					k, before)
			}
			before = p
		}
	}
	for pair, p := range m.Pairs {
		if !(p >= 0 && p <= 1) {
			return fmt.Errorf("summarize: found the probability %g of the pair of terms %v, expected 0 to 1", p, pair)
		}
	}
	return nil
}

// tokens is the expected number of tokens of the summary: the sum of the probabilities of all levels.
func (m *Importance) tokens() (sum float64) {
	for i := range m.Terms {
		for _, p := range m.Terms[i] {
			sum += float64(p)
		}
	}
	return sum
}

// times returns the importance for summaries that are some times as long, as if that many people had each written one: 1 − (1 − p)^times.
// Levels keep their meaning but for that, so that a longer summary is expected to have more terms, not the same ones more often.
func (m *Importance) times(times float64) *Importance {
	if times == 1 {
		return m
	}
	scale := func(p float32) float32 { return float32(1 - math.Pow(1-float64(p), times)) }
	out := &Importance{Terms: make([][levels]float32, len(m.Terms)), Pairs: make(map[gram]float32, len(m.Pairs)), Words: m.Words}
	for i := range m.Terms {
		for k, p := range m.Terms[i] {
			out.Terms[i][k] = scale(p)
		}
	}
	for pair, p := range m.Pairs {
		out.Pairs[pair] = scale(p)
	}
	return out
}
