package autograd

import (
	"fmt"
	"math"
	"testing"

	"github.com/longspan/longspan/tensor"
)

// blend64 is BlendPatches by its definition: a pixel is the mean of the tokens that reach it, by weights that fall over 2·margin pixels.
func blend64(x []float64, patch, margin, channels int, grids []Grid) []float64 {
	side := patch + 2*margin
	var y []float64
	hat := func(at int) float64 {
		return min(1, (float64(at)+0.5)/float64(2*margin), (float64(side-at)-0.5)/float64(2*margin))
	}
	for _, g := range grids {
		for token := range g.Height * g.Width {
			h, v := token/g.Width, token%g.Width
			for pixel := range patch * patch {
				row, col := h*patch+pixel/patch, v*patch+pixel%patch
				for c := range channels {
					sum, weights := 0.0, 0.0
					for other := range g.Height * g.Width {
						a, b := row-other/g.Width*patch+margin, col-other%g.Width*patch+margin
						if a < 0 || a >= side || b < 0 || b >= side {
							continue
						}
						w := hat(a) * hat(b)
						sum += w * x[(other*side*side+a*side+b)*channels+c]
						weights += w
					}
					y = append(y, sum/weights)
				}
			}
		}
		x = x[g.Height*g.Width*side*side*channels:]
	}
	return y
}

func TestBlendPatches(t *testing.T) {
	for _, c := range []struct {
		patch, margin, channels int
		grids                   []Grid
	}{
		{2, 1, 1, []Grid{{1, 1}}},
		{2, 1, 2, []Grid{{1, 4}, {2, 1}}},
		{3, 1, 1, []Grid{{3, 3}}},
		{4, 2, 1, []Grid{{2, 2}, {1, 2}}},
	} {
		side := c.patch + 2*c.margin
		opCase{
			name:  fmt.Sprintf("%+v", c),
			in:    []operand{{gridRows(c.grids), side * side * c.channels, false}},
			build: func(g *Graph, v []*Var) *Var { return g.BlendPatches(v[0], c.patch, c.margin, c.channels, c.grids) },
			naive: func(v [][]float64) []float64 { return blend64(v[0], c.patch, c.margin, c.channels, c.grids) },
		}.check(t)
	}
}

// Tokens that agree on the picture give it back: the windows add up to 1 everywhere.
func TestBlendPatchesAddsUp(t *testing.T) {
	o := &blendPatches{patch: 8, margin: 3, channels: 1}
	for i := range 5 {
		for a := range o.patch {
			sum := 0.0
			for d := max(-1, -i); d <= min(1, 4-i); d++ {
				if from, to := o.overlap(d); a >= from && a < to {
					sum += float64(o.window(i+d, 5, 1)[a+o.margin-d*o.patch])
				}
			}
			if math.Abs(sum-1) > 1e-6 {
				t.Errorf("patch %d, pixel %d: the weights add up to %g, want 1", i, a, sum)
			}
		}
	}
}

func TestBlendPatchesRefuses(t *testing.T) {
	for _, c := range []struct {
		patch, margin, columns int
		grids                  []Grid
		want                   string
	}{
		{2, 2, 36, []Grid{{2, 2}},
			"BlendPatches: found patches of 2 with a margin of 2 and 1 channels, expected a margin of 1 to half of the patch"},
		{2, 1, 15, []Grid{{2, 2}}, "BlendPatches: found 15 columns, expected 16: 4·4·1"},
		{2, 1, 16, []Grid{{2, 1}}, "BlendPatches: found grids that add up to 2 for 4 rows of x, expected the same"},
		{2, 1, 16, []Grid{{2, 3}}, "BlendPatches: found grids of more than the 4 rows of x: grid 0 of 2×3 has 4 left"},
		{2, 1, 16, []Grid{{4, 1}, {0, 1}}, "BlendPatches: found grid 1 of 0×1, expected at least 1×1"},
	} {
		g := New(tensor.Exec{}, Options{})
		g.BlendPatches(g.Input(tensor.New(tensor.F32, 4, c.columns)), c.patch, c.margin, 1, c.grids)
		if err := g.Forward(); err == nil || err.Error() != "autograd: "+c.want {
			t.Errorf("found the error %v, want %q", err, c.want)
		}
		g.Close()
	}
}
