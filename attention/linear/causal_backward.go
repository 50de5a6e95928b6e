package linear

import (
	"math"

	"github.com/longspan/longspan/internal/ceil"
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

func (r *run) causalBackward(b *backward, keys *fold, n Neighbours) error {
	sv := r.takeSaved()
	r.eachWalk(func(w *worker, pieces walk, kvHead int) {
		w.walk(keys, pieces, kvHead, func(before, own sums, p piece) { w.walkQueries(before, own, b, sv, p, kvHead) })
	})
	queries := r.newFold(true, tensor.Mat{}, func(w *worker, s sums, p piece, kvHead int) { w.sumQueries(s, b, sv, p, kvHead) })
	if err := queries.run(n); err != nil {
		return err
	}
	r.eachWalk(func(w *worker, pieces walk, kvHead int) {
		w.walk(queries, pieces, kvHead, func(before, own sums, p piece) { w.walkKeys(before, own, b, sv, p, kvHead) })
	})
	return nil
}

// walkQueries computes the gradients of a piece's queries; before and own are as in chunks.
func (w *worker) walkQueries(before, own sums, b *backward, sv saved, p piece, kvHead int) {
	wild := w.chunks(before, own, b.k, b.v, p, kvHead, func(s sums, row, n int) { w.chunkQueries(s, b, sv, row, n, kvHead) })
	marks := sv.wild.Row(kvHead)[p.chunk : p.chunk+ceil.Div(p.n, kernel.Lanes)]
	clear(marks)
	for _, i := range wild {
		marks[i] = 1
	}
}

// chunkQueries computes the gradients of the queries of tokens that chunks has prepared.
func (w *worker) chunkQueries(s sums, b *backward, sv saved, row, n, kvHead int) {
	const lanes = kernel.Lanes
	d, m, width := w.l.c.HeadDim, w.l.c.Features, w.l.width()
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
			row := w.near.dw[j*lanes : (j+1)*lanes]
			kernel.Sub(row, row, w.delta)
			clear(row[:j])
		}
		kernel.TileMulAdd(m, lanes, w.phi, lanes, w.near.dw, lanes, w.dphi, lanes)
		kernel.FeatureGrad(m, w.dphi, w.slopes(w.phiQ), w.z, w.delta, w.shared)
		w.storeQueryGrad(b.DQ, row, n, head*d)
		w.save(sv, row, n, head)
	}
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

// sumQueries adds the queries of a piece to s, last tile first.
func (w *worker) sumQueries(s sums, b *backward, sv saved, p piece, kvHead int) {
	for i := lastChunk(p); i >= 0; i -= kernel.Lanes {
		w.addQueries(s, b, sv, p.row+i, min(kernel.Lanes, p.n-i), kvHead)
	}
}

// lastChunk is where the last chunk of a piece begins.
func lastChunk(p piece) int { return (p.n - 1) / kernel.Lanes * kernel.Lanes }

// addQueries adds a tile of queries of every head of a group to s: Σ φ(q)·dOᵀ and Σ φ(q)·δ.
func (w *worker) addQueries(s sums, b *backward, sv saved, row, n, kvHead int) {
	const lanes = kernel.Lanes
	for g := range w.l.group() {
		head := kvHead*w.l.group() + g
		w.recall(b.dout, sv, row, n, head)
		if w.l.c.Feature == Performer {
			w.queryLogs(b.q, row, n, head*w.l.c.HeadDim, w.phi)
			w.stabilise(s, n, lanes, queryRoom)
			w.keyFeatures(s, n, lanes)
		} else {
			w.mapped(b.q, row, n, head*w.l.c.HeadDim, w.phi)
		}
		w.accumulate(s, w.phi, lanes, lanes, w.delta)
	}
}

// walkKeys computes the gradients of a piece's keys and values, last chunk first. before has the sums of the queries of all ranges after,
// own those of its range after the piece, to which it adds the piece.
func (w *worker) walkKeys(before, own sums, b *backward, sv saved, p piece, kvHead int) {
	for i := lastChunk(p); i >= 0; i -= kernel.Lanes {
		row, n, s := p.row+i, min(kernel.Lanes, p.n-i), own
		if wild := sv.wild.Row(kvHead)[p.chunk+i/kernel.Lanes] != 0; wild {
			s = w.total(before, own)
			for j := n - 1; j >= 0; j-- {
				w.chunkKeyGrads(s, b, sv, row+j, 1, kvHead)
				w.addQueries(s, b, sv, row+j, 1, kvHead)
			}
		} else {
			if !before.none() {
				s = w.total(before, own)
			}
			w.chunkKeyGrads(s, b, sv, row, n, kvHead)
		}
		w.addQueries(own, b, sv, row, n, kvHead)
	}
}

// chunkKeyGrads computes the gradients of a chunk's keys and values from s, the sums of the queries after the chunk.
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
		row := w.near.dw[i*lanes : (i+1)*lanes]
		kernel.Standardise(row, row, w.delta[i], 1)
		clear(row[i+1:])
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
