package summarize

import (
	"context"
	"math"
)

// The numbers of buckets of the priors of terms, by level, and of pairs.
const (
	termBuckets = 1 << 14
	pairBuckets = 1 << 16
)

// prior is the log odds that a summary has a gram that stands in the listed sentences of its document, as the training documents have it.
// Units share buckets by a hash. Odds have 8 bits.
type prior []uint8

// The log odds of the smallest and the largest value of a prior.
const leastOdds, mostOdds = -8.0, 4.0

func (p prior) of(bucket int) float64 {
	return leastOdds + float64(p[bucket])*(mostOdds-leastOdds)/math.MaxUint8
}

// quantised is the value of a probability.
func quantised(p float64) uint8 {
	odds := math.Log(p / (1 - p))
	return uint8(math.Round((max(leastOdds, min(mostOdds, odds)) - leastOdds) / (mostOdds - leastOdds) * math.MaxUint8))
}

// weigher is the model of one kind of grams: a network from the features of a gram to the log odds that the summary has it.
type weigher struct {
	kind        *gramKind
	network     *network
	mean, scale []float32
	prior       prior
}

// gramKind is a kind of grams: terms, with a row of features for each level, or pairs.
type gramKind struct {
	name    string // prefix of its tensors
	terms   int
	levels  int
	buckets int
	extra   []string // names of features
}

var (
	termKind = &gramKind{"terms.", 1, levels, termBuckets, termFeatures}
	pairKind = &gramKind{"pairs.", 2, 1, pairBuckets, pairFeatures}
)

// width is the number of features.
func (k *gramKind) width() int { return len(gramFeatures) + len(k.extra) }

// gramRow is a gram at a level from 0: that the summary has it more than so many times.
type gramRow struct {
	gram   gram
	level  int
	bucket int
}

// rows computes the features of the grams of the listed sentences, a row for each level that the text reaches; before they are
// standardised, and without the prior. terms has the probabilities of the terms if grams are pairs.
func (s *surroundings) rows(k *gramKind, terms *Importance) (rows []gramRow, x []float32) {
	grams, tallies := s.tallies(k.terms)
	t := s.text
	for i, u := range grams {
		name := t.name(u)
		for level := 0; level < k.levels && float32(level) < tallies[i].count; level++ {
			rows = append(rows, gramRow{u, level, bucketOf(name, uint64(level), k.buckets)})
			x = append(x, make([]float32, k.width())...)
			f := featureRow{x[len(x)-k.width():], 0}
			s.append(&f, &tallies[i])
			f.n = len(gramFeatures)
			if k.terms == 1 {
				s.appendTerm(&f, u[0], level, &tallies[i])
			} else {
				s.appendPair(&f, u, terms)
			}
		}
	}
	return rows, x
}

// priorColumn is the place of the prior among the features.
var priorColumn = len(gramFeatures) - 1

// fill writes the priors of rows, and standardises them.
func (w *weigher) fill(rows []gramRow, x []float32) {
	for i, r := range rows {
		x[i*w.kind.width()+priorColumn] = float32(w.prior.of(r.bucket))
	}
	standardise(x, w.mean, w.scale)
}

// probabilities computes how probable each row of standardised features is.
func (w *weigher) probabilities(x []float32, threads int) ([]float32, error) {
	if len(x) == 0 {
		return nil, nil
	}
	out, err := w.network.scores(x, threads)
	for i, odds := range out {
		out[i] = probability(odds)
	}
	return out, err
}

// Weigh implements Weigher. Cost: linear in the text, and a small network for each term and each pair of the listed sentences.
func (m *Features) Weigh(ctx context.Context, t *Text, scores []float32, listed []int) (*Importance, error) {
	s, out := t.surround(scores, listed, m.Card.Words), newImportance(t, m.Card.Words)
	for _, w := range []*weigher{m.terms, m.pairs} { // pairs read the importance of terms
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		rows, x := s.rows(w.kind, out)
		w.fill(rows, x)
		p, err := w.probabilities(x, t.threads)
		if err != nil {
			return nil, err
		}
		out.set(rows, p)
	}
	return out, nil
}
