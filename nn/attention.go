package nn

import (
	"errors"
	"fmt"
	"math"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/linear"
	"github.com/longspan/longspan/attention/nystrom"
	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/tensor"
)

// AttentionConfig says what an attention layer is.
type AttentionConfig struct {
	Width      int // features of the tokens
	Heads      int // H
	KVHeads    int // Hkv; 0: Heads
	HeadDim    int // D; 0: Width/Heads
	Mechanism  Mechanism
	Causal     bool // each token sees itself and what came before
	Position   Position
	Base       float64       // of rotary; 0: 10000
	T5         *tensor.Param // table [T5Buckets, H] of the T5 bias, usually shared by layers
	Sinks      bool          // a learned logit a head that takes probability and gives nothing
	Bias       bool          // in the projections
	Apart      bool          // queries from other tokens than keys and values: cross-attention, or a memory
	Scale      float64       // of the output projection's first weights; 0: 1
	CopyNgrams []int         // n-gram sizes of copy heads, which heads take in turn: queries and keys are hashes of n-grams (copyhead.go)
}

// Attention is an attention layer: projections "name.qkv", or "name.q" and "name.kv", or with copy heads "name.v", and "name.out".
type Attention struct {
	c             AttentionConfig
	qkv, q, kv    *Linear
	values        *Linear // of a layer with copy heads
	out, r        *Linear
	sinks, u, v   *tensor.Param
	conv          *tensor.Param // of nystrom: "name.conv" [H, taps]
	softmax       attention.Config
	linearConfig  linear.Config
	nystromConfig nystrom.Config
}

// NewAttention makes a layer. It returns an error for settings that cannot go together.
func NewAttention(p *Params, name string, c AttentionConfig) (*Attention, error) {
	if c.KVHeads == 0 {
		c.KVHeads = c.Heads
	}
	if c.HeadDim == 0 && c.Heads > 0 {
		c.HeadDim = c.Width / c.Heads
	}
	if c.Scale == 0 {
		c.Scale = 1
	}
	a := &Attention{c: c}
	if err := a.configure(); err != nil {
		return nil, err
	}
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	switch {
	case len(c.CopyNgrams) > 0:
		a.values = NewLinear(p, name+".v", c.Width, kv, c.Bias, 1)
	case c.Apart:
		a.q = NewLinear(p, name+".q", c.Width, q, c.Bias, 1)
		a.kv = NewLinear(p, name+".kv", c.Width, 2*kv, c.Bias, 1)
	default:
		a.qkv = NewLinear(p, name+".qkv", c.Width, q+2*kv, c.Bias, 1)
	}
	a.out = NewLinear(p, name+".out", q, c.Width, c.Bias, c.Scale)
	if c.Sinks {
		a.sinks = p.Add(name+".sinks", 1, c.Heads, Zeros())
	}
	if taps := a.nystromConfig.ConvKernel; taps > 0 {
		a.conv = p.Add(name+".conv", c.Heads, taps, Normal(1/math.Sqrt(float64(taps))))
	}
	if c.Position == Relative {
		a.r = NewLinear(p, name+".r", c.Width, q, false, 1)
		a.u = p.Add(name+".u", 1, q, Normal(embeddingStd))
		a.v = p.Add(name+".v", 1, q, Normal(embeddingStd))
	}
	return a, nil
}

// configure makes the configuration of the mechanism, and lets its package check it.
func (a *Attention) configure() error {
	c := a.c
	if err := a.checkCopyNgrams(); err != nil {
		return err
	}
	if c.Mechanism.Softmax() {
		a.softmax = attention.Config{Pattern: c.Mechanism.Pattern(c.Causal), Heads: c.Heads, KVHeads: c.KVHeads, HeadDim: c.HeadDim}
		if c.Position == ALiBi {
			a.softmax.Bias = attention.ALiBi{}
		}
		_, err := attention.New(a.softmax, nil)
		return err
	}
	switch {
	case c.Position == ALiBi || c.Position == T5 || c.Position == Relative:
		return errors.New("nn: " + c.Mechanism.String() + " has no scores to add a bias to; use the position encoding learned, rotary or none")
	case c.Sinks:
		return errors.New("nn: " + c.Mechanism.String() + " has no softmax that sinks could join; leave sinks out")
	case c.Apart:
		return errors.New("nn: " + c.Mechanism.String() + " is of a sequence over itself; use a pattern for cross-attention and memories")
	}
	if c.Mechanism.nystrom != nil {
		if c.KVHeads != c.Heads {
			return fmt.Errorf("nn: found %d key/value heads for %d heads of nystrom, expected as many; leave them out", c.KVHeads, c.Heads)
		}
		a.nystromConfig = *c.Mechanism.nystrom
		a.nystromConfig.Heads, a.nystromConfig.HeadDim, a.nystromConfig.Causal = c.Heads, c.HeadDim, c.Causal
		_, err := nystrom.New(a.nystromConfig, nil)
		return err
	}
	a.linearConfig = *c.Mechanism.linear
	a.linearConfig.Heads, a.linearConfig.KVHeads, a.linearConfig.HeadDim, a.linearConfig.Causal = c.Heads, c.KVHeads, c.HeadDim, c.Causal
	_, err := linear.New(a.linearConfig, nil)
	return err
}

