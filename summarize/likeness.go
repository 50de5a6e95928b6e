package summarize

import (
	"math"
	"slices"
)

// likeness is how much each sentence is like parts of the document.
type likeness struct {
	title, titleTerms, headings                    []float64
	centroid, lexrank, first, introduction, ending []float64
	neighbours                                     []float64
	centroidRank, lexrankRank, titleRank           []float64
}

func (l *likeness) compute(t *Text, p *placement) {
	n := len(t.Sentences)
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	l.title, l.titleTerms = t.overlap(t.title)
	l.headings, _ = t.share(t.headings)
	l.centroid, l.lexrank = t.cosines(all), t.lexrank()
	for i := range l.lexrank {
		l.lexrank[i] *= float64(n)
	}
	l.first, l.introduction, l.ending = t.cosines(all[:min(5, n)]), t.cosines(p.introduction), t.cosines(p.conclusion)
	l.neighbours = t.neighbours()
	l.centroidRank, l.lexrankRank, l.titleRank = ranked(l.centroid), ranked(l.lexrank), ranked(l.title)
}

func (l *likeness) append(f *featureRow, i int) {
	f.add(l.title[i], math.Log1p(l.titleTerms[i]), l.headings[i], l.centroid[i], l.lexrank[i], l.first[i], l.introduction[i], l.ending[i])
	f.add(l.neighbours[i], l.centroidRank[i], l.lexrankRank[i], l.titleRank[i])
}

// overlap is the share of the weight of some terms that each sentence has, and the number of those terms that it has.
func (t *Text) overlap(terms []int32) (share, count []float64) {
	share, count = t.share(terms)
	total := 0.0
	for _, term := range terms {
		total += t.weights[term]
	}
	for i := range share {
		share[i] = 0
		if total == 0 {
			continue
		}
		own, _ := t.row(i)
		for _, term := range own {
			if _, ok := slices.BinarySearch(terms, term); ok {
				share[i] += t.weights[term] / total
			}
		}
	}
	return share, count
}

// share is the share of each sentence's weight that some terms have, and the number of those terms that it has.
func (t *Text) share(terms []int32) (share, count []float64) {
	share, count = make([]float64, len(t.Sentences)), make([]float64, len(t.Sentences))
	for i := range share {
		total := 0.0
		own, _ := t.row(i)
		for _, term := range own {
			total += t.weights[term]
			if _, ok := slices.BinarySearch(terms, term); ok {
				share[i] += t.weights[term]
				count[i]++
			}
		}
		if total > 0 {
			share[i] /= total
		}
	}
	return share, count
}

// neighbours is the mean cosine of each sentence with the two before it and the two after it.
func (t *Text) neighbours() []float64 {
	n := len(t.Sentences)
	out, dense := make([]float64, n), make([]float64, t.size)
	for i := range out {
		t.scatter(dense, i, 1)
		for j := i + 1; j <= i+2 && j < n; j++ {
			c := t.dot(dense, j)
			out[i] += c / 4
			out[j] += c / 4
		}
		t.unscatter(dense, i)
	}
	return out
}

// The damping of LexRank and its number of iterations. What is left out is below damping^iterations, 4 %.
const damping, iterations = 0.85, 20

// lexrank is the continuous LexRank of each sentence (Erkan and Radev 2004, "LexRank: Graph-based Lexical Centrality as Salience in Text
// Summarization", equation 4): a random walk from sentence to sentence by their cosines. All cosines X·Xᵀ are never formed: a step is two
// products with X, so that time is linear in the text.
func (t *Text) lexrank() []float64 {
	n := len(t.Sentences)
	dense := make([]float64, t.size)
	degree, now, next := make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range n {
		t.scatter(dense, i, 1)
		now[i] = 1 / float64(n)
	}
	for i := range n {
		degree[i] = t.dot(dense, i)
	}
	for range iterations {
		clear(dense)
		lost := 0.0 // at sentences without terms, from which the walk goes anywhere
		for i := range n {
			if degree[i] > 0 {
				t.scatter(dense, i, now[i]/degree[i])
			} else {
				lost += now[i]
			}
		}
		for i := range n {
			next[i] = (1-damping+damping*lost)/float64(n) + damping*t.dot(dense, i)
		}
		now, next = next, now
	}
	return now
}

// ranked gives each value the share of the values above it.
func ranked(values []float64) []float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return descending(values[a], values[b]) })
	out := make([]float64, len(values))
	for r, i := range order {
		out[i] = float64(r) / float64(len(values))
	}
	return out
}

// descending orders the larger number first.
func descending(a, b float64) int {
	switch {
	case a > b:
		return -1
	case a < b:
		return 1
	}
	return 0
}

// wordStatistics are what the terms of each sentence are in the document.
type wordStatistics struct {
	idf, frequency, fresh    []float64 // mean weight; mean log number of sentences with a term; share of terms that are new
	repeated, pairs          []float64 // share of pairs of neighbours that come again, and their mean log number
	frequencyRank, pairsRank []float64
}

func (t *Text) wordStatistics() (w wordStatistics) {
	n := len(t.Sentences)
	for _, p := range []*[]float64{&w.idf, &w.frequency, &w.fresh, &w.repeated, &w.pairs} {
		*p = make([]float64, n)
	}
	with, seen := make([]float64, t.size), make([]bool, t.size)
	for _, term := range t.terms {
		with[term]++
	}
	for i := range n {
		terms, _ := t.row(i)
		total := 0.0
		for _, term := range terms {
			total += t.weights[term]
			w.frequency[i] += t.weights[term] * math.Log(with[term])
			if !seen[term] {
				w.fresh[i] += 1 / float64(len(terms))
				seen[term] = true
			}
		}
		w.idf[i] = total / float64(max(1, len(terms)))
		if total > 0 {
			w.frequency[i] /= total
		}
	}
	t.pairStatistics(&w)
	w.frequencyRank, w.pairsRank = ranked(w.frequency), ranked(w.pairs)
	return w
}

// pairStatistics counts pairs of neighbouring terms.
func (t *Text) pairStatistics(w *wordStatistics) {
	count := map[uint64]int32{}
	pairs := func(i int, use func(pair uint64)) {
		order := t.sequence(i)
		for k := 1; k < len(order); k++ {
			use(uint64(uint32(order[k-1]))<<32 | uint64(uint32(order[k])))
		}
	}
	for i := range t.Sentences {
		pairs(i, func(p uint64) { count[p]++ })
	}
	for i := range t.Sentences {
		all := float64(max(1, len(t.sequence(i))-1))
		pairs(i, func(p uint64) {
			if count[p] > 1 {
				w.repeated[i] += 1 / all
			}
			w.pairs[i] += math.Log(float64(count[p])) / all
		})
	}
}

func (w *wordStatistics) append(f *featureRow, i int) {
	f.add(w.idf[i], w.frequency[i], w.fresh[i], w.repeated[i], w.pairs[i], w.frequencyRank[i], w.pairsRank[i])
}
