package autograd

import (
	"github.com/longspan/longspan/internal/gemm"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// affine is y = x·Wᵀ + b:
//
//	dx = dy·W    dW = dyᵀ·x    db = Σ_rows dy
//
// The bias is optional. A policy with bf16 products rounds W and x, where they are not bf16 already, for the product.
type affine struct{ products tensor.Type }

// Linear returns x·wᵀ + b as a [T, out] matrix of the policy's storage type. x is [T, in], w [out, in], b [1, out] or nil;
// w and b are float32 leaves; w may be stored in 16 bits where it has no gradient. 2·T·in·out flops forward, twice that backward.
func (g *Graph) Linear(x, w, b *Var) *Var { return g.linear(x, w, b, g.options.Policy.Activations) }

// LinearF32 is Linear with its result in float32 whatever the policy: for logits.
func (g *Graph) LinearF32(x, w, b *Var) *Var { return g.linear(x, w, b, tensor.F32) }

func (g *Graph) linear(x, w, b *Var, t tensor.Type) *Var {
	in := []*Var{x, w}
	if b != nil {
		in = append(in, b)
	}
	switch {
	case !g.check("Linear", in...):
		return g.nothing()
	case !w.leaf || w.cols != x.cols || w.typ != tensor.F32 && w.wants:
		return g.failf("Linear: found weights of %s %d×%d for inputs of %d features, expected a leaf of out×%d, in f32 where it has a gradient",
			w.typ, w.rows, w.cols, x.cols, x.cols)
	case b != nil && (!b.leaf || b.typ != tensor.F32 || b.rows != 1 || b.cols != w.rows):
		return g.failf("Linear: found a bias of %s %d×%d, expected an f32 leaf of 1×%d", b.typ, b.rows, b.cols, w.rows)
	}
	return g.record(dense{affine: affine{g.options.Policy.Products}}, t, x.rows, w.rows, in...)
}

// dense is affine over any rows. In a strip its weights are packed, for the pass under way.
type dense struct {
	affine
	packed *gemm.Packed
}

func (dense) rowInputs() int             { return 1 }
func (d dense) strip(int, int) operation { return d }
func (dense) savedCols() int             { return 0 }

func (d dense) forward(c *call) error {
	if d.packed == nil {
		return d.affine.forward(c)
	}
	gemm.MulBiasPacked(c.x, c.out, gemm.N(c.in[0]), d.packed, bias(c.in))
	return nil
}

func (affine) reads() (inputs uint64, result bool) { return 1<<0 | 1<<1, false }

func (l affine) forward(c *call) error {
	x, xDone := l.operand(c.x, c.in[0])
	w, wDone := l.operand(c.x, c.in[1])
	gemm.MulBias(c.x, c.out, gemm.N(x), gemm.T(w), bias(c.in))
	wDone()
	xDone()
	return nil
}

func (l affine) backward(b *backCall) error {
	l.gradients(b, func(dx, dy tensor.Mat) {
		w, done := l.operand(b.x, b.in[1])
		gemm.Mul(b.x, dx, gemm.N(dy), gemm.N(w), false)
		done()
	})
	return nil
}

func (d dense) backward(b *backCall) error {
	if d.packed == nil {
		return d.affine.backward(b)
	}
	d.gradients(b, func(dx, dy tensor.Mat) { gemm.MulPacked(b.x, dx, gemm.N(dy), d.packed, false) })
	return nil
}

// gradients computes the gradients of weights and bias, and that of x by mul, which sets dx to dy·W.
func (l affine) gradients(b *backCall, mul func(dx, dy tensor.Mat)) {
	dy, dyDone := l.operand(b.x, b.dout)
	defer dyDone()
	if dw, _ := b.sink(1); b.wants(1) {
		x, done := l.operand(b.x, b.in[0])
		gemm.Mul(b.x, dw, gemm.T(dy), gemm.N(x), true)
		done()
	}
	b.done(0)
	if len(b.node.in) > 2 && b.wants(2) {
		db, _ := b.sink(2)
		sumRows(b, db, dy)
	}
	if b.wants(0) {
		dx := b.fresh(0)
		mul(dx, dy)
		b.give(0, dx)
	}
}

// bias is the last of the inputs x, w and b, or a matrix without rows where there is none.
func bias(in []tensor.Mat) tensor.Mat {
	if len(in) < 3 {
		return tensor.Mat{}
	}
	return in[2]
}

// sumRows adds the sum of the rows of dy to db: the gradient of a bias.
func sumRows(b *backCall, db, dy tensor.Mat) {
	reduceRows(b.x, b.dry, dy.Rows, b.partRows(), dy.Cols, dy.Cols, func(i int, s, sums []float32) {
		kernel.Add(sums, sums, load(dy, i, s))
	}, func(sums []float32) { kernel.Add(db.F32, db.F32, sums) })
}

// operand returns m as products take it, and what to call when they are done.
func (l affine) operand(x tensor.Exec, m tensor.Mat) (tensor.Mat, func()) {
	if l.products != tensor.BF16 || m.Type == tensor.BF16 {
		return m, func() {}
	}
	rounded := x.Pool.Get(tensor.BF16, m.Rows, m.Cols)
	convert(x, rounded, m)
	return rounded, func() { x.Pool.Put(rounded) }
}

func (l affine) cost(out *Var, in []*Var) (forward, backward Cost) {
	x, w := in[0], in[1]
	product := 2 * int64(x.rows) * int64(x.cols) * int64(w.rows)
	forward = Cost{Matmul: product, Moved: x.bytes() + w.bytes() + out.bytes()}
	if in[0].wants {
		backward.Add(Cost{Matmul: product, Moved: x.bytes() + w.bytes() + out.bytes()})
	}
	if in[1].wants {
		backward.Add(Cost{Matmul: product, Moved: x.bytes() + w.bytes() + out.bytes()})
	}
	return forward, backward
}

func (v *Var) bytes() int64    { return int64(v.rows) * int64(v.cols) * int64(v.typ.Size()) }
func (v *Var) elements() int64 { return int64(v.rows) * int64(v.cols) }
