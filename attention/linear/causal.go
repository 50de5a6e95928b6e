package linear

import (
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// Under a causal mask a sequence is walked in chunks of one tile. A query's sum over keys is what sums say of the chunks before, and
// weights computed one by one inside its own chunk. The sums of the chunks before are those of all ranges before and those of its own range
// so far, which are kept apart and added for each chunk: a pass over the sums, a thirtieth of the time of a chunk. So the sums of a range
// are formed from zero wherever the walk began, and a sequence may be walked in any number of walks or places with the same bits.

// calm is how far a key's logarithms may rise above those of its chunk's first key and of all chunks before. Stabilisers
// are of the whole chunk, so a row's normaliser is at least 2^−(calm + step), and nothing that matters to it is lost: float32
// reaches down to 2^−126. A chunk that is not calm is walked token by token.
const calm = 60

// walk runs f for the pieces of a walk, in the direction of the fold, with the sums of all ranges before and of the range so far, to which
// f adds the piece.
func (w *worker) walk(f *fold, k walk, kvHead int, do func(before, own sums, p piece)) {
	before := f.start(w.own, k, kvHead)
	for i := range k.pieces {
		at := k.first + i
		if f.back {
			at = k.first + k.pieces - 1 - i
		}
		do(before, w.own, w.l.pieces[at])
		if i == k.pieces-1 {
			return
		}
		before = w.next(before)
	}
}

// next returns the sums of all ranges before and the one that own has the sums of, which is empty then.
func (w *worker) next(before sums) sums {
	if before.none() {
		w.base.copyFrom(w.own)
	} else {
		w.both.join(before, w.own)
		w.base, w.both = w.both, w.base
	}
	w.own.reset(w.l.c.Feature)
	return w.base
}

// chunks runs do for the chunks of a piece: for all tokens of a chunk at once, or one by one where the chunk is not calm. before has the
// sums of the ranges before, own those of the range so far, to which it adds the piece. do gets the sums of all keys before its tokens; the
// features of the tokens' keys are in phi, their values in vals, and the sums' z folded in z.
func (w *worker) chunks(before, own sums, k, v tensor.Mat, p piece, kvHead int, do func(s sums, row, n int)) (wild []int) {
	const lanes = kernel.Lanes
	for i := 0; i < p.n; i += lanes {
		row, n := p.row+i, min(lanes, p.n-i)
		if !w.chunkKeys(before, own, k, row, n, kvHead) {
			wild = append(wild, i/lanes)
			w.single(before, own, k, v, row, n, kvHead, do)
			w.sumKeys(own, k, v, piece{row: row, n: n}, kvHead)
			continue
		}
		w.values(v, row, n, kvHead*w.l.c.HeadDim)
		if before.none() {
			kernel.FeatureFold(w.l.c.Features, own.z, w.z)
			do(own, row, n)
			w.accumulate(own, w.phi, lanes, lanes, w.ones)
			continue
		}
		w.both.join(before, own)
		w.accumulate(own, w.phi, lanes, lanes, w.ones)
		w.rescale(own, w.both)
		kernel.FeatureFold(w.l.c.Features, w.both.z, w.z)
		do(w.both, row, n)
	}
	return wild
}

// single is the tokens of a chunk one by one, each with sums of all tokens before it.
func (w *worker) single(before, own sums, k, v tensor.Mat, row, n, kvHead int, do func(s sums, row, n int)) {
	const lanes = kernel.Lanes
	s := w.total(before, own)
	for ; n > 0; row, n = row+1, n-1 {
		w.keyLogs(k, row, 1, kvHead*w.l.c.HeadDim, lanes)
		w.stabilise(s, 1, lanes, keyRoom)
		w.keyFeatures(s, 1, lanes)
		w.values(v, row, 1, kvHead*w.l.c.HeadDim)
		kernel.FeatureFold(w.l.c.Features, s.z, w.z)
		do(s, row, 1)
		w.accumulate(s, w.phi, lanes, lanes, w.ones)
	}
}

// total puts the sum of before and own into both.
func (w *worker) total(before, own sums) sums {
	if before.none() {
		w.both.copyFrom(own)
	} else {
		w.both.join(before, own)
	}
	return w.both
}

// rescale brings features that have the stabilisers of from to those of to, which are as high or higher.
func (w *worker) rescale(from, to sums) {
	for i, c := range to.c {
		if c != from.c[i] {
			row := w.phi[i*kernel.Lanes : (i+1)*kernel.Lanes]
			kernel.Scale(row, exp2(from.c[i]-c), row)
		}
	}
}

// chunkKeys puts the features of a chunk's keys into phi, with the stabilisers of own, raised to cover them. It does nothing and returns
// false if the chunk is not calm.
func (w *worker) chunkKeys(before, own sums, k tensor.Mat, row, n, kvHead int) bool {
	w.keyLogs(k, row, n, kvHead*w.l.c.HeadDim, kernel.Lanes)
	if w.exceeds(own, n, kernel.Lanes) {
		for i, c := range own.c {
			if !before.none() {
				c = max(c, before.c[i])
			}
			w.top[i] = w.rowTop(i, n, kernel.Lanes)
			if w.top[i]-max(c, w.rowTop(i, 1, kernel.Lanes)) > calm {
				return false
			}
		}
		for i, top := range w.top {
			own.cover(i, top, keyRoom)
		}
	}
	w.keyFeatures(own, n, kernel.Lanes)
	return true
}

// causal computes the outputs of a piece, and adds its keys to own; see chunks.
func (w *worker) causal(before, own sums, out, q, k, v tensor.Mat, p piece, kvHead int) {
	w.chunks(before, own, k, v, p, kvHead, func(s sums, row, n int) { w.chunk(s, out, q, row, n, kvHead) })
}

// chunk computes the outputs of tokens that chunks has prepared.
func (w *worker) chunk(s sums, out, q tensor.Mat, row, n, kvHead int) {
	d, m, width := w.l.c.HeadDim, w.l.c.Features, w.l.width()
	for g := range w.l.group() {
		col := (kvHead*w.l.group() + g) * d
		w.queryFeatures(s, q, row, n, col)
		w.weights()
		w.invert(n)
		clear(w.o)
		kernel.TileMulT(d, m, s.s, width, w.phiQ, w.ones, w.o)
		kernel.TileMulT(d, kernel.Lanes, w.vals, width, w.pair, w.ones, w.o)
		w.store(out, row, n, col, w.o, w.inv)
	}
}

// weights puts φ(k_j)·φ(q_i) of a chunk into pair[j][i], 0 where key j is after query i, and adds them to den.
func (w *worker) weights() {
	const lanes = kernel.Lanes
	clear(w.pair)
	kernel.TileMulT(lanes, w.l.c.Features, w.phi, lanes, w.phiQ, w.ones, w.pair)
	for j := range lanes {
		row := w.pair[j*lanes : (j+1)*lanes]
		clear(row[:j])
		kernel.Add(w.den, w.den, row)
	}
}
