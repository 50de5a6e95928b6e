package linear_test

import (
	"slices"
	"testing"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/linear"
	"github.com/longspan/longspan/internal/golden"
	"github.com/longspan/longspan/internal/kerneltest"
	"github.com/longspan/longspan/tensor"
)

// The golden files; attention/testdata/golden/gen.py made them.
var goldens = map[string]linear.Config{
	"performer_full":   {Feature: linear.Performer},
	"performer_causal": {Feature: linear.Performer, Causal: true},
	"elu_full":         {Feature: linear.Elu},
	"elu_causal":       {Feature: linear.Elu, Causal: true},
	"relu_full":        {Feature: linear.ReLU},
}

// kernelTolerance is for float32 kernels, as a share of the largest element: twice what the largest error was seen to be on any
// file and level. Kernels are held to the float32 reference elsewhere; here they must compute the same thing as the library.
const kernelTolerance = 0x1p-19

func TestGolden(t *testing.T) {
	names := golden.Names(t)
	for name := range goldens {
		if !slices.Contains(names, name) {
			t.Errorf("%s is not in the manifest", name)
		}
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			c, ok := goldens[name]
			if !ok {
				t.Fatal("no configuration for this file")
			}
			g := golden.Open(t, name)
			c.Heads, c.HeadDim = g.Int("heads"), g.Int("head_dim")
			if c.Feature == linear.Performer {
				c.Projection = g.Mat("omega")
			}
			l, err := linear.New(c, []int{g.Int("tokens")})
			if err != nil {
				t.Fatal(err)
			}
			t.Run("naive", func(t *testing.T) { compareNaive(t, g, l) })
			kerneltest.Levels(t, func(t *testing.T) { compareKernels(t, g, l) })
		})
	}
}

func compareNaive(t *testing.T, g *golden.File, l *linear.Linear) {
	wide := func(name string) []float64 { return golden.Wide(g.Mat(name)) }
	x := linear.NaiveInput{Q: wide("q"), K: wide("k"), V: wide("v"), DOut: wide("dout")}
	l.Naive(&x)
	l.NaiveBackward(&x)
	golden.Near(t, "out", x.Out, wide("out"), g.Tolerance)
	golden.Near(t, "dq", x.DQ, wide("dq"), g.Tolerance)
	golden.Near(t, "dk", x.DK, wide("dk"), g.Tolerance)
	golden.Near(t, "dv", x.DV, wide("dv"), g.Tolerance)
}

func compareKernels(t *testing.T, g *golden.File, l *linear.Linear) {
	q, k, v := g.Mat("q"), g.Mat("k"), g.Mat("v")
	like := func(m tensor.Mat) tensor.Mat { return tensor.New(tensor.F32, m.Rows, m.Cols) }
	out, grads := like(q), linear.Grads{DQ: like(q), DK: like(k), DV: like(v)}
	if err := l.Forward(tensor.Exec{}, out, attention.In{Q: q, K: k, V: v}); err != nil {
		t.Fatal(err)
	}
	if err := l.Backward(tensor.Exec{}, grads, g.Mat("dout"), attention.In{Q: q, K: k, V: v}); err != nil {
		t.Fatal(err)
	}
	golden.Near(t, "out", golden.Wide(out), golden.Wide(g.Mat("out")), kernelTolerance)
	golden.Near(t, "dq", golden.Wide(grads.DQ), golden.Wide(g.Mat("dq")), kernelTolerance)
	golden.Near(t, "dk", golden.Wide(grads.DK), golden.Wide(g.Mat("dk")), kernelTolerance)
	golden.Near(t, "dv", golden.Wide(grads.DV), golden.Wide(g.Mat("dv")), kernelTolerance)
}
