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

// meanOdds are the log-odds that a summary has a term or a pair of the listed sentences, whichever it is: what an encoder alone corrects.
type meanOdds struct {
	Levels [levels]float32 `json:"levels"` // of terms
	Pair   float32         `json:"pair"`
}

// learnMeanOdds computes the mean odds of documents.
func learnMeanOdds(rows []known) *meanOdds {
	var hits, all [levels + 1]float64
	count := func(k int, has bool) {
		all[k]++
		if has {
			hits[k]++
		}
	}
	for i := range rows {
		has, t := countGrams(rows[i].example.reference()), rows[i].text
		w := rows[i].importance.wanted()
		for _, term := range w.terms {
			for k, p := range rows[i].importance.Terms[term] {
				if p > 0 {
					count(k, has[t.names[term]] > k)
				}
			}
		}
		for _, pair := range w.pairs {
			count(levels, has[t.name(pair)] > 0)
		}
	}
	o := &meanOdds{}
	for k := range o.Levels {
		o.Levels[k] = logOdds(float32((hits[k] + 1) / (all[k] + 2)))
	}
	o.Pair = logOdds(float32((hits[levels] + 1) / (all[levels] + 2)))
	return o
}

// instead returns importance with the mean odds in place of what the features tell.
func (o *meanOdds) instead(i *Importance) *Importance {
	out := &Importance{Terms: slices.Clone(i.Terms), Pairs: make(map[gram]float32, len(i.Pairs)), Words: i.Words}
	for term := range out.Terms {
		before := float32(1)
		for k, p := range out.Terms[term] {
			if p > 0 {
				before = min(before, probability(o.Levels[k])) // a level that no document reached has odds of its own
				out.Terms[term][k] = before
			}
		}
	}
	for pair := range i.Pairs {
		out.Pairs[pair] = probability(o.Pair)
	}
	return out
}
