package nn

import (
	"errors"
	"fmt"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/tensor"
)

// Depthwise mixes each feature of a picture of patches with that of the eight patches around: "name.weight" [9, width], row by row of the
// 3×3 taps, and "name.bias" [1, width]. See [autograd.Graph.Depthwise3x3].
type Depthwise struct{ Weight, Bias *tensor.Param }

// NewDepthwise makes a layer whose taps are drawn by init. Normal(1.0/3), 1/√9, keeps the variance of what goes in, as NewLinear does; an
// activation or a gate between such layers learns from it at once. Biases are zero.
func NewDepthwise(p *Params, name string, width int, init Init) *Depthwise {
	return &Depthwise{Weight: p.Add(name+".weight", 9, width, init), Bias: p.Add(name+".bias", 1, width, Zeros())}
}

// Apply maps x [T, width] to [T, width]. grids are the sequences of the pass: as many, and each with as many patches as its sequence has
// tokens. They are all of the batch: ranks that have a part of the rows each are refused.
func (d *Depthwise) Apply(p *Pass, x *autograd.Var, grids []autograd.Grid) *autograd.Var {
	switch {
	case p.Share != nil:
		return p.G.Fail(errors.New("nn: found a depthwise convolution over rows that several ranks share, expected all rows of a picture on " +
			"one rank; give each rank pictures of its own"))
	case len(grids) != len(p.Lengths):
		return p.G.Fail(fmt.Errorf("nn: found %d grids for %d sequences, expected one for each", len(grids), len(p.Lengths)))
	}
	for i, g := range grids {
		if n := p.Lengths[i]; g.Width < 1 || n%g.Width != 0 || n/g.Width != g.Height {
			return p.G.Fail(fmt.Errorf("nn: found a grid of %d×%d for sequence %d of %d tokens, expected as many patches as tokens",
				g.Height, g.Width, i, n))
		}
	}
	return p.G.Depthwise3x3(x, p.Leaf(d.Weight), p.Leaf(d.Bias), grids)
}
