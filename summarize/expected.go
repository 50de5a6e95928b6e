package summarize

import (
	"context"
	"math"
	"slices"
)

// The sentences among which the expected summary is sought: those with the largest scores, at least so many, and so many times the budget.
const (
	fewestListed = 60
	timesListed  = 4
)

// mostTried bounds the sentences that the exchanges try, some microsecond each.
const mostTried = 200_000

// cover is a summary that grows and shrinks, with the hits that are expected of it. A term that the summary has k times hits with the sum
// of its first k levels: E[min(k, n)] = Σ_{j ≤ k} P(n ≥ j), for the number n that the reference has.
type cover struct {
	importance *Importance
	tokens     float64   // expected of the reference
	terms      [][]int32 // of each listed sentence
	pairs      [][]int32 // numbers of pairs in each listed sentence
	weight     []float32 // of each pair
	bonus      []float64 // of each listed sentence
	words      []int

	has   [2][]int32 // how often the summary has each term and each pair
	sums  sums
	inAny []bool // the listed sentences that are in the summary
	left  int    // words
	count int    // sentences
}

// sums are what the value of a summary needs.
type sums struct {
	hits  [2]float64
	size  [2]int // tokens and pairs
	bonus float64
}

// newCover numbers the pairs of the listed sentences.
func (t *Text) newCover(list []int, m *Importance, bonus []float64, words int) *cover {
	c := &cover{importance: m, tokens: m.tokens(), inAny: make([]bool, len(list)), left: words}
	numbers := map[gram]int32{}
	for _, i := range list {
		order := t.sequence(i)
		var pairs []int32
		for k := 1; k < len(order); k++ {
			pair := gram{order[k-1], order[k]}
			number, ok := numbers[pair]
			if !ok {
				number = int32(len(c.weight))
				numbers[pair] = number
				c.weight = append(c.weight, m.Pairs[pair])
			}
			pairs = append(pairs, number)
		}
		c.terms, c.pairs = append(c.terms, order), append(c.pairs, pairs)
		c.words = append(c.words, t.Sentences[i].Words)
		extra := 0.0
		if bonus != nil {
			extra = bonus[i]
		}
		c.bonus = append(c.bonus, extra)
	}
	c.has = [2][]int32{make([]int32, t.size), make([]int32, len(c.weight))}
	return c
}

// value is ROUGE-1 F1 + ROUGE-2 F1 as expected, and the bonus: 2·hits/(size + size of the reference) for each.
func (c *cover) value() float64 {
	v := c.sums.bonus
	for n, hits := range c.sums.hits {
		if hits > 0 {
			v += 2 * hits / (float64(c.sums.size[n]) + max(0, c.tokens-float64(n)))
		}
	}
	return v
}

// add adds a listed sentence.
func (c *cover) add(x int) {
	for _, term := range c.terms[x] {
		if k := c.has[0][term]; k < levels {
			c.sums.hits[0] += float64(c.importance.Terms[term][k])
		}
		c.has[0][term]++
	}
	for _, pair := range c.pairs[x] {
		if c.has[1][pair] == 0 {
			c.sums.hits[1] += float64(c.weight[pair])
		}
		c.has[1][pair]++
	}
	c.resize(x, 1)
}

// remove takes a listed sentence out.
func (c *cover) remove(x int) {
	for _, term := range c.terms[x] {
		c.has[0][term]--
		if k := c.has[0][term]; k < levels {
			c.sums.hits[0] -= float64(c.importance.Terms[term][k])
		}
	}
	for _, pair := range c.pairs[x] {
		c.has[1][pair]--
		if c.has[1][pair] == 0 {
			c.sums.hits[1] -= float64(c.weight[pair])
		}
	}
	c.resize(x, -1)
}

func (c *cover) resize(x, by int) {
	c.sums.size[0] += by * len(c.terms[x])
	c.sums.size[1] += by * len(c.pairs[x])
	c.sums.bonus += float64(by) * c.bonus[x]
	c.left -= by * c.words[x]
	c.count += by
	c.inAny[x] = by > 0
}

// with is the value with a sentence more. The sums are set back, so that they do not drift.
func (c *cover) with(x int) float64 {
	before := c.sums
	c.add(x)
	v := c.value()
	c.remove(x)
	c.sums = before
	return v
}

