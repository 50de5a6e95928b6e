package nystrom

import (
	"math"

	"github.com/longspan/longspan/attention/internal/scratch"
	"github.com/longspan/longspan/internal/ceil"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// inverse is the scratch memory for the m×m matrices of one head: A, the iteration for its pseudo-inverse, and their
// gradients. Matrices are [side][side], side being m rounded up to whole tiles; what lies past m is 0 in A and so in every
// Z and every gradient.
type inverse struct {
	c    Config
	side int
	wide int // D rounded up to whole tiles

	a, p, q1, q2, q3, t []float32   // [side][side]
	z                   [][]float32 // Z_0 … Z_n; Forward keeps only two
	norm                float32     // ‖A‖₁
	column              int         // the column it is the sum of

	ql, kl, bv, dw, o []float32 // [side][wide] rows of landmarks
	tile              []float32 // [max(D, block)][Lanes]
	tile2             []float32 // [D][Lanes]
	high, sum, alpha  []float32 // [Lanes]
	mask              []uint32

	dz, da, dp, dq []float32 // [side][side]
}

// carve lays an inverse out in mem, or counts its floats where mem is nil.
func (n *Nystrom) carve(mem []float32, backward bool) (*inverse, int) {
	c := scratch.New(mem)
	side, wide, d := ceil.Multiple(n.c.Landmarks, lanes), ceil.Multiple(n.c.HeadDim, lanes), n.c.HeadDim
	square := func() []float32 { return c.Take(side * side) }
	rows := func() []float32 { return c.Take(side * wide) }
	w := &inverse{c: n.c, side: side, wide: wide, a: square(), p: square(), q1: square(), q2: square(), q3: square(), t: square()}
	kept := 2
	if backward {
		kept = n.c.Iterations + 1
		w.dz, w.da, w.dp, w.dq = square(), square(), square(), square()
	}
	for range kept {
		w.z = append(w.z, square())
	}
	w.ql, w.kl, w.bv, w.dw, w.o = rows(), rows(), rows(), rows(), rows()
	w.tile, w.tile2 = c.Take(max(d, kernel.KeyBlock)*lanes), c.Take(d*lanes)
	w.high, w.sum, w.alpha = c.Take(lanes), c.Take(lanes), c.Take(lanes)
	return w, c.Taken()
}

// rows copies the landmarks of one head, m rows of D, into dst; what lies past them becomes 0.
func (w *inverse) rows(dst []float32, m tensor.Mat, row, col int) {
	clear(dst)
	for i := range w.c.Landmarks {
		m.ReadPart(dst[i*w.wide:i*w.wide+w.c.HeadDim], row+i, col)
	}
}

// attention computes A = softmax(ql·klᵀ/√D). Scores are made twice, once for the normalisers and once for the
// probabilities; they lie transposed, queries across the lanes.
func (w *inverse) attention() {
	d, m := w.c.HeadDim, w.c.Landmarks
	scale := float32(math.Log2E / math.Sqrt(float64(d)))
	for i := 0; i < m; i += lanes {
		n := min(lanes, m-i)
		kernel.TileLoad(n, d, w.ql[i*w.wide:], w.wide, scale, w.tile2)
		clear(w.sum)
		for x := range w.high {
			w.high[x] = kernel.NoScore
		}
		w.scores(func(j, keys int, mask []uint32) {
			kernel.TileSoftmax(keys, w.tile, mask, w.high, w.sum, w.alpha)
		})
		for x := range w.high {
			w.high[x] += float32(math.Log2(float64(w.sum[x])))
			if x >= n {
				w.high[x] = float32(math.Inf(1))
			}
		}
		w.scores(func(j, keys int, mask []uint32) {
			kernel.TileProbs(keys, w.tile, mask, w.high)
			for r := range keys {
				copy(w.t[(j+r)*w.side+i:], w.tile[r*lanes:(r+1)*lanes])
			}
		})
	}
	w.transpose(w.a, w.t)
}

// scores calls f for every block of keys with its scores in tile and the mask that hides keys past the last.
func (w *inverse) scores(f func(j, keys int, mask []uint32)) {
	for j := 0; j < w.side; j += kernel.KeyBlock {
		keys := min(kernel.KeyBlock, w.side-j)
		kernel.TileMul(keys, w.c.HeadDim, w.kl[j*w.wide:], w.wide, w.tile2, lanes, w.tile, lanes)
		f(j, keys, w.maskOf(j, keys))
	}
}

func (w *inverse) maskOf(j, keys int) []uint32 {
	if j+keys <= w.c.Landmarks {
		return nil
	}
	w.mask = w.mask[:0]
	for r := range keys {
		bits := uint32(0)
		if j+r < w.c.Landmarks {
			bits = math.MaxUint32
		}
		w.mask = append(w.mask, bits)
	}
	return w.mask
}

// transpose computes dst = xᵀ. It uses up the tile.
func (w *inverse) transpose(dst, x []float32) {
	n := w.side
	for i := 0; i < n; i += lanes {
		for j := 0; j < n; j += kernel.KeyBlock {
			columns := min(kernel.KeyBlock, n-j)
			kernel.TileLoad(lanes, columns, x[i*n+j:], n, 1, w.tile)
			for c := range columns {
				copy(dst[(j+c)*n+i:(j+c)*n+i+lanes], w.tile[c*lanes:])
			}
		}
	}
}

// mul computes c = a·b of square matrices, c being neither.
func (w *inverse) mul(c, a, b []float32) {
	for j := 0; j < w.side; j += lanes {
		kernel.TileMul(w.side, w.side, a, w.side, b[j:], w.side, c[j:], w.side)
	}
}

// mulRows computes c = a·b of a square matrix and rows of landmarks.
func (w *inverse) mulRows(c, a, b []float32) {
	for j := 0; j < w.wide; j += lanes {
		kernel.TileMul(w.side, w.side, a, w.side, b[j:], w.wide, c[j:], w.wide)
	}
}

// minusFrom computes x = s·I − x.
func (w *inverse) minusFrom(s float32, x []float32) {
	kernel.Scale(x, -1, x)
	for i := range w.side {
		x[i*w.side+i] += s
	}
}

// start sets Z_0 = Aᵀ/(‖A‖₁·‖A‖∞), the second norm being 1: the rows of a softmax sum to 1. norm replaces ‖A‖₁ where it is not 0.
func (w *inverse) start(norm float32) {
	w.columnNorm()
	if norm != 0 {
		w.norm = norm
	}
	kernel.Scale(w.z[0], 1/w.norm, w.t)
}

// columnNorm computes ‖A‖₁ and the column that it is the sum of, and leaves Aᵀ in t.
func (w *inverse) columnNorm() {
	w.transpose(w.t, w.a)
	w.norm = float32(math.Inf(-1))
	for j := range w.c.Landmarks {
		if sum := kernel.Sum(w.t[j*w.side : (j+1)*w.side]); sum > w.norm {
			w.norm, w.column = sum, j
		}
	}
}

// step computes Z' = ¼·Z·(13I − P·(15I − P·(7I − P))) with P = A·Z, a method of third order (Xiong et al., equation 11,
// after Razavi et al. 2014), and leaves P and the three factors in p, q1, q2 and q3.
func (w *inverse) step(next, z []float32) {
	w.factors(z)
	w.mul(next, z, w.q3)
	kernel.Scale(next, 0.25, next)
}

func (w *inverse) factors(z []float32) {
	w.mul(w.p, w.a, z)
	copy(w.q1, w.p)
	w.minusFrom(7, w.q1)
	w.mul(w.q2, w.p, w.q1)
	w.minusFrom(15, w.q2)
	w.mul(w.q3, w.p, w.q2)
	w.minusFrom(13, w.q3)
}

// forward computes o = A⁺·bv from ql, kl and bv, and returns A⁺. norm is as in start.
func (w *inverse) forward(norm float32) []float32 {
	w.attention()
	w.start(norm)
	for i := range w.c.Iterations {
		w.step(w.z[(i+1)%len(w.z)], w.z[i%len(w.z)])
	}
	last := w.z[w.c.Iterations%len(w.z)]
	w.mulRows(w.o, last, w.bv)
	return last
}

// mulTN computes c = aᵀ·b, mulNT c = a·bᵀ; t is scratch.
func (w *inverse) mulTN(c, a, b []float32) {
	w.transpose(w.t, a)
	w.mul(c, w.t, b)
}

func (w *inverse) mulNT(c, a, b []float32) {
	w.transpose(w.t, b)
	w.mul(c, a, w.t)
}

// backward takes dw, the gradient of A⁺·bv, back: to bv, whose gradient is left in o, and to A, in da, but not through the norm, whose
// gradient it returns. forward has run, keeping every Z.
func (w *inverse) backward() (dnorm float32) {
	d, last := w.c.HeadDim, w.z[w.c.Iterations]
	for j := 0; j < w.side; j += lanes { // dZ = dw·bvᵀ
		kernel.TileLoad(lanes, d, w.bv[j*w.wide:], w.wide, 1, w.tile2)
		kernel.TileMul(w.side, d, w.dw, w.wide, w.tile2, lanes, w.dz[j:], w.side)
	}
	w.transpose(w.t, last)
	w.mulRows(w.o, w.t, w.dw)
	clear(w.da)
	for i := w.c.Iterations - 1; i >= 0; i-- {
		w.stepBackward(w.z[i])
	}
	return w.startBackward()
}

// stepBackward takes dz, the gradient of ¼·Z·Q3, back to Z, in dz, and adds that of A to da, where
//
//	P = A·Z    Q1 = 7I − P    Q2 = 15I − P·Q1    Q3 = 13I − P·Q2
func (w *inverse) stepBackward(z []float32) {
	w.factors(z)
	kernel.Scale(w.dz, 0.25, w.dz)
	w.mulTN(w.dq, z, w.dz)    // dQ3
	w.mulNT(w.dp, w.dq, w.q2) // −dP, its first term
	w.mulNT(w.q2, w.dz, w.q3) // the part of dZ that Z·Q3 gives
	w.mulTN(w.q3, w.p, w.dq)  // −dQ2
	w.mulNT(w.dz, w.q3, w.q1) // dP, its second term
	w.mulTN(w.q1, w.p, w.q3)  // dQ1 = −Pᵀ·dQ2, and its share of dP is −dQ1
	kernel.Sub(w.dp, w.dz, w.dp)
	kernel.Sub(w.dp, w.dp, w.q1)
	w.mulTN(w.dz, w.a, w.dp)
	kernel.Add(w.dz, w.dz, w.q2)
	w.mulNT(w.q1, w.dp, z)
	kernel.Add(w.da, w.da, w.q1)
}

// startBackward adds the gradient of A through Z_0 = Aᵀ/norm, and returns that of the norm.
func (w *inverse) startBackward() (dnorm float32) {
	w.transpose(w.t, w.dz)
	kernel.Axpy(w.da, 1/w.norm, w.t)
	return -kernel.Dot(w.dz, w.z[0]) / w.norm
}

// normBackward adds the gradient of A through its norm, which is the sum of one column.
func (w *inverse) normBackward(dnorm float32) {
	for i := range w.c.Landmarks {
		w.da[i*w.side+w.column] += dnorm
	}
}

// scoresBackward turns da into the gradient of the scores ql·klᵀ.
func (w *inverse) scoresBackward() {
	scale := float32(1 / math.Sqrt(float64(w.c.HeadDim)))
	for i := range w.c.Landmarks {
		p, dp := w.a[i*w.side:(i+1)*w.side], w.da[i*w.side:(i+1)*w.side]
		kernel.SoftmaxGrad(dp, p, dp, kernel.Dot(p, dp))
		kernel.Scale(dp, scale, dp)
	}
}
