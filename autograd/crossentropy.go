package autograd

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/internal/gemm"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// Ignore is the target of a row without a prediction.
const Ignore int32 = -1

// CrossEntropyOptions are optional results beside the mean. The slices, when not nil, have one element a row and are
// filled by Forward; they stay the caller's.
type CrossEntropyOptions struct {
	// s, 0 ≤ s < 1: the target has probability 1−s, and all V classes share s (Szegedy et al. 2016, arXiv:1512.00567)
	Smoothing float64
	Losses    []float32 // −log p of each row's target, in nats, without smoothing; 0 where it is ignored
	LossRows  []int32   // where not nil, the loss of row i is added to Losses[LossRows[i]], for each row another, and Losses has any length
	Best      []int32   // the most probable class of each row, the lowest of equals

	// N, the rows that the mean is over; 0: those of x that count. A part of a batch has the number of the whole, so that the losses and
	// the gradients of its parts add up to those of the whole.
	Counted int

	// Prior, where it has rows, is [T, V] in float32 and is added to the logits. It has no gradient. It must stay unchanged until Close.
	Prior tensor.Mat

	// Derivative, when not 0, is what the derivative by this loss will be: the scale of Backward, where it is called with this loss. The
	// gradients are then computed in Forward, while the logits are there, and with the same bits. Those of w and b are added then, even if
	// Backward is never called; that of x waits for it. Backward refuses another derivative than the one announced.
	Derivative float32
}

// placed reports whether each of so many rows has a place for its loss.
func (o CrossEntropyOptions) placed(rows int) bool {
	for _, at := range o.LossRows {
		if o.Losses != nil && (at < 0 || int(at) >= len(o.Losses)) {
			return false
		}
	}
	return len(o.LossRows) == rows
}

// crossEntropy is the projection to V classes and the mean of −log softmax in one operation, so that the T×V logits never
// exist at once: they are made chunkRows rows at a time. With z = x·Wᵀ + b + prior, p = softmax(z),
// N rows that count, and q = (1−s)·1[target] + s/V:
//
//	loss = 1/N Σ (lse(z) − Σ q·z)    dz = (p − q)·dloss/N    dx = dz·W    dW = dzᵀ·x    db = Σ dz
//
// Where the derivative of the loss is announced, a chunk gives its gradients before the next takes its memory, and dx is saved.
// Otherwise lse is, one number a row, and the logits if they are one chunk; if they are more they are made again.
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

// goodChunk is the fewest rows of a chunk if they have at most goodElements, 256 MiB. Every chunk packs the weights for two products, a
// cycle an element at best, where each product of 512 rows takes 32. And it halves the reading.
const (
	goodChunk    = 1024
	goodElements = 1 << 26
)

// chunkAlign keeps the borders of chunks at multiples of what a matrix product works on at a time.
const chunkAlign = 64

func chunkRows(rows, classes int) int {
	least := leastChunk
	if goodChunk*classes <= goodElements {
		least = goodChunk
	}
	return min(rows, max(least, chunkElements/classes/chunkAlign*chunkAlign))
}

