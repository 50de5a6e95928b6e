package model

import (
	"math"

	"github.com/longspan/longspan/attention/mechanism"
	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/tensor"
)

// block is one layer of a Transformer: attention, cross-attention if it has it, and a feed-forward layer, each in a residual
// branch.
type block struct {
	pre       bool // norms inside the branches; else after the sums
	attention *nn.Attention
	cross     *nn.Attention
	forward   *nn.FeedForward
	norms     [3]*nn.Norm // of attention, cross-attention and feed-forward
}

// blockConfig is what differs between the blocks of a model.
type blockConfig struct {
	mechanism mechanism.Mechanism
	position  nn.Position
	causal    bool
	memory    bool // keys and values come from a memory too
	cross     bool
	t5        *tensor.Param
	words     []int
}

func newBlock(p *nn.Params, name string, s *settings, c blockConfig) (b *block, err error) {
	// Each block adds two branches to the stream: their first weights are scaled so that its variance does not grow with the depth.
	// Radford et al. 2019, section 2.3.
	scale := 1 / math.Sqrt(2*float64(s.Layers))
	b = &block{pre: s.Placement == "pre"}
	norm := func(part string) *nn.Norm { return nn.NewNorm(p, name+"."+part+".norm", s.norm, s.Width, normEps) }
	layer := nn.AttentionConfig{Width: s.Width, Heads: s.Heads, KVHeads: s.KVHeads, HeadDim: s.HeadDim, Mechanism: c.mechanism, Causal: c.causal,
		Position: c.position, Base: s.RotaryBase, T5: c.t5, Sinks: s.Sinks, Bias: s.Bias, Apart: c.memory, Scale: scale, Words: c.words}
	b.norms[0] = norm("attention")
	if b.attention, err = nn.NewAttention(p, name+".attention", layer); err != nil {
		return nil, err
	}
	if c.cross {
		layer.Causal, layer.Position, layer.T5, layer.Sinks, layer.Apart = false, nn.NoPosition, nil, false, true
		if layer.Mechanism, err = mechanism.Parse("full"); err != nil {
			return nil, err
		}
		b.norms[1] = norm("cross")
		if b.cross, err = nn.NewAttention(p, name+".cross", layer); err != nil {
			return nil, err
		}
	}
	b.norms[2] = norm("feed_forward")
	b.forward = nn.NewFeedForward(p, name+".feed_forward", s.Width, s.Hidden, s.activation, s.Bias, scale)
	return b, nil
}

// normEps is added to variances; it matters only for rows that are nearly constant.
const normEps = 1e-5

// branches are how a block attends in one pass.
type branches struct {
	attend func(h *autograd.Var) *autograd.Var // to its own sequence, its memory or a cache
	cross  func(h *autograd.Var) *autograd.Var // to another sequence; nil for none
}

// apply records the block on x [T, width].
func (b *block) apply(p *nn.Pass, x *autograd.Var, r branches) *autograd.Var {
	x = b.residual(p, x, b.norms[0], r.attend)
	if r.cross != nil {
		x = b.residual(p, x, b.norms[1], r.cross)
	}
	return b.residual(p, x, b.norms[2], func(h *autograd.Var) *autograd.Var { return b.forward.Apply(p, h) })
}

// residual adds a branch to the stream.
func (b *block) residual(p *nn.Pass, x *autograd.Var, norm *nn.Norm, branch func(*autograd.Var) *autograd.Var) *autograd.Var {
	if b.pre {
		return p.G.Add(x, p.Dropout(branch(norm.Apply(p, x))))
	}
	return norm.Apply(p, p.G.Add(x, p.Dropout(branch(x))))
}

// self attends to the block's own sequence.
func (b *block) self(p *nn.Pass) branches {
	return branches{attend: func(h *autograd.Var) *autograd.Var { return b.attention.Apply(p, h) }}
}
