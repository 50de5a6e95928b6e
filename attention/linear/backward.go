package linear

import (
	"cmp"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/internal/check"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// Grads is what Backward writes: the gradients of Q, K and V, in their shapes and of any element types.
type Grads struct{ DQ, DK, DV tensor.Mat }

// Backward computes the gradients of a Forward with the same in from do [T, H·D], the gradient of its output. They are
// overwritten, and must not overlap what is read. The stabilisers cancel in the output, and so in the gradients; where a
// row's normaliser was too small (see [Linear.Forward]) it gives zeros.
//
// Features and sums are computed again: nothing is kept from Forward. Scratch is that of Forward, twice as many sums, and
// with a causal mask 2·H floats a token. Cost: [Linear.BackwardFlops], and about half as much again for what is computed
// again. Errors, bits and dry matrices are as in Forward.
func (l *Linear) Backward(x tensor.Exec, g Grads, do tensor.Mat, in attention.In) error {
	if err := l.checkWhole(); err != nil {
		return err
	}
	return l.backward(x, nil, g, do, tensor.Mat{}, in)
}

func (l *Linear) backward(x tensor.Exec, n Neighbours, g Grads, do, border tensor.Mat, in attention.In) error {
	t, qCols, kvCols := l.tokens, l.c.Heads*l.c.HeadDim, l.c.KVHeads*l.c.HeadDim
	dry, err := l.c.checkMats(x.Pool, t, in, check.Of("DO", do, t, qCols),
		check.Of("DQ", g.DQ, t, qCols), check.Of("DK", g.DK, t, kvCols), check.Of("DV", g.DV, t, kvCols))
	if err != nil {
		return err
	}
	r := l.begin(x, dry, true)
	defer r.end()
	return cmp.Or(r.backward(n, &backward{Grads: g, dout: do, q: in.Q, k: in.K, v: in.V}, border), wait(n))
}

func (r *run) backward(n Neighbours, b *backward, border tensor.Mat) error {
	l, keys := r.l, r.keysFold(border, b.k, b.v)
	if err := keys.run(nil); err != nil { // open sequences have theirs in border
		return err
	}
	if l.c.Causal {
		return r.causalBackward(b, keys, n)
	}
	queries := r.newFold(false, tensor.Mat{}, func(w *worker, s sums, p piece, kvHead int) {
		w.queryGrads(keys.all(p, kvHead), s, b, p, kvHead)
	})
	if err := queries.run(n); err != nil {
		return err
	}
	r.each(func(w *worker, p piece, kvHead int) {
		if p.state != whole {
			w.keyGrads(keys.all(p, kvHead), queries.all(p, kvHead), b, p, kvHead)
			return
		}
		all := w.allKeys(keys, b.k, b.v, p, kvHead)
		w.back.reset(l.c.Feature)
		w.queryGrads(all, w.back, b, p, kvHead)
		w.keyGrads(all, w.back, b, p, kvHead)
	})
	return nil
}

// backward is what a call of Backward reads and writes.
type backward struct {
	Grads
	dout, q, k, v tensor.Mat
}

// gradients is the scratch memory that only Backward needs.
type gradients struct {
	doT    []float32 // [D][Lanes] gradients of a tile's outputs, or values of a tile of keys, transposed
	dphi   []float32 // [M][Lanes] gradients of a tile's features, then of their logarithms
	slope  []float32 // [M][Lanes] derivative of Elu or ReLU
	delta  []float32 // [Lanes] δ = dO·O
	weight []float32 // [Lanes]
	shared []float32 // [Lanes] what the logarithms of a key's features have in common: the gradient of −½‖k‖²
	near   nearby    // unused without a causal mask
}

func (l *Linear) cutGradients(c *cutter) gradients {
	const lanes = kernel.Lanes
	m, d := l.c.Features, l.c.HeadDim
	g := gradients{
		doT: c.Take(d * lanes), dphi: c.Take(m * lanes), slope: c.Take(m * lanes),
		delta: c.Take(lanes), weight: c.Take(lanes), shared: c.Take(lanes),
	}
	if l.c.Causal {
		g.near = l.cutNearby(c)
	}
	return g
}

// queryGrads computes the gradients of a piece's queries from the sums of all keys, and adds the queries to the sums for the keys: with
// d_i a query's normaliser, queries.s is Σ φ(q_i)·dO_iᵀ/d_i and queries.z is Σ φ(q_i)·δ_i/d_i. Features keep the scale that
// the keys' stabilisers gave them, which the features of the keys undo.
func (w *worker) queryGrads(keys, queries sums, b *backward, p piece, kvHead int) {
	kernel.FeatureFold(w.l.c.Features, keys.z, w.z)
	for i := 0; i < p.n; i += kernel.Lanes {
		for g := range w.l.group() {
			col := (kvHead*w.l.group() + g) * w.l.c.HeadDim
			w.queryTile(keys, queries, b, p.row+i, min(kernel.Lanes, p.n-i), col)
		}
	}
}

func (w *worker) queryTile(keys, queries sums, b *backward, row, n, col int) {
	d, m, width := w.l.c.HeadDim, w.l.c.Features, w.l.width()
	w.queryFeatures(keys, b.q, row, n, col)
	w.invert(n)
	w.load(b.dout, row, n, col, 1, w.doT)
	kernel.TileMul(m, d, keys.s, width, w.doT, kernel.Lanes, w.dphi, kernel.Lanes)
	kernel.FeatureDot(m, w.phiQ, w.dphi, w.delta)
	for i, inv := range w.inv {
		w.delta[i] *= inv
		w.weight[i] = w.delta[i] * inv
	}
	kernel.FeatureGrad(m, w.dphi, w.slopes(w.phiQ), w.z, w.delta, w.shared)
	w.storeQueryGrad(b.DQ, row, n, col)

	clear(w.vals[:kernel.Lanes*width])
	kernel.TileStore(n, d, w.doT, w.inv, w.vals, width)
	w.accumulate(queries, w.phiQ, kernel.Lanes, kernel.Lanes, w.weight)
}

// slopes returns what the gradient of a feature is multiplied by: the feature itself where phi are exponentials, whose
// gradient is then that of the logarithm, else the derivative of the map, which the feature alone tells.
func (w *worker) slopes(phi []float32) []float32 {
	switch w.l.c.Feature {
	case Performer:
		return phi
	case Elu:
		kernel.FeatureEluSlope(w.l.c.Features, phi, w.slope)
	case ReLU:
		kernel.FeatureReluSlope(w.l.c.Features, phi, w.slope)
	}
	return w.slope
}

// storeQueryGrad takes dphi, not yet divided by the normalisers, through Ω to the queries. Of −½‖q‖² nothing is left: the
// gradients of a query's logarithms sum to zero.
func (w *worker) storeQueryGrad(dq tensor.Mat, row, n, col int) {
	c := w.l.c
	if c.Feature != Performer {
		w.store(dq, row, n, col, w.dphi, w.inv)
		return
	}
	clear(w.o)
	kernel.TileMulT(c.HeadDim, c.Features, w.l.omega, c.HeadDim, w.dphi, w.ones, w.o)
	scale := w.l.logScale() * ln2
	for i, inv := range w.inv {
		w.shared[i] = inv * scale
	}
	w.store(dq, row, n, col, w.o, w.shared)
}

// keyGrads computes the gradients of a piece's keys and values from the sums of all queries.
func (w *worker) keyGrads(keys, queries sums, b *backward, p piece, kvHead int) {
	kernel.FeatureFold(w.l.c.Features, queries.z, w.z)
	for i := 0; i < p.n; i += kernel.Lanes {
		w.keyTile(keys, queries, b, p.row+i, min(kernel.Lanes, p.n-i), kvHead*w.l.c.HeadDim)
	}
}

func (w *worker) keyTile(keys, queries sums, b *backward, row, n, col int) {
	d, m, width := w.l.c.HeadDim, w.l.c.Features, w.l.width()
	w.keyLogs(b.k, row, n, col, kernel.Lanes)
	w.keyFeatures(keys, n, kernel.Lanes)
	w.load(b.v, row, n, col, 1, w.doT)
	kernel.TileMul(m, d, queries.s, width, w.doT, kernel.Lanes, w.dphi, kernel.Lanes)
	clear(w.o)
	kernel.TileMulT(d, m, queries.s, width, w.phi, w.ones, w.o)
	w.store(b.DV, row, n, col, w.o, w.ones)
	kernel.FeatureGrad(m, w.dphi, w.slopes(w.phi), w.z, w.ones, w.shared)
	w.storeKeyGrad(b.DK, row, n, col)
}

// storeKeyGrad takes dphi through Ω to the keys of the tile xt, and shared through −½‖k‖².
func (w *worker) storeKeyGrad(dk tensor.Mat, row, n, col int) {
	c := w.l.c
	if c.Feature != Performer {
		w.store(dk, row, n, col, w.dphi, w.ones)
		return
	}
	for i, s := range w.shared {
		w.weight[i] = -s * ln2 // xt is in base 2
	}
	kernel.TileMulT(c.HeadDim, c.Features, w.l.omega, c.HeadDim, w.dphi, w.weight, w.xt)
	scale := w.l.logScale() * ln2
	for i := range w.weight {
		w.weight[i] = scale
	}
	w.store(dk, row, n, col, w.xt, w.weight)
}
