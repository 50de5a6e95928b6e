package attention

import (
	"math"
	"slices"
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

// TestRotaryInPlace holds that rows are rotated in their own memory as they are elsewhere, and that there may be none.
func TestRotaryInPlace(t *testing.T) {
	for _, interleaved := range []bool{false, true} {
		r, err := NewRotary(RotaryConfig{HeadDim: 8, Dim: 6, Interleaved: interleaved}, 70)
		if err != nil {
			t.Fatal(err)
		}
		for _, rows := range []int{0, 1, 70} {
			x, y := tensor.New(tensor.F32, rows, 24), tensor.New(tensor.F32, rows, 24)
			for i := range x.F32 {
				x.F32[i] = float32(i%17) - 8
			}
			if err := r.Rotate(tensor.Exec{}, y, x, nil); err != nil {
				t.Fatal(err)
			}
			if err := r.Rotate(tensor.Exec{}, x, x, nil); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(x.F32, y.F32) {
				t.Errorf("%d rows, interleaved %v: in place they differ", rows, interleaved)
			}
		}
	}
}
