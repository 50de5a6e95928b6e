package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func init() {
	for name, s := range map[string]simd{"activate_avx2": simdAVX2, "activate_avx512": simdAVX512} {
		units[name] = func() {
			s.activations()
			s.siluGates()
			s.expSum()
		}
	}
}

// Coefficients as in the Go code, activate_generic.go, which says where they come from.
var (
	expPoly = []float64{
		0.6931472028559704, 0.24022647913499032, 0.0555033246969399, 0.009618437366421807, 0.001339887486656123, 0.0001535336062814998,
	}
	tanhPoly = []float64{-0.33333281942783993, 0.13331442215037284, -0.053739716279451316, 0.020639090657232503, -0.0057049904096413235}
	phiPoly  = []float64{
		0.09253827856498044, 0.09016282857852465, 0.10427783994730164, 0.008187212857943715, 0.23531971337248314,
		-0.21249671724695177, 0.2539189542050697, -0.07190813707159628,
	}
)

const (
	phiP  = 0.3275911
	geluA = 1.5957691216057308
	geluB = 0.07135481282740225
)

func one() Mem  { return constant("one", 1) }
func sign() Mem { return repeated("sign", 1<<31) }

// polynomial is c[0] + x·(c[1] + x·(c[2] + …)).
func (s simd) polynomial(name string, x VecVirtual, c []float64) VecVirtual {
	last := len(c) - 1
	p := s.get(constant(fmt.Sprintf("%s%d", name, last), c[last]))
	for i := last - 1; i >= 0; i-- {
		VFMADD213PS(constant(fmt.Sprintf("%s%d", name, i), c[i]), x, p)
	}
	return p
}

// exp is e^x:
//
//	x = min(max(x, −104), 89)     beyond, e^x is 0 or infinite; a NaN passes both
//	n = round(x·log₂e)
//	f = x·log₂e − n               log₂e in two parts, each product exact in the fused operation
//	e^x = 2^n·(1 + f·(c₁ + f·…))
func (s simd) exp(x VecVirtual) VecVirtual {
	log2e := float64(float32(math.Log2E))
	t, n, f := s.get(constant("expHigh", 89)), s.vec(), s.vec()
	VMINPS(x, t, t)
	low := s.get(constant("expLow", -104))
	VMAXPS(t, low, t)
	VMULPS(constant("log2e", log2e), t, n)
	s.round(n)
	VMOVAPS(t, f)
	VFMSUB132PS(constant("log2e", log2e), n, f)
	VFMADD231PS(constant("log2eLow", math.Log2E-log2e), t, f)
	p := s.polynomial("exp", f, append([]float64{1}, expPoly...))
	s.ldexp(n, p)
	return p
}

func (s simd) round(x VecVirtual) {
	if s.wide() {
		VRNDSCALEPS(U8(8), x, x)
	} else {
		VROUNDPS(U8(8), x, x)
	}
}

// ldexp is p·2^n for |n| ≤ 151. Without VSCALEFPS it is two products, so that each factor is a normal number and only the last
// product rounds.
func (s simd) ldexp(n, p VecVirtual) {
	if s.wide() {
		VSCALEFPS(n, p, p)
		return
	}
	whole, half := YMM(), YMM()
	VCVTPS2DQ(n, whole)
	VPSRAD(U8(1), whole, half)
	VPSUBD(half, whole, whole)
	for _, exponent := range []VecVirtual{half, whole} {
		VPADDD(repeated("bias", 127), exponent, exponent)
		VPSLLD(U8(23), exponent, exponent)
		VMULPS(exponent, p, p)
	}
}

// reciprocal is 1 / x.
func (s simd) reciprocal(x VecVirtual) VecVirtual {
	r := s.get(one())
	VDIVPS(x, r, r)
	return r
}

// sigmoid is 1 / (1 + e^−x).
func (s simd) sigmoid(x VecVirtual) VecVirtual {
	t := s.vec()
	VXORPS(sign(), x, t)
	e := s.exp(t)
	VADDPS(one(), e, e)
	return s.reciprocal(e)
}

