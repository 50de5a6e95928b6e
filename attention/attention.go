package attention

import (
	"fmt"

	"github.com/longspan/longspan/attention/internal/check"
	"github.com/longspan/longspan/internal/ceil"
	"github.com/longspan/longspan/tensor"
)

// Attention is a Config compiled for the lengths of one packed batch. It holds no data and may be used by many goroutines at once.
type Attention struct {
	c                   Config
	given               []Seq // whole sequences, for a bias to check
	seqs                []sequence
	layouts             map[Seq]*layout
	tq, tk              int
	farQueries, farKeys int     // rows of others
	padded              int     // rows of the packed keys: every sequence rounded up to keyGroup
	strips              []strip // the pieces of the forward pass
	mostStrips          int     // of a sequence
	longestKeys         int     // of a sequence
	shares              bool    // the sequences are shares
	pairs               pairs
	long                bool // some rows are summed by several ranks
}

// sequence is one Seq, or one Share, with its place in the batch.
type sequence struct {
	Seq          // of a Share the rows of its layout alone
	q0, k0   int // first rows in Q, and in K and V
	fq0, fk0 int // first rows of others
	p0       int // first row in the packed keys
	*layout
}

// strip is a run of neighbouring tiles of one sequence that share each block of keys while it is in the cache.
type strip struct{ seq, tile, tiles int }

// stripTiles is 8: 8 × 32 queries reuse a block of 128 keys and values (64 KiB at D = 64) that L1 cannot hold beside the rest, and
// their queries and outputs (128 KiB) still fit L2.
const stripTiles = 8

