package autograd

import (
	"github.com/longspan/longspan/internal/gemm"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
)

// Tensor parallelism cuts the products of a layer between ranks that have the same rows (Shoeybi et al. 2019, arXiv:1909.08053, section 3).
// A pair of linear layers is cut at the features between them: each rank has some output features of the first and the same input features
// of the second. The outputs of the second are then sums of the ranks' shares. With x the input, f an operation, and r a rank,
//
//	y = Σ_r f(x·W1_rᵀ)·W2_rᵀ        dx = Σ_r (dy·W2_r ∘ f')·W1_r
//
// [Graph.SumOver] makes the first sum, and [Graph.CopyOver] the second.

// Span is features From … To−1.
type Span struct{ From, To int }

// Len is the features of the span.
func (s Span) Len() int { return s.To - s.From }

// linearRows is linear of some rows of the weights: some of the output features.
type linearRows struct {
	affine
	spans []Span
}

// LinearRows is Linear of the output features of spans alone, side by side: [T, Σ lengths]. Gradients are added to these rows of w and
// these elements of b.
func (g *Graph) LinearRows(x, w, b *Var, spans []Span) *Var {
	in := []*Var{x, w}
	if b != nil {
		in = append(in, b)
	}
	if !g.check("LinearRows", in...) {
		return g.nothing()
	}
	n := 0
	for _, s := range spans {
		if s.From < 0 || s.To < s.From || s.To > w.rows {
			return g.failf("LinearRows: found output features %d … %d of %d, expected a part", s.From, s.To-1, w.rows)
		}
		n += s.Len()
	}
	if !w.leaf || w.cols != x.cols || b != nil && (!b.leaf || b.rows != 1 || b.cols != w.rows) {
		return g.failf("LinearRows: found weights of %d×%d for inputs of %d features, expected a leaf of out×%[3]d, and a bias of 1×out",
			w.rows, w.cols, x.cols)
	}
	return g.record(&linearRows{affine{g.options.Policy.Products}, spans}, g.options.Policy.Activations, x.rows, n, in...)
}

// each calls f for every span with its columns in the result.
func (o *linearRows) each(f func(s Span, lo, hi int)) {
	at := 0
	for _, s := range o.spans {
		f(s, at, at+s.Len())
		at += s.Len()
	}
}

func (o *linearRows) forward(c *call) error {
	x, xDone := o.operand(c.x, c.in[0])
	defer xDone()
	o.each(func(s Span, lo, hi int) {
		w, done := o.operand(c.x, c.in[1].SliceRows(s.From, s.To))
		b := bias(c.in)
		if b.Rows > 0 {
			b = b.SliceCols(s.From, s.To)
		}
		gemm.MulBias(c.x, c.out.SliceCols(lo, hi), gemm.N(x), gemm.T(w), b)
		done()
	})
	return nil
}

func (o *linearRows) backward(b *backCall) error {
	dy, dyDone := o.operand(b.x, b.dout)
	defer dyDone()
	if dw, _ := b.sink(1); b.wants(1) {
		x, done := o.operand(b.x, b.in[0])
		o.each(func(s Span, lo, hi int) {
			gemm.Mul(b.x, dw.SliceRows(s.From, s.To), gemm.T(dy.SliceCols(lo, hi)), gemm.N(x), true)
		})
		done()
	}
	b.done(0)
	if len(b.node.in) > 2 && b.wants(2) {
		db, _ := b.sink(2)
		o.each(func(s Span, lo, hi int) { sumRows(b, db.SliceCols(s.From, s.To), dy.SliceCols(lo, hi)) })
	}
	if !b.wants(0) {
		return nil
	}
	sum := b.x.Pool.Get(tensor.F32, dy.Rows, b.node.in[0].cols)
	o.each(func(s Span, lo, hi int) {
		w, done := o.operand(b.x, b.in[1].SliceRows(s.From, s.To))
		gemm.Mul(b.x, sum, gemm.N(dy.SliceCols(lo, hi)), gemm.N(w), lo > 0)
		done()
	})
	b.give(0, o.typed(b, sum))
	return nil
}

