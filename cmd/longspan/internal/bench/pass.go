package bench

import (
	"fmt"
	"strings"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/mechanism"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/tensor"
)

// About lists the presets with a line on each, for a --help.
func About() string {
	var b strings.Builder
	for _, p := range mechanism.Presets() {
		fmt.Fprintf(&b, "  %-12s %s\n", p.Name, p.About)
	}
	return b.String()
}

// presets lists the names of the presets that a can be measured with.
func (a Attention) presets() []string {
	var names []string
	for _, p := range mechanism.Presets() {
		m, err := mechanism.Parse(p.Usage)
		if err == nil && (m.Causal() || !a.Causal && a.Pass != Decode) {
			names = append(names, p.Name)
		}
	}
	return names
}

// config is the mechanism with the heads of a.
func (a *Attention) config() (mechanism.Config, error) {
	c := mechanism.Config{Heads: a.Heads, KVHeads: a.KVHeads, HeadDim: a.HeadDim, Causal: a.Causal}
	var err error
	if c.Mechanism, err = mechanism.ParsePreset(a.Mechanism); err != nil {
		var names []string
		for _, p := range mechanism.Presets() {
			names = append(names, p.Name)
		}
		err = fmt.Errorf("bench: found mechanism %q, expected one of %s or a mechanism's text: %w", a.Mechanism, strings.Join(names, ", "), err)
	}
	return c, err
}

// setup compiles c for the pass.
func (a *Attention) setup(c mechanism.Config) (setup, error) {
	if a.Pass == Decode {
		if p := c.Pattern(); p != nil {
			return a.decodeCached(p)
		}
		return a.decodeState(c)
	}
	layer, err := mechanism.New(c)
	if err != nil {
		return nil, err
	}
	core, err := layer.Compile(attention.Self(a.Tokens))
	if err != nil {
		return nil, err
	}
	return func(x tensor.Exec) (job, error) { return a.pass(x, core) }, nil
}

// pass makes the job of a forward or backward pass.
func (a *Attention) pass(x tensor.Exec, core mechanism.Core) (job, error) {
	in, out := a.inputs(x.Pool, a.Tokens, a.Tokens)
	var g mechanism.Grads
	for _, l := range core.Learned() {
		m := x.Pool.Get(tensor.F32, l.Rows, l.Cols)
		fill(4, m)
		in.Learned, g.Learned = append(in.Learned, m), append(g.Learned, x.Pool.Get(tensor.F32, l.Rows, l.Cols))
	}
	if a.Pass == Forward {
		return job{flops: core.Work().Forward, run: func() error { return core.Forward(x, out, in) }}, nil
	}
	for _, s := range core.Saved() {
		out.Saved = append(out.Saved, x.Pool.Get(tensor.F32, s.Rows, s.Cols))
	}
	if err := core.Forward(x, out, in); err != nil {
		return job{}, err
	}
	like := func(m tensor.Mat) tensor.Mat { return x.Pool.Get(a.Type, m.Rows, m.Cols) }
	dout := like(in.Q)
	fill(3, dout)
	g.DQ, g.DK, g.DV = like(in.Q), like(in.K), like(in.V)
	return job{flops: core.Work().Backward, run: func() error { return core.Backward(x, g, dout, out, in) }}, nil
}

// decodeCached sets up the last of Tokens queries against a cache of Tokens keys and values. It reads those that the pattern shows.
func (a *Attention) decodeCached(p pattern.Pattern) (setup, error) {
	keys, err := pattern.Pairs(p, pattern.Shape{Tq: 1, Tk: a.Tokens, Offset: a.Tokens - 1})
	if err != nil {
		return nil, err
	}
	c := attention.Config{Pattern: p, Heads: a.Heads, KVHeads: a.KVHeads, HeadDim: a.HeadDim}
	return func(x tensor.Exec) (job, error) {
		in, out := a.inputs(x.Pool, 1, a.Tokens)
		return job{
			flops: 4 * float64(keys) * float64(a.Heads*a.HeadDim),
			bytes: keys * int64(2*a.KVHeads*a.HeadDim*a.Type.Size()),
			run:   func() error { return attention.Decode(x, c, attention.Out{O: out.O}, in.In) },
		}, nil
	}, nil
}

// decodeState sets up a step of a mechanism whose state does not grow. The time of a step does not depend on the tokens before it, so they
// are not computed.
func (a *Attention) decodeState(c mechanism.Config) (setup, error) {
	c.Causal = true
	layer, err := mechanism.New(c)
	if err != nil {
		return nil, err
	}
	one, err := layer.Compile(attention.Self(1))
	if err != nil {
		return nil, err
	}
	return func(x tensor.Exec) (job, error) {
		in, out := a.inputs(x.Pool, 1, 1)
		state, err := layer.NewState(x.Pool, 0)
		if err != nil {
			return job{}, err
		}
		_, bytes := state.Work(1)
		return job{flops: one.Work().Forward, bytes: bytes, run: func() error { return state.Step(x, out.O, in) }}, nil
	}, nil
}

// inputs takes Q, K, V and O from the pool, and fills all but O with random numbers.
func (a *Attention) inputs(p *tensor.Pool, queries, keys int) (mechanism.In, mechanism.Out) {
	wide, narrow := a.Heads*a.HeadDim, a.KVHeads*a.HeadDim
	in := attention.In{Q: p.Get(a.Type, queries, wide), K: p.Get(a.Type, keys, narrow), V: p.Get(a.Type, keys, narrow)}
	for i, m := range []tensor.Mat{in.Q, in.K, in.V} {
		fill(uint64(i), m)
	}
	return mechanism.In{In: in}, mechanism.Out{O: p.Get(a.Type, queries, wide)}
}
