package kernel_test

import (
	"math"
	"testing"

	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/kerneltest"
)

func sigmoid64(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// normal64 is Φ and φ.
func normal64(x float64) (distribution, density float64) {
	return 0.5 * math.Erfc(-x*math.Sqrt(0.5)), math.Exp(-x*x/2) / math.Sqrt(2*math.Pi)
}

func geluTanh64(x float64) float64 {
	return 0.5 * x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
}

// activations are the functions of one argument. absolute and relative bound the error, in units of the last place of 1 (or
// of the result, where it is larger) and of the result; tiny is added where e^−x overflows before the result vanishes.
var activations = []struct {
	name                     string
	run                      func(dst, x []float32)
	want                     func(x float64) float64
	absolute, relative, tiny float64
}{
	{"Exp", kernel.Exp, math.Exp, 0, 2, 0},
	{"Sigmoid", kernel.Sigmoid, sigmoid64, 0, 3, 1e-38},
	{"Tanh", kernel.Tanh, math.Tanh, 0, 3, 0},
	{"Silu", kernel.Silu, func(x float64) float64 { return x * sigmoid64(x) }, 0, 4, 1e-36},
	// The relative error of the tail grows with x²: e^(−x²/2) of a rounded x².
	{"Gelu", kernel.Gelu, func(x float64) float64 { p, _ := normal64(x); return x * p }, 2, 2, 0},
	{"GeluTanh", kernel.GeluTanh, geluTanh64, 2, 2, 0},
}

// gradients are the functions of dy and x, with dy = 1.
var gradients = []struct {
	name string
	run  func(dst, dy, x []float32)
	want func(x float64) float64
}{
	{"SiluGrad", kernel.SiluGrad, func(x float64) float64 { s := sigmoid64(x); return s * (1 + x*(1-s)) }},
	{"GeluGrad", kernel.GeluGrad, func(x float64) float64 { p, d := normal64(x); return p + x*d }},
	{"GeluTanhGrad", kernel.GeluTanhGrad, func(x float64) float64 {
		a, b := math.Sqrt(2/math.Pi), 0.044715
		th := math.Tanh(a * (x + b*x*x*x))
		return 0.5*(1+th) + 0.5*x*(1-th*th)*a*(1+3*b*x*x)
	}},
}

const ulp = 0x1p-23 // of 1

// arguments cover where the functions bend, overflow and underflow.
func arguments() []float32 {
	var x []float32
	for v := -20.0; v <= 20; v += 0.00373 {
		x = append(x, float32(v))
	}
	for v := -110.0; v <= 95; v += 0.0791 {
		x = append(x, float32(v))
	}
	for e := -40; e < 0; e++ {
		x = append(x, float32(math.Ldexp(1.37, e)), float32(math.Ldexp(-1.71, e)))
	}
	return append(x, 0.6249999, 0.625, 0.6250001, -0.625, 88.72283, 88.72284, 89, 90, -87.33654, -87.33655, -103.97, -103.98, -104, -105)
}

func TestActivations(t *testing.T) {
	x := arguments()
	want := make([]float64, len(x))
	kerneltest.Levels(t, func(t *testing.T) {
		got := make([]float32, len(x))
		for _, a := range activations {
			kerneltest.NaN(got)
			a.run(got, x)
			for i := range x {
				want[i] = a.want(float64(x[i]))
				// The unit of the last place does not shrink below the smallest normal number.
				unit := math.Ldexp(ulp, max(-126, math.Ilogb(max(math.Abs(want[i]), 1e-300))))
				if want[i] > math.MaxFloat32 && math.IsInf(float64(got[i]), 1) {
					continue
				}
				if d := kerneltest.Distance(float64(got[i]), want[i]); !(d <= a.absolute*ulp*max(1, math.Abs(want[i]))+a.relative*unit+a.tiny) {
					t.Errorf("%s(%v) = %v, want %v: %.1f units", a.name, x[i], got[i], want[i], d/unit)
					break
				}
			}
		}
	})
}

func TestActivationGradients(t *testing.T) {
	x := arguments()
	dy := make([]float32, len(x))
	for i := range dy {
		dy[i] = 1
	}
	kerneltest.Levels(t, func(t *testing.T) {
		got := make([]float32, len(x))
		for _, g := range gradients {
			kerneltest.NaN(got)
			g.run(got, dy, x)
			for i := range x {
				want := g.want(float64(x[i]))
				if d := kerneltest.Distance(float64(got[i]), want); !(d <= 4*ulp) {
					t.Errorf("%s(%v) = %v, want %v", g.name, x[i], got[i], want)
					break
				}
			}
		}
	})
}

// TestSlopes holds the float64 formulas of the gradients against differences of the functions.
func TestSlopes(t *testing.T) {
	of := map[string]string{"SiluGrad": "Silu", "GeluGrad": "Gelu", "GeluTanhGrad": "GeluTanh"}
	for _, g := range gradients {
		for _, a := range activations {
			if a.name != of[g.name] {
				continue
			}
			for x := -6.0; x < 6; x += 0.1 {
				const h = 1e-5
				if d := (a.want(x+h) - a.want(x-h)) / (2 * h); math.Abs(d-g.want(x)) > 1e-9 {
					t.Errorf("%s(%v) = %v, differences give %v", g.name, x, g.want(x), d)
				}
			}
		}
	}
}

func TestActivationExtremes(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		name    string
		run     func(dst, x []float32)
		x, want float32
	}{
		{"Exp", kernel.Exp, inf, inf}, {"Exp", kernel.Exp, -inf, 0}, {"Exp", kernel.Exp, 0, 1}, {"Exp", kernel.Exp, nan, nan},
		{"Exp", kernel.Exp, math.MaxFloat32, inf}, {"Exp", kernel.Exp, -math.MaxFloat32, 0},
		{"Exp", kernel.Exp, math.SmallestNonzeroFloat32, 1},
		{"Sigmoid", kernel.Sigmoid, inf, 1}, {"Sigmoid", kernel.Sigmoid, -inf, 0}, {"Sigmoid", kernel.Sigmoid, nan, nan},
		{"Sigmoid", kernel.Sigmoid, 0, 0.5},
		{"Tanh", kernel.Tanh, inf, 1}, {"Tanh", kernel.Tanh, -inf, -1}, {"Tanh", kernel.Tanh, nan, nan}, {"Tanh", kernel.Tanh, 0, 0},
		{"Gelu", kernel.Gelu, inf, inf}, {"Gelu", kernel.Gelu, nan, nan}, {"Gelu", kernel.Gelu, 0, 0}, {"Gelu", kernel.Gelu, -1e30, 0},
		{"GeluTanh", kernel.GeluTanh, 1e5, 1e5}, {"GeluTanh", kernel.GeluTanh, -1e5, 0}, {"GeluTanh", kernel.GeluTanh, nan, nan},
		{"Silu", kernel.Silu, inf, inf}, {"Silu", kernel.Silu, -1e30, 0}, {"Silu", kernel.Silu, nan, nan},
	} {
		kerneltest.Levels(t, func(t *testing.T) {
			for n := range 37 { // in the loop, and in the tail
				x, got := make([]float32, n+1), make([]float32, n+1)
				x[n] = c.x
				c.run(got, x)
				if got[n] != c.want && (got[n] == got[n] || c.want == c.want) {
					t.Fatalf("%s(%v) = %v, want %v", c.name, c.x, got[n], c.want)
				}
			}
		})
	}
}

