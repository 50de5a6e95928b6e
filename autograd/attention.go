package autograd

import (
	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/tensor"
)

// Terms are what is learned in an attention beside its projections; the zero value has none. Constants, such as
// ALiBi's slopes, belong to the attention's own configuration.
type Terms struct {
	Sinks    *Var      // float32 leaf [1, H]
	T5       *T5       // or Relative
	Relative *Relative // or T5
}

// T5 is a learned bias by bucket of distance. The fields are those of [attention.T5].
type T5 struct {
	Table                *Var // float32 leaf [Buckets, H]
	Buckets, MaxDistance int
	Bidirectional        bool
}

// Relative is Transformer-XL's relative bias. The fields are those of [attention.Relative].
type Relative struct {
	U, V  *Var // float32 leaves [1, H·D]
	R     *Var // float32 [distances, H·D]
	First int
}

// attend is softmax attention over chosen keys. Its inputs are q, k and v side by side in one matrix, or q in one and k
// and v in another, and then the learned terms. Saved: lse, one number a row and head.
type attend struct {
	a     *attention.Attention
	dims  headDims
	parts int // matrices that hold q, k and v: 1 or 2
	terms Terms
	first int // input of the first term
}

// headDims is the widths of q, and of k and v.
type headDims struct{ q, kv int }

// Attention returns out [T, H·D] of self-attention. qkv is [T, (H + 2·Hkv)·D]: the columns of q, k and v in that order.
// Cost: a's ForwardFlops and BackwardFlops; O(T·D) memory.
func (g *Graph) Attention(a *attention.Attention, qkv *Var, t Terms) *Var {
	return g.attend("Attention", a, t, qkv)
}

// CrossAttention is Attention with its queries apart: q is [Tq, H·D] and kv [Tk, 2·Hkv·D], the columns of k and v in that
// order.
func (g *Graph) CrossAttention(a *attention.Attention, q, kv *Var, t Terms) *Var {
	return g.attend("CrossAttention", a, t, q, kv)
}

func (g *Graph) attend(name string, a *attention.Attention, t Terms, in ...*Var) *Var {
	c := a.Config()
	o := &attend{a: a, dims: headDims{c.Heads * c.HeadDim, c.KVHeads * c.HeadDim}, parts: len(in), terms: t, first: len(in)}
	if !g.check(name, in...) || !g.checkParts(name, o.dims, a.Queries(), a.Keys(), in) || !g.checkTerms(name, o.dims, c, t) {
		return g.nothing()
	}
	return g.record(o, in[0].typ, a.Queries(), o.dims.q, append(in, t.vars()...)...)
}

// checkParts checks q, k and v in one matrix or two.
func (g *Graph) checkParts(name string, d headDims, queries, keys int, in []*Var) bool {
	if len(in) == 1 {
		if in[0].cols != d.q+2*d.kv || in[0].rows != queries || queries != keys {
			g.failf("%s: found queries, keys and values of %d×%d, expected %d×%d, for %d keys", name, in[0].rows, in[0].cols, queries, d.q+2*d.kv, keys)
		}
		return g.err == nil
	}
	q, kv := in[0], in[1]
	if q.rows != queries || q.cols != d.q || kv.rows != keys || kv.cols != 2*d.kv || q.typ != kv.typ {
		g.failf("%s: found queries of %s %d×%d and keys and values of %s %d×%d, expected %d×%d and %d×%d of one type",
			name, q.typ, q.rows, q.cols, kv.typ, kv.rows, kv.cols, queries, d.q, keys, 2*d.kv)
	}
	return g.err == nil
}

func (g *Graph) checkTerms(name string, d headDims, c attention.Config, t Terms) bool {
	vars := t.vars()
	if !g.check(name, vars...) {
		return false
	}
	type want struct {
		v          *Var
		rows, cols int
	}
	var wants []want
	if t.Sinks != nil {
		wants = append(wants, want{t.Sinks, 1, c.Heads})
	}
	if t.T5 != nil {
		wants = append(wants, want{t.T5.Table, t.T5.Buckets, c.Heads})
	}
	if r := t.Relative; r != nil {
		wants = append(wants, want{r.U, 1, d.q}, want{r.V, 1, d.q}, want{r.R, r.R.rows, d.q})
	}
	for _, w := range wants {
		if w.v.typ != tensor.F32 || w.v.rows != w.rows || w.v.cols != w.cols {
			g.failf("%s: found a learned term of %s %d×%d, expected f32 of %d×%d", name, w.v.typ, w.v.rows, w.v.cols, w.rows, w.cols)
			return false
		}
		if w.v.leaf && (w.v.value.Stride != w.v.cols || w.v.sink.Stride != w.v.sink.Cols) {
			g.failf("%s: found a learned term that is a view of a wider matrix, expected rows without gaps", name)
			return false
		}
	}
	if t.T5 != nil && t.Relative != nil || c.Bias != nil && (t.T5 != nil || t.Relative != nil) {
		g.failf("%s: found two biases, expected at most one", name)
	}
	return g.err == nil
}

