package autograd

import (
	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/linear"
	"github.com/longspan/longspan/tensor"
)

// attendLinear is linear attention: the inputs are as of attend, without terms. Nothing is saved.
type attendLinear struct {
	l    *linear.Linear
	dims headDims
}

// LinearAttention returns out [T, H·D] of linear attention over the columns of q, k and v in qkv [T, (H + 2·Hkv)·D]. c must
// be the configuration that l was made with.
func (g *Graph) LinearAttention(l *linear.Linear, c linear.Config, qkv *Var) *Var {
	kvHeads := c.KVHeads
	if kvHeads == 0 {
		kvHeads = c.Heads
	}
	o := &attendLinear{l: l, dims: headDims{c.Heads * c.HeadDim, kvHeads * c.HeadDim}}
	if !g.check("LinearAttention", qkv) || !g.checkParts("LinearAttention", o.dims, l.Tokens(), l.Tokens(), []*Var{qkv}) {
		return g.nothing()
	}
	return g.record(o, qkv.typ, qkv.rows, o.dims.q, qkv)
}

func (*attendLinear) reads() (inputs uint64, result bool) { return 1 << 0, false }

func (o *attendLinear) forward(c *call) error {
	q, k, v := o.dims.split(c.in)
	return o.l.Forward(c.x, c.out, attention.In{Q: q, K: k, V: v})
}

func (o *attendLinear) backward(b *backCall) error {
	q, k, v := o.dims.split(b.in)
	d := b.fresh(0)
	var g linear.Grads
	g.DQ, g.DK, g.DV = o.dims.split([]tensor.Mat{d})
	if err := o.l.Backward(b.x, g, b.dout, attention.In{Q: q, K: k, V: v}); err != nil {
		return err
	}
	b.give(0, d)
	return nil
}

func (o *attendLinear) cost(out *Var, in []*Var) (forward, backward Cost) {
	moved := in[0].bytes() + out.bytes()
	// The backward pass computes about half of its own flops again, in features and sums.
	return Cost{Attention: int64(o.l.ForwardFlops()), Moved: moved}, Cost{Attention: int64(1.5 * o.l.BackwardFlops()), Moved: 2 * moved}
}
