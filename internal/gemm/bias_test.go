package gemm

import (
	"testing"

	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/kerneltest"
	"github.com/longspan/longspan/tensor"
)

// TestMulBias holds that a bias has the bits of an addition after the product, in float32, and of one rounding of that in 16 bits. The
// shapes take every way through the package: few rows, few rows in place, chunks that are a part of K, no terms, and blocks of K as pieces,
// which a bias does not take.
func TestMulBias(t *testing.T) {
	shapes := []shape{{1, 40, 64}, {3, 33, 50}, {16, 40, 64}, {90, 70, 600}, {300, 1100, 70}, {257, 33, 5000}, {300, 140, 2100}, {5, 7, 0}}
	kerneltest.Levels(t, func(t *testing.T) {
		r, pool := kerneltest.Rand(10), tensor.NewPool()
		for i, s := range shapes {
			a, b := operand(t, r, types[i%3], s.m, s.k, 1, i%2 == 1), operand(t, r, types[i/2%3], s.k, s.n, 2, i/2%2 == 0)
			bias := random(t, r, tensor.F32, 1, s.n, 0)
			want := tensor.New(tensor.F32, s.m, s.n)
			Mul(tensor.Exec{Threads: 1, Pool: pool}, want, a, b, false)
			for i := range s.m {
				kernel.Add(want.Row(i), want.Row(i), bias.Row(0))
			}
			for threads := 1; threads <= 3; threads++ {
				for _, typ := range types {
					x := tensor.Exec{Threads: threads, Pool: pool}
					got, rounded := tensor.New(typ, s.m, s.n), tensor.New(typ, s.m, s.n)
					MulBias(x, got, a, b, bias)
					for i := range s.m {
						rounded.WriteRow(i, want.Row(i))
					}
					kerneltest.SameBits(t, flat(got), flat(rounded))
					packed := Pack(x, b)
					got = tensor.New(typ, s.m, s.n)
					MulBiasPacked(x, got, a, packed, bias)
					packed.Free(x)
					kerneltest.SameBits(t, flat(got), flat(rounded))
				}
			}
		}
		if pool.InUse() != 0 {
			t.Errorf("%d bytes did not come back", pool.InUse())
		}
	})
}

// TestNoBias holds that a bias without rows is none.
func TestNoBias(t *testing.T) {
	r := kerneltest.Rand(11)
	a, b := operand(t, r, tensor.F32, 7, 30, 0, false), operand(t, r, tensor.F32, 30, 20, 0, true)
	want, got := tensor.New(tensor.F32, 7, 20), tensor.New(tensor.F32, 7, 20)
	Mul(tensor.Exec{}, want, a, b, false)
	MulBias(tensor.Exec{}, got, a, b, tensor.Mat{})
	kerneltest.SameBits(t, got.F32, want.F32)
	MulBiasPacked(tensor.Exec{}, got, a, Pack(tensor.Exec{}, b), tensor.Mat{})
	kerneltest.SameBits(t, got.F32, want.F32)
}
