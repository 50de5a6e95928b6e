package linear

import (
	"cmp"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/internal/check"
	"github.com/longspan/longspan/internal/ceil"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// minNormaliser is the smallest Σ_j w_j that a row of Elu or ReLU is divided by; where it is smaller the row's output is 0,
// and so are its gradients. ReLU's is exactly 0 where no feature of the query meets one of a key, and elu(x)+1 vanishes
// below x = −69. The reciprocal of 2^−100 leaves 2^28 of room for the values. Performer has no such rows: its normaliser is
// at least 2^−16, and 2^−92 under a causal mask (see calm).
const minNormaliser = 0x1p-100

// Forward computes out [T, H·D], with as many keys as queries. All matrices are of any element types; out may be Q
// itself and must not overlap K or V. Sums are float32. Scratch comes from x.Pool: about M·(D + 180) floats a thread (M·(3·D + 220) with
// a causal mask), and for sequences cut into ranges a sixteenth of the bytes of k in float32. Cost: [Linear.ForwardFlops], and for a causal
// mask 64·(M + D) more for every token and head.
//
// Bits depend on each sequence alone, not on the rest of the batch or x.Threads. Shapes that do not fit are errors. Dry
// matrices take and give back the same memory and compute nothing.
func (l *Linear) Forward(x tensor.Exec, out tensor.Mat, in attention.In) error {
	if err := l.checkWhole(); err != nil {
		return err
	}
	return l.forward(x, nil, out, tensor.Mat{}, in)
}

func (l *Linear) forward(x tensor.Exec, n Neighbours, out, border tensor.Mat, in attention.In) error {
	dry, err := l.c.checkMats(x.Pool, l.tokens, in, check.Of("O", out, l.tokens, l.c.Heads*l.c.HeadDim))
	if err != nil {
		return err
	}
	r := l.begin(x, dry, false)
	defer r.end()
	return cmp.Or(r.forward(n, out, border, in), wait(n))
}

func (r *run) forward(n Neighbours, out, border tensor.Mat, in attention.In) error {
	l, c, q, k, v := r.l, r.l.c, in.Q, in.K, in.V
	keys := r.keysFold(border, k, v)
	if err := keys.run(n); err != nil {
		return err
	}
	if c.Causal {
		r.eachWalk(func(w *worker, pieces walk, kvHead int) {
			w.walk(keys, pieces, kvHead, func(before, own sums, p piece) { w.causal(before, own, out, q, k, v, p, kvHead) })
		})
		return nil
	}
	r.each(func(w *worker, p piece, kvHead int) {
		s := w.allKeys(keys, k, v, p, kvHead)
		kernel.FeatureFold(c.Features, s.z, w.z)
		for g := range l.group() {
			col := (kvHead*l.group() + g) * c.HeadDim
			for i := 0; i < p.n; i += kernel.Lanes {
				w.attend(s, out, q, p.row+i, min(kernel.Lanes, p.n-i), col)
			}
		}
	})
	return nil
}

// keysFold is the fold of keys and values.
func (r *run) keysFold(border, k, v tensor.Mat) *fold {
	return r.newFold(false, border, func(w *worker, s sums, p piece, kvHead int) { w.sumKeys(s, k, v, p, kvHead) })
}

// allKeys returns the sums of all keys of a piece's sequence, computing them if the piece is all of it.
func (w *worker) allKeys(keys *fold, k, v tensor.Mat, p piece, kvHead int) sums {
	if p.state != whole {
		return keys.all(p, kvHead)
	}
	w.own.reset(w.l.c.Feature)
	w.sumKeys(w.own, k, v, p, kvHead)
	return w.own
}

// sumKeys adds the keys and values of a piece to s.
func (w *worker) sumKeys(s sums, k, v tensor.Mat, p piece, kvHead int) {
	block, col := w.l.block(), kvHead*w.l.c.HeadDim
	for i := 0; i < p.n; i += block {
		n := min(block, p.n-i)
		w.keyLogs(k, p.row+i, n, col, block)
		w.stabilise(s, n, block, keyRoom)
		w.keyFeatures(s, n, block)
		w.values(v, p.row+i, n, col)
		w.accumulate(s, w.phi, ceil.Multiple(n, kernel.Lanes), block, w.ones)
	}
}

// keyLogs puts into phi, [M][ld], what the features of n ≤ ld keys are made of: for Performer their logarithms without
// −½‖k‖², which goes into norm; for the other maps the features themselves.
func (w *worker) keyLogs(k tensor.Mat, row, n, col, ld int) {
	c := w.l.c
	for i := 0; i < n; i += kernel.Lanes {
		lanes := min(kernel.Lanes, n-i)
		if c.Feature != Performer {
			w.mapped(k, row+i, lanes, col, w.phi)
			continue
		}
		w.load(k, row+i, lanes, col, w.l.logScale(), w.xt)
		w.halfSquares(w.norm[i:], lanes)
		kernel.TileMul(c.Features, c.HeadDim, w.l.omega, c.HeadDim, w.xt, kernel.Lanes, w.phi[i:], ld)
	}
}

// ln2 converts logarithms in base 2 to natural ones.
const ln2 = 0.6931471805599453

// halfSquares computes ½‖x‖²·log2(e) of the tile xt, whose elements carry a factor log2(e) already, and hides the lanes
// from n on.
func (w *worker) halfSquares(norm []float32, n int) {
	kernel.FeatureDot(w.l.c.HeadDim, w.xt, w.xt, norm)
	for i := range n {
		norm[i] *= ln2 / 2
	}
	for i := n; i < kernel.Lanes; i++ {
		norm[i] = hiddenNorm
	}
}

// mapped loads a tile and applies Elu or ReLU; lanes from n on become 0.
func (w *worker) mapped(m tensor.Mat, row, n, col int, dst []float32) {
	d := w.l.c.HeadDim
	w.load(m, row, n, col, 1, dst)
	if w.l.c.Feature == ReLU {
		kernel.FeatureRelu(d, dst)
		return
	}
	kernel.FeatureElu(d, dst)
	if n == kernel.Lanes {
		return
	}
	for i := range d {
		clear(dst[i*kernel.Lanes+n : (i+1)*kernel.Lanes])
	}
}

// stabilise raises the stabilisers of s where the logarithms of a block of n keys exceed them by more than slack, to cover them with room.
func (w *worker) stabilise(s sums, n, ld int, room float32) {
	if !w.exceeds(s, n, ld) {
		return
	}
	for i := range s.c {
		s.cover(i, w.rowTop(i, n, ld), room)
	}
}

// exceeds reports whether a logarithm of the block lies more than slack above its stabiliser.
func (w *worker) exceeds(s sums, n, ld int) bool {
	if w.l.c.Feature != Performer {
		return false
	}
	over := false
	for i := 0; i < n; i += kernel.Lanes {
		kernel.FeatureTop(w.l.c.Features, w.phi[i:], ld, w.norm[i:], s.c, w.high)
		for _, top := range w.high {
			over = over || top > slack
		}
	}
	return over
}

// rowTop is the largest logarithm of feature i among the first n keys of the block.
func (w *worker) rowTop(i, n, ld int) float32 {
	kernel.Sub(w.pair[:n], w.phi[i*ld:i*ld+n], w.norm[:n])
	return kernel.Max(w.pair[:n])
}

// keyFeatures turns the logarithms in phi into features.
func (w *worker) keyFeatures(s sums, n, ld int) {
	if w.l.c.Feature != Performer {
		return
	}
	for i := 0; i < n; i += kernel.Lanes {
		kernel.FeatureExp(w.l.c.Features, w.phi[i:], ld, w.norm[i:], s.c)
	}
}

// accumulate adds features phi, [M][ld] with n tokens across, a multiple of Lanes, to s: their products with the rows of
// vals, and themselves times weight, [Lanes].
func (w *worker) accumulate(s sums, phi []float32, n, ld int, weight []float32) {
	m, width := w.l.c.Features, w.l.width()
	for i := 0; i < n; i += kernel.Lanes {
		kernel.FeatureSum(m, phi[i:], ld, weight, s.z)
	}
	for j := 0; j < width; j += kernel.Lanes {
		kernel.TileMulAdd(m, n, phi, ld, w.vals[j:], width, s.s[j:], width)
	}
}

// queryFeatures puts the features of a tile of queries into phiQ and their products with the keys' z into den.
func (w *worker) queryFeatures(s sums, q tensor.Mat, row, n, col int) {
	c := w.l.c
	if c.Feature != Performer {
		w.mapped(q, row, n, col, w.phiQ)
		kernel.FeatureMix(c.Features, w.phiQ, w.z, w.den)
		return
	}
	w.queryLogs(q, row, n, col, w.phiQ)
	kernel.FeatureQuery(c.Features, w.phiQ, s.c, w.z, w.high, w.den)
}

// queryLogs puts the logarithms of the features of a tile of queries into dst, without −½‖q‖², which cancels.
func (w *worker) queryLogs(q tensor.Mat, row, n, col int, dst []float32) {
	c := w.l.c
	w.load(q, row, n, col, w.l.logScale(), w.xt)
	kernel.TileMul(c.Features, c.HeadDim, w.l.omega, c.HeadDim, w.xt, kernel.Lanes, dst, kernel.Lanes)
}

// invert puts the reciprocals of den into inv: 0 for lanes from n on and where a normaliser is too small.
func (w *worker) invert(n int) {
	for i, den := range w.den {
		w.inv[i] = 1 / den
		if i >= n || den < minNormaliser {
			w.inv[i] = 0
		}
	}
}

// attend computes the outputs of a tile of queries from the sums of all keys.
func (w *worker) attend(s sums, out, q tensor.Mat, row, n, col int) {
	w.queryFeatures(s, q, row, n, col)
	w.invert(n)
	clear(w.o)
	kernel.TileMulT(w.l.c.HeadDim, w.l.c.Features, s.s, w.l.width(), w.phiQ, w.ones, w.o)
	w.store(out, row, n, col, w.o, w.inv)
}
