package autograd

import (
	"github.com/longspan/longspan/internal/gemm"
	"github.com/longspan/longspan/tensor"
)

// transposed is y = x·W:
//
//	dx = dy·Wᵀ    dW = xᵀ·dy
//
// It is a linear layer whose weight is that of another layer, read the other way, such as the projection of a tied head.
type transposed struct{ affine affine }

// LinearTransposed returns x·w as a [T, out] matrix of the policy's storage type: [Graph.Linear] with the transpose of w and without a
// bias. x is [T, in], w [in, out], a float32 leaf, or one in 16 bits without a gradient. 2·T·in·out flops forward, twice that backward.
func (g *Graph) LinearTransposed(x, w *Var) *Var {
	switch {
	case !g.check("LinearTransposed", x, w):
		return g.nothing()
	case !w.leaf || w.rows != x.cols || w.typ != tensor.F32 && w.wants:
		return g.failf("LinearTransposed: found weights of %s %d×%d for inputs of %d features, expected a leaf of %d×out, "+
			"in f32 where it has a gradient", w.typ, w.rows, w.cols, x.cols, x.cols)
	}
	return g.record(transposed{affine{g.options.Policy.Products}}, g.options.Policy.Activations, x.rows, w.cols, x, w)
}

func (transposed) reads() (inputs uint64, result bool) { return 1<<0 | 1<<1, false }

func (l transposed) forward(c *call) error {
	x, xDone := l.affine.operand(c.x, c.in[0])
	w, wDone := l.affine.operand(c.x, c.in[1])
	gemm.Mul(c.x, c.out, gemm.N(x), gemm.N(w), false)
	wDone()
	xDone()
	return nil
}

func (l transposed) backward(b *backCall) error {
	dy, dyDone := l.affine.operand(b.x, b.dout)
	defer dyDone()
	if dw, _ := b.sink(1); b.wants(1) {
		x, done := l.affine.operand(b.x, b.in[0])
		gemm.Mul(b.x, dw, gemm.T(x), gemm.N(dy), true)
		done()
	}
	b.done(0)
	if b.wants(0) {
		w, done := l.affine.operand(b.x, b.in[1])
		dx := b.fresh(0)
		gemm.Mul(b.x, dx, gemm.N(dy), gemm.T(w), false)
		done()
		b.give(0, dx)
	}
	return nil
}

func (transposed) cost(out *Var, in []*Var) (forward, backward Cost) {
	product := Cost{Matmul: 2 * out.elements() * int64(in[0].cols), Moved: in[0].bytes() + in[1].bytes() + out.bytes()}
	for _, v := range in {
		if v.wants {
			backward.Add(product)
		}
	}
	return product, backward
}
