package kernel_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/kerneltest"
)

// lengths are all tails of the longest loop (4 registers of 16), and some lengths beyond.
func lengths() []int {
	n := []int{100, 127, 128, 129, 255, 1000}
	for i := range 4*16*2 + 4 {
		n = append(n, i)
	}
	return n
}

// vectorOps are the kernels dst = f(dst, x, y, a, b), in Go on float64.
var vectorOps = []struct {
	name string
	run  func(dst, x, y []float32, a, b float32)
	want func(dst, x, y, a, b float64) float64
}{
	{"Add", func(dst, x, y []float32, _, _ float32) { kernel.Add(dst, x, y) },
		func(_, x, y, _, _ float64) float64 { return x + y }},
	{"Sub", func(dst, x, y []float32, _, _ float32) { kernel.Sub(dst, x, y) },
		func(_, x, y, _, _ float64) float64 { return x - y }},
	{"Mul", func(dst, x, y []float32, _, _ float32) { kernel.Mul(dst, x, y) },
		func(_, x, y, _, _ float64) float64 { return x * y }},
	{"MulAdd", func(dst, x, y []float32, _, _ float32) { kernel.MulAdd(dst, x, y) },
		func(dst, x, y, _, _ float64) float64 { return dst + x*y }},
	{"Axpy", func(dst, x, _ []float32, a, _ float32) { kernel.Axpy(dst, a, x) },
		func(dst, x, _, a, _ float64) float64 { return dst + a*x }},
	{"Scale", func(dst, x, _ []float32, a, _ float32) { kernel.Scale(dst, a, x) },
		func(_, x, _, a, _ float64) float64 { return a * x }},
	{"Standardise", func(dst, x, _ []float32, a, b float32) { kernel.Standardise(dst, x, a, b) },
		func(_, x, _, a, b float64) float64 { return (x - a) * b }},
	{"SoftmaxGrad", func(dst, x, y []float32, a, _ float32) { kernel.SoftmaxGrad(dst, x, y, a) },
		func(_, x, y, a, _ float64) float64 { return x * (y - a) }},
}

func TestVectorOps(t *testing.T) {
	r := kerneltest.Rand(3)
	const a, b = 0.75, -1.25
	kerneltest.Levels(t, func(t *testing.T) {
		for _, op := range vectorOps {
			for _, n := range lengths() {
				x, y := kerneltest.TailOf(t, kerneltest.Normal(r, n)), kerneltest.HeadOf(t, kerneltest.Normal(r, n))
				old := kerneltest.Normal(r, n)
				got := kerneltest.TailOf(t, old)
				if op.name != "MulAdd" && op.name != "Axpy" {
					kerneltest.NaN(got)
				}
				want := make([]float64, n)
				for i := range want {
					want[i] = op.want(float64(old[i]), float64(x[i]), float64(y[i]), a, b)
				}
				same := kerneltest.Unchanged(t, x, y)
				op.run(got, x, y, a, b)
				same()
				for i := range got {
					// Two roundings of numbers below 32.
					if math.Abs(float64(got[i])-want[i]) > 32*0x1p-23 {
						t.Fatalf("%s, n = %d: element %d is %v, want %v", op.name, n, i, got[i], want[i])
					}
				}
				if n > 0 { // in place
					z := append([]float32(nil), x...)
					copy(got, x)
					op.run(got, got, y, a, b)
					fresh := append([]float32(nil), x...)
					op.run(fresh, z, y, a, b)
					kerneltest.SameBits(t, got, fresh)
				}
			}
		}
	})
}