// TestActivationTails holds that an element's bits do not depend on its place, and that nothing around is touched.
func TestActivationTails(t *testing.T) {
	r := kerneltest.Rand(7)
	kerneltest.Levels(t, func(t *testing.T) {
		long := kerneltest.Normal(r, 160)
		whole := make([]float32, 160)
		for _, a := range activations {
			a.run(whole, long)
			for n := range 70 {
				x, got := kerneltest.TailOf(t, long[:n]), kerneltest.Tail[float32](t, n)
				kerneltest.NaN(got)
				a.run(got, x)
				kerneltest.SameBits(t, got, whole[:n])
				a.run(x, x) // in place
				kerneltest.SameBits(t, x, whole[:n])
			}
		}
		dy := kerneltest.Normal(r, 160)
		for _, g := range gradients {
			g.run(whole, dy, long)
			for n := range 70 {
				x, d, got := kerneltest.TailOf(t, long[:n]), kerneltest.TailOf(t, dy[:n]), kerneltest.Tail[float32](t, n)
				kerneltest.NaN(got)
				g.run(got, d, x)
				kerneltest.SameBits(t, got, whole[:n])
			}
		}
	})
}

func TestSoftmax(t *testing.T) {
	r, inf := kerneltest.Rand(8), float32(math.Inf(1))
	kerneltest.Levels(t, func(t *testing.T) {
		for _, n := range lengths() {
			x := kerneltest.TailOf(t, kerneltest.Uniform(r, n, -30, 300))
			if n > 2 {
				x[n/2] = -inf
			}
			want, sum := make([]float64, n), 0.0
			for i, v := range x {
				want[i] = math.Exp(float64(v) - 300)
				sum += want[i]
			}
			for i := range want {
				want[i] /= sum
			}
			got := kerneltest.Tail[float32](t, n)
			kerneltest.NaN(got)
			same := kerneltest.Unchanged(t, x)
			kernel.Softmax(got, x)
			same()
			kerneltest.Near(t, got, want, 4e-7) // exp 2 units, the sum and the quotient 1 each
		}
		hidden := []float32{-inf, -inf, -inf}
		kernel.Softmax(hidden, hidden)
		if hidden[0] != 0 || hidden[1] != 0 || hidden[2] != 0 {
			t.Errorf("a row that sees nothing becomes %v, want zeros", hidden)
		}
	})
}

