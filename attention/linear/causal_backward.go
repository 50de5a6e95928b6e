package linear

import (
	"math"

	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// The backward pass under a causal mask walks each range twice: forwards with the sums of the keys before, for the
// gradients of the queries, and backwards with the sums of the queries after, for those of keys and values. The second walk
// needs each query's normaliser, whose logarithm is kept, and δ.
//
// In the second walk the features of queries are 2^(logarithm − lse): w_ij/Σw is then a product of features with no
// division left, and a query's features are at most the inverse of those of any key it sees. The sums over queries have
// stabilisers of their own.

// saved is what the first walk leaves to the second.
type saved struct {
	lse   tensor.Mat // [H, T] Performer: logarithm of the normaliser in base 2; other maps: the normaliser's reciprocal
	delta tensor.Mat // [H, T] δ = dO·O
	wild  tensor.Mat // [Hkv, chunks] 1 where a chunk is walked token by token
}

func (r *run) takeSaved() saved {
	c := r.l.c
	return saved{lse: r.get(c.Heads, r.l.tokens), delta: r.get(c.Heads, r.l.tokens), wild: r.get(c.KVHeads, r.l.chunks)}
}

// nearby is the scratch memory for gradients inside a chunk.
type nearby struct {
	phi  []float32 // [M][Lanes] features of the chunk's keys, scaled for its own queries
	dphi []float32 // [M][Lanes] their gradients
	dw   []float32 // [Lanes][Lanes] gradients of the weights
	neg  []float32 // [M] stabilisers with their sign changed
	dot  []float32 // [Lanes]
}

func (l *Linear) cutNearby(c *cutter) nearby {
	const lanes = kernel.Lanes
	m := l.c.Features
	return nearby{phi: c.Take(m * lanes), dphi: c.Take(m * lanes), dw: c.Take(lanes * lanes), neg: c.Take(m), dot: c.Take(lanes)}
}

func (r *run) causalBackward(b *backward) {
	heads := r.l.c.KVHeads
	r.each(func(w *worker, p piece, kvHead int) {
		w.walkQueries(r.before(w, p, kvHead), b, r.saved, p, kvHead)
		if p.state != whole && p.state > p.first {
			s := r.queries[p.state*heads+kvHead]
			s.reset(r.l.c.Feature)
			for i := 0; i < p.n; i += kernel.Lanes {
				w.addQueries(s, b, r.saved, p.row+i, min(kernel.Lanes, p.n-i), kvHead)
			}
		}
	})
	r.eachCut(r.queries, func(ranges []sums) {
		for j := len(ranges) - 2; j > 0; j-- {
			suffix := ranges[j]
			suffix.add(ranges[j+1])
		}
	})
	r.each(func(w *worker, p piece, kvHead int) {
		w.back.reset(r.l.c.Feature)
		if !p.last {
			w.back.copyFrom(r.queries[(p.state+1)*heads+kvHead])
		}
		w.walkKeys(w.back, b, r.saved, p, kvHead)
	})
}

// walkQueries computes the gradients of a piece's queries, s being the sums of the keys before it.
func (w *worker) walkQueries(s sums, b *backward, sv saved, p piece, kvHead int) {
	for i := 0; i < p.n; i += kernel.Lanes {
		n, wild := min(kernel.Lanes, p.n-i), float32(0)
		if w.chunkKeys(s, b.k, p.row+i, n, kvHead) {
			w.chunkQueries(s, b, sv, p.row+i, n, kvHead)
		} else {
			wild = 1
			for j := range n {
				w.chunkKeys(s, b.k, p.row+i+j, 1, kvHead)
				w.chunkQueries(s, b, sv, p.row+i+j, 1, kvHead)
			}
		}
		sv.wild.Row(kvHead)[p.chunk+i/kernel.Lanes] = wild
	}
}

// chunkQueries computes the gradients of a chunk's queries, whose keys chunkKeys has prepared, and adds its keys to s.
func (w *worker) chunkQueries(s sums, b *backward, sv saved, row, n, kvHead int) {
	const lanes = kernel.Lanes
	d, m, width := w.l.c.HeadDim, w.l.c.Features, w.l.width()
	w.values(b.v, row, n, kvHead*d)
	for g := range w.l.group() {
		head := kvHead*w.l.group() + g
		w.queryFeatures(s, b.q, row, n, head*d)
		w.weights()
		w.invert(n)
		w.load(b.dout, row, n, head*d, 1, w.doT)
		kernel.TileMul(lanes, d, w.vals, width, w.doT, lanes, w.near.dw, lanes)
		kernel.TileMul(m, d, s.s, width, w.doT, lanes, w.dphi, lanes)
		kernel.FeatureDot(m, w.phiQ, w.dphi, w.delta)
		kernel.FeatureDot(lanes, w.pair, w.near.dw, w.near.dot)
		for i, inv := range w.inv {
			w.delta[i] = (w.delta[i] + w.near.dot[i]) * inv
		}
		for j := range lanes { // of key j, for the queries from j on
			clear(w.near.dw[j*lanes : j*lanes+j])
			for i := j; i < lanes; i++ {
				w.near.dw[j*lanes+i] -= w.delta[i]
			}
		}
		kernel.TileMulAdd(m, lanes, w.phi, lanes, w.near.dw, lanes, w.dphi, lanes)
		kernel.FeatureGrad(m, w.dphi, w.slopes(w.phiQ), w.z, w.delta, w.shared)
		w.storeQueryGrad(b.DQ, row, n, head*d)
		w.save(sv, row, n, head)
	}
	w.accumulate(s, w.phi, lanes, lanes, w.ones)
}

// save keeps the normalisers and δ of a tile of queries.
func (w *worker) save(sv saved, row, n, head int) {
	lse, delta := sv.lse.Row(head)[row:row+n], sv.delta.Row(head)[row:row+n]
	copy(delta, w.delta)
	for i := range lse {
		lse[i] = w.inv[i]
		if w.l.c.Feature == Performer {
			lse[i] = w.high[i] + float32(math.Log2(float64(w.den[i])))
		}
	}
}

// recall brings back what save kept, for features of queries scaled to the second walk: Performer's lse goes into norm. The
// other maps have no logarithms, and the reciprocal normaliser goes into the gradients of the outputs, vals, and into delta
// instead.
func (w *worker) recall(dout tensor.Mat, sv saved, row, n, head int) {
	width := w.l.width()
	w.values(dout, row, n, head*w.l.c.HeadDim)
	clear(w.delta)
	copy(w.delta, sv.delta.Row(head)[row:row+n])
	lse := sv.lse.Row(head)[row : row+n]
	if w.l.c.Feature == Performer {
		copy(w.norm, lse)
		for i := n; i < kernel.Lanes; i++ {
			w.norm[i] = hiddenNorm
		}
		return
	}
	for i, inv := range lse {
		w.delta[i] *= inv
		row := w.vals[i*width : (i+1)*width]
		kernel.Scale(row, inv, row)
	}
}

// addQueries adds a tile of queries of every head of a group to s: Σ φ(q)·dOᵀ and Σ φ(q)·δ.
func (w *worker) addQueries(s sums, b *backward, sv saved, row, n, kvHead int) {
	const lanes = kernel.Lanes
	for g := range w.l.group() {
		head := kvHead*w.l.group() + g
		w.recall(b.dout, sv, row, n, head)
		if w.l.c.Feature == Performer {
			w.queryLogs(b.q, row, n, head*w.l.c.HeadDim, w.phi)
			w.stabilise(s, n, lanes)
			w.keyFeatures(s, n, lanes)
		} else {
			w.mapped(b.q, row, n, head*w.l.c.HeadDim, w.phi)
		}
		w.accumulate(s, w.phi, lanes, lanes, w.delta)
	}
}

// walkKeys computes the gradients of a piece's keys and values, last chunk first, s being the sums of the queries after it.
func (w *worker) walkKeys(s sums, b *backward, sv saved, p piece, kvHead int) {
	for i := (p.n - 1) / kernel.Lanes * kernel.Lanes; i >= 0; i -= kernel.Lanes {
		n := min(kernel.Lanes, p.n-i)
		if sv.wild.Row(kvHead)[p.chunk+i/kernel.Lanes] == 0 {
			w.chunkKeyGrads(s, b, sv, p.row+i, n, kvHead)
			continue
		}
		for j := n - 1; j >= 0; j-- {
			w.chunkKeyGrads(s, b, sv, p.row+i+j, 1, kvHead)
		}
	}
}

// chunkKeyGrads computes the gradients of a chunk's keys and values, and adds its queries to s.
func (w *worker) chunkKeyGrads(s sums, b *backward, sv saved, row, n, kvHead int) {
	d, m, width, col := w.l.c.HeadDim, w.l.c.Features, w.l.width(), kvHead*w.l.c.HeadDim
	w.keyLogs(b.k, row, n, col, kernel.Lanes)
	w.scaleKeys(s, n)
	w.load(b.v, row, n, col, 1, w.doT)
	kernel.FeatureFold(m, s.z, w.z)
	kernel.TileMul(m, d, s.s, width, w.doT, kernel.Lanes, w.dphi, kernel.Lanes)
	clear(w.o)
	kernel.TileMulT(d, m, s.s, width, w.phi, w.ones, w.o)
	clear(w.near.dphi)
	for g := range w.l.group() {
		w.nearbyGrads(b, sv, row, n, kvHead*w.l.group()+g)
	}
	w.store(b.DV, row, n, col, w.o, w.ones)
	w.joinGrads()
	if w.l.c.Feature == Performer {
		w.load(b.k, row, n, col, w.l.logScale(), w.xt)
	}
	w.storeKeyGrad(b.DK, row, n, col)
	w.addQueries(s, b, sv, row, n, kvHead)
}

// scaleKeys makes two scalings of a chunk's key features: in phi for the sums of the queries after the chunk, in near.phi
// for the chunk's own queries, by the largest logarithm of each feature in the chunk.
func (w *worker) scaleKeys(s sums, n int) {
	m := w.l.c.Features
	copy(w.near.phi, w.phi[:m*kernel.Lanes])
	if w.l.c.Feature != Performer {
		return
	}
	for i := range m {
		w.top[i] = w.rowTop(i, n, kernel.Lanes)
	}
	kernel.Scale(w.near.neg, -1, s.c)
	kernel.FeatureExp(m, w.near.phi, kernel.Lanes, w.norm, w.top)
	kernel.FeatureExp(m, w.phi, kernel.Lanes, w.norm, w.near.neg)
}

// nearbyGrads adds what a chunk's queries of one head give to its keys and values: to near.dphi and to o.
func (w *worker) nearbyGrads(b *backward, sv saved, row, n, head int) {
	const lanes = kernel.Lanes
	d, m, width := w.l.c.HeadDim, w.l.c.Features, w.l.width()
	w.recall(b.dout, sv, row, n, head)
	if w.l.c.Feature == Performer {
		w.queryLogs(b.q, row, n, head*d, w.phiQ)
		kernel.Scale(w.near.neg, -1, w.top)
		kernel.FeatureExp(m, w.phiQ, lanes, w.norm, w.near.neg)
	} else {
		w.mapped(b.q, row, n, head*d, w.phiQ)
	}
	clear(w.pair)
	kernel.TileMulT(lanes, m, w.phiQ, lanes, w.near.phi, w.ones, w.pair)
	kernel.TileMul(lanes, d, w.vals, width, w.doT, lanes, w.near.dw, lanes)
	for i := range lanes { // of query i, for the keys up to i
		clear(w.pair[i*lanes+i+1 : (i+1)*lanes])
		for j := range i + 1 {
			w.near.dw[i*lanes+j] -= w.delta[i]
		}
		clear(w.near.dw[i*lanes+i+1 : (i+1)*lanes])
	}
	kernel.TileMulT(d, lanes, w.vals, width, w.pair, w.ones, w.o)
	kernel.TileMulAdd(m, lanes, w.phiQ, lanes, w.near.dw, lanes, w.near.dphi, lanes)
}

// joinGrads brings the gradients of a chunk's key features from later chunks, dphi, and from its own, near.dphi, together
// in dphi.
func (w *worker) joinGrads() {
	m := w.l.c.Features
	if w.l.c.Feature != Performer {
		kernel.Add(w.dphi, w.dphi, w.near.dphi)
		kernel.FeatureGrad(m, w.dphi, w.slopes(w.phi), w.z, w.ones, w.shared)
		return
	}
	kernel.FeatureGrad(m, w.near.dphi, w.near.phi, w.zeros, w.ones, w.weight)
	kernel.FeatureGrad(m, w.dphi, w.phi, w.z, w.ones, w.shared)
	kernel.Add(w.dphi, w.dphi, w.near.dphi)
	kernel.Add(w.shared, w.shared, w.weight)
}