// Apply attends each sequence of x [T, width] to itself: [T, width].
func (a *Attention) Apply(p *Pass, x *autograd.Var) *autograd.Var {
	return a.out.Apply(p, a.attend(p, a.project(p, x)))
}

// attend applies the mechanism to queries, keys and values.
func (a *Attention) attend(p *Pass, qkv *autograd.Var) *autograd.Var {
	if a.c.Mechanism.linear != nil {
		l, err := p.Shapes.compileLinear(a.linearConfig, p.Lengths)
		if err != nil {
			return p.G.Fail(err)
		}
		return p.G.LinearAttention(l, a.linearConfig, qkv)
	}
	if a.c.Mechanism.nystrom != nil {
		n, err := p.Shapes.compileNystrom(a.nystromConfig, p.Lengths)
		if err != nil {
			return p.G.Fail(err)
		}
		return p.G.NystromAttention(n, a.nystromConfig, qkv, p.Leaf(a.conv))
	}
	seqs := p.selfSeqs()
	compiled, err := p.Shapes.compile(a.softmax, seqs)
	if err != nil {
		return p.G.Fail(err)
	}
	return p.G.Attention(compiled, qkv, a.terms(p, seqs))
}

// ApplyOver attends each sequence of x [T, width] to the rows of its keys and values in the source, of which it has lengths[i];
// the first offsets[i] of them came before its first token (all of them, for cross-attention, count from 0: offsets nil).
func (a *Attention) ApplyOver(p *Pass, x, source *autograd.Var, lengths, offsets []int) *autograd.Var {
	kv := a.kv.Apply(p, source)
	if a.c.Position == Rotary && offsets != nil {
		kv = a.turn(p, kv, a.c.KVHeads*a.c.HeadDim, positions(lengths, nil))
	}
	return a.over(p, x, kv, lengths, offsets)
}

// over is ApplyOver with the source projected to keys and values.
func (a *Attention) over(p *Pass, x, kv *autograd.Var, lengths, offsets []int) *autograd.Var {
	seqs := p.selfSeqs()
	for i := range seqs {
		seqs[i].K = lengths[i]
		if offsets != nil {
			seqs[i].Offset = offsets[i]
		}
	}
	q := a.q.Apply(p, x)
	if a.c.Position == Rotary && offsets != nil {
		q = a.turn(p, q, a.c.Heads*a.c.HeadDim, positions(p.Lengths, offsets))
	}
	compiled, err := p.Shapes.compile(a.softmax, seqs)
	if err != nil {
		return p.G.Fail(err)
	}
	return a.out.Apply(p, p.G.CrossAttention(compiled, q, kv, a.terms(p, seqs)))
}

// turn applies the rotary encoding to the first columns of x, if the layer has it.
func (a *Attention) turn(p *Pass, x *autograd.Var, columns int, at []int32) *autograd.Var {
	if a.c.Position != Rotary {
		return x
	}
	top := int32(0)
	for _, position := range at {
		top = max(top, position)
	}
	r, err := p.Shapes.turn(attention.RotaryConfig{HeadDim: a.c.HeadDim, Base: a.c.Base}, int(top)+1)
	if err != nil {
		return p.G.Fail(err)
	}
	return p.G.Rotary(r, x, columns, at)
}

// terms puts what is learned in the softmax on the graph.
func (a *Attention) terms(p *Pass, seqs []attention.Seq) autograd.Terms {
	t := autograd.Terms{Sinks: p.Leaf(a.sinks)}
	switch a.c.Position {
	case T5:
		t.T5 = &autograd.T5{Table: p.Leaf(a.c.T5), Buckets: T5Buckets, MaxDistance: T5MaxDistance, Bidirectional: !a.c.Causal}
	case Relative:
		before, after := 1, 0
		for _, s := range seqs {
			before = max(before, s.Offset+s.Q)
			after = max(after, s.K-s.Offset-1)
		}
		if a.c.Causal {
			after = 0
		}
		r := a.r.ApplyF32(p, p.distances(-after, before+after, a.c.Width))
		t.Relative = &autograd.Relative{U: p.Leaf(a.u), V: p.Leaf(a.v), R: r, First: -after}
	}
	return t
}
