package nn

import (
	"math"
	"strings"
	"testing"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
)

// applyDepthwise runs a layer of two features over ones in all of six tokens.
func applyDepthwise(d *Depthwise, p *Pass, grids []autograd.Grid) (tensor.Mat, error) {
	x := tensor.New(tensor.F32, 6, 2)
	for i := range x.F32 {
		x.F32[i] = 1
	}
	y := p.G.Keep(d.Apply(p, p.G.Input(x), grids))
	err := p.G.Forward()
	return y.Value(), err
}

func TestDepthwise(t *testing.T) {
	params := NewParams(ParamsOptions{Seed: 3})
	d := NewDepthwise(params, "mix", 2, Normal(1.0/3))
	if params.Err() != nil || params.Named("mix.weight") != d.Weight || params.Named("mix.bias") != d.Bias {
		t.Fatalf("weights %v, error %v", params.All(), params.Err())
	}
	p := &Pass{G: autograd.New(tensor.Exec{}, autograd.Options{}), Lengths: []int{4, 2}}
	defer p.Close()
	y, err := applyDepthwise(d, p, []autograd.Grid{{Height: 2, Width: 2}, {Height: 1, Width: 2}})
	if err != nil {
		t.Fatal(err)
	}
	for f := range 2 { // of ones the sum of the taps is left, at every border
		sum := 0.0
		for k := range 9 {
			sum += float64(d.Weight.Value.Row(k)[f])
		}
		for i := range 6 {
			if got := float64(y.Row(i)[f]); math.Abs(got-sum) > 1e-6 {
				t.Errorf("token %d, feature %d: %g, want %g", i, f, got, sum)
			}
		}
	}
}

func TestDepthwiseRefuses(t *testing.T) {
	d := NewDepthwise(NewParams(ParamsOptions{Seed: 3}), "mix", 2, Normal(1.0/3))
	for want, c := range map[string]struct {
		share *parallel.Share
		grids []autograd.Grid
	}{
		"found 1 grids for 2 sequences":                   {nil, []autograd.Grid{{Height: 3, Width: 2}}},
		"found a grid of 1×3 for sequence 1 of 2 tokens":  {nil, []autograd.Grid{{Height: 2, Width: 2}, {Height: 1, Width: 3}}},
		"found a grid of 2×0 for sequence 0 of 4 tokens":  {nil, []autograd.Grid{{Height: 2, Width: 0}, {Height: 1, Width: 2}}},
		"expected all rows of a picture on one rank":      {&parallel.Share{}, []autograd.Grid{{Height: 2, Width: 2}, {Height: 1, Width: 2}}},
		"found a grid of -2×-2 for sequence 0 of 4 token": {nil, []autograd.Grid{{Height: -2, Width: -2}, {Height: 1, Width: 2}}},
	} {
		p := &Pass{G: autograd.New(tensor.Exec{}, autograd.Options{}), Lengths: []int{4, 2}, Share: c.share}
		if _, err := applyDepthwise(d, p, c.grids); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
		p.Close()
	}
}