func TestReductions(t *testing.T) {
	r := kerneltest.Rand(4)
	const mean = 0.25
	kerneltest.Levels(t, func(t *testing.T) {
		for _, n := range append(lengths(), 100000) {
			x, y := kerneltest.TailOf(t, kerneltest.Normal(r, n)), kerneltest.HeadOf(t, kerneltest.Normal(r, n))
			var sum, size, squares, dot, dotSize float64
			high := math.Inf(-1)
			for i := range x {
				v, w := float64(x[i]), float64(y[i])
				sum, size = sum+v, size+math.Abs(v)
				squares += (v - mean) * (v - mean)
				dot, dotSize = dot+v*w, dotSize+math.Abs(v*w)
				high = max(high, v)
			}
			// Higham 2002, section 4.2: the error is at most (terms one after another)·unit·Σ|terms|; a lane adds n/4 + 9 of them
			// in Go, which is the worst, and the bound is far from sharp.
			unit := (float64(n)/4 + 9) * 0x1p-24
			for _, c := range []struct {
				name      string
				got       float32
				want, off float64
			}{
				{"Sum", kernel.Sum(x), sum, unit * size},
				{"SumSquares", kernel.SumSquares(x, mean), squares, unit * squares},
				{"Dot", kernel.Dot(x, y), dot, unit * dotSize},
				{"Max", kernel.Max(x), high, 0},
			} {
				if !(kerneltest.Distance(float64(c.got), c.want) <= c.off) {
					t.Fatalf("%s, n = %d: %v, want %v ± %.2g", c.name, n, c.got, c.want, c.off)
				}
			}
		}
	})
}

// TestReductionsAreFixed holds that a sum does not depend on where its slice lies, and sees every element once.
func TestReductionsAreFixed(t *testing.T) {
	r := kerneltest.Rand(5)
	kerneltest.Levels(t, func(t *testing.T) {
		x := kerneltest.Normal(r, 300)
		for offset := range 20 {
			y := append(make([]float32, offset, 400), x...)[offset:]
			if kernel.Sum(y) != kernel.Sum(x) || kernel.Dot(y, x) != kernel.Dot(x, x) || kernel.SumSquares(y, 1) != kernel.SumSquares(x, 1) {
				t.Fatalf("offset %d changes a sum", offset)
			}
		}
		for n := range 140 {
			for i := range n {
				z := make([]float32, n)
				z[i] = 3
				if kernel.Sum(z) != 3 || kernel.Dot(z, z) != 9 || kernel.SumSquares(z, 0) != 9 || kernel.Max(z) != 3 {
					t.Fatalf("n = %d: element %d is not counted once", n, i)
				}
			}
		}
	})
}

func TestMaxSkipsNaN(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	kerneltest.Levels(t, func(t *testing.T) {
		for n := 1; n < 140; n++ {
			for _, at := range []int{0, n / 2, n - 1} {
				x := make([]float32, n)
				for i := range x {
					x[i] = -inf
				}
				x[at] = nan
				if got := kernel.Max(x); got != -inf {
					t.Fatalf("n = %d: %v beside a NaN, want −Inf", n, got)
				}
				x[n-1-at] = -5
				if got := kernel.Max(x); got != -5 {
					t.Fatalf("n = %d: %v, want −5", n, got)
				}
			}
		}
	})
}

func TestVectorRefusesLengths(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("slices of different lengths were taken")
		}
	}()
	kernel.Add(make([]float32, 3), make([]float32, 3), make([]float32, 2))
}

func BenchmarkVector(b *testing.B) {
	const n = 1024
	r := kerneltest.Rand(6)
	x, y, dst := kerneltest.Normal(r, n), kerneltest.Normal(r, n), make([]float32, n)
	bits := make([]uint16, n)
	for _, c := range []struct {
		name string
		run  func()
	}{
		{"Sum", func() { kernel.Sum(x) }}, {"Dot", func() { kernel.Dot(x, y) }}, {"Max", func() { kernel.Max(x) }},
		{"Add", func() { kernel.Add(dst, x, y) }}, {"Axpy", func() { kernel.Axpy(dst, 0, x) }},
		{"Exp", func() { kernel.Exp(dst, x) }}, {"Softmax", func() { kernel.Softmax(dst, x) }},
		{"Tanh", func() { kernel.Tanh(dst, x) }}, {"Gelu", func() { kernel.Gelu(dst, x) }},
		{"GeluGrad", func() { kernel.GeluGrad(dst, y, x) }}, {"Silu", func() { kernel.Silu(dst, x) }},
		{"F32ToBF16", func() { kernel.F32ToBF16(bits, x) }}, {"BF16ToF32", func() { kernel.BF16ToF32(dst, bits) }},
		{"F32ToF16", func() { kernel.F32ToF16(bits, x) }}, {"F16ToF32", func() { kernel.F16ToF32(dst, bits) }},
	} {
		b.Run(fmt.Sprintf("%s/level=%v", c.name, kernel.Level()), func(b *testing.B) {
			for b.Loop() {
				c.run()
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/n, "ns/element")
		})
	}
}

