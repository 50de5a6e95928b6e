package summarize

import (
	"math"
	"slices"
)

// wanted are terms and pairs of a text about which is asked, in order.
type wanted struct {
	terms []int32
	pairs []gram
}

// wanted are the terms and pairs that may be in the summary.
func (i *Importance) wanted() (w wanted) {
	for term := range i.Terms {
		if i.Terms[term][0] > 0 {
			w.terms = append(w.terms, int32(term))
		}
	}
	for pair, p := range i.Pairs {
		if p > 0 {
			w.pairs = append(w.pairs, pair)
		}
	}
	slices.SortFunc(w.pairs, func(a, b gram) int { return slices.Compare(a[:], b[:]) })
	return w
}

// corrected adds what was found to the log-odds. All levels of a term have the same correction.
func (i *Importance) corrected(w wanted, e examined) *Importance {
	out := &Importance{Terms: slices.Clone(i.Terms), Pairs: make(map[gram]float32, len(i.Pairs)), Words: i.Words}
	for g, term := range w.terms {
		for k, p := range i.Terms[term] {
			if p > 0 {
				out.Terms[term][k] = probability(logOdds(p) + e.terms[g])
			}
		}
	}
	for g, pair := range w.pairs {
		out.Pairs[pair] = probability(logOdds(i.Pairs[pair]) + e.pairs[g])
	}
	return out
}

// certain bounds probabilities whose log-odds are taken.
const certain = 1e-6

func logOdds(p float32) float32 {
	q := min(1-certain, max(certain, float64(p)))
	return float32(math.Log(q / (1 - q)))
}

func probability(odds float32) float32 { return float32(1 / (1 + math.Exp(-float64(odds)))) }
