package nystrom

import (
	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/tensor"
)

// exactBackward is Backward of softmax attention over all tokens, with the skip. The output of the attention alone is computed again, since
// that of Forward has the skip in it.
func (r *run) exactBackward(g Grads, do tensor.Mat, in In) error {
	out := attention.Out{O: r.get(r.n.tokens, r.n.width()), LSE: r.get(r.n.c.Heads, r.n.tokens)}
	if err := r.n.toMark.Forward(r.x, out, in.In); err != nil {
		return err
	}
	if err := r.n.toMark.Backward(r.x, attention.Grads{DQ: g.DQ, DK: g.DK, DV: g.DV}, do, out, in.In); err != nil {
		return err
	}
	r.convolve(g.DV, do, in.Conv, true)
	r.tapGrads(g.Conv, do, in.V)
	return nil
}