// vars lists the learned terms in the order in which they are inputs.
func (t Terms) vars() []*Var {
	var vars []*Var
	if t.Sinks != nil {
		vars = append(vars, t.Sinks)
	}
	if t.T5 != nil {
		vars = append(vars, t.T5.Table)
	}
	if t.Relative != nil {
		vars = append(vars, t.Relative.U, t.Relative.V, t.Relative.R)
	}
	return vars
}

func (*attend) reads() (inputs uint64, result bool) { return ^uint64(0), true }
func (*attend) saves()                              {}

// split views q, k and v in the matrices that hold them.
func (d headDims) split(parts []tensor.Mat) (q, k, v tensor.Mat) {
	if len(parts) == 1 {
		m := parts[0]
		return m.SliceCols(0, d.q), m.SliceCols(d.q, d.q+d.kv), m.SliceCols(d.q+d.kv, d.q+2*d.kv)
	}
	return parts[0], parts[1].SliceCols(0, d.kv), parts[1].SliceCols(d.kv, 2*d.kv)
}

// bind is the attention with the values that its terms have now.
func (o *attend) bind(in []tensor.Mat) (*attention.Attention, error) {
	if len(in) == o.first {
		return o.a, nil
	}
	return o.a.With(o.terms.bind(o.a.Config(), in[o.first:]))
}

// bind makes sinks and bias of the values of the terms, beside what the configuration has.
func (t Terms) bind(c attention.Config, in []tensor.Mat) (sinks []float32, bias attention.Bias) {
	sinks, bias = c.Sinks, c.Bias
	if t.Sinks != nil {
		sinks, in = values(in[0]), in[1:]
	}
	if t := t.T5; t != nil {
		bias = attention.T5{Table: values(in[0]), Buckets: t.Buckets, MaxDistance: t.MaxDistance, Bidirectional: t.Bidirectional}
	}
	if r := t.Relative; r != nil {
		bias = attention.Relative{U: values(in[0]), V: values(in[1]), R: in[2], First: r.First}
	}
	return sinks, bias
}

// values is the elements of m, and zeros when it is dry: the shape is all that is read then.
func values(m tensor.Mat) []float32 {
	if m.Dry() {
		return make([]float32, m.Rows*m.Cols)
	}
	return m.F32
}

func (o *attend) forward(c *call) error {
	a, err := o.bind(c.in)
	if err != nil {
		return err
	}
	q, k, v := o.dims.split(c.in[:o.parts])
	lse := tensor.Mat{}
	if c.keeps {
		lse = c.x.Pool.Get(tensor.F32, a.Config().Heads, q.Rows)
		c.save(lse)
	}
	return a.Forward(c.x, attention.Out{O: c.out, LSE: lse}, attention.In{Q: q, K: k, V: v})
}

func (o *attend) backward(b *backCall) error {
	a, err := o.bind(b.in)
	if err != nil {
		return err
	}
	q, k, v := o.dims.split(b.in[:o.parts])
	var d []tensor.Mat
	for i := range o.parts {
		d = append(d, b.fresh(i))
	}
	var g attention.Grads
	g.DQ, g.DK, g.DV = o.dims.split(d)
	terms := o.takeTermGrads(b, &g)
	if err := a.Backward(b.x, g, b.dout, attention.Out{O: b.out, LSE: b.saved[0]}, attention.In{Q: q, K: k, V: v}); err != nil {
		return err
	}
	for i, m := range d {
		b.give(i, m)
	}
	for i, m := range terms {
		b.give(o.first+i, m)
	}
	return nil
}

// takeTermGrads makes room for the gradients of the learned terms, in the order of the inputs.
func (o *attend) takeTermGrads(b *backCall, g *attention.Grads) []tensor.Mat {
	var mats []tensor.Mat
	for i := o.first; i < len(b.in); i++ {
		mats = append(mats, b.fresh(i))
	}
	rest := mats
	if o.terms.Sinks != nil {
		g.Sinks, rest = values(rest[0]), rest[1:]
	}
	if o.terms.T5 != nil {
		g.Bias = &attention.BiasGrads{Table: values(rest[0])}
	}
	if o.terms.Relative != nil {
		g.Bias = &attention.BiasGrads{U: values(rest[0]), V: values(rest[1]), R: rest[2]}
	}
	return mats
}

func (o *attend) cost(out *Var, in []*Var) (forward, backward Cost) {
	moved := out.bytes()
	for _, v := range in {
		moved += v.bytes()
	}
	forward = Cost{Attention: int64(o.a.ForwardFlops()), Moved: moved}
	backward = Cost{Attention: int64(o.a.BackwardFlops()), Moved: 2 * moved}
	return forward, backward
}
