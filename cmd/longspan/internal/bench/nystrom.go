package bench

import (
	"fmt"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/nystrom"
	"github.com/longspan/longspan/tensor"
)

// nystrom sets up Nyström attention, without the skip: a depthwise convolution costs the same beside any attention.
func (a *Attention) nystrom() (setup, error) {
	if a.Pass == Decode {
		return nil, fmt.Errorf("bench: found nystrom to decode, which has no causal form; measure its forward pass")
	}
	if a.KVHeads != a.Heads {
		return nil, fmt.Errorf("bench: found nystrom with %d heads and %d key/value heads, expected as many of both", a.Heads, a.KVHeads)
	}
	n, err := nystrom.New(nystrom.Config{Heads: a.Heads, HeadDim: a.HeadDim, Landmarks: a.Landmarks}, []int{a.Tokens})
	if err != nil {
		return nil, err
	}
	return func(x tensor.Exec) (job, error) {
		in := a.inputs(x.Pool, a.Tokens)
		if a.Pass == Forward {
			qkv := nystrom.In{In: attention.In{Q: in.q, K: in.k, V: in.v}}
			return job{flops: n.ForwardFlops(), run: func() error { return n.Forward(x, in.out, qkv) }}, nil
		}
		dout, g := a.gradients(x.Pool)
		grads := nystrom.Grads{DQ: g.q, DK: g.k, DV: g.v}
		return job{flops: n.BackwardFlops(), run: func() error {
			return n.Backward(x, grads, dout, nystrom.In{In: attention.In{Q: in.q, K: in.k, V: in.v}})
		}}, nil
	}, nil
}
