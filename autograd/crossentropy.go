package autograd

import (
	"math"

	"github.com/longspan/longspan/internal/gemm"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// Ignore is the target of a row of which nothing is to be predicted.
const Ignore int32 = -1

// CrossEntropyOptions are what may be wanted beside the mean. The slices, when not nil, have one element a row and are
// filled by Forward; they stay the caller's.
type CrossEntropyOptions struct {
	Smoothing float64   // s, 0 ≤ s < 1: the target gets 1−s of the probability and all V classes share s (Szegedy et al. 2016, arXiv:1512.00567)
	Losses    []float32 // −log p of each row's target, in nats, without smoothing; 0 where it is ignored
	Best      []int32   // the most probable class of each row, the lowest of equals
}

// crossEntropy is the projection to V classes and the mean of −log softmax in one operation, so that the T×V logits never
// exist at once: they are made chunkRows rows at a time, forward and again backward. With z = x·Wᵀ + b, p = softmax(z),
// N rows that count, and q = (1−s)·1[target] + s/V:
//
//	loss = 1/N Σ (lse(z) − Σ q·z)    dz = (p − q)·dloss/N    dx = dz·W    dW = dzᵀ·x    db = Σ dz
//
// What is saved is lse, one number a row; and the logits, if they are one chunk.
type crossEntropy struct {
	affine  affine
	targets []int32
	counted int
	chunk   int // rows whose logits exist at a time
	options CrossEntropyOptions
}

// chunkElements bounds the logits that exist at a time: 16 MiB, unless leastChunk rows have more.
const chunkElements = 1 << 22

// leastChunk is the fewest rows of a chunk. Every chunk reads the weights of the head and adds to their gradient: 12 bytes a weight for
// 6 flops a row, which in bf16 on a fast core takes as long as the products for some 50 rows. 512 keep it near a tenth.
const leastChunk = 512

// chunkAlign keeps the borders of chunks at multiples of what a matrix product works on at a time.
const chunkAlign = 64

func chunkRows(rows, classes int) int {
	return min(rows, max(leastChunk, chunkElements/classes/chunkAlign*chunkAlign))
}

// CrossEntropy returns the mean over the rows with a target of −log softmax(x·wᵀ + b)[target], in nats, a 1×1 float32. x
// is [T, features], w [V, features] and b [1, V] or nil, float32 leaves; targets has T elements, 0 … V−1 or Ignore, and
// must stay unchanged until Close. With no target at all the loss is 0.
//
// 2·T·V·features flops forward, three times that backward (twice if T·V is at most 4 Mi elements).
func (g *Graph) CrossEntropy(x, w, b *Var, targets []int32, o CrossEntropyOptions) *Var {
	in := []*Var{x, w}
	if b != nil {
		in = append(in, b)
	}
	switch {
	case !g.check("CrossEntropy", in...):
		return g.nothing()
	case !w.leaf || w.typ != tensor.F32 || w.cols != x.cols:
		return g.failf("CrossEntropy: found weights of %s %d×%d, expected an f32 leaf of classes×%d", w.typ, w.rows, w.cols, x.cols)
	case b != nil && (!b.leaf || b.typ != tensor.F32 || b.rows != 1 || b.cols != w.rows):
		return g.failf("CrossEntropy: found a bias of %s %d×%d, expected an f32 leaf of 1×%d", b.typ, b.rows, b.cols, w.rows)
	case len(targets) != x.rows:
		return g.failf("CrossEntropy: found %d targets for %d rows, expected one each", len(targets), x.rows)
	case !(o.Smoothing >= 0 && o.Smoothing < 1):
		return g.failf("CrossEntropy: found smoothing %g, expected 0 up to 1", o.Smoothing)
	case o.Losses != nil && len(o.Losses) != x.rows, o.Best != nil && len(o.Best) != x.rows:
		return g.failf("CrossEntropy: found room for %d losses and %d classes, expected none or one a row: %d", len(o.Losses), len(o.Best), x.rows)
	}
	counted := 0
	for i, k := range targets {
		if k == Ignore {
			continue
		}
		if k < 0 || int(k) >= w.rows {
			return g.failf("CrossEntropy: found target %d at row %d, expected 0 … %d, or %d to ignore it", k, i, w.rows-1, Ignore)
		}
		counted++
	}
	return g.record(&crossEntropy{affine{g.options.Policy.Products}, targets, counted, chunkRows(x.rows, w.rows), o}, tensor.F32, 1, 1, in...)
}

func (*crossEntropy) reads() (inputs uint64, result bool) { return 1<<0 | 1<<1 | 1<<2, false }
func (*crossEntropy) saves()                              {}

func (o *crossEntropy) forward(c *call) error {
	x := c.in[0]
	classes := c.in[1].Rows
	w, done := o.affine.operand(c.x, c.in[1])
	lse, losses := c.x.Pool.Get(tensor.F32, x.Rows, 1), c.x.Pool.Get(tensor.F32, x.Rows, 1)
	chunk := o.chunk
	logits := c.x.Pool.Get(tensor.F32, chunk, classes)
	for i0 := 0; i0 < x.Rows; i0 += chunk {
		z := logits.SliceRows(0, min(chunk, x.Rows-i0))
		o.project(c.x, z, x.SliceRows(i0, i0+z.Rows), w, c.in)
		eachRow(c.x, c.dry, z.Rows, classes, classes, func(i int, s []float32) {
			losses.F32[i0+i], lse.F32[i0+i] = o.rowLoss(z.Row(i), i0+i, s)
		})
	}
	done()
	if !c.dry {
		total := 0.0
		for _, l := range losses.F32 {
			total += float64(l)
		}
		c.out.F32[0] = float32(total / float64(max(1, o.counted)))
	}
	c.x.Pool.Put(losses)
	if c.keeps && chunk == x.Rows {
		c.save(lse)
		c.save(logits)
		return nil
	}
	c.x.Pool.Put(logits)
	c.save(lse)
	return nil
}

// project computes z = x·wᵀ + b for one chunk.
func (o *crossEntropy) project(x tensor.Exec, z, rows, w tensor.Mat, in []tensor.Mat) {
	a, done := o.affine.operand(x, rows)
	gemm.Mul(x, z, gemm.N(a), gemm.T(w), false)
	done()
	if len(in) > 2 {
		addBias(x, z, in[2])
	}
}

// rowLoss returns the loss of row i, whose logits are z, and its log of the sum of exponentials.
func (o *crossEntropy) rowLoss(z []float32, i int, s []float32) (loss, lse float32) {
	top, best := z[0], 0
	for j, v := range z {
		if v > top || v != v { // a NaN must not hide
			top, best = v, j
		}
	}
	lse = top + float32(math.Log(float64(kernel.ExpSum(s, z, top))))
	if o.options.Best != nil {
		o.options.Best[i] = int32(best)
	}
	k := o.targets[i]
	plain := float32(0)
	if k != Ignore {
		plain = lse - z[k]
		loss = plain
		if q := float32(o.options.Smoothing); q > 0 {
			loss = (1-q)*plain + q*(lse-kernel.Sum(z)/float32(len(z)))
		}
	}
	if o.options.Losses != nil {
		o.options.Losses[i] = plain
	}
	return loss, lse
}

func (o *crossEntropy) backward(b *backCall) error {
	x, classes := b.in[0], b.in[1].Rows
	w, wDone := o.affine.operand(b.x, b.in[1])
	chunk := o.chunk
	logits := tensor.Mat{}
	kept := len(b.saved) > 1
	if kept {
		logits = b.saved[1]
	} else {
		logits = b.x.Pool.Get(tensor.F32, chunk, classes)
	}
	dx := tensor.Mat{}
	if b.wants(0) {
		dx = b.fresh(0)
	}
	for i0 := 0; i0 < x.Rows; i0 += chunk {
		z, rows := logits.SliceRows(0, min(chunk, x.Rows-i0)), x.SliceRows(i0, min(x.Rows, i0+chunk))
		if !kept {
			o.project(b.x, z, rows, w, b.in)
		}
		o.dlogits(b, z, i0)
		o.chunkGrads(b, z, rows, w, dx, i0)
	}
	wDone()
	if !kept {
		b.x.Pool.Put(logits)
	}
	if b.wants(0) {
		b.give(0, dx)
	}
	return nil
}

// dlogits turns the logits of a chunk that begins at row i0 into their gradient.
func (o *crossEntropy) dlogits(b *backCall, z tensor.Mat, i0 int) {
	scale := float32(0)
	if !b.dry {
		scale = b.dout.F32[0] / float32(max(1, o.counted))
	}
	smooth := float32(o.options.Smoothing)
	eachRow(b.x, b.dry, z.Rows, z.Cols, 0, func(i int, _ []float32) {
		row, k := z.Row(i), o.targets[i0+i]
		if k == Ignore {
			clear(row)
			return
		}
		lse := b.saved[0].F32[i0+i]
		for j := range row {
			row[j] -= lse
		}
		kernel.Exp(row, row)
		share := smooth / float32(len(row))
		for j := range row {
			row[j] = (row[j] - share) * scale
		}
		row[k] -= (1 - smooth) * scale
	})
}

// chunkGrads adds what the rows of one chunk give to the gradients.
func (o *crossEntropy) chunkGrads(b *backCall, dz, rows, w, dx tensor.Mat, i0 int) {
	d, done := o.affine.operand(b.x, dz)
	if b.wants(1) {
		dw, _ := b.sink(1)
		a, aDone := o.affine.operand(b.x, rows)
		gemm.Mul(b.x, dw, gemm.T(d), gemm.N(a), true)
		aDone()
	}
	if b.wants(0) {
		gemm.Mul(b.x, dx.SliceRows(i0, i0+dz.Rows), gemm.N(d), gemm.N(w), false)
	}
	done()
	if len(b.node.in) > 2 && b.wants(2) {
		db, _ := b.sink(2)
		reduceRows(b.x, b.dry, dz.Rows, db.F32, dz.Cols, 0, func(i int, _, sums []float32) { kernel.Add(sums, sums, dz.Row(i)) })
	}
}

func (o *crossEntropy) cost(out *Var, in []*Var) (forward, backward Cost) {
	x, w := in[0], in[1]
	logits := int64(x.rows) * int64(w.rows)
	product := Cost{Matmul: 2 * logits * int64(x.cols), Moved: x.bytes() + w.bytes() + 4*logits}
	forward = product
	forward.Add(elementwise(10, logits, 4*logits))
	backward.Add(elementwise(10, logits, 8*logits))
	if o.chunk < x.rows {
		backward.Add(product)
	}
	for _, v := range in[:2] {
		if v.wants {
			backward.Add(product)
		}
	}
	return forward, backward
}
