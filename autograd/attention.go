package autograd

import (
	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/mechanism"
	"github.com/longspan/longspan/tensor"
)

// attend is attention by any mechanism. Its inputs are the columns of Q, K and V side by side in one matrix, or Q in one and K and V in
// another, and then the learned matrices of the mechanism.
type attend struct {
	core  mechanism.Core
	parts int // matrices that hold Q, K and V: 1 or 2
}

// attendSaved is attend by a mechanism that saves something for its backward pass.
type attendSaved struct{ attend }

func (*attendSaved) saves() {}

// Attention returns out [T, H·D] of self-attention. qkv is [T, (H + 2·Hkv)·D]: the columns of Q, K and V in that order. learned are
// the matrices that core lists, F32. Cost: core's; the mechanisms need O(T·D) memory.
func (g *Graph) Attention(core mechanism.Core, qkv *Var, learned ...*Var) *Var {
	return g.attend("Attention", core, []*Var{qkv}, learned)
}

// CrossAttention is Attention with its queries in a matrix of their own: q is [Tq, H·D] and kv [Tk, 2·Hkv·D], the columns of K and V
// in that order.
func (g *Graph) CrossAttention(core mechanism.Core, q, kv *Var, learned ...*Var) *Var {
	return g.attend("CrossAttention", core, []*Var{q, kv}, learned)
}

func (g *Graph) attend(name string, core mechanism.Core, parts, learned []*Var) *Var {
	in := append(parts, learned...)
	if !g.check(name, in...) || !g.checkParts(name, core.Widths(), core.Queries(), core.Keys(), parts) || !g.checkLearned(name,
		core.Learned(), learned) {
		return g.nothing()
	}
	o := &attend{core, len(parts)}
	if len(core.Saved()) > 0 {
		return g.record(&attendSaved{*o}, in[0].typ, core.Queries(), core.Widths().Q, in...)
	}
	return g.record(o, in[0].typ, core.Queries(), core.Widths().Q, in...)
}

// checkParts checks Q, K and V in one matrix or two.
func (g *Graph) checkParts(name string, w mechanism.Widths, queries, keys int, in []*Var) bool {
	if len(in) == 1 {
		if in[0].cols != w.Q+2*w.KV || in[0].rows != queries || queries != keys {
			g.failf("%s: found queries, keys and values of %d×%d, expected %d×%d, for %d keys", name, in[0].rows, in[0].cols, queries, w.Q+2*w.KV,
				keys)
		}
		return g.err == nil
	}
	q, kv := in[0], in[1]
	if q.rows != queries || q.cols != w.Q || kv.rows != keys || kv.cols != 2*w.KV || q.typ != kv.typ {
		g.failf("%s: found queries of %s %d×%d and keys and values of %s %d×%d, expected %d×%d and %d×%d of one type",
			name, q.typ, q.rows, q.cols, kv.typ, kv.rows, kv.cols, queries, w.Q, keys, 2*w.KV)
	}
	return g.err == nil
}

// checkLearned checks the learned matrices of a mechanism.
func (g *Graph) checkLearned(name string, want []mechanism.Learned, learned []*Var) bool {
	if len(learned) != len(want) {
		g.failf("%s: found %d learned matrices, expected %d: %v", name, len(learned), len(want), want)
		return false
	}
	for i, v := range learned {
		w := want[i]
		if w.Rows == 0 {
			w.Rows = v.rows
		}
		if v.typ != tensor.F32 || v.rows != w.Rows || v.cols != w.Cols {
			g.failf("%s: found %s of %s %d×%d, expected f32 of %d×%d", name, w.Name, v.typ, v.rows, v.cols, w.Rows, w.Cols)
			return false
		}
		if v.leaf && (v.value.Stride != v.cols || v.sink.Stride != v.sink.Cols) {
			g.failf("%s: found %s that is a view of a wider matrix, expected rows without gaps", name, w.Name)
			return false
		}
	}
	return true
}

func (o *attend) reads() (inputs uint64, result bool) { return ^uint64(0), o.core.ReadsO() }

// split views Q, K and V in the matrices that hold them.
func split(w mechanism.Widths, parts []tensor.Mat) attention.In {
	if len(parts) == 1 {
		m := parts[0]
		return attention.In{Q: m.SliceCols(0, w.Q), K: m.SliceCols(w.Q, w.Q+w.KV), V: m.SliceCols(w.Q+w.KV, w.Q+2*w.KV)}
	}
	return attention.In{Q: parts[0], K: parts[1].SliceCols(0, w.KV), V: parts[1].SliceCols(w.KV, 2*w.KV)}
}

func (o *attend) in(in []tensor.Mat) mechanism.In {
	return mechanism.In{In: split(o.core.Widths(), in[:o.parts]), Learned: in[o.parts:]}
}

func (o *attend) forward(c *call) error {
	out := mechanism.Out{O: c.out}
	if c.keeps {
		for _, s := range o.core.Saved() {
			m := c.x.Pool.Get(tensor.F32, s.Rows, s.Cols)
			c.save(m)
			out.Saved = append(out.Saved, m)
		}
	}
	return o.core.Forward(c.x, out, o.in(c.in))
}

func (o *attend) backward(b *backCall) error {
	var d []tensor.Mat
	for i := range b.in {
		d = append(d, b.fresh(i))
	}
	parts := split(o.core.Widths(), d[:o.parts])
	g := mechanism.Grads{DQ: parts.Q, DK: parts.K, DV: parts.V, Learned: d[o.parts:]}
	if err := o.core.Backward(b.x, g, b.dout, mechanism.Out{O: b.out, Saved: b.saved}, o.in(b.in)); err != nil {
		return err
	}
	for i, m := range d {
		b.give(i, m)
	}
	return nil
}

func (o *attend) cost(out *Var, in []*Var) (forward, backward Cost) {
	moved, work := out.bytes(), o.core.Work()
	for _, v := range in {
		moved += v.bytes()
	}
	return Cost{Attention: int64(work.Forward), Moved: moved},
		Cost{Attention: int64(work.Backward + work.Recomputed), Moved: int64(work.Reads) * moved}
}
