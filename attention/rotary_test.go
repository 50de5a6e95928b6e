package attention

import (
	"math"
	"testing"

	"github.com/longspan/longspan/internal/kerneltest"
	"github.com/longspan/longspan/tensor"
)

// TestRotaryDependsOnDistance rotates a query and a key, compares their product, and rotates them back.
func TestRotaryDependsOnDistance(t *testing.T) {
	for _, c := range []RotaryConfig{{HeadDim: 16}, {HeadDim: 16, Dim: 8, Interleaved: true}, {HeadDim: 16, Base: 1e6, Scale: 4}} {
		r, err := NewRotary(c, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		src := normal(tensor.F32, 2, 32, 1)
		dot := func(i, j int32) float64 {
			dst := tensor.New(tensor.F32, 2, 32)
			if err := r.Rotate(tensor.Exec{}, dst, src, []int32{i, j}); err != nil {
				t.Fatal(err)
			}
			sum := 0.0
			for p := range 16 {
				sum += float64(dst.Row(0)[p]) * float64(dst.Row(1)[p])
			}
			if err := r.RotateBack(tensor.Exec{}, dst, dst, []int32{i, j}); err != nil {
				t.Fatal(err)
			}
			// Two rotations: each element is a sum of two products, twice, of numbers up to 4.
			kerneltest.Near(t, wide(dst), wide(src), 8*0x1p-22)
			return sum
		}
		if near, far := dot(7, 2), dot(1<<20-1, 1<<20-6); math.Abs(near-far) > 1e-5 {
			t.Errorf("%+v: product at distance 5 is %g near the start and %g at a million", c, near, far)
		}
		if a, b := dot(7, 2), dot(7, 3); a == b {
			t.Errorf("%+v: the product does not depend on the distance", c)
		}
	}
}
