package bench

import (
	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/linear"
	"github.com/longspan/longspan/tensor"
)

// linear sets up linear attention with the feature map of this name.
func (a *Attention) linear(name string) (setup, error) {
	f, err := linear.ParseFeatureMap(name)
	if err != nil {
		return nil, err
	}
	c := linear.Config{Feature: f, Heads: a.Heads, KVHeads: a.KVHeads, HeadDim: a.HeadDim, Causal: a.Causal || a.Pass == Decode}
	if f == linear.Performer {
		c.Features = a.Features
	}
	l, err := linear.New(c, []int{a.Tokens})
	if err != nil {
		return nil, err
	}
	if a.Pass == Decode {
		return a.linearDecode(c)
	}
	return func(x tensor.Exec) (job, error) {
		in := a.inputs(x.Pool, a.Tokens)
		if a.Pass == Forward {
			forward := func() error { return l.Forward(x, in.out, attention.In{Q: in.q, K: in.k, V: in.v}) }
			return job{flops: float64(l.ForwardFlops()), run: forward}, nil
		}
		dout, g := a.gradients(x.Pool)
		grads := linear.Grads{DQ: g.q, DK: g.k, DV: g.v}
		backward := func() error { return l.Backward(x, grads, dout, attention.In{Q: in.q, K: in.k, V: in.v}) }
		return job{flops: float64(l.BackwardFlops()), run: backward}, nil
	}, nil
}

// linearDecode sets up one step after Tokens others. A state's size does not depend on how many those were, nor does a step's time, so
// they are not computed.
func (a *Attention) linearDecode(c linear.Config) (setup, error) {
	l, err := linear.New(c, []int{1})
	if err != nil {
		return nil, err
	}
	one := *a
	one.Tokens = 1
	return func(x tensor.Exec) (job, error) {
		in := one.inputs(x.Pool, 1)
		state, err := l.NewState()
		if err != nil {
			return job{}, err
		}
		// A step reads the state once.
		step := func() error { return state.Step(x, in.out, attention.In{Q: in.q, K: in.k, V: in.v}) }
		return job{flops: float64(l.ForwardFlops()), bytes: l.StepBytes(), run: step}, nil
	}, nil
}
