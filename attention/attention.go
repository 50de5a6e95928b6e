package attention

import (
	"fmt"

	"github.com/longspan/longspan/attention/internal/check"
	"github.com/longspan/longspan/internal/ceil"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// Attention is a Config compiled for the lengths of one packed batch. It holds no data and may be used by many goroutines at once.
type Attention struct {
	c      Config
	seqs   []sequence
	tq, tk int
	padded int     // rows of the packed keys: every sequence rounded up to keyGroup
	strips []strip // the pieces of the forward pass
	pairs  int64
}

// sequence is one Seq with its place in the batch.
type sequence struct {
	Seq
	q0, k0 int // first rows in Q, and in K and V
	p0     int // first row in the packed keys
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
	c, err := c.resolve()
	if err != nil {
		return nil, err
	}
	if err := c.checkSeqs(seqs); err != nil {
		return nil, err
	}
	if c.Bias != nil {
		if err := c.Bias.check(c, seqs); err != nil {
			return nil, err
		}
	}
	a := &Attention{c: c}
	layouts := map[Seq]*layout{}
	for i, s := range seqs {
		l := layouts[s]
		if l == nil {
			if l, err = compile(c.Pattern, s, 0, maxRuns); err != nil {
				return nil, err
			}
			layouts[s] = l
		}
		a.seqs = append(a.seqs, sequence{Seq: s, q0: a.tq, k0: a.tk, p0: a.padded, layout: l})
		a.tq, a.tk, a.padded = a.tq+s.Q, a.tk+s.K, a.padded+ceil.Multiple(s.K, keyGroup)
		a.pairs += l.pairs
		// Last tiles first: under a causal mask they have most to do.
		for t := (ceil.Div(l.tiles(), stripTiles) - 1) * stripTiles; t >= 0; t -= stripTiles {
			a.strips = append(a.strips, strip{i, t, min(stripTiles, l.tiles()-t)})
		}
	}
	return a, nil
}

// Config returns the configuration with its defaults filled in.
func (a *Attention) Config() Config { return a.c }

// Pairs is the number of visible (query, key) pairs of one head, over the whole batch.
func (a *Attention) Pairs() int64 { return a.pairs }

// ForwardFlops is the useful work of Forward: two products over the visible pairs, 4·D flops a pair and head.
func (a *Attention) ForwardFlops() float64 {
	return 4 * float64(a.c.HeadDim) * float64(a.c.Heads) * float64(a.pairs)
}

// BackwardFlops is the useful work of Backward: five products over the visible pairs, 10·D flops a pair and head.
func (a *Attention) BackwardFlops() float64 { return 2.5 * a.ForwardFlops() }

// In is what attention reads, of any types.
type In struct {
	Q    tensor.Mat // [Tq, H·D]
	K, V tensor.Mat // [Tk, Hkv·D]

	// Delta [H, Tq] F32 is what Deltas makes of O and its gradient. Backward reads it in the place of O, unless it is the zero Mat.
	Delta tensor.Mat
}

// forward is what the forward pass reads of in.
func (in In) forward() In { return In{Q: in.Q, K: in.K, V: in.V} }

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

// checkMats refuses matrices that do not fit c and the numbers of queries and keys. It returns whether the call is dry.
func (c Config) checkMats(mem *tensor.Pool, queries, keys int, in In, out Out, more ...check.Mat) (dry bool, err error) {
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	mats := append(more, check.Of("Q", in.Q, queries, q), check.Of("K", in.K, keys, kv), check.Of("V", in.V, keys, kv))
	if given(in.Delta) {
		mats = append(mats, check.Of("Delta", in.Delta, c.Heads, queries))
	} else {
		mats = append(mats, check.Of("O", out.O, queries, q))
	}
	if out.hasLSE() {
		mats = append(mats, check.Of("LSE", out.LSE, c.Heads, queries))
	}
	for _, m := range []check.Mat{{Name: "LSE", M: out.LSE}, {Name: "Delta", M: in.Delta}} {
		if m.M.Type != tensor.F32 {
			return false, wrongType(m.Name, m.M)
		}
	}
	return check.Mats("attention", mem, mats...)
}

// wrongType is the error of a matrix of another type than F32.
func wrongType(name string, m tensor.Mat) error {
	return fmt.Errorf("attention: found %s of %s, expected f32, whatever the types of the others", name, m.Type)
}

func (a *Attention) qWidth() int  { return a.c.Heads * a.c.HeadDim }
func (a *Attention) kvWidth() int { return a.c.KVHeads * a.c.HeadDim }

// rows is the number of queries of tile t.
func (s *sequence) rows(t int) int { return min(kernel.Lanes, s.Q-t*kernel.Lanes) }
