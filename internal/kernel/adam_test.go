package kernel_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/longspan/longspan/internal/cpu"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/kerneltest"
)

var adamConstants = kernel.AdamConstants{
	Scale: 0.37, Beta1: 0.9, Rest1: 0.1, Beta2: 0.999, Rest2: 0.001, Rate: 3e-4, Root2: 7.1, Eps: 1e-8, Keep: 0.99997,
}

// adamState is weights, gradients, means and means of squares, at the end of accessible memory.
type adamState [4][]float32

func newAdamState(t testing.TB, r *rand.Rand, n int) adamState {
	s := adamState{kerneltest.Normal(r, n), kerneltest.Normal(r, n), kerneltest.Normal(r, n), kerneltest.Normal(r, n)}
	for i := range n {
		s[1][i] *= float32(math.Exp2(float64(r.IntN(200) - 140))) // down to squares that are denormal or 0
		s[2][i] *= s[1][i]
		s[3][i] = s[1][i] * s[1][i]
	}
	for i := range s {
		s[i] = kerneltest.TailOf(t, s[i])
	}
	return s
}

// TestAdam holds every level to the bits of Go, one element at a time.
func TestAdam(t *testing.T) {
	kerneltest.Levels(t, func(t *testing.T) {
		r := kerneltest.Rand(3)
		for _, n := range lengths() {
			got := newAdamState(t, r, n)
			var want adamState
			for i := range got {
				want[i] = append([]float32(nil), got[i]...)
			}
			unchanged := kerneltest.Unchanged(t, got[1])
			kernel.Adam(got[0], got[1], got[2], got[3], &adamConstants)
			unchanged()
			restore := kernel.Use(cpu.Generic)
			for i := range n {
				kernel.Adam(want[0][i:i+1], want[1][i:i+1], want[2][i:i+1], want[3][i:i+1], &adamConstants)
			}
			restore()
			for i := range got {
				kerneltest.SameBits(t, got[i], want[i])
			}
		}
	})
}

// TestAdamFormula compares with float64.
func TestAdamFormula(t *testing.T) {
	kerneltest.Levels(t, func(t *testing.T) {
		const n = 100
		s, k := newAdamState(t, kerneltest.Rand(4), n), adamConstants
		want := make([][3]float64, n)
		for i := range n {
			w, g, m, v := float64(s[0][i]), float64(s[1][i])*float64(k.Scale), float64(s[2][i]), float64(s[3][i])
			m = float64(k.Beta1)*m + float64(k.Rest1)*g
			v = float64(k.Beta2)*v + float64(k.Rest2)*g*g
			w = float64(k.Keep)*w - float64(k.Rate)*m/(float64(k.Root2)*math.Sqrt(v)+float64(k.Eps))
			want[i] = [3]float64{w, m, v}
		}
		kernel.Adam(s[0], s[1], s[2], s[3], &k)
		for i := range n {
			for j, got := range []float32{s[0][i], s[2][i], s[3][i]} {
				// Some roundings of 2^-24, of terms that cancel in part, and denormals below 1e-38.
				if e := math.Abs(float64(got) - want[i][j]); !(e <= 0x1p-19*math.Abs(want[i][j])+1e-38) {
					t.Errorf("element %d, number %d: found %g, want %g", i, j, got, want[i][j])
				}
			}
		}
	})
}

func TestAdamRefusesLengths(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("slices of different lengths were taken")
		}
	}()
	kernel.Adam(make([]float32, 3), make([]float32, 3), make([]float32, 3), make([]float32, 2), &adamConstants)
}

func BenchmarkAdam(b *testing.B) {
	const n = 2048 // 32 KiB
	r := kerneltest.Rand(1)
	s := adamState{kerneltest.Normal(r, n), kerneltest.Normal(r, n), kerneltest.Normal(r, n), kerneltest.Uniform(r, n, 0, 1)}
	b.SetBytes(28 * n)
	for b.Loop() {
		kernel.Adam(s[0], s[1], s[2], s[3], &adamConstants)
	}
}
