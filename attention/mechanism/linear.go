package mechanism

import (
	"fmt"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/linear"
	"github.com/longspan/longspan/tensor"
)

// features is linear attention.
type features struct{ c linear.Config }

type linearLayer struct {
	Config
	c linear.Config
}

func (k *features) layer(c Config) (Layer, error) {
	l := linearLayer{c, k.c}
	l.c.Heads, l.c.KVHeads, l.c.HeadDim, l.c.Causal = c.Heads, c.KVHeads, c.HeadDim, c.Causal
	_, err := linear.New(l.c, nil)
	return l, err
}

func (linearLayer) Learned() []Learned { return nil }
func (l linearLayer) Key() string      { return fmt.Sprintf("%v", l.c) }

// heads have the features of all: Ω is one for all heads.
func (l linearLayer) heads(lo, hi int) Layer {
	l.Heads, l.KVHeads = (hi-lo)*l.group(), hi-lo
	l.c.Heads, l.c.KVHeads = l.Heads, l.KVHeads
	return l
}

func (l linearLayer) Compile(seqs []attention.Seq) (Core, error) {
	lengths, err := own(l.c.Feature.String(), seqs)
	if err != nil {
		return nil, err
	}
	compiled, err := linear.New(l.c, lengths)
	return linearCore{l, compiled}, err
}

// linearCore saves nothing: Backward recomputes features and sums, in about half of its own flops.
type linearCore struct {
	linearLayer
	l *linear.Linear
}

func (c linearCore) Queries() int { return c.l.Tokens() }
func (c linearCore) Keys() int    { return c.l.Tokens() }
func (linearCore) Saved() []Shape { return nil }
func (linearCore) ReadsO() bool   { return false }
func (c linearCore) Work() Work {
	b := c.l.BackwardFlops()
	return Work{Forward: c.l.ForwardFlops(), Backward: b, Recomputed: b / 2, Reads: 2}
}

func (c linearCore) Forward(x tensor.Exec, out Out, in In) error { return c.l.Forward(x, out.O, in.In) }

func (c linearCore) Backward(x tensor.Exec, g Grads, do tensor.Mat, _ Out, in In) error {
	return c.l.Backward(x, linear.Grads{DQ: g.DQ, DK: g.DK, DV: g.DV}, do, in.In)
}

func (l linearLayer) NewState(_ *tensor.Pool, memory int) (State, error) {
	if memory > 0 {
		return nil, fmt.Errorf("mechanism: found a memory of %d tokens with %v, which sums over all tokens so far; use a pattern, or no memory",
			memory, l.c.Feature)
	}
	compiled, err := linear.New(l.c, nil)
	if err != nil {
		return nil, err
	}
	s, err := compiled.NewState()
	return linearState{l, compiled, s}, err
}

// linearState holds sums over all tokens so far. Its size is constant.
type linearState struct {
	linearLayer
	l *linear.Linear
	s *linear.State
}

func (s linearState) Tokens() int { return s.s.Tokens() }
func (s linearState) Oldest() int { return s.s.Tokens() }
func (s linearState) Reset()      { s.s.Reset() }
func (s linearState) Free()       { s.s.Reset() }

// Work is two products with the sums for every query, and a read of the state.
func (s linearState) Work(n int) (flops, bytes int64) {
	w := s.Widths()
	return 2 * int64(n) * int64(w.Q+w.KV) * int64(s.l.Features()), s.l.StepBytes()
}

func (s linearState) Step(x tensor.Exec, out tensor.Mat, in In) error { return s.s.Step(x, out, in.In) }
