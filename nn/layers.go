package nn

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/tensor"
)

// Linear is y = x·Wᵀ + b, with W "name.weight" [out, in] and b "name.bias" [1, out].
type Linear struct{ Weight, Bias *tensor.Param }

// LinearConfig is the shape of a linear layer.
type LinearConfig struct {
	In, Out int     // features
	Bias    bool    // adds a learned row to every output
	Scale   float64 // of the initial weights; 0: 1
}

// NewLinear makes a layer. Initial weights are normal with the standard deviation Scale/√In; biases are zero.
func NewLinear(p *Params, name string, c LinearConfig) *Linear {
	if c.Scale == 0 {
		c.Scale = 1
	}
	l := &Linear{Weight: p.AddTable(name+".weight", c.Out, c.In, Normal(c.Scale/math.Sqrt(float64(c.In))))}
	if c.Bias {
		l.Bias = p.Add(name+".bias", 1, c.Out, Zeros())
	}
	return l
}

// Apply maps x [T, in] to [T, out].
func (l *Linear) Apply(p *Pass, x *autograd.Var) *autograd.Var {
	return p.G.Linear(x, p.Leaf(l.Weight), p.Leaf(l.Bias))
}

// ApplyF32 is Apply with a float32 result under any policy.
func (l *Linear) ApplyF32(p *Pass, x *autograd.Var) *autograd.Var {
	return p.G.LinearF32(x, p.Leaf(l.Weight), p.Leaf(l.Bias))
}

// NormKind is a kind of norm.
type NormKind uint8

// The norms.
const (
	LayerNorm NormKind = iota
	RMSNorm
)

// ParseNorm reads layer or rms.
func ParseNorm(name string) (NormKind, error) {
	switch name {
	case "layer":
		return LayerNorm, nil
	case "rms":
		return RMSNorm, nil
	}
	return 0, fmt.Errorf("nn: norm %q is not known; use layer or rms", name)
}

// Norm normalises rows: "name.weight", and for layer norm "name.bias".
type Norm struct {
	kind         NormKind
	eps          float64
	weight, bias *tensor.Param
}

// NormConfig is the shape of a norm.
type NormConfig struct {
	Kind   NormKind
	Width  int     // of the rows
	Eps    float64 // added to the variance
	NoBias bool    // of a layer norm
}

// NewNorm makes a norm.
func NewNorm(p *Params, name string, c NormConfig) *Norm {
	n := &Norm{kind: c.Kind, eps: c.Eps, weight: p.Add(name+".weight", 1, c.Width, Ones())}
	if c.Kind == LayerNorm && !c.NoBias {
		n.bias = p.Add(name+".bias", 1, c.Width, Zeros())
	}
	return n
}

// Apply normalises the rows of x.
func (n *Norm) Apply(p *Pass, x *autograd.Var) *autograd.Var {
	if n.kind == RMSNorm {
		return p.G.RMSNorm(x, p.Leaf(n.weight), n.eps)
	}
	return p.G.LayerNorm(x, p.Leaf(n.weight), p.Leaf(n.bias), n.eps)
}

// Embedding is a table of vectors, "name.weight" [rows, width], drawn with standard deviation 0.02.
type Embedding struct{ Weight *tensor.Param }

// embeddingStd is the standard deviation of the initial tables of GPT-2 (Radford et al. 2019).
const embeddingStd = 0.02

// NewEmbedding makes a table.
func NewEmbedding(p *Params, name string, rows, width int) *Embedding {
	return &Embedding{p.AddTable(name+".weight", rows, width, Normal(embeddingStd))}
}

// Apply looks ids up: [len(ids), width]. ids must stay unchanged until the pass closes.
func (e *Embedding) Apply(p *Pass, ids []int32) *autograd.Var {
	return p.G.Embedding(p.Leaf(e.Weight), ids)
}

// FeedForward is two linear layers with an activation between them: "name.up" and "name.down".
type FeedForward struct {
	Up, Down *Linear
	kind     autograd.Activation
}

// FeedForwardConfig is the shape of a feed-forward layer.
type FeedForwardConfig struct {
	Width, Hidden int // features outside and between the linear layers
	Activation    autograd.Activation
	Bias          bool    // in both linear layers
	NoUpBias      bool    // with Bias: "name.up" has none
	Scale         float64 // of the initial weights of the second, as residual branches are scaled in deep stacks; 0: 1
}

// NewFeedForward makes a layer. A gated activation has twice the hidden width before the gate.
func NewFeedForward(p *Params, name string, c FeedForwardConfig) *FeedForward {
	up := c.Hidden
	if c.Activation.Gated() {
		up *= 2
	}
	return &FeedForward{
		Up:   NewLinear(p, name+".up", LinearConfig{In: c.Width, Out: up, Bias: c.Bias && !c.NoUpBias}),
		Down: NewLinear(p, name+".down", LinearConfig{In: c.Hidden, Out: c.Width, Bias: c.Bias, Scale: c.Scale}),
		kind: c.Activation,
	}
}

// Apply maps x [T, width] to [T, width].
func (f *FeedForward) Apply(p *Pass, x *autograd.Var) *autograd.Var {
	if p.Tensor != nil {
		return f.applyTensor(p, x)
	}
	return f.Down.Apply(p, p.G.Activate(f.Up.Apply(p, x), f.kind))
}