// typed is a float32 gradient of input 0 in the type of the input. It takes the matrix.
func (o *linearRows) typed(b *backCall, sum tensor.Mat) tensor.Mat {
	if b.node.in[0].typ == tensor.F32 {
		return sum
	}
	dx := b.fresh(0)
	convert(b.x, dx, sum)
	b.x.Pool.Put(sum)
	return dx
}

func (o *linearRows) cost(out *Var, in []*Var) (forward, backward Cost) {
	product := 2 * int64(in[0].rows) * int64(in[0].cols) * int64(out.cols)
	forward = Cost{Matmul: product, Moved: in[0].bytes() + out.bytes()}
	return forward, Cost{Matmul: 2 * product, Moved: 2 * forward.Moved}
}

// linearCols is linear of some columns of the weights: some of the input features.
type linearCols struct {
	affine
	span Span
}

// LinearCols returns x·w[:, span]ᵀ + b in float32: the share of Linear's result that comes from the input features of span, which x has.
// One rank has b, and the others nil.
func (g *Graph) LinearCols(x, w, b *Var, span Span) *Var {
	in := []*Var{x, w}
	if b != nil {
		in = append(in, b)
	}
	switch {
	case !g.check("LinearCols", in...):
		return g.nothing()
	case b != nil && (!b.leaf || b.rows != 1 || b.cols != w.rows):
		return g.failf("LinearCols: found a bias of %d×%d, expected a leaf of 1×%d", b.rows, b.cols, w.rows)
	case !w.leaf || span.From < 0 || span.To > w.cols || span.Len() != x.cols:
		return g.failf("LinearCols: found input features %d … %d of weights %d×%d for %d features, expected a part of as many",
			span.From, span.To-1, w.rows, w.cols, x.cols)
	}
	return g.record(&linearCols{affine{g.options.Policy.Products}, span}, tensor.F32, x.rows, w.rows, in...)
}

func (o *linearCols) part(m tensor.Mat) tensor.Mat { return m.SliceCols(o.span.From, o.span.To) }

func (o *linearCols) forward(c *call) error {
	x, xDone := o.operand(c.x, c.in[0])
	w, wDone := o.operand(c.x, o.part(c.in[1]))
	gemm.MulBias(c.x, c.out, gemm.N(x), gemm.T(w), bias(c.in))
	wDone()
	xDone()
	return nil
}

func (o *linearCols) backward(b *backCall) error {
	dy, dyDone := o.operand(b.x, b.dout)
	defer dyDone()
	if dw, _ := b.sink(1); b.wants(1) {
		x, done := o.operand(b.x, b.in[0])
		gemm.Mul(b.x, o.part(dw), gemm.T(dy), gemm.N(x), true)
		done()
	}
	b.done(0)
	if len(b.node.in) > 2 && b.wants(2) {
		db, _ := b.sink(2)
		sumRows(b, db, dy)
	}
	if b.wants(0) {
		w, done := o.operand(b.x, o.part(b.in[1]))
		dx := b.fresh(0)
		gemm.Mul(b.x, dx, gemm.N(dy), gemm.N(w), false)
		done()
		b.give(0, dx)
	}
	return nil
}

func (o *linearCols) cost(out *Var, in []*Var) (forward, backward Cost) {
	product := 2 * int64(in[0].rows) * int64(in[0].cols) * int64(out.cols)
	forward = Cost{Matmul: product, Moved: in[0].bytes() + out.bytes()}
	return forward, Cost{Matmul: 2 * product, Moved: 2 * forward.Moved}
}

// sumOver is y = Σ_ranks x; dx = dy, which all ranks have.
type sumOver struct {
	engine parallel.Engine
	name   string
}

