package summarize

import (
	"slices"

	"github.com/longspan/longspan/rouge"
)

// bestSingles is the number of sentences among which the oracle looks: those that are best alone.
const bestSingles = 60

// oracle returns the sentences that are the best summary that greedy search finds: one after the other, the sentence that raises
// ROUGE-1 F1 + ROUGE-2 F1 most, until none raises it or fits (Nallapati et al. 2017, arXiv:1611.04230, section 3.1). They are the labels
// that scorers learn from, and a bound that no summary of whole sentences should pass by much.
func (t *Text) oracle(reference string, b Budget) []int {
	g := newGain(reference)
	rows := make([]gramCounts, len(t.Sentences))
	var order []int
	alone := make([]float64, len(t.Sentences))
	for i, s := range t.Sentences {
		if s.Candidate && (b.Words == 0 || s.Words <= b.Words) {
			rows[i] = g.read(s.Text)
			if alone[i] = g.with(&rows[i]); alone[i] > 0 {
				order = append(order, i)
			}
		}
	}
	slices.SortStableFunc(order, func(i, j int) int { return descending(alone[i], alone[j]) })
	order = order[:min(len(order), bestSingles)]
	var chosen []int
	left, score := b.Words, 0.0
	for b.Sentences == 0 || len(chosen) < b.Sentences {
		best, top := -1, score
		for k, i := range order {
			if i < 0 || b.Words > 0 && t.Sentences[i].Words > left {
				continue
			}
			if value := g.with(&rows[i]); value > top {
				best, top = k, value
			}
		}
		if best < 0 {
			break
		}
		i := order[best]
		order[best] = -1
		g.take(&rows[i])
		chosen = append(chosen, i)
		left, score = left-t.Sentences[i].Words, top
	}
	slices.Sort(chosen)
	return chosen
}

// gain is ROUGE-1 F1 + ROUGE-2 F1 of a summary that grows.
type gain struct {
	ids       map[string]int32 // of the tokens and pairs of the reference, from 1
	reference [2][]int32       // how often the reference has each
	has       [2][]int32       // how often the summary has each
	total     [2]int           // tokens and pairs of the reference
	size      [2]int           // of the summary
	hits      [2]int
}

// gramCounts are the tokens and pairs of a sentence that the reference has, and the numbers of all.
type gramCounts struct {
	grams [2][]int32 // numbers of tokens and of pairs; a repeated one is there as often
	size  [2]int
}

func newGain(reference string) *gain {
	g := &gain{ids: map[string]int32{}}
	tokens := rouge.Tokens(reference, true)
	for n := range 2 {
		g.reference[n] = []int32{0}
		eachGram(tokens, n, func(gram string) {
			id, ok := g.ids[gram]
			if !ok {
				id = int32(len(g.reference[n]))
				g.ids[gram] = id
				g.reference[n] = append(g.reference[n], 0)
			}
			g.reference[n][id]++
			g.total[n]++
		})
		g.has[n] = make([]int32, len(g.reference[n]))
	}
	return g
}

// eachGram yields tokens (n = 0) or pairs of neighbours (n = 1), which have a space.
func eachGram(tokens []string, n int, use func(string)) {
	for i := n; i < len(tokens); i++ {
		if n == 0 {
			use(tokens[i])
		} else {
			use(tokens[i-1] + " " + tokens[i])
		}
	}
}

// countGrams counts the tokens of a text, and its pairs of neighbours, which have a space.
func countGrams(text string) map[string]int {
	counts, tokens := map[string]int{}, rouge.Tokens(text, true)
	for n := range 2 {
		eachGram(tokens, n, func(gram string) { counts[gram]++ })
	}
	return counts
}

func (g *gain) read(sentence string) (c gramCounts) {
	tokens := rouge.Tokens(sentence, true)
	for n := range 2 {
		eachGram(tokens, n, func(gram string) {
			c.size[n]++
			if id := g.ids[gram]; id > 0 {
				c.grams[n] = append(c.grams[n], id)
			}
		})
	}
	return c
}

// with is the value of the summary with a sentence more.
func (g *gain) with(c *gramCounts) (value float64) {
	for n := range 2 {
		hits := g.hits[n]
		for _, id := range c.grams[n] {
			if g.has[n][id] < g.reference[n][id] {
				hits++
			}
			g.has[n][id]++
		}
		for _, id := range c.grams[n] {
			g.has[n][id]--
		}
		if sum := g.size[n] + c.size[n] + g.total[n]; sum > 0 {
			value += 2 * float64(hits) / float64(sum)
		}
	}
	return value
}

// take adds a sentence to the summary.
func (g *gain) take(c *gramCounts) {
	for n := range 2 {
		for _, id := range c.grams[n] {
			if g.has[n][id] < g.reference[n][id] {
				g.hits[n]++
			}
			g.has[n][id]++
		}
		g.size[n] += c.size[n]
	}
}