// tanh is x + x³·P(x²) below 0.625 and 1 − 2/(e^2x + 1) above.
func (s simd) tanh(x VecVirtual) VecVirtual {
	size, square, small := s.vec(), s.vec(), s.vec()
	VANDPS(repeated("notSign", 1<<31-1), x, size)
	VMULPS(x, x, square)
	p := s.polynomial("tanh", square, tanhPoly)
	VMULPS(square, p, p)
	VMOVAPS(x, small)
	VFMADD213PS(x, p, small) // p·x + x
	twice := s.vec()
	VADDPS(x, x, twice)
	e := s.exp(twice)
	VADDPS(one(), e, e)
	large := s.get(constant("minusTwo", -2))
	VDIVPS(e, large, large)
	VADDPS(one(), large, large)
	return s.choose(size, less, s.get(constant("tanhSmall", 0.625)), small, large)
}

// normal is Φ(x), and e^(−x²/2).
func (s simd) normal(x VecVirtual) (distribution, exponential VecVirtual) {
	z, t := s.vec(), s.vec()
	VANDPS(repeated("notSign", 1<<31-1), x, z)
	VMULPS(constant("halfSqrt", math.Sqrt(0.5)), z, z)
	VMULPS(z, z, t)
	VXORPS(sign(), t, t)
	e := s.exp(t)
	VMOVUPS(constant("phiP", phiP), t)
	VFMADD213PS(one(), z, t)
	t = s.reciprocal(t)
	tail := s.polynomial("phi", t, phiPoly)
	VMULPS(t, tail, tail)
	VMULPS(e, tail, tail)
	rest := s.get(one())
	VSUBPS(tail, rest, rest)
	zero := s.zeros(1)[0]
	return s.choose(x, greater, zero, rest, tail), e
}

// geluTanh is 2u, with x² beside it.
func (s simd) geluTanh(x VecVirtual) (u, square VecVirtual) {
	square = s.vec()
	VMULPS(x, x, square)
	u = s.get(constant("geluB", geluB))
	VFMADD213PS(constant("geluA", geluA), square, u)
	VMULPS(x, u, u)
	return u, square
}

// sigmoids are s = 1 / (1 + e^−x) and 1 − s = s·e^−x, which loses nothing to cancellation.
func (s simd) sigmoids(x VecVirtual) (sig, rest VecVirtual) {
	t := s.vec()
	VXORPS(sign(), x, t)
	rest, t = s.exp(t), s.vec()
	VADDPS(one(), rest, t)
	sig = s.reciprocal(t)
	VMULPS(sig, rest, rest)
	return sig, rest
}

// clamp brings x within −limit … limit; a NaN stays one.
func (s simd) clamp(x VecVirtual, name string, limit float64) {
	high, low := s.get(constant(name, limit)), s.get(constant(name+"Low", -limit))
	VMINPS(x, high, x)
	VMAXPS(x, low, x)
}

func (s simd) activations() {
	product := func(x, y VecVirtual) VecVirtual {
		VMULPS(x, y, y)
		return y
	}
	s.unary("exp", "is dst = e^x.", s.exp)
	s.unary("sigmoid", "is dst = 1 / (1 + e^−x).", s.sigmoid)
	s.unary("tanh", "is dst = tanh(x).", s.tanh)
	s.unary("silu", "is dst = x / (1 + e^−x).", func(x VecVirtual) VecVirtual { return product(x, s.sigmoid(x)) })
	s.unary("gelu", "is dst = x·Φ(x).", func(x VecVirtual) VecVirtual {
		distribution, _ := s.normal(x)
		return product(x, distribution)
	})
	s.unary("geluTanh", "is dst = x / (1 + e^−2u).", func(x VecVirtual) VecVirtual {
		u, _ := s.geluTanh(x)
		return product(x, s.sigmoid(u))
	})
	s.grad("siluGrad", "is dst = dy·s·(1 + x·(1−s)).", func(x VecVirtual) VecVirtual {
		s.clamp(x, "siluFlat", 88)
		sig, r := s.sigmoids(x)
		VFMADD213PS(one(), x, r)
		return product(sig, r)
	})
	s.grad("geluGrad", "is dst = dy·(Φ + x·φ).", func(x VecVirtual) VecVirtual {
		distribution, e := s.normal(x)
		VMULPS(constant("invSqrt2Pi", 1/math.Sqrt(2*math.Pi)), e, e)
		VFMADD231PS(x, e, distribution)
		return distribution
	})
	s.grad("geluTanhGrad", "is dst = dy·(s + s·(1−s)·x·2u').", s.geluTanhSlope)
}

