package autograd

import (
	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/nystrom"
	"github.com/longspan/longspan/tensor"
)

// attendNystrom is Nyström attention: q, k and v side by side, and the taps of the skip if it has one. Nothing is saved.
type attendNystrom struct {
	n    *nystrom.Nystrom
	dims headDims
}

// NystromAttention returns out [T, H·D] of Nyström attention over the columns of q, k and v in qkv [T, 3·H·D]. conv is a
// float32 leaf [H, ConvKernel], or nil without a skip. c is the configuration that n was made with, for the given tokens.
func (g *Graph) NystromAttention(n *nystrom.Nystrom, c nystrom.Config, qkv, conv *Var) *Var {
	in := []*Var{qkv}
	if conv != nil {
		in = append(in, conv)
	}
	o := &attendNystrom{n, headDims{c.Heads * c.HeadDim, c.Heads * c.HeadDim}}
	switch {
	case !g.check("NystromAttention", in...):
		return g.nothing()
	case qkv.cols != 3*o.dims.q:
		return g.failf("NystromAttention: found queries, keys and values of %d columns, expected %d", qkv.cols, 3*o.dims.q)
	case (conv != nil) != (c.ConvKernel > 0) || conv != nil && !conv.leaf:
		return g.failf("NystromAttention: found taps for a skip of %d, expected an f32 leaf of %d×%d, or nil without a skip",
			c.ConvKernel, c.Heads, c.ConvKernel)
	}
	return g.record(o, qkv.typ, qkv.rows, o.dims.q, in...)
}

func (*attendNystrom) reads() (inputs uint64, result bool) { return 1<<0 | 1<<1, false }

// taps is the second input, or the zero Mat.
func taps(in []tensor.Mat) tensor.Mat {
	if len(in) > 1 {
		return in[1]
	}
	return tensor.Mat{}
}

func (o *attendNystrom) forward(c *call) error {
	q, k, v := o.dims.split(c.in[:1])
	return o.n.Forward(c.x, c.out, nystrom.In{In: attention.In{Q: q, K: k, V: v}, Conv: taps(c.in)})
}

func (o *attendNystrom) backward(b *backCall) error {
	q, k, v := o.dims.split(b.in[:1])
	d := []tensor.Mat{b.fresh(0)}
	if len(b.in) > 1 {
		d = append(d, b.fresh(1))
	}
	var g nystrom.Grads
	g.DQ, g.DK, g.DV = o.dims.split(d[:1])
	g.Conv = taps(d)
	if err := o.n.Backward(b.x, g, b.dout, nystrom.In{In: attention.In{Q: q, K: k, V: v}, Conv: taps(b.in)}); err != nil {
		return err
	}
	for i, m := range d {
		b.give(i, m)
	}
	return nil
}

func (o *attendNystrom) cost(out *Var, in []*Var) (forward, backward Cost) {
	moved := in[0].bytes() + out.bytes()
	return Cost{Attention: int64(o.n.ForwardFlops()), Moved: moved},
		Cost{Attention: int64(o.n.BackwardFlops() + o.n.ForwardFlops()), Moved: 3 * moved}
}
