package summarize

import (
	"math"
	"slices"
)

// gram is a term, with −1 as its second, or a pair of neighbouring terms.
type gram = [2]int32

// name is the name of a gram, as ROUGE's tokens have it: those of its terms, with a space between.
func (t *Text) name(g gram) string {
	if g[1] < 0 {
		return t.names[g[0]]
	}
	return t.names[g[0]] + " " + t.names[g[1]]
}

// eachGramOf yields the grams of sentence i with a number of terms, 1 or 2.
func (t *Text) eachGramOf(i, terms int, use func(gram)) {
	order := t.sequence(i)
	if terms == 1 {
		for _, term := range order {
			use(gram{term, -1})
		}
		return
	}
	for k := 1; k < len(order); k++ {
		use(gram{order[k-1], order[k]})
	}
}

// The kinds of sentences with a gram that are counted, or whose values are summed.
const (
	ofAll = iota
	ofIntroduction
	ofConclusion
	ofStarts // first of sections
	ofFive   // first of the document
	ofScores // sum of the standardised scores
	ofBest5
	ofBest10
	ofBest20
	ofBest40
	kinds
)

// tally is what the sentences with a gram are.
type tally struct {
	sums            [kinds]float32
	count, expected float32 // occurrences, and those in a summary that has each sentence with its probability
	sections        float32
	first, last     int // sentence
	section         int // of the last sentence
	largest         float32
}

// lowestScore is the score of a sentence that cannot be chosen, in standard deviations.
const lowestScore = -3

// surroundings are what grams are measured by.
type surroundings struct {
	text   *Text
	weight [][kinds]float32 // of each sentence
	share  []float32        // probability that the summary has it
	score  []float32        // standardised
	total  [kinds]float32   // of the weights
	place  placement
	listed []int // sentences whose grams are weighed
}

// surround computes the surroundings of the grams of some sentences from the scores of a text. words is the length of a summary. Cost:
// linear in the text.
func (t *Text) surround(scores []float32, listed []int, words int) *surroundings {
	n := len(t.Sentences)
	s := &surroundings{text: t, weight: make([][kinds]float32, n), place: t.measure().place, score: make([]float32, n), listed: listed}
	standard := t.standardise(scores)
	s.share = t.shares(scores, words)
	for i := range n {
		s.score[i] = lowestScore
		s.weight[i][ofAll] = 1
		s.weight[i][ofFive] = indicator(i < 5)
		s.weight[i][ofStarts] = indicator(s.place.place[i] == 0)
		if t.Sentences[i].Candidate {
			s.score[i] = float32(standard[i])
			s.weight[i][ofScores] = float32(standard[i])
		}
	}
	for _, i := range s.place.introduction {
		s.weight[i][ofIntroduction] = 1
	}
	for _, i := range s.place.conclusion {
		s.weight[i][ofConclusion] = 1
	}
	for rank, i := range t.best(standard, 40) {
		for k, most := range []int{5, 10, 20, 40} {
			s.weight[i][ofBest5+k] = indicator(rank < most)
		}
	}
	for i := range n {
		for k, w := range s.weight[i] {
			s.total[k] += w
		}
	}
	return s
}

func indicator(is bool) float32 {
	if is {
		return 1
	}
	return 0
}