// chooseExpected returns the sentences, in the order of the document, whose expected ROUGE-1 F1 + ROUGE-2 F1 is the largest that a search
// finds, when the reference is not known but by the importance of its terms and pairs: a submodular cover of concepts (Gillick and Favre
// 2009, "A Scalable Global Model for Summarization"; Lin and Bilmes 2011) with ROUGE's own normalisation, which tells when to stop. The
// sentence with the largest gain a word comes next, until none gains or fits; then sentences are exchanged, added and taken out while
// that gains. A budget of words is filled to leastFilled at least, and one of sentences all. Only listed sentences are chosen. bonus, if
// not nil, is added for each sentence.
//
// Cost: the terms of the listed sentences for each that is chosen, and for each exchange again.
func (t *Text) chooseExpected(ctx context.Context, list []int, m *Importance, b Budget, bonus []float64) ([]int, error) {
	c := t.newCover(list, m.times(t.lengths(list, m, b)), bonus, b.Words)
	if err := c.fill(ctx, b); err != nil {
		return nil, err
	}
	c.exchange(b)
	var chosen []int
	for x, i := range list {
		if c.inAny[x] {
			chosen = append(chosen, i)
		}
	}
	slices.Sort(chosen)
	return chosen, nil
}

// lengths is how many summaries of the usual length a budget holds.
func (t *Text) lengths(list []int, m *Importance, b Budget) float64 {
	if b.Words > 0 {
		return float64(b.Words) / float64(m.Words)
	}
	words := 0
	for _, i := range list {
		words += t.Sentences[i].Words
	}
	return float64(b.Sentences) * float64(words) / (float64(max(1, len(list))) * float64(m.Words))
}

// listed are the candidates with the largest scores that fit, each unlike those before it.
func (t *Text) listed(ctx context.Context, scores []float64, b Budget) (list []int, err error) {
	var order []int
	for i, s := range t.Sentences {
		if s.Candidate && (b.Words == 0 || s.Words <= b.Words) {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int { return descending(scores[i], scores[j]) })
	dense, words := make([]float64, t.size), 0
	for k, i := range order {
		if len(list) >= fewestListed && words/timesListed >= b.Words && len(list)/timesListed >= b.Sentences { // products could overflow
			break
		}
		if k%256 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		t.scatter(dense, i, 1)
		if !slices.ContainsFunc(list, func(j int) bool { return t.dot(dense, j) > alike }) {
			list = append(list, i)
			words += t.Sentences[i].Words
		}
		t.unscatter(dense, i)
	}
	return list, nil
}

// fill adds the sentence with the largest gain a word, or the largest gain if words are not counted, again and again.
func (c *cover) fill(ctx context.Context, b Budget) error {
	for b.Sentences == 0 || c.count < b.Sentences {
		if err := ctx.Err(); err != nil {
			return err
		}
		now, best, top := c.value(), -1, math.Inf(-1)
		for x := range c.terms {
			if c.inAny[x] || b.Words > 0 && c.words[x] > c.left {
				continue
			}
			gain := c.with(x) - now
			if b.Words > 0 {
				gain /= float64(max(1, c.words[x]))
			}
			if gain > top {
				best, top = x, gain
			}
		}
		if best < 0 || top <= 0 && c.enough(b, c.left) {
			return nil
		}
		c.add(best)
	}
	return nil
}

// leastFilled is the share of a budget of words that a summary has, if there are sentences that fit: who asks for 150 words is not content
// with 20. Summaries of papers end by themselves near 0.8; more than a third here would add sentences that say little.
const leastFilled = 1. / 3

// enough reports whether a summary that leaves some words of its budget is long enough.
func (c *cover) enough(b Budget, left int) bool {
	return b.Words > 0 && float64(b.Words-left) >= leastFilled*float64(b.Words)
}

// leastGain is what an exchange must gain, so that rounding makes none.
const leastGain = 1e-9

// exchange makes the best change, of one sentence for another, one more or one less, until none gains.
func (c *cover) exchange(b Budget) {
	for tried := 0; tried+(c.count+1)*len(c.terms) <= mostTried; {
		now := c.value()
		out, in, top := -1, -1, now+leastGain
		for y := -1; y < len(c.terms); y++ {
			if y >= 0 && !c.inAny[y] {
				continue
			}
			before, leftBefore := c.sums, c.left
			if y >= 0 {
				c.remove(y)
			}
			if v := c.value(); y >= 0 && c.enough(b, c.left) && v > top {
				out, in, top = y, -1, v
			}
			for x := range c.terms {
				if x == y || c.inAny[x] || b.Words > 0 && c.words[x] > c.left || b.Sentences > 0 && c.count >= b.Sentences {
					continue
				}
				if left := c.left - c.words[x]; y >= 0 && b.Words > 0 && left > leftBefore && !c.enough(b, left) {
					continue
				}
				tried++
				if v := c.with(x); v > top {
					out, in, top = y, x, v
				}
			}
			if y >= 0 {
				c.add(y)
				c.sums = before
			}
		}
		if out < 0 && in < 0 {
			return
		}
		if out >= 0 {
			c.remove(out)
		}
		if in >= 0 {
			c.add(in)
		}
	}
}
