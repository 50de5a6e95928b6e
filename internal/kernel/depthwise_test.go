package kernel_test

import (
	"fmt"
	"testing"

	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/kerneltest"
)

// depthwiseChannels are all tails of both widths, and more than a few registers.
var depthwiseChannels = []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 23, 31, 32, 33, 47, 48, 100, 640}

// depthwiseCase is a run of pixels with the neighbours at both ends: in are the three rows, the taps and the bias, then the gradients.
type depthwiseCase struct {
	c, pixels int
	in        [][]float32
}

func newDepthwiseCase(c, pixels int) depthwiseCase {
	r := kerneltest.Rand(uint64(c*100 + pixels))
	d := depthwiseCase{c: c, pixels: pixels}
	for _, n := range []int{pixels + 2, pixels + 2, pixels + 2, 9, 1, pixels} {
		d.in = append(d.in, kerneltest.Normal(r, n*c))
	}
	return d
}

func depthwiseRows(o operands) [3][]float32 { return [3][]float32(o.in) }

// at is neighbour k of result p, which has the pixels cols(p) of the rows.
func (d depthwiseCase) at(p, k, f int, cols func(p int) [3]int) float64 {
	return float64(d.in[k/3][cols(p)[k%3]*d.c+f])
}

// results are the definition of a convolution in float64.
func (d depthwiseCase) results(n int, cols func(p int) [3]int) []float64 {
	var y []float64
	for p := range n {
		for f := range d.c {
			s := float64(d.in[4][f])
			for k := range 9 {
				s += float64(d.in[3][k*d.c+f]) * d.at(p, k, f, cols)
			}
			y = append(y, s)
		}
	}
	return y
}

// sums are what was there plus the definition of the gradients of taps and bias.
func (d depthwiseCase) sums(before []float32, n int, cols func(p int) [3]int) []float64 {
	y := kerneltest.Float64(before)
	for p := range n {
		for f := range d.c {
			g := float64(d.in[5][p*d.c+f])
			y[9*d.c+f] += g
			for k := range 9 {
				y[k*d.c+f] += g * d.at(p, k, f, cols)
			}
		}
	}
	return y
}

func TestDepthwise(t *testing.T) {
	kerneltest.Levels(t, func(t *testing.T) {
		g := &rig{TB: t}
		side := func(p int) [3]int { return [3]int{p, p + 1, p + 2} }
		for _, c := range depthwiseChannels {
			for _, pixels := range []int{1, 3, 4, 5, 8, 11} {
				d := newDepthwiseCase(c, pixels)
				operands{in: d.in, out: [][]float32{nans(pixels * c)}}.within(g, func(o operands) {
					kernel.DepthwiseRun(o.out[0], depthwiseRows(o), o.in[3], o.in[4])
				}, 0x1p-24, d.results(pixels, side))
				before := kerneltest.Normal(kerneltest.Rand(1), 10*c)
				operands{in: d.in, out: [][]float32{before}}.within(g, func(o operands) {
					kernel.DepthwiseGradRun(o.out[0], o.in[5], depthwiseRows(o))
				}, 0x1p-24, d.sums(before, pixels, side))
			}
		}
	})
}

// One pixel, with neighbours that are elsewhere or the pixel itself.
func TestDepthwisePixel(t *testing.T) {
	kerneltest.Levels(t, func(t *testing.T) {
		g := &rig{TB: t}
		for _, c := range depthwiseChannels {
			d := newDepthwiseCase(c, 1)
			for _, cols := range [][3]int{{0, 0, 1}, {1, 2, 2}, {0, 0, 0}, {2, 2, 2}, {0, 1, 2}} {
				at := func(int) [3]int { return cols }
				operands{in: d.in, out: [][]float32{nans(c)}}.within(g, func(o operands) {
					kernel.DepthwisePixel(o.out[0], depthwiseRows(o), cols, o.in[3], o.in[4])
				}, 0x1p-24, d.results(1, at))
				before := kerneltest.Normal(kerneltest.Rand(1), 10*c)
				operands{in: d.in, out: [][]float32{before}}.within(g, func(o operands) {
					kernel.DepthwiseGradPixel(o.out[0], o.in[5], depthwiseRows(o), cols)
				}, 0x1p-24, d.sums(before, 1, at))
			}
		}
	})
}

// Four pixels at a time have the bits of one at a time: how a grid is cut into runs does not show.
func TestDepthwiseCuts(t *testing.T) {
	kerneltest.Levels(t, func(t *testing.T) {
		const pixels = 9
		for _, c := range []int{1, 17, 40} {
			d := newDepthwiseCase(c, pixels)
			rows, run, one := [3][]float32(d.in), nans(pixels*c), nans(pixels*c)
			kernel.DepthwiseRun(run, rows, d.in[3], d.in[4])
			sums, sumsOne := make([]float32, 10*c), make([]float32, 10*c)
			kernel.DepthwiseGradRun(sums, d.in[5], rows)
			for p := range pixels {
				cols := [3]int{p, p + 1, p + 2}
				kernel.DepthwisePixel(one[p*c:(p+1)*c], rows, cols, d.in[3], d.in[4])
				kernel.DepthwiseGradPixel(sumsOne, d.in[5][p*c:(p+1)*c], rows, cols)
			}
			kerneltest.SameBits(t, run, one)
			kerneltest.SameBits(t, sums, sumsOne)
		}
	})
}

func BenchmarkDepthwise(b *testing.B) {
	const c, pixels = 640, 48
	d := newDepthwiseCase(c, pixels)
	rows, dst, sums := [3][]float32(d.in), make([]float32, pixels*c), make([]float32, 10*c)
	for _, run := range []struct {
		name string
		f    func()
	}{
		{"Run", func() { kernel.DepthwiseRun(dst, rows, d.in[3], d.in[4]) }},
		{"GradRun", func() { kernel.DepthwiseGradRun(sums, d.in[5], rows) }},
	} {
		b.Run(fmt.Sprintf("%s/level=%v", run.name, kernel.Level()), func(b *testing.B) {
			for b.Loop() {
				run.f()
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/(pixels*c), "ns/element")
		})
	}
}
