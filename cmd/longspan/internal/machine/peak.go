// Package machine measures this machine: the peak rates that efficiencies are relative to, and the rates of matrix products, attention
// and training steps that turn the flops and bytes of a plan into seconds.
package machine

import (
	"slices"
	"time"

	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// peakRuns is the number of measurements of a peak, whose median counts. Each takes a few milliseconds: long enough to wake every thread,
// short enough that most are not interrupted by another process.
const peakRuns = 9

// Flops returns the peak rate of fused multiply-adds in registers, in GFLOP/s, of the kernel level in use: of float32, or for BF16 of pairs
// of bf16 where the level has the instruction. F16 has no arithmetic of its own. Threads are as in tensor.Exec. It takes about 50 ms.
func Flops(t tensor.Type, threads int) float64 {
	spin := kernel.SpinF32
	if t == tensor.BF16 {
		spin = kernel.SpinBF16
	}
	n := rounds(spin)
	threads = pool.Threads(threads)
	return median(func() float64 {
		var each float64
		begin := time.Now()
		pool.Run(threads, threads, func(_, piece int) {
			if flops := spin(n); piece == 0 {
				each = flops
			}
		})
		return each * float64(threads) / time.Since(begin).Seconds() / 1e9
	})
}

// rounds returns an n for which spin(n) takes 3 to 6 milliseconds.
func rounds(spin func(n int) float64) int {
	for n := 1000; ; n *= 2 {
		begin := time.Now()
		if spin(n); time.Since(begin) >= 3*time.Millisecond {
			return n
		}
	}
}

// Bandwidth returns the rate at which threads read from memory, in GB/s (1e9). It takes about 200 ms and 256 MiB, which is more than any
// shared cache has.
func Bandwidth(threads int) float64 {
	const bytes, pieces = 256 << 20, 256
	data := make([]float32, bytes/4)
	part := func(piece int) []float32 {
		return data[piece*len(data)/pieces : (piece+1)*len(data)/pieces]
	}
	// Memory never written may be one page of zeros.
	pool.Run(threads, pieces, func(_, piece int) {
		for i, x := 0, part(piece); i < len(x); i++ {
			x[i] = 1
		}
	})
	return median(func() float64 {
		begin := time.Now()
		pool.Run(threads, pieces, func(_, piece int) { kernel.Sum(part(piece)) })
		return bytes / time.Since(begin).Seconds() / 1e9
	})
}

func median(measure func() float64) float64 {
	all := make([]float64, peakRuns)
	for i := range all {
		all[i] = measure()
	}
	slices.Sort(all)
	return all[peakRuns/2]
}