func (s simd) geluTanhSlope(x VecVirtual) VecVirtual {
	s.clamp(x, "geluFlat", 9)
	u, square := s.geluTanh(x)
	sig, rest := s.sigmoids(u)
	slope := s.get(constant("geluB3", 3*geluB))
	VFMADD213PS(constant("geluA", geluA), square, slope)
	VMULPS(x, slope, slope)
	VMULPS(slope, rest, rest)
	VFMADD213PS(sig, sig, rest) // rest·s + s
	return rest
}

// unary is a kernel dst = f(x).
func (s simd) unary(name, doc string, f func(x VecVirtual) VecVirtual) {
	s.function(name, "func(n int, dst, x *float32)", doc)
	n, dst, x := Load(Param("n"), GP64()), floats("dst"), floats("x")
	s.forEach(n, []array{dst, x}, 2, func(u int, m *mask) {
		s.store(f(s.load(x, u, m)), dst, u, m)
	})
	end()
}

// grad is a kernel dst = dy·f(x).
func (s simd) grad(name, doc string, f func(x VecVirtual) VecVirtual) {
	s.function(name, "func(n int, dst, dy, x *float32)", doc)
	n, dst, dy, x := Load(Param("n"), GP64()), floats("dst"), floats("dy"), floats("x")
	s.forEach(n, []array{dst, dy, x}, 2, func(u int, m *mask) {
		slope := f(s.load(x, u, m))
		VMULPS(s.load(dy, u, m), slope, slope)
		s.store(slope, dst, u, m)
	})
	end()
}

// siluGates are the gate silu(a)·b and its gradient, which has one exponential for both of its results.
func (s simd) siluGates() {
	s.function("siluMul", "func(n int, dst, a, b *float32)", "is dst = silu(a)·b.")
	n, dst, a, b := Load(Param("n"), GP64()), floats("dst"), floats("a"), floats("b")
	s.forEach(n, []array{dst, a, b}, 2, func(u int, m *mask) {
		x := s.load(a, u, m)
		sig := s.sigmoid(x)
		VMULPS(x, sig, sig)
		VMULPS(s.load(b, u, m), sig, sig)
		s.store(sig, dst, u, m)
	})
	end()

	s.function("siluMulGrad", "func(n int, da, db, dy, a, b *float32)", "is da = dy·b·silu'(a) and db = dy·silu(a).")
	n, a, b = Load(Param("n"), GP64()), floats("a"), floats("b")
	da, db, dy := floats("da"), floats("db"), floats("dy")
	s.forEach(n, []array{da, db, dy, a, b}, 2, func(u int, m *mask) {
		x, value := s.load(a, u, m), s.vec()
		low, high := s.get(constant("siluFlatLow", -88)), s.get(constant("siluFlat", 88))
		VMAXPS(x, low, value) // a NaN stays one
		VMINPS(value, high, x)
		sig, slope := s.sigmoids(x)
		VMULPS(sig, value, value)
		VFMADD213PS(one(), x, slope)
		VMULPS(sig, slope, slope)
		d := s.load(dy, u, m)
		VMULPS(d, value, value)
		VMULPS(s.load(b, u, m), d, d)
		VMULPS(d, slope, slope)
		s.store(slope, da, u, m)
		s.store(value, db, u, m)
	})
	end()
}

func (s simd) expSum() {
	s.function("expSum", "func(n int, dst, x *float32, shift float32) float32", "is dst = e^(x − shift); it returns Σ dst.")
	n, dst, x, shift, acc := Load(Param("n"), GP64()), floats("dst"), floats("x"), s.scalar("shift"), s.zeros(2)
	s.forEach(n, []array{dst, x}, 2, func(u int, m *mask) {
		r := s.load(x, u, m)
		VSUBPS(shift, r, r)
		r = s.exp(r)
		s.keep(r, m)
		s.store(r, dst, u, m)
		VADDPS(r, acc[u], acc[u])
	})
	s.fold(acc, add)
	end()
}