// FuzzExp holds the exponential of any bits, at any place of a slice, within 2 units of the last place.
func FuzzExp(f *testing.F) {
	for _, x := range kerneltest.Nasty() {
		f.Add(math.Float32bits(x), uint8(5))
	}
	f.Fuzz(func(t *testing.T, bits uint32, n uint8) {
		x, got := make([]float32, int(n)+1), make([]float32, int(n)+1)
		for i := range x {
			x[i] = math.Float32frombits(bits + uint32(i))
		}
		kernel.Exp(got, x)
		for i, v := range x {
			want := math.Exp(float64(v))
			if kerneltest.Distance(float64(got[i]), float64(float32(want))) != 0 && kerneltest.ULP(got[i], want) > 2 {
				t.Fatalf("e^%v (%#08x) = %v, want %v", v, math.Float32bits(v), got[i], want)
			}
		}
	})
}

// TestSiluGates holds the gate and its gradient to the bits of their parts.
func TestSiluGates(t *testing.T) {
	kerneltest.Levels(t, func(t *testing.T) {
		r := kerneltest.Rand(12)
		all := arguments()
		for _, n := range []int{0, 1, 5, 15, 16, 17, 31, 33, len(all)} {
			a := kerneltest.TailOf(t, all[len(all)-n:])
			b, dy := kerneltest.TailOf(t, kerneltest.Normal(r, n)), kerneltest.HeadOf(t, kerneltest.Normal(r, n))
			got, da, db := kerneltest.Tail[float32](t, n), kerneltest.Tail[float32](t, n), kerneltest.Head[float32](t, n)
			silu, want, through := make([]float32, n), make([]float32, n), make([]float32, n)
			same := kerneltest.Unchanged(t, a, b, dy)
			kernel.SiluMul(got, a, b)
			kernel.SiluMulGrad(da, db, dy, a, b)
			same()
			kernel.Silu(silu, a)
			kernel.Mul(want, silu, b)
			kerneltest.SameBits(t, got, want)
			kernel.Mul(through, dy, b)
			kernel.SiluGrad(want, through, a)
			kerneltest.SameBits(t, da, want)
			for i := range n {
				if d := math.Abs(float64(db[i] - dy[i]*silu[i])); d > 1e-35 && !(a[i] > -88) || d > 0 && a[i] > -88 && a[i] < 88 {
					t.Fatalf("n = %d: the gradient of the gate beside %v is %v, want %v", n, a[i], db[i], dy[i]*silu[i])
				}
			}
		}
		nan := []float32{float32(math.NaN())}
		da, db := []float32{0}, []float32{0}
		if kernel.SiluMulGrad(da, db, []float32{1}, nan, []float32{1}); da[0] == da[0] || db[0] == db[0] {
			t.Errorf("the gradients beside a NaN are %v and %v, want NaN", da, db)
		}
	})
}