// New compiles c for a packed batch of sequences. The layout costs 12 bytes a run: a handful for each 32 queries of a window.
// It returns an error for a Config that cannot be computed or lengths that the pattern refuses.
func New(c Config, seqs []Seq) (*Attention, error) {
	a, err := newAttention(c)
	if err != nil {
		return nil, err
	}
	if err := a.check(seqs); err != nil {
		return nil, err
	}
	for _, s := range seqs {
		if err := a.add(s); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// newAttention is c with its defaults, for no sequence yet.
func newAttention(c Config) (*Attention, error) {
	c, err := c.resolve()
	return &Attention{c: c, layouts: map[Seq]*layout{}}, err
}

// check refuses whole sequences that cannot be computed, and keeps them.
func (a *Attention) check(seqs []Seq) error {
	if err := a.c.checkSeqs(seqs); err != nil {
		return err
	}
	a.given = seqs
	if a.c.Bias == nil {
		return nil
	}
	return a.c.Bias.check(a.c, seqs)
}

// add appends a sequence to the batch. Equal ones share a layout.
func (a *Attention) add(s Seq) error {
	l := a.layouts[s]
	if l == nil {
		var err error
		if l, err = compile(a.c.Pattern, s, 0, maxRuns); err != nil {
			return err
		}
		a.layouts[s] = l
	}
	a.addLayout(sequence{Seq: s, layout: l}, s.Q, s.K)
	return nil
}

// addLayout appends a sequence with as many rows of Q, and of K and V, to the batch.
func (a *Attention) addLayout(s sequence, queries, keys int) {
	s.q0, s.k0, s.p0 = a.tq, a.tk, a.padded
	i := len(a.seqs)
	a.seqs = append(a.seqs, s)
	a.tq, a.tk, a.padded = a.tq+queries, a.tk+keys, a.padded+ceil.Multiple(s.K, keyGroup)
	a.pairs.add(s.pairs)
	first, n := s.ownTiles()
	before := len(a.strips)
	// Last tiles first: under a causal mask they have most to do.
	for t := (ceil.Div(n, stripTiles) - 1) * stripTiles; t >= 0; t -= stripTiles {
		a.addStrips(strip{i, first + t, min(stripTiles, n-t)})
	}
	a.shares = a.shares || s.share != nil
	a.mostStrips, a.longestKeys = max(a.mostStrips, len(a.strips)-before), max(a.longestKeys, s.K)
}

// addStrips adds the tiles of a strip that are summed here.
func (a *Attention) addStrips(s strip) {
	from := s.tile
	for t := s.tile; t <= s.tile+s.tiles; t++ {
		if t == s.tile+s.tiles || !a.seqs[s.seq].sumsTile(t) {
			if from < t {
				a.strips = append(a.strips, strip{s.seq, from, t - from})
			}
			from = t + 1
		}
	}
}

// Config returns the configuration with its defaults filled in.
func (a *Attention) Config() Config { return a.c }

// Pairs is the number of visible (query, key) pairs of one head, over the whole batch. Shares count those that are computed for their
// queries.
func (a *Attention) Pairs() int64 { return a.pairs.queries + a.pairs.longQueries }

// KeyPairs is Pairs of shares that are computed for their keys. But for shares it is Pairs.
func (a *Attention) KeyPairs() int64 { return a.pairs.keys + a.pairs.longKeys }

// ForwardFlops is the useful work of Forward: two products over the visible pairs, 4·D flops a pair and head.
func (a *Attention) ForwardFlops() float64 {
	return 4 * float64(a.c.HeadDim) * float64(a.c.Heads) * float64(a.Pairs())
}

// BackwardFlops is the work of Backward: five products over the visible pairs, 10·D flops a pair and head. Shares have three over pairs
// that are computed for the query alone, and four over those for the key alone.
func (a *Attention) BackwardFlops() float64 {
	return 2 * float64(a.c.HeadDim) * float64(a.c.Heads) * (3*float64(a.Pairs()) + 4*float64(a.KeyPairs()) - 2*float64(a.pairs.both))
}

// In is what attention reads, of any types.
type In struct {
	Q    tensor.Mat // [Tq, H·D]
	K, V tensor.Mat // [Tk, Hkv·D]

	// Delta [H, Tq] F32 is what Deltas makes of O and its gradient. Backward reads it in the place of O, unless it is the zero Mat.
	Delta tensor.Mat

	Far Far // rows of others, for the shares of NewShares
}

// Out is what attention writes.
type Out struct {
	O   tensor.Mat // [Tq, H·D], of any type
	LSE tensor.Mat // [H, Tq] F32: the natural log of each row's denominator, for Backward and Merge; the zero Mat leaves it out
}

// Rows views queries lo … hi−1.
func (o Out) Rows(lo, hi int) Out {
	o.O = o.O.SliceRows(lo, hi)
	if o.hasLSE() {
		o.LSE = o.LSE.SliceCols(lo, hi)
	}
	return o
}

func (o Out) hasLSE() bool { return given(o.LSE) }

// given reports whether m is another than the zero Mat, however few its rows.
func given(m tensor.Mat) bool { return m.Rows != 0 || m.Cols != 0 }

// checkMats refuses matrices of input that do not fit c and the numbers of queries and keys, and others. It returns whether the call is
// dry.
func (c Config) checkMats(mem *tensor.Pool, queries, keys int, in In, more ...check.Mat) (dry bool, err error) {
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	mats := append([]check.Mat{check.Of("Q", in.Q, queries, q), check.Of("K", in.K, keys, kv), check.Of("V", in.V, keys, kv)}, more...)
	for _, m := range mats {
		if (m.Name == "LSE" || m.Name == "Delta") && m.M.Type != tensor.F32 {
			return false, wrongType(m.Name, m.M)
		}
	}
	return check.Mats("attention", mem, mats...)
}

// outMats are the matrices of output of so many queries, with their shapes.
func (c Config) outMats(queries int, out Out) []check.Mat {
	mats := []check.Mat{check.Of("O", out.O, queries, c.Heads*c.HeadDim)}
	if out.hasLSE() {
		mats = append(mats, check.Of("LSE", out.LSE, c.Heads, queries))
	}
	return mats
}

// wrongType is the error of a matrix of another type than F32.
func wrongType(name string, m tensor.Mat) error {
	return fmt.Errorf("attention: found %s of %s, expected f32, whatever the types of the others", name, m.Type)
}

func (a *Attention) qWidth() int  { return a.c.Heads * a.c.HeadDim }
func (a *Attention) kvWidth() int { return a.c.KVHeads * a.c.HeadDim }
