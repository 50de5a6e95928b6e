// Package rouge measures how much of a reference summary a candidate has: ROUGE-1, ROUGE-2, ROUGE-L and ROUGE-Lsum (Lin 2004, "ROUGE: A
// Package for Automatic Evaluation of Summaries"), with Porter's stemmer. The numbers are those of the Python package rouge-score, within
// the rounding of float64. Package bootstrap gives means and differences of systems with intervals.
package rouge

import (
	"slices"
	"strings"
	"sync"
)

// Score is one measure of a candidate. Each number is 0 … 1.
type Score struct {
	Precision float64 `json:"precision"` // share of the candidate that the reference has
	Recall    float64 `json:"recall"`    // share of the reference that the candidate has
	F1        float64 `json:"f1"`        // their harmonic mean
}

// Scores are the measures of a candidate.
type Scores struct {
	One  Score `json:"rouge1"`
	Two  Score `json:"rouge2"`
	L    Score `json:"rougeL"`    // longest common subsequence of the texts; line ends are spaces
	LSum Score `json:"rougeLsum"` // the same by sentences; each line of a text is a sentence
}

// Names are the names of the measures, in the order of [Scores.All].
var Names = [4]string{"rouge1", "rouge2", "rougeL", "rougeLsum"}

// All lists the measures in the order of Names.
func (s Scores) All() [4]Score { return [4]Score{s.One, s.Two, s.L, s.LSum} }

// Average is the mean of each number of some scores, at least one, as of the summaries of a document by models of several seeds.
func Average(all []Scores) (mean Scores) {
	add := func(to *Score, s Score) {
		n := float64(len(all))
		to.Precision, to.Recall, to.F1 = to.Precision+s.Precision/n, to.Recall+s.Recall/n, to.F1+s.F1/n
	}
	for _, s := range all {
		add(&mean.One, s.One)
		add(&mean.Two, s.Two)
		add(&mean.L, s.L)
		add(&mean.LSum, s.LSum)
	}
	return mean
}

// Options change how texts are read.
type Options struct {
	// NoStemmer compares words as they stand. Published numbers of summaries are mostly with the stemmer; the default of rouge-score is
	// without.
	NoStemmer bool
}

// Scorer computes scores. Any number of goroutines may share it.
type Scorer struct {
	stem  bool
	rooms sync.Pool // of *room
}

// New returns a Scorer.
func New(o Options) *Scorer {
	s := &Scorer{stem: !o.NoStemmer}
	s.rooms.New = func() any { return &room{words: vocabulary{stem: s.stem}} }
	return s
}

// room is what one comparison needs.
type room struct {
	words                vocabulary
	reference, candidate text
	count, spare         []int32 // by token
	pairs                map[uint64]int32
	table                table
}

// text is a text as numbers of tokens.
type text struct {
	tokens []int32
	ends   []int // of the lines, as places in tokens
}

// lines yields the tokens of each line.
func (t *text) line(i int) []int32 {
	from := 0
	if i > 0 {
		from = t.ends[i-1]
	}
	return t.tokens[from:t.ends[i]]
}

func (t *text) read(v *vocabulary, s string) {
	t.tokens, t.ends = t.tokens[:0], t.ends[:0]
	for line := range strings.SplitSeq(s, "\n") {
		if line == "" {
			continue
		}
		t.tokens = v.append(t.tokens, line)
		t.ends = append(t.ends, len(t.tokens))
	}
}

// Score compares a candidate with a reference. Sentences stand on lines of their own; only ROUGE-Lsum knows sentences, and is ROUGE-L where
// texts are one line each. A text without a token scores 0. The candidate is not cut to the length of the reference.
//
// Cost: for texts of n and m tokens, n·m/64 operations for L, the same and a part word a sentence for Lsum. Memory is bounded by the square
// root of that where texts are long.
func (s *Scorer) Score(reference, candidate string) Scores {
	r := s.rooms.Get().(*room)
	defer s.rooms.Put(r)
	r.words.fresh()
	r.reference.read(&r.words, reference)
	r.candidate.read(&r.words, candidate)
	n := len(r.words.stems)
	r.count = append(r.count[:0], make([]int32, n)...)
	r.spare = append(r.spare[:0], make([]int32, n)...)
	return Scores{One: r.ones(), Two: r.twos(), L: r.longest(), LSum: r.union()}
}

