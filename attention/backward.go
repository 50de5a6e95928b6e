package attention

import (
	"math"
	"sync/atomic"

	"github.com/longspan/longspan/attention/internal/check"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// Grads is what Backward writes. What was there is overwritten. A zero Mat is a gradient that is not wanted: without DQ, Backward computes
// four of its five products, and without DK and DV three. The others keep their bits.
type Grads struct {
	DQ, DK, DV tensor.Mat // like Q, K and V, of any types; DK and DV together
	Sinks      []float32  // [H], or nil: not wanted
	Bias       *BiasGrads // of the kind the bias has, or nil: not wanted
}

// Backward computes the gradients of Q, K and V from do [Tq, H·D], the gradient of O. in is what Forward read, and out what it wrote,
// with its LSE, and O unless in has Delta. Where [Attention.WholeRows], the zero Out will do. All probabilities are computed again, tile by
// tile (Dao et al. 2022, arXiv:2205.14135, algorithm 4). Sums are float32. Factors are bf16 where those of Forward are.
//
// The gradients of a part of the keys alone follow from O and LSE of all keys (see [Merge]): probabilities are exp(score − LSE),
// whichever other keys there are.
//
// Every chunk of 512 keys is one piece of work for each key/value head. It owns its rows of dK and dV, and adds its share of a
// tile's dQ after the chunks before it have, so that every sum has one order whatever the number of threads.
//
// Scratch from x.Pool: in float32 dQ once more, and once again for tiles that see several spans; the keys, values and gradients of a chunk
// for each thread; and twice the scratch of Forward for a bias. Cost: BackwardFlops; without DQ 4/5 of them, and without DK and DV 3/5.
// Gradients of a bias are summed over all tiles of a head, which leaves a head's chunks to one thread.
func (a *Attention) Backward(x tensor.Exec, g Grads, do tensor.Mat, out Out, in In) error {
	b, err := a.StartBackward(x, g, do, out, in)
	if err != nil {
		return err
	}
	defer b.Free()
	return b.Own()
}

// gradMats are the gradients that are wanted, and what they need of others, with their shapes.
func (a *Attention) gradMats(g Grads, in In) []check.Mat {
	mats := a.farMats(in)
	if given(g.DK) || a.long {
		mats = append(mats, a.farQueryMats(in)...)
	}
	for _, m := range []check.Mat{check.Of("DQ", g.DQ, a.tq, a.qWidth()), check.Of("DK", g.DK, a.tk, a.kvWidth()),
		check.Of("DV", g.DV, a.tk, a.kvWidth())} {
		if given(m.M) {
			mats = append(mats, m)
		}
	}
	return mats
}

// backward is one call of Backward.
type backward struct {
	a       *Attention
	x       tensor.Exec
	g       Grads
	in      In
	do      tensor.Mat
	lse     tensor.Mat
	whole   bool // without lse and delta: a tile of scores has all keys
	bias    tileBias
	dry     bool
	wantQ   bool         // dQ is computed: it is wanted, or the gradients of a bias follow from it
	wantKV  bool         // dK and dV are
	biasOut biasGradient // nil where its gradients are not wanted and those of the queries do not pass through it

	p        *packed
	delta    tensor.Mat     // [H, Tq]: dO·O of each row
	ownDelta tensor.Mat     // its room, where it is not given
	dq       tensor.Mat     // [H·tiles][D·Lanes]: dQ so far, by tile, transposed; without wantQ none
	span     tensor.Mat     // [H·wides][D·Lanes]: the sum of a span after the first, of tiles that see several
	spans    []int32        // [H·tiles]: the span of the last share
	done     []atomic.Int32 // [H·tiles]: chunks whose share is in dq or span
	tiles    int            // own ones of the whole batch
	first    []int          // the number of own tiles before each sequence
	wides    int            // tiles that see several spans
	wide     []int          // their number before each sequence
	work     []chunkWork
	workers  []*backwardWorker
}

// chunkWork is a chunk of keys of one sequence.
type chunkWork struct {
	seq, lo, hi int
	visits      []visit
}

func (a *Attention) newBackward(x tensor.Exec, g Grads, out Out, in In, dry bool) *backward {
	b := &backward{a: a, x: x, g: g, in: in, lse: out.LSE, delta: in.Delta, whole: !given(out.LSE), dry: dry}
	b.wantQ, b.wantKV = given(g.DQ) || g.Bias != nil, given(g.DK)
	use := packBackward
	if !b.wantQ {
		use = packBackwardKV
	}
	b.p = a.pack(x, in, use, dry)
	for i := range a.seqs {
		b.first = append(b.first, b.tiles)
		_, own := a.seqs[i].ownTiles()
		b.tiles += own
		b.wide = append(b.wide, b.wides)
		visits, _ := a.seqs[i].visits()
		for c := range visits {
			b.work = append(b.work, chunkWork{i, c * chunkKeys, min((c+1)*chunkKeys, a.seqs[i].K), visits[c]})
		}
		b.wides += a.seqs[i].wides
	}
	if !given(b.delta) && !b.whole {
		b.ownDelta = x.Pool.Get(tensor.F32, a.c.Heads, a.tq)
		b.delta = b.ownDelta
	}
	if b.wantQ {
		b.dq = x.Pool.Get(tensor.F32, a.c.Heads*b.tiles, a.c.HeadDim*kernel.Lanes)
		b.span = x.Pool.Get(tensor.F32, a.c.Heads*b.wides, a.c.HeadDim*kernel.Lanes)
	}
	for range min(pool.Threads(x.Threads), max(1, len(b.work)*a.c.KVHeads)) {
		b.workers = append(b.workers, newBackwardWorker(b, x.Pool))
	}
	if b.wantQ && !dry {
		b.done, b.spans = make([]atomic.Int32, a.c.Heads*b.tiles), make([]int32, a.c.Heads*b.tiles)
	}
	return b
}

func (b *backward) free() {
	for _, w := range b.workers {
		w.free(b.x.Pool)
	}
	b.x.Pool.Put(b.dq)
	b.x.Pool.Put(b.span)
	b.x.Pool.Put(b.ownDelta)
	b.p.free(b.x.Pool)
}

// slot is the row of dq, and the element of done, that an own tile has.
func (b *backward) slot(seq, head, tile int) int {
	first, _ := b.a.seqs[seq].ownTiles()
	return head*b.tiles + b.first[seq] + tile - first
}

// clearUnseen sets dQ of the tiles that see no key at all to zero: no chunk visits them.
func (b *backward) clearUnseen() {
	if !given(b.g.DQ) {
		return
	}
	zero := make([]float32, b.g.DQ.Cols)
	for i := range b.a.seqs {
		s := &b.a.seqs[i]
		_, chunks := s.visits()
		for t, n := range chunks {
			for r := 0; n == 0 && s.sumsTile(t) && r < s.rows(t); r++ {
				b.g.DQ.WriteRow(s.queryRow(t)+r, zero)
			}
		}
	}
}

// sinks sums −p_sink·δ over the rows of each head.
func (b *backward) sinks() {
	for h := range b.g.Sinks {
		sum := 0.0
		for i, delta := range b.delta.Row(h) {
			if lse := float64(b.lse.Row(h)[i]); !math.IsInf(lse, -1) {
				sum -= math.Exp(float64(b.a.c.Sinks[h])-lse) * float64(delta)
			}
		}
		b.g.Sinks[h] = float32(sum)
	}
}

// apart is head i of n in an order in which heads that follow one another are half of all heads apart. Workers in neighbouring columns of
// the same rows at a time seem to fetch ahead what the other writes: a backward pass of Nyström attention was 2 to 6 % slower.
func apart(i, n int) int { return i%2*((n+1)/2) + i/2 }

// run hands out the chunks, those of one head in ascending order: a chunk that waits for the one before it waits for
// work that has begun.
func (b *backward) run() {
	heads := b.a.c.KVHeads
	if b.g.Bias == nil {
		pool.Run(b.x.Threads, len(b.work)*heads, func(worker, piece int) {
			b.workers[worker].chunk(&b.work[piece/heads], apart(piece%heads, heads))
		})
		return
	}
	groups := b.biasOut.concurrent(heads) // heads that may run at the same time: all, or one where they share a gradient
	pool.Run(b.x.Threads, groups, func(worker, group int) {
		for i := range b.work {
			for h := group; h < heads; h += groups {
				b.workers[worker].chunk(&b.work[i], h)
			}
		}
	})
}