// CrossEntropy returns the mean over the rows with a target of −log softmax(x·wᵀ + b)[target], in nats, a 1×1 float32. x
// is [T, features], w [V, features] and b [1, V] or nil, float32 leaves; targets has T elements, 0 … V−1 or Ignore, and
// must stay unchanged until Close. With no target at all the loss is 0.
//
// 2·T·V·features flops forward and twice that backward; once more where o.Derivative is 0 and T·V more than 4 Mi elements.
func (g *Graph) CrossEntropy(x, w, b *Var, targets []int32, o CrossEntropyOptions) *Var {
	in := []*Var{x, w}
	if b != nil {
		in = append(in, b)
	}
	switch {
	case !g.check("CrossEntropy", in...):
		return g.nothing()
	case !w.leaf || w.typ != tensor.F32 && w.wants || w.cols != x.cols:
		return g.failf("CrossEntropy: found weights of %s %d×%d, expected a leaf of classes×%d, in f32 where it has a gradient",
			w.typ, w.rows, w.cols, x.cols)
	case b != nil && (!b.leaf || b.typ != tensor.F32 || b.rows != 1 || b.cols != w.rows):
		return g.failf("CrossEntropy: found a bias of %s %d×%d, expected an f32 leaf of 1×%d", b.typ, b.rows, b.cols, w.rows)
	case len(targets) != x.rows:
		return g.failf("CrossEntropy: found %d targets for %d rows, expected one each", len(targets), x.rows)
	case o.Prior.Rows != 0 && (o.Prior.Type != tensor.F32 || o.Prior.Rows != x.rows || o.Prior.Cols != w.rows):
		return g.failf("CrossEntropy: found a prior of %s %d×%d, expected f32 %d×%d", o.Prior.Type, o.Prior.Rows, o.Prior.Cols, x.rows, w.rows)
	case !(o.Smoothing >= 0 && o.Smoothing < 1):
		return g.failf("CrossEntropy: found smoothing %g, expected 0 up to 1", o.Smoothing)
	case o.LossRows != nil && !o.placed(x.rows):
		return g.failf("CrossEntropy: found %d places of losses for %d rows, expected one each, of the %d losses that there is room for",
			len(o.LossRows), x.rows, len(o.Losses))
	case o.Losses != nil && o.LossRows == nil && len(o.Losses) != x.rows, o.Best != nil && len(o.Best) != x.rows:
		return g.failf("CrossEntropy: found room for %d losses and %d classes, expected none or one a row: %d",
			len(o.Losses), len(o.Best), x.rows)
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
	if o.Counted > 0 {
		counted = o.Counted
	}
	return g.record(&crossEntropy{affine{g.options.Policy.Products}, targets, counted, chunkRows(x.rows, w.rows), o}, tensor.F32, 1, 1, in...)
}

// early reports whether the gradients are computed in the forward pass, given that a backward pass will follow.
func (o *crossEntropy) early() bool { return o.options.Derivative != 0 }

func (o *crossEntropy) reads() (inputs uint64, result bool) {
	if o.early() {
		return 0, false
	}
	return 1<<0 | 1<<1 | 1<<2, false
}

func (*crossEntropy) saves() {}

func (o *crossEntropy) forward(c *call) error {
	x, classes := c.in[0], c.in[1].Rows
	lse, losses := c.x.Pool.Get(tensor.F32, x.Rows, 1), c.x.Pool.Get(tensor.F32, x.Rows, 1)
	early := c.keeps && o.early()
	g := headGrads{x: c.x, dry: c.dry, node: c.node, in: c.in}
	if early {
		g.scale = o.options.Derivative / float32(max(1, o.counted))
		g.takeDX()
	}
	w, done := o.affine.operand(c.x, c.in[1])
	room := o.room(c.x.Pool, classes)
	logits := room.SliceCols(0, classes)
	for i0 := 0; i0 < x.Rows; i0 += o.chunk {
		z := logits.SliceRows(0, min(o.chunk, x.Rows-i0))
		o.project(c.x, z, i0, w, c.in)
		eachRow(c.x, c.dry, z.Rows, classes, classes, func(i int, s []float32) {
			losses.F32[i0+i], lse.F32[i0+i] = o.rowLoss(z.Row(i), i0+i, s)
		})
		if early {
			o.chunkGrads(g, z, lse, w, i0)
		}
	}
	if !c.dry {
		total := 0.0
		for _, l := range losses.F32 {
			total += float64(l)
		}
		c.out.F32[0] = float32(total / float64(max(1, o.counted)))
	}
	done()
	c.x.Pool.Put(losses)
	o.keep(c, g, lse, room)
	return nil
}

// keep saves what the backward pass needs, and gives back the rest.
func (o *crossEntropy) keep(c *call, g headGrads, lse, room tensor.Mat) {
	if c.keeps && o.early() {
		c.x.Pool.Put(room)
		c.x.Pool.Put(lse)
		if c.node.in[0].wants {
			c.save(g.dx)
		}
		return
	}
	c.save(lse)
	if c.keeps && o.chunk == c.in[0].Rows {
		c.save(room)
		return
	}
	c.x.Pool.Put(room)
}

// room is memory for the logits of a chunk. A product stores them by lines of the cache, 16 at a time: where there are many, rows begin at
// a line, or each store would be to two.
func (o *crossEntropy) room(p *tensor.Pool, classes int) tensor.Mat {
	const line, many = 16, 256
	if classes >= many {
		classes = (classes + line - 1) / line * line
	}
	return p.Get(tensor.F32, o.chunk, classes)
}

// project computes z = x·wᵀ + b + prior for the chunk that begins at row i0.
func (o *crossEntropy) project(x tensor.Exec, z tensor.Mat, i0 int, w tensor.Mat, in []tensor.Mat) {
	a, done := o.affine.operand(x, in[0].SliceRows(i0, i0+z.Rows))
	gemm.MulBias(x, z, gemm.N(a), gemm.T(w), bias(in))
	done()
	if prior := o.options.Prior; prior.Rows > 0 {
		eachRow(x, z.Dry(), z.Rows, z.Cols, 0, func(i int, _ []float32) { kernel.Add(z.Row(i), z.Row(i), prior.Row(i0+i)) })
	}
}

// rowLoss returns the loss of row i, whose logits are z, and its log of the sum of exponentials.
func (o *crossEntropy) rowLoss(z []float32, i int, s []float32) (loss, lse float32) {
	top := kernel.Max(z)
	if o.options.Best != nil || math.IsInf(float64(top), -1) { // nothing is above −Inf, or all that is is NaN, which must not hide
		best := 0
		top, best = highest(z)
		if o.options.Best != nil {
			o.options.Best[i] = int32(best)
		}
	}
	lse = top + float32(math.Log(float64(kernel.ExpSum(s, z, top))))
	k := o.targets[i]
	plain := float32(0)
	if k != Ignore {
		plain = lse - z[k]
		loss = plain
		if q := float32(o.options.Smoothing); q > 0 {
			loss = (1-q)*plain + q*(lse-kernel.Sum(z)/float32(len(z)))
		}
	}
	switch {
	case o.options.Losses == nil:
	case o.options.LossRows != nil:
		o.options.Losses[o.options.LossRows[i]] += plain
	default:
		o.options.Losses[i] = plain
	}
	return loss, lse
}

// highest is the largest element of z and the first place where it is, or the last NaN.
func highest(z []float32) (top float32, at int) {
	top = z[0]
	for j, v := range z {
		if v > top || v != v {
			top, at = v, j
		}
	}
	return top, at
}

func (o *crossEntropy) backward(b *backCall) error {
	if o.early() {
		return o.deliver(b)
	}
	x, classes := b.in[0], b.in[1].Rows
	g := headGrads{x: b.x, dry: b.dry, node: b.node, in: b.in}
	if !b.dry {
		g.scale = b.dout.F32[0] / float32(max(1, o.counted))
	}
	w, wDone := o.affine.operand(b.x, b.in[1])
	room := tensor.Mat{}
	kept := len(b.saved) > 1
	if kept {
		room = b.saved[1]
	} else {
		room = o.room(b.x.Pool, classes)
	}
	logits := room.SliceCols(0, classes)
	g.takeDX()
	for i0 := 0; i0 < x.Rows; i0 += o.chunk {
		z := logits.SliceRows(0, min(o.chunk, x.Rows-i0))
		if !kept {
			o.project(b.x, z, i0, w, b.in)
		}
		o.chunkGrads(g, z, b.saved[0], w, i0)
	}
	wDone()
	if !kept {
		b.x.Pool.Put(room)
	}
	if b.wants(0) {
		b.give(0, g.dx)
	}
	return nil
}

// deliver hands over the gradient of x that the forward pass has made.
func (o *crossEntropy) deliver(b *backCall) error {
	if !b.dry && b.dout.F32[0] != o.options.Derivative {
		return fmt.Errorf("autograd: CrossEntropy: found a derivative of %g by the loss, expected %g: Options.Derivative announced it",
			b.dout.F32[0], o.options.Derivative)
	}
	if b.wants(0) {
		dx := b.saved[0]
		b.node.saved = nil
		b.give(0, dx)
	}
	return nil
}

func (o *crossEntropy) cost(out *Var, in []*Var) (forward, backward Cost) {
	x, w := in[0], in[1]
	logits := int64(x.rows) * int64(w.rows)
	product := Cost{Matmul: 2 * logits * int64(x.cols), Moved: x.bytes() + w.bytes() + 4*logits}
	forward = product
	forward.Add(elementwise(10, logits, 4*logits))
	backward.Add(elementwise(10, logits, 8*logits))
	if o.chunk < x.rows && !o.early() {
		backward.Add(product)
	}
	for _, v := range in[:2] {
		if v.wants {
			backward.Add(product)
		}
	}
	return forward, backward
}
