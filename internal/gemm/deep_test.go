package gemm

import (
	"testing"

	"github.com/longspan/longspan/internal/kerneltest"
	"github.com/longspan/longspan/tensor"
)

// TestDeep holds that a gradient of weights has the bits that one thread finds, which does not cut K into pieces.
func TestDeep(t *testing.T) {
	const m, n, k = 40, 140, 2603
	kerneltest.Levels(t, func(t *testing.T) {
		r, x := kerneltest.Rand(9), tensor.Exec{Pool: tensor.NewPool()}
		for _, typ := range types {
			for _, add := range []bool{false, true} {
				a, b := operand(t, r, typ, m, k, 3, true), operand(t, r, types[r.IntN(3)], k, n, 1, r.IntN(2) == 1)
				begin := kerneltest.Normal(r, m*n)
				product := func(threads int) []float32 {
					c := tensor.FromF32(append([]float32(nil), begin...), m, n)
					Mul(tensor.Exec{Threads: threads, Pool: x.Pool}, c, a, b, add)
					return c.F32
				}
				want := product(1)
				for threads := 2; threads <= 4; threads++ {
					kerneltest.SameBits(t, product(threads), want)
				}
			}
		}
		if x.Pool.InUse() != 0 {
			t.Errorf("%d bytes did not come back", x.Pool.InUse())
		}
	})
}

// TestDeepIsTaken holds that gradients of weights take that way, and products of other shapes do not.
func TestDeepIsTaken(t *testing.T) {
	x := tensor.Exec{Threads: 2}
	for _, c := range []struct {
		name    string
		m, n, k int
		trans   bool
		want    bool
	}{
		{"a gradient of weights", 128, 512, 8192, true, true},
		{"few tokens", 128, 512, 1024, true, false},
		{"large weights", 768, 3072, 8192, true, false},
		{"rows", 128, 512, 8192, false, false},
	} {
		a, b := N(tensor.Mat{Rows: c.m, Cols: c.k, Stride: c.k}), N(tensor.Mat{Rows: c.k, Cols: c.n, Stride: c.n})
		if c.trans {
			a = T(tensor.Mat{Rows: c.k, Cols: c.m, Stride: c.m})
		}
		j := newJob(x, tensor.Mat{Rows: c.m, Cols: c.n, Stride: c.n}, a, b, c.m, c.n, c.k, true)
		if got := j.isDeep(); got != c.want {
			t.Errorf("%s, %d×%d×%d: blocks of K are pieces %v, want %v", c.name, c.m, c.n, c.k, got, c.want)
		}
	}
}
