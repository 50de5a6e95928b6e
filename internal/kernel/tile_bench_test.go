package kernel_test

import (
	"fmt"
	"testing"

	"github.com/longspan/longspan/internal/cpu"
	"github.com/longspan/longspan/internal/kernel"
)

// BenchmarkTile measures each part of a tile of attention alone, on 128 keys that lie in the caches, and the peak beside them. Products
// report their GFLOP/s, and so does the peak.
func BenchmarkTile(b *testing.B) {
	const keys = kernel.KeyBlock
	for _, level := range cpu.Levels() {
		for _, d := range []int{64, 128} {
			flops := 2 * float64(keys*d*lanes)
			k, qt, s, o := make([]float32, keys*d), make([]float32, d*lanes), make([]float32, keys*lanes), make([]float32, d*lanes)
			rows, dk, dp := make([]float32, lanes*d), make([]float32, keys*d), make([]float32, keys*lanes)
			m, l, alpha := make([]float32, lanes), make([]float32, lanes), make([]float32, lanes)
			product := func(run func()) func() float64 {
				return func() float64 { run(); return flops }
			}
			other := func(run func()) func() float64 {
				return func() float64 { run(); return 0 }
			}
			for _, part := range []struct {
				name string
				run  func() (flops float64)
			}{
				{"peak", func() float64 { return kernel.SpinF32(1000) }},
				{"mul", product(func() { kernel.TileMul(keys, d, k, d, qt, lanes, s, lanes) })},
				{"mulT", product(func() { kernel.TileMulT(d, keys, k, d, s, alpha, o) })},
				{"mulAdd", product(func() {
					for col := 0; col < d; col += lanes {
						kernel.TileMulAdd(keys, lanes, s, lanes, rows[col:], d, dk[col:], d)
					}
				})},
				{"softmax", other(func() { kernel.TileSoftmax(keys, s, nil, m, l, alpha) })},
				{"probs", other(func() { kernel.TileProbs(keys, s, nil, m) })},
				{"dscores", other(func() { kernel.TileDScores(keys, dp, s, m) })},
			} {
				b.Run(fmt.Sprintf("%s/d=%d/level=%v", part.name, d, level), func(b *testing.B) {
					defer kernel.Use(level)()
					flops := 0.0
					for b.Loop() {
						flops += part.run()
					}
					b.ReportMetric(flops/b.Elapsed().Seconds()/1e9, "GFLOP/s")
				})
			}
		}
	}
}