// SumOver returns the sum of x, float32, over the ranks of e, in the policy's storage type. All ranks call it, and go on alike. name says
// in errors what the sum is of. Received: 2·(R−1)/R·T·n float32.
func (g *Graph) SumOver(e parallel.Engine, name string, x *Var) *Var {
	if !g.check("SumOver", x) {
		return g.nothing()
	}
	if x.typ != tensor.F32 {
		return g.failf("SumOver: found %s, expected f32", x.typ)
	}
	return g.record(&sumOver{e, name}, g.options.Policy.Activations, x.rows, x.cols, x)
}

func (*sumOver) reads() (inputs uint64, result bool) { return 0, false }

func (o *sumOver) forward(c *call) error {
	return sumAcross(c.x, o.engine, o.name, c.out, c.in[0])
}

// sumAcross puts the sum of from over all ranks into to.
func sumAcross(x tensor.Exec, e parallel.Engine, name string, to, from tensor.Mat) error {
	sum := x.Pool.Get(tensor.F32, from.Rows, from.Cols)
	defer x.Pool.Put(sum)
	convert(x, sum, from)
	if err := parallel.SumMat(e, x.Pool, name, sum); err != nil {
		return err
	}
	convert(x, to, sum)
	return nil
}

func (o *sumOver) backward(b *backCall) error {
	dx := b.fresh(0)
	convert(b.x, dx, b.dout)
	b.give(0, dx)
	return nil
}

func (*sumOver) cost(out *Var, in []*Var) (forward, backward Cost) {
	return streamed(in[0].bytes() + out.bytes()), streamed(in[0].bytes() + out.bytes())
}

// anchor is y = x. Its result has a gradient, even where x has none.
type anchor struct{}

// Anchor returns x, of which a gradient is computed even if nothing below x has one, and then dropped. Ranks whose weights below x count
// elsewhere so take part in the sums of the others.
func (g *Graph) Anchor(x *Var) *Var {
	if !g.check("Anchor", x) {
		return g.nothing()
	}
	out := g.record(anchor{}, x.typ, x.rows, x.cols, x)
	out.wants, out.producer.wants = g.options.Train, g.options.Train
	return out
}

func (anchor) reads() (inputs uint64, result bool) { return 0, false }
func (anchor) inPlace()                            {}

func (anchor) forward(c *call) error {
	copyUnlessSame(c)
	return nil
}

func (anchor) backward(b *backCall) error {
	if b.wants(0) {
		b.pass(0)
	}
	return nil
}

func (anchor) cost(*Var, []*Var) (forward, backward Cost) { return Cost{}, Cost{} }

// copyOver is y = x, which all ranks have; dx = Σ_ranks dy.
type copyOver struct {
	engine parallel.Engine
	name   string
}

// CopyOver returns x, which is equal on all ranks of e. The gradient of x is the sum of the gradients of the ranks' results, in float32.
// All ranks call it. name says in errors what the sum is of. Received, backward: 2·(R−1)/R·T·n float32.
func (g *Graph) CopyOver(e parallel.Engine, name string, x *Var) *Var {
	if !g.check("CopyOver", x) {
		return g.nothing()
	}
	return g.record(&copyOver{e, name}, x.typ, x.rows, x.cols, x)
}

func (*copyOver) reads() (inputs uint64, result bool) { return 0, false }
func (*copyOver) inPlace()                            {}

func (o *copyOver) forward(c *call) error {
	copyUnlessSame(c)
	return nil
}

// copyUnlessSame copies the input, unless the result has taken its place.
func copyUnlessSame(c *call) {
	if in := c.in[0]; !in.Dry() && in.Rows > 0 && !sameBuffer(in, c.out) {
		convert(c.x, c.out, in)
	}
}

func (o *copyOver) backward(b *backCall) error {
	d := b.takeDout()
	if err := sumAcross(b.x, o.engine, o.name, d, d); err != nil {
		return err
	}
	b.give(0, d)
	return nil
}

func (*copyOver) cost(out *Var, in []*Var) (forward, backward Cost) {
	return Cost{}, streamed(2 * out.bytes())
}