// TestRotate holds the rotation of heads to the same bits at every level, and to leave alone what lies behind the pairs and the heads.
func TestRotate(t *testing.T) {
	kerneltest.Levels(t, func(t *testing.T) {
		r := kerneltest.Rand(9)
		for n := range 36 {
			for heads := range 4 {
				apart := 2*n + n%3
				x := kerneltest.TailOf(t, kerneltest.Normal(r, heads*apart+min(n, 2)))
				cos, sin := kerneltest.TailOf(t, kerneltest.Normal(r, n)), kerneltest.HeadOf(t, kerneltest.Normal(r, n))
				want := append([]float32(nil), x...)
				for h := range heads {
					for p := range n {
						low, high := &want[h*apart+p], &want[h*apart+p+n]
						a, b := *low, *high
						*low, *high = float32(a*cos[p])-float32(b*sin[p]), float32(b*cos[p])+float32(a*sin[p])
					}
				}
				same := kerneltest.Unchanged(t, cos, sin)
				kernel.Rotate(x, apart, cos, sin)
				same()
				kerneltest.SameBits(t, x, want)
			}
		}
	})
}

func TestNorms(t *testing.T) {
	const mean, scale = 0.375, 1.25
	kerneltest.Levels(t, func(t *testing.T) {
		r := kerneltest.Rand(10)
		for _, n := range lengths()[1:] {
			tail := func() []float32 { return kerneltest.TailOf(t, kerneltest.Normal(r, n)) }
			x, dy, gamma, dgamma, dbeta := tail(), tail(), tail(), tail(), tail()
			y, dx := tail(), tail()
			var along, alongSize, level, levelSize float64
			want := make([][4]float64, n) // y, dγ, dβ, dx without the part of the sums
			for i := range n {
				unit, d, g := (float64(x[i])-mean)*scale, float64(dy[i]), float64(gamma[i])
				want[i] = [4]float64{unit * g, float64(dgamma[i]) + d*unit, float64(dbeta[i]) + d, d * g}
				along, alongSize = along+d*g*unit, alongSize+math.Abs(d*g*unit)
				level, levelSize = level+d*g, levelSize+math.Abs(d*g)
			}
			same := kerneltest.Unchanged(t, x, dy, gamma)
			kernel.Normalise(y, x, gamma, mean, scale)
			gotAlong, gotLevel := kernel.NormSums(dgamma, dbeta, x, dy, gamma, mean, scale)
			kernel.NormGrad(dx, x, dy, gamma, mean, scale, 0.5, -0.25)
			same()
			unit := (float64(n)/4 + 11) * 0x1p-24 // as in TestReductions, and two roundings of a term
			if !(math.Abs(float64(gotAlong)-along) <= unit*alongSize) || !(math.Abs(float64(gotLevel)-level) <= unit*levelSize) {
				t.Fatalf("n = %d: sums %v and %v, want %v and %v", n, gotAlong, gotLevel, along, level)
			}
			for i := range n {
				d := scale * (want[i][3] + 0.25 - (float64(x[i])-mean)*scale*0.5)
				for k, got := range []float32{y[i], dgamma[i], dbeta[i], dx[i]} {
					w := [4]float64{want[i][0], want[i][1], want[i][2], d}[k]
					if math.Abs(float64(got)-w) > 64*0x1p-23 { // four roundings of numbers below 32
						t.Fatalf("n = %d: result %d of element %d is %v, want %v", n, k, i, got, w)
					}
				}
			}
			before := append([]float32(nil), dx...)
			copy(dx, dy)
			kernel.NormGrad(dx, x, dx, gamma, mean, scale, 0.5, -0.25) // in place
			kerneltest.SameBits(t, dx, before)
		}
	})
}
