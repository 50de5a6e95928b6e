package patchflow

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/nn"
)

const (
	normEps = 1e-6
	// calm is the scale of the weights that attention and the output start with: nearly zero, so that at first the picture is its base.
	calm = 1e-3
)

// net is the layers of a Network.
type net struct {
	config     Network
	embed, out *nn.Linear
	norm       *nn.Norm
	layers     []layer
}

// layer is attention, which may be nil, and a convolution between linear layers.
type layer struct {
	before    *nn.Norm
	attention *mixer
	norm      *nn.Norm
	up, down  *nn.Linear
	conv      *nn.Depthwise // of 2·hidden features
}

func newNet(p *nn.Params, prefix string, c Network) (*net, error) {
	n := &net{config: c, embed: nn.NewLinear(p, prefix+"embed", nn.LinearConfig{In: inputs(c.Patch), Out: c.Width, Bias: true})}
	norm := func(name string) *nn.Norm {
		return nn.NewNorm(p, prefix+name, nn.NormConfig{Kind: nn.RMSNorm, Width: c.Width, Eps: normEps})
	}
	// The branches of a deep stack add up: their last layers are smaller by the root of their number.
	deep := 1 / math.Sqrt(float64(c.Layers))
	for i := range c.Layers {
		name := fmt.Sprintf("layers.%d.", i)
		var l layer
		if c.Attention != NoAttention && (i+1)%c.Every == 0 {
			l.before = norm(name + "attention_norm")
			var err error
			if l.attention, err = newMixer(p, prefix+name+"attention", c); err != nil {
				return nil, err
			}
		}
		l.norm = norm(name + "norm")
		l.up = nn.NewLinear(p, prefix+name+"up", nn.LinearConfig{In: c.Width, Out: 2 * c.Hidden, Bias: true})
		l.conv = nn.NewDepthwise(p, prefix+name+"conv", 2*c.Hidden, nn.Normal(1./3))
		l.down = nn.NewLinear(p, prefix+name+"down", nn.LinearConfig{In: c.Hidden, Out: c.Width, Scale: deep})
		n.layers = append(n.layers, l)
	}
	n.norm = norm("norm")
	n.out = nn.NewLinear(p, prefix+"out", nn.LinearConfig{In: c.Width, Out: outputs(c.Patch + 2*c.Margin), Bias: true, Scale: calm})
	return n, p.Err()
}

// apply maps inputs [T, inputs] to r [T, outputs] in float32.
func (n *net) apply(p *nn.Pass, inputs *autograd.Var, grids []autograd.Grid) *autograd.Var {
	return n.finish(p, n.mix(p, n.embed.Apply(p, inputs), grids), grids)
}

// mix is the layers: x [T, width] to [T, width].
func (n *net) mix(p *nn.Pass, x *autograd.Var, grids []autograd.Grid) *autograd.Var {
	for _, l := range n.layers {
		if l.attention != nil {
			x = p.G.Add(x, l.attention.apply(p, l.before.Apply(p, x), grids))
		}
		y := l.conv.Apply(p, l.up.Apply(p, l.norm.Apply(p, x)), grids)
		x = p.G.Add(x, l.down.Apply(p, p.G.Activate(y, autograd.SwiGLU)))
	}
	return x
}

// finish maps x [T, width] to r [T, outputs] in float32.
func (n *net) finish(p *nn.Pass, x *autograd.Var, grids []autograd.Grid) *autograd.Var {
	r := n.out.ApplyF32(p, n.norm.Apply(p, x))
	if n.config.Margin == 0 {
		return r
	}
	return p.G.BlendPatches(r, n.config.Patch, n.config.Margin, channels, grids)
}
