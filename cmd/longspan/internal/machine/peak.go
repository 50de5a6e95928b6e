// Package machine measures what this machine can do at most: multiply-adds a second and bytes read a second. Efficiencies
// are relative to these numbers, taken in the same run with the same threads.
package machine

import (
	"slices"
	"time"

	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// runs is how many measurements a median is taken of, each some milliseconds long: long enough to wake every thread,
// short enough that most see no other process.
const runs = 9

// Flops returns the peak of multiply-adds, in GFLOP/s, of the kernel level in use: of float32, or for BF16 of
// pairs of bf16 where the level has the instruction. F16 has no arithmetic of its own. Threads as in tensor.Exec. It takes
// some 50 ms.
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

// rounds is how many fill some 3 to 6 milliseconds.
func rounds(spin func(n int) float64) int {
	for n := 1000; ; n *= 2 {
		begin := time.Now()
		if spin(n); time.Since(begin) >= 3*time.Millisecond {
			return n
		}
	}
}

// Bandwidth returns the bytes a second, in GB/s (1e9), that threads read from memory. It takes about 200 ms and 256 MiB,
// which is past any cache that cores share.
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
	all := make([]float64, runs)
	for i := range all {
		all[i] = measure()
	}
	slices.Sort(all)
	return all[runs/2]
}
