package mechanism

import (
	"errors"
	"fmt"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/nystrom"
	"github.com/longspan/longspan/tensor"
)

// landmarks is Nyström attention. exact and oneNorm are 1 where those settings of its configuration are set, else 0.
type landmarks struct {
	c              nystrom.Config
	exact, oneNorm uint64
}

type nystromLayer struct {
	Config
	c nystrom.Config
}

func (k *landmarks) layer(c Config) (Layer, error) {
	if c.KVHeads != c.Heads {
		return nil, fmt.Errorf("mechanism: found %d key/value heads for %d heads of nystrom, expected as many; leave them out", c.KVHeads,
			c.Heads)
	}
	if k.exact > 1 || k.oneNorm > 1 {
		return nil, fmt.Errorf("mechanism: found exact=%d and one_norm=%d of nystrom, expected 0 or 1", k.exact, k.oneNorm)
	}
	l := nystromLayer{c, k.c}
	l.c.Exact, l.c.OneNorm = k.exact == 1, k.oneNorm == 1
	l.c.Heads, l.c.HeadDim, l.c.Causal = c.Heads, c.HeadDim, c.Causal
	_, err := nystrom.New(l.c, nil)
	return l, err
}

func (l nystromLayer) Key() string { return fmt.Sprintf("%v", l.c) }

// together returns an error for heads that share a norm.
func (l nystromLayer) together() error {
	if !l.c.OneNorm {
		return nil
	}
	return errors.New("mechanism: found nystrom with one_norm=1, whose heads share a norm, expected heads that can be computed apart; " +
		"use one rank, or leave one_norm out: results then differ")
}

func (l nystromLayer) heads(lo, hi int) Layer {
	l.Heads, l.KVHeads = hi-lo, hi-lo
	l.c.Heads = l.Heads
	return l
}

// Learned lists the taps of the skip, if there is one.
func (l nystromLayer) Learned() []Learned {
	if l.c.ConvKernel == 0 {
		return nil
	}
	return []Learned{{Name: "conv", Rows: l.c.Heads, Cols: l.c.ConvKernel}}
}

func (l nystromLayer) Compile(seqs []attention.Seq) (Core, error) {
	lengths, err := own("nystrom", seqs)
	if err != nil {
		return nil, err
	}
	compiled, err := nystrom.New(l.c, lengths)
	return nystromCore{l, compiled}, err
}

func (nystromLayer) NewState(*tensor.Pool, int) (State, error) {
	return nil, errors.New("mechanism: found nystrom to decode token by token, expected causal attention: landmarks are means over " +
		"later tokens too; use linear attention or a causal pattern")
}

// nystromCore saves what belongs to landmarks.
type nystromCore struct {
	nystromLayer
	n *nystrom.Nystrom
}

func (c nystromCore) Queries() int { return c.n.Tokens() }
func (c nystromCore) Keys() int    { return c.n.Tokens() }
func (nystromCore) ReadsO() bool   { return false }
func (c nystromCore) Saved() []Shape {
	if c.n.SavedRows() == 0 {
		return nil
	}
	return []Shape{{c.n.SavedRows(), c.Widths().Q}, {c.c.Heads, c.n.SavedMarks()}}
}

func (c nystromCore) Work() Work {
	return Work{Forward: c.n.ForwardFlops(), Backward: c.n.BackwardFlops(), Recomputed: c.n.RecomputedFlops(), Reads: 3}
}

// in is the input with what is saved, if anything is.
func (c nystromCore) in(in In, saved []tensor.Mat) nystrom.In {
	all := nystrom.In{In: in.In, Conv: taps(in.Learned)}
	if len(saved) > 0 {
		all.Saved = nystrom.Saved{Rows: saved[0], Norms: saved[1]}
	}
	return all
}

// taps returns the taps of the skip, or the zero Mat without one.
func taps(learned []tensor.Mat) tensor.Mat {
	if len(learned) == 0 {
		return tensor.Mat{}
	}
	return learned[0]
}

func (c nystromCore) Forward(x tensor.Exec, out Out, in In) error {
	return c.n.Forward(x, out.O, c.in(in, out.Saved))
}

func (c nystromCore) Backward(x tensor.Exec, g Grads, do tensor.Mat, out Out, in In) error {
	return c.n.Backward(x, nystrom.Grads{DQ: g.DQ, DK: g.DK, DV: g.DV, Conv: taps(g.Learned)}, do, c.in(in, out.Saved))
}
