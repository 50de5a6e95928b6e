package machine

import (
	"math"
	"testing"

	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/kerneltest"
	"github.com/longspan/longspan/tensor"
)

// plausible is what a core of today could do, with much to spare on both sides: it catches a wrong count of flops or bytes.
func plausible(x, low, high float64) bool { return x > low && x < high && !math.IsNaN(x) }

func TestFlops(t *testing.T) {
	kerneltest.Levels(t, func(t *testing.T) {
		for _, typ := range []tensor.Type{tensor.F32, tensor.BF16} {
			for _, threads := range []int{1, 2} {
				got := Flops(typ, threads)
				t.Logf("%v, %v, %d threads: %.0f GFLOP/s", kernel.Level(), typ, threads, got)
				if !plausible(got, 0.05, 1e5) {
					t.Errorf("%v GFLOP/s", got)
				}
			}
		}
	})
}

func TestBandwidth(t *testing.T) {
	got := Bandwidth(1)
	t.Logf("%.1f GB/s", got)
	if !plausible(got, 0.05, 1e4) {
		t.Errorf("%v GB/s", got)
	}
}