// Best compares a candidate with several references. Each measure is that of the reference with the largest F1, as score_multi of
// rouge-score; without references all are 0.
func (s *Scorer) Best(references []string, candidate string) (best Scores) {
	for i, reference := range references {
		one := s.Score(reference, candidate)
		if i == 0 {
			best = one
			continue
		}
		for _, p := range []struct{ best, one *Score }{
			{&best.One, &one.One}, {&best.Two, &one.Two}, {&best.L, &one.L}, {&best.LSum, &one.LSum},
		} {
			if p.one.F1 > p.best.F1 {
				*p.best = *p.one
			}
		}
	}
	return best
}

// scoreOf is the score of a number of hits among the units of a reference and of a candidate.
func scoreOf(hits, reference, candidate int) (s Score) {
	if hits == 0 {
		return s
	}
	s.Precision, s.Recall = float64(hits)/float64(candidate), float64(hits)/float64(reference)
	s.F1 = 2 * s.Precision * s.Recall / (s.Precision + s.Recall)
	return s
}

// ones is ROUGE-1: a token of the reference counts as often as the candidate has it, and no more than the reference has it.
func (r *room) ones() Score {
	for _, t := range r.reference.tokens {
		r.count[t]++
	}
	hits := 0
	for _, t := range r.candidate.tokens {
		if r.count[t] > 0 {
			r.count[t]--
			hits++
		}
	}
	return scoreOf(hits, len(r.reference.tokens), len(r.candidate.tokens))
}

// twos is ROUGE-2: the same for pairs of neighbours, which may stand in two lines.
func (r *room) twos() Score {
	if r.pairs == nil || len(r.pairs) > mostWords {
		r.pairs = map[uint64]int32{}
	}
	clear(r.pairs)
	eachPair(r.reference.tokens, func(p uint64) { r.pairs[p]++ })
	hits := 0
	eachPair(r.candidate.tokens, func(p uint64) {
		if n := r.pairs[p]; n > 0 {
			r.pairs[p] = n - 1
			hits++
		}
	})
	return scoreOf(hits, len(r.reference.tokens)-1, len(r.candidate.tokens)-1)
}

func eachPair(tokens []int32, use func(pair uint64)) {
	for i := 1; i < len(tokens); i++ {
		use(uint64(uint32(tokens[i-1]))<<32 | uint64(uint32(tokens[i])))
	}
}

// longest is ROUGE-L.
func (r *room) longest() Score {
	a, b := r.reference.tokens, r.candidate.tokens
	if len(a) == 0 || len(b) == 0 {
		return Score{}
	}
	r.table.mask(b, len(r.count))
	hits := r.table.length(a)
	return scoreOf(hits, len(a), len(b))
}

// union is ROUGE-Lsum: for each line of the reference the union of its common subsequences with every line of the candidate; a token counts
// as often as both texts have it at most (Lin 2004, section 3.2, with the clipping of rouge-score).
func (r *room) union() Score {
	clear(r.count)
	for _, t := range r.reference.tokens {
		r.count[t]++
	}
	for _, t := range r.candidate.tokens {
		r.spare[t]++
	}
	hit := make([]bool, len(r.reference.tokens))
	for j := range r.candidate.ends {
		other := r.candidate.line(j)
		if len(other) == 0 {
			continue
		}
		r.table.mask(other, len(r.count))
		for i := range r.reference.ends {
			line := r.reference.line(i)
			from := r.reference.ends[i] - len(line)
			r.table.trace(line, other, hit[from:from+len(line)])
		}
	}
	hits := 0
	for i, t := range r.reference.tokens {
		if hit[i] && r.count[t] > 0 && r.spare[t] > 0 {
			r.count[t]--
			r.spare[t]--
			hits++
		}
	}
	return scoreOf(hits, len(r.reference.tokens), len(r.candidate.tokens))
}

// grown is s with n elements, of any value.
func grown[T any](s []T, n int) []T { return slices.Grow(s[:0], n)[:n] }
