package bench

import (
	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/tensor"
)

// flash sets up flash attention over a pattern.
func (a *Attention) flash(p pattern.Pattern) (setup, error) {
	c := attention.Config{Pattern: p, Heads: a.Heads, KVHeads: a.KVHeads, HeadDim: a.HeadDim}
	if a.Pass == Decode {
		return a.flashDecode(c)
	}
	att, err := attention.New(c, attention.Self(a.Tokens))
	if err != nil {
		return nil, err
	}
	return func(x tensor.Exec) (job, error) {
		in := a.inputs(x.Pool, a.Tokens)
		if a.Pass == Forward {
			return job{flops: att.ForwardFlops(), run: func() error {
				return att.Forward(x, attention.Out{O: in.out}, attention.In{Q: in.q, K: in.k, V: in.v})
			}}, nil
		}
		lse := x.Pool.Get(tensor.F32, a.Heads, a.Tokens)
		if err := att.Forward(x, attention.Out{O: in.out, LSE: lse}, attention.In{Q: in.q, K: in.k, V: in.v}); err != nil {
			return job{}, err
		}
		dout, g := a.gradients(x.Pool)
		grads := attention.Grads{DQ: g.q, DK: g.k, DV: g.v}
		return job{flops: att.BackwardFlops(), run: func() error {
			return att.Backward(x, grads, dout, attention.Out{O: in.out, LSE: lse}, attention.In{Q: in.q, K: in.k, V: in.v})
		}}, nil
	}, nil
}

// flashDecode sets up the last of Tokens queries against a cache of Tokens keys and values. It reads those that the pattern shows.
func (a *Attention) flashDecode(c attention.Config) (setup, error) {
	keys, err := pattern.Pairs(c.Pattern, pattern.Shape{Tq: 1, Tk: a.Tokens, Offset: a.Tokens - 1})
	if err != nil {
		return nil, err
	}
	return func(x tensor.Exec) (job, error) {
		in := a.inputs(x.Pool, 1)
		return job{
			flops: 4 * float64(keys) * float64(a.Heads*a.HeadDim),
			bytes: keys * int64(2*a.KVHeads*a.HeadDim*a.Type.Size()),
			run: func() error {
				return attention.Decode(x, c, attention.Out{O: in.out}, attention.In{Q: in.q, K: in.k, V: in.v})
			},
		}, nil
	}, nil
}

// tensors are the inputs and the output of a pass, or their gradients.
type tensors struct{ q, k, v, out tensor.Mat }

// inputs takes q and out of so many queries, and k and v, from the pool and fills all but out with random numbers.
func (a *Attention) inputs(p *tensor.Pool, queries int) tensors {
	wide, narrow := a.Heads*a.HeadDim, a.KVHeads*a.HeadDim
	t := tensors{p.Get(a.Type, queries, wide), p.Get(a.Type, a.Tokens, narrow), p.Get(a.Type, a.Tokens, narrow), p.Get(a.Type, queries, wide)}
	for i, m := range []tensor.Mat{t.q, t.k, t.v} {
		fill(uint64(i), m)
	}
	return t
}

// gradients takes the gradient of the output, random, and those of q, k and v, to be written, from the pool.
func (a *Attention) gradients(p *tensor.Pool) (dout tensor.Mat, g tensors) {
	wide, narrow := a.Heads*a.HeadDim, a.KVHeads*a.HeadDim
	dout = p.Get(a.Type, a.Tokens, wide)
	fill(3, dout)
	return dout, tensors{q: p.Get(a.Type, a.Tokens, wide), k: p.Get(a.Type, a.Tokens, narrow), v: p.Get(a.Type, a.Tokens, narrow)}
}
