package nystrom_test

import (
	"slices"
	"testing"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/nystrom"
	"github.com/longspan/longspan/internal/golden"
	"github.com/longspan/longspan/internal/kerneltest"
	"github.com/longspan/longspan/tensor"
)

// kernelTolerance is for float32 kernels, as a share of the largest element: at least twice what the largest error was seen to
// be on any level. Kernels are held to the float32 reference elsewhere; here they must compute the same thing as the library.
const kernelTolerance = 0x1p-18

// TestGolden compares with a file that attention/testdata/golden/gen.py made.
func TestGolden(t *testing.T) {
	if names := golden.Names(t); !slices.Equal(names, []string{"nystromformer"}) {
		t.Errorf("the manifest lists %v, and this test reads nystromformer", names)
	}
	g := golden.Open(t, "nystromformer")
	c := nystrom.Config{Heads: g.Int("heads"), HeadDim: g.Int("head_dim"), Landmarks: g.Int("landmarks"), ConvKernel: g.Int("kernel")}
	n, err := nystrom.New(c, []int{g.Int("tokens")})
	if err != nil {
		t.Fatal(err)
	}
	wide := func(name string) []float64 { return golden.Wide(g.Mat(name)) }
	t.Run("naive", func(t *testing.T) {
		x := nystrom.NaiveInput{Q: wide("q"), K: wide("k"), V: wide("v"), Conv: wide("conv"), DOut: wide("dout")}
		n.Naive(&x)
		n.NaiveBackward(&x)
		golden.Near(t, "out", x.Out, wide("out"), g.Tolerance)
		golden.Near(t, "dq", x.DQ, wide("dq"), g.Tolerance)
		golden.Near(t, "dk", x.DK, wide("dk"), g.Tolerance)
		golden.Near(t, "dv", x.DV, wide("dv"), g.Tolerance)
		golden.Near(t, "dconv", x.DConv, wide("dconv"), g.Tolerance)
	})
	kerneltest.Levels(t, func(t *testing.T) {
		q, k, v, conv := g.Mat("q"), g.Mat("k"), g.Mat("v"), g.Mat("conv")
		like := func(m tensor.Mat) tensor.Mat { return tensor.New(tensor.F32, m.Rows, m.Cols) }
		out, grads := like(q), nystrom.Grads{DQ: like(q), DK: like(k), DV: like(v), Conv: like(conv)}
		if err := n.Forward(tensor.Exec{}, out, nystrom.In{In: attention.In{Q: q, K: k, V: v}, Conv: conv}); err != nil {
			t.Fatal(err)
		}
		if err := n.Backward(tensor.Exec{}, grads, g.Mat("dout"), nystrom.In{In: attention.In{Q: q, K: k, V: v}, Conv: conv}); err != nil {
			t.Fatal(err)
		}
		golden.Near(t, "out", golden.Wide(out), wide("out"), kernelTolerance)
		golden.Near(t, "dq", golden.Wide(grads.DQ), wide("dq"), kernelTolerance)
		golden.Near(t, "dk", golden.Wide(grads.DK), wide("dk"), kernelTolerance)
		golden.Near(t, "dv", golden.Wide(grads.DV), wide("dv"), kernelTolerance)
		golden.Near(t, "dconv", golden.Wide(grads.Conv), wide("dconv"), kernelTolerance)
	})
}