// best are the candidates with the largest scores, the largest first, at most so many.
func (t *Text) best(scores []float64, most int) (order []int) {
	for i, s := range t.Sentences {
		if s.Candidate {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int { return descending(scores[i], scores[j]) })
	return order[:min(most, len(order))]
}

// shares turns scores, as log odds, into the probabilities that a summary of some words has the sentences.
func (t *Text) shares(scores []float32, words int) []float32 {
	out, all, sum := make([]float32, len(scores)), 0, 0.0
	for i, s := range t.Sentences {
		all += s.Words
		if s.Candidate {
			p := 1 / (1 + math.Exp(-float64(scores[i])))
			out[i] = float32(p)
			sum += p * float64(s.Words)
		}
	}
	scale := float64(min(words, all)) / max(sum, 1e-9)
	for i, p := range out {
		out[i] = float32(min(1, float64(p)*scale))
	}
	return out
}

// tallies numbers the grams of the listed sentences in the order of their first places in the list, and tallies them over the whole text.
func (s *surroundings) tallies(terms int) ([]gram, []tally) {
	numbers := map[gram]int32{}
	var all []gram
	for _, i := range s.listed {
		s.text.eachGramOf(i, terms, func(u gram) {
			if _, ok := numbers[u]; !ok {
				numbers[u] = int32(len(all))
				all = append(all, u)
			}
		})
	}
	tallies := make([]tally, len(all))
	for u := range tallies {
		tallies[u].last, tallies[u].section, tallies[u].largest = -1, -1, lowestScore
	}
	for i, sentence := range s.text.Sentences {
		s.text.eachGramOf(i, terms, func(u gram) {
			number, ok := numbers[u]
			if !ok {
				return
			}
			y := &tallies[number]
			y.count++
			y.expected += s.share[i]
			if y.last == i {
				return
			}
			if y.last < 0 {
				y.first = i
			}
			if y.section != sentence.Section {
				y.sections++
			}
			y.last, y.section, y.largest = i, sentence.Section, max(y.largest, s.score[i])
			for k, w := range s.weight[i] {
				y.sums[k] += w
			}
		})
	}
	return all, tallies
}

// gramFeatures are the names of the features of terms and of pairs, in their order.
var gramFeatures = []string{
	"log count", "log sentences", "share of sentences", "log sections", "share of sections", "first place", "log first place",
	"log introduction", "share of introduction", "log conclusion", "share of conclusion", "log starts", "share of starts", "first five",
	"mean score", "largest score", "best 5", "best 10", "best 20", "log best 40", "log expected", "log sentences of document",
	"log terms of document", "prior",
}

// termFeatures and pairFeatures are those of one of them.
var (
	termFeatures = []string{"title", "headings", "idf", "letters", "digit", "once", "twice", "log times", "log expected a time"}
	pairFeatures = []string{"title", "headings", "first idf", "second idf", "first term", "second term", "less likely term", "both terms"}
)

// leastExpected keeps logarithms finite.
const leastExpected = 0.01

// append adds the features of a gram but the prior.
func (s *surroundings) append(f *featureRow, y *tally) {
	n := float64(len(s.text.Sentences))
	log := func(x float32) float64 { return math.Log1p(float64(x)) }
	share := func(kind int) float64 { return float64(y.sums[kind] / max(1, s.total[kind])) }
	f.add(log(y.count), log(y.sums[ofAll]), share(ofAll), log(y.sections), float64(y.sections)/float64(max(1, s.place.sections)),
		float64(y.first)/n, math.Log1p(float64(y.first)))
	for _, kind := range []int{ofIntroduction, ofConclusion, ofStarts} {
		f.add(log(y.sums[kind]), share(kind))
	}
	f.add(float64(y.sums[ofFive]), float64(y.sums[ofScores]/y.sums[ofAll]), float64(y.largest))
	f.add(float64(y.sums[ofBest5]), float64(y.sums[ofBest10]), float64(y.sums[ofBest20]), log(y.sums[ofBest40]))
	f.add(math.Log(float64(y.expected)+leastExpected), math.Log(n), math.Log(float64(max(1, len(s.text.order)))))
}

// appendTerm adds the features of a term at a level.
func (s *surroundings) appendTerm(f *featureRow, term int32, level int, y *tally) {
	t, times := s.text, math.Log(float64(level+1))
	f.flag(contains(t.title, term))
	f.flag(contains(t.headings, term))
	name := t.names[term]
	f.add(t.weights[term], float64(min(12, len(name))))
	f.flag('0' <= name[0] && name[0] <= '9')
	f.flag(level == 0)
	f.flag(level == 1)
	f.add(times, math.Log(float64(y.expected)+leastExpected)-times)
}

// appendPair adds the features of a pair, given the importance of its terms.
func (s *surroundings) appendPair(f *featureRow, u gram, m *Importance) {
	t := s.text
	f.flag(contains(t.title, u[0]) && contains(t.title, u[1]))
	f.flag(contains(t.headings, u[0]) && contains(t.headings, u[1]))
	a, b := math.Log(float64(m.Terms[u[0]][0])+0.001), math.Log(float64(m.Terms[u[1]][0])+0.001)
	f.add(t.weights[u[0]], t.weights[u[1]], a, b, min(a, b), a+b)
}

func contains(terms []int32, term int32) bool {
	_, found := slices.BinarySearch(terms, term)
	return found
}
