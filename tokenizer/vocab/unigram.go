package vocab

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/mathext"

	"github.com/longspan/longspan/internal/pool"
)

const (
	shrink   = 0.75 // the share of the pieces that a pruning keeps
	rounds   = 2    // of expectation and maximisation between two prunings
	rare     = 0.5  // the expected count below which a piece is dropped
	shards   = 16   // of the parts. Each has sums of its own, so that they are added in one order by any number of threads
	overhead = 1.1  // prunings by the share end at this factor of the size; one more pruning gives the exact size
)

// unigram learns a unigram model by the algorithm of Kudo 2018 (arXiv:1804.10959), section 3.2, as SentencePiece does it: start from
// the frequent substrings, estimate their probabilities by expectation and maximisation, drop those whose loss costs the likelihood
// least, and repeat down to the size.
type unigram struct {
	config  Config
	text    []byte
	parts   []part
	pieces  []scored // sorted by text
	trie    *trie    // of pieces
	size    int      // of the vocabulary, without special tokens and bytes
	scratch []lattice
	steps   int64
	total   int64 // steps, about
}

// trainUnigram learns a vocabulary of pieces.
func trainUnigram(ctx context.Context, counts *Counts, c Config) (*Vocabulary, error) {
	u := &unigram{config: c, text: counts.table.text, size: c.Size - c.fixed(), scratch: make([]lattice, pool.Threads(c.Threads))}
	if err := u.begin(&counts.table); err != nil {
		return nil, err
	}
	u.total = int64(rounds*2) + 1
	if n := overhead * float64(u.size); float64(len(u.pieces)) > n {
		u.total += (rounds + 1) * int64(math.Ceil(math.Log(n/float64(len(u.pieces)))/math.Log(shrink)))
	}
	for {
		if err := u.estimate(ctx); err != nil {
			return nil, err
		}
		if float64(len(u.pieces)) <= overhead*float64(u.size) {
			break
		}
		if err := u.prune(ctx, max(int(overhead*float64(u.size)), int(shrink*float64(len(u.pieces))))); err != nil {
			return nil, err
		}
	}
	if len(u.pieces) > u.size {
		if err := u.prune(ctx, u.size); err != nil {
			return nil, err
		}
	}
	if err := u.estimate(ctx); err != nil {
		return nil, err
	}
	return u.vocabulary(), nil
}

// begin finds the pieces to start from.
func (u *unigram) begin(t *table) (err error) {
	singles := characters(t)
	if u.config.Alphabet > 0 && u.config.Alphabet < len(singles) {
		singles = singles[:u.config.Alphabet]
	}
	if len(singles) > u.size {
		return fmt.Errorf("the text has %d different characters, and the vocabulary has room for %d pieces; "+
			"raise the size, or keep the most frequent characters with a smaller alphabet", len(singles), u.size)
	}
	alphabet := make(map[rune]bool, len(singles))
	for _, s := range singles {
		alphabet[[]rune(s.text)[0]] = true
	}
	if u.parts, err = parts(t, alphabet); err != nil {
		return err
	}
	longer := substrings(u.text, u.parts, cmp.Or(u.config.MaxPiece, longestPiece), cmp.Or(u.config.MinCount, 2))
	longer = longer[:min(len(longer), max(maxSeeds, 2*u.size)-len(singles))]
	sum := 0.0
	for _, s := range slices.Concat(singles, longer) {
		sum += s.score
	}
	for i, s := range slices.Concat(singles, longer) {
		u.pieces = append(u.pieces, scored{strings.Clone(s.text), math.Log(s.score / sum), i < len(singles)})
	}
	slices.SortFunc(u.pieces, func(a, b scored) int { return strings.Compare(a.text, b.text) })
	u.trie = newTrie(u.pieces)
	return nil
}

// step notes that a part of the work is done.
func (u *unigram) step(ctx context.Context) error {
	u.steps++
	if u.config.Progress != nil {
		u.config.Progress(Learning, min(u.steps, u.total), u.total)
	}
	return ctx.Err()
}

// estimate makes some rounds of expectation and maximisation.
func (u *unigram) estimate(ctx context.Context) error {
	for range rounds {
		u.maximise(u.expected())
		if err := u.step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// each calls f for the parts of each shard, whose lattice has their pieces.
func (u *unigram) each(m *model, f func(shard int, l *lattice, p part)) {
	pool.Run(len(u.scratch), shards, func(worker, shard int) {
		l := &u.scratch[worker]
		n := len(u.parts)
		for _, p := range u.parts[shard*n/shards : (shard+1)*n/shards] {
			l.find(m, u.text[p.from:p.from+p.size], none)
			f(shard, l, p)
		}
	})
}

// expected returns the expected count of each piece.
func (u *unigram) expected() []float64 {
	m := newModel(u.pieces, u.trie)
	var sums [shards][]float64
	for i := range sums {
		sums[i] = make([]float64, len(u.pieces))
	}
	u.each(m, func(shard int, l *lattice, p part) { l.expect(m, int(p.size), float64(p.count), sums[shard]) })
	for _, sum := range sums[1:] {
		for i, n := range sum {
			sums[0][i] += n
		}
	}
	return sums[0]
}

// maximise gives each piece its probability, and drops those that are not expected, as long as enough are left. The digamma function in
// place of the logarithm is a prior for few pieces (Liang and Klein 2007, "Structured Bayesian nonparametric models with variational
// inference").
func (u *unigram) maximise(expected []float64) {
	kept := make([]scored, 0, len(u.pieces))
	spare := len(u.pieces) - u.size
	sum := 0.0
	for i, p := range u.pieces {
		if expected[i] < rare && !p.single && spare > 0 {
			spare--
			continue
		}
		p.score = max(expected[i], rare)
		sum += p.score
		kept = append(kept, p)
	}
	all := mathext.Digamma(sum)
	for i := range kept {
		kept[i].score = mathext.Digamma(kept[i].score) - all
	}
	u.keep(kept)
}

// keep replaces the pieces.
func (u *unigram) keep(pieces []scored) {
	if len(pieces) != len(u.pieces) {
		u.trie = newTrie(pieces)
	}
	u.pieces = pieces
}

// vocabulary is what was learned: special tokens, bytes, and the pieces with the most likely first.
func (u *unigram) vocabulary() *Vocabulary {
	v := &Vocabulary{config: u.config}
	for _, s := range u.config.specials() {
		v.tokens = append(v.tokens, Token{Name: s.Token})
	}
	least := 0.0
	for _, p := range u.pieces {
		least = min(least, p.score)
	}
	if u.config.ByteFallback {
		for b := range 256 {
			// Less likely than its name as six characters, so that no text is read as the name of a byte.
			v.tokens = append(v.tokens, Token{Name: fmt.Sprintf("<0x%02X>", b), Score: rounded(6*least - 1)})
		}
	}
	sorted := slices.Clone(u.pieces)
	slices.SortStableFunc(sorted, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
	for _, p := range sorted {
		v.tokens = append(v.tokens, Token{Name: p.text, Score: rounded(p.score)})
	}
	if len(v.tokens) < u.config.Size {
		v.notes = append(v.notes, fmt.Sprintf("the vocabulary has %d tokens, not %d: the text has no more pieces with a count of %d or more",
			len(v.tokens), u.config.Size, cmp.Or(u.config.MinCount, 2)))
	}
	return v
}

// rounded is a score as it is written. Six digits are far finer than the estimate, and the last bits of exp differ between processors.
func rounded(score float64) float64 { return math.Round(score*1e6) / 1e6 }
