package model

import (
	"cmp"
	"math"

	"github.com/longspan/longspan/attention/mechanism"
	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/nn"
)

// block is one layer of a Transformer: attention, optional cross-attention and a feed-forward layer, each in a residual branch.
type block struct {
	attention *nn.Attention
	cross     *nn.Attention
	forward   *nn.FeedForward
	norms     [3]branchNorms // of attention, cross-attention and feed-forward
}

// branchNorms are the norms of a residual branch, as in [Norms].
type branchNorms struct{ input, output, sum *nn.Norm }

// newBlock makes a layer of a stack of the given depth. t5 are the tables of T5's bias that layers share, if one does.
func (m *Model) newBlock(name string, l Layer, t5 t5Tables, depth int) (b *block, err error) {
	// Each block adds two branches to the residual stream. The initial weights of their outputs are scaled so that the variance of the stream
	// does not grow with the depth. Radford et al. 2019, section 2.3.
	scale := 1 / math.Sqrt(2*float64(depth))
	b = &block{}
	if l.Attention.T5Own {
		t5.add(m, name+".attention", l.Attention)
	}
	b.norms[0] = m.branchNorms(name+".attention", l.BranchNorms())
	if b.attention, err = m.newAttention(name+".attention", l.Attention, t5, m.spec.Kind == TransformerXL, scale); err != nil {
		return nil, err
	}
	if l.Cross != nil {
		b.norms[1] = m.branchNorms(name+".cross", l.Norms)
		if b.cross, err = m.newAttention(name+".cross", *l.Cross, t5Tables{}, true, scale); err != nil {
			return nil, err
		}
	}
	b.norms[2] = m.branchNorms(name+".feed_forward", l.Norms)
	f := l.FeedForward
	kind, err := autograd.ParseActivation(f.Activation)
	b.forward = nn.NewFeedForward(m.params, name+".feed_forward",
		nn.FeedForwardConfig{Width: m.spec.Width, Hidden: f.Hidden, Activation: kind, Bias: f.Bias, NoUpBias: f.NoUpBias, Scale: scale})
	return b, err
}

// branchNorms makes the norms of a branch. The only norm of a pre-norm or a post-norm layer is name.norm.
func (m *Model) branchNorms(name string, n Norms) branchNorms {
	return branchNorms{m.norm(name+".norm", n.Input), m.norm(name+".output_norm", n.Output), m.norm(sumNorm(name, n), n.Sum)}
}

func sumNorm(name string, n Norms) string {
	if n.Input != nil {
		return name + ".sum_norm"
	}
	return name + ".norm"
}

// newAttention makes an attention layer; with cross, keys and values are of other tokens than queries.
func (m *Model) newAttention(name string, a Attention, t5 t5Tables, cross bool, scale float64) (*nn.Attention, error) {
	parsed, err := mechanism.Parse(a.Mechanism)
	if err != nil {
		return nil, err
	}
	position, err := nn.ParsePosition(a.Position)
	if err != nil {
		return nil, err
	}
	rotary, err := a.Rotary()
	if err != nil {
		return nil, err
	}
	return nn.NewAttention(m.params, name, nn.AttentionConfig{Width: m.spec.Width, Heads: a.Heads, KVHeads: a.KVHeads, HeadDim: a.HeadDim,
		Mechanism: parsed, Causal: a.Causal, Position: position, Rotary: rotary, ScoreScale: a.Scale, SoftCap: a.SoftCap, T5: t5.tokens,
		Most: a.MaxDistance, T5Bias: a.T5(), T5Side: t5.side, Summaries: cmp.Or(a.SummaryNorm, 1e-6),
		Sinks: a.Sinks, Bias: a.Bias, NoOutBias: a.NoOutBias, Cross: cross, Scale: scale, QKNorm: a.QKNorm, Global: a.Global,
		CopyNgrams: a.CopyNgrams})
}

// branches are the attention branches of a block in one pass.
type branches struct {
	attend func(h *autograd.Var) *autograd.Var // to the own sequence, a memory or a cache
	cross  func(h *autograd.Var) *autograd.Var // to another sequence; nil: none
}

// apply records the block on x [T, width].
func (b *block) apply(p *nn.Pass, x *autograd.Var, r branches) *autograd.Var {
	x = b.norms[0].residual(p, x, r.attend)
	if r.cross != nil {
		x = b.norms[1].residual(p, x, r.cross)
	}
	return b.norms[2].residual(p, x, func(h *autograd.Var) *autograd.Var { return b.forward.Apply(p, h) })
}

// residual adds a branch to the stream.
func (n branchNorms) residual(p *nn.Pass, x *autograd.Var, branch func(*autograd.Var) *autograd.Var) *autograd.Var {
	y := finish(p, n.output, branch(finish(p, n.input, x)))
	return finish(p, n.sum, p.G.Add(x, p.Dropout(y)))
}

// self is attention to the own sequence.
func (b *block) self(p *nn.Pass) branches {
	return branches{attend: func(h *autograd.Var) *autograd.Var { return b.attention.Apply(p, h) }}
}
