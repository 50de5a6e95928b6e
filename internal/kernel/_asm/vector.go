package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func init() {
	for name, s := range map[string]simd{"vector_avx2": simdAVX2, "vector_avx512": simdAVX512} {
		units[name] = func() {
			s.sums()
			s.maximum()
			s.elementwise()
			s.rotate()
			s.norms()
		}
	}
}

func add(x, y, to VecVirtual) { VADDPS(x, y, to) }

// sums are Σ x, Σ (x−mean)² and Σ x·y in four partial sums a lane, which hides the latency of adding.
func (s simd) sums() {
	const unroll = 4
	s.function("sum", "func(n int, x *float32) float32", "is Σ x.")
	n, x, acc := Load(Param("n"), GP64()), floats("x"), s.zeros(unroll)
	s.forEach(n, []array{x}, unroll, func(u int, m *mask) {
		VADDPS(s.load(x, u, m), acc[u], acc[u])
	})
	s.fold(acc, add)
	end()

	s.function("sumSquares", "func(n int, x *float32, mean float32) float32", "is Σ (x − mean)².")
	n, x, acc = Load(Param("n"), GP64()), floats("x"), s.zeros(unroll)
	mean := s.scalar("mean")
	s.forEach(n, []array{x}, unroll, func(u int, m *mask) {
		d := s.load(x, u, m)
		VSUBPS(mean, d, d)
		s.keep(d, m)
		VFMADD231PS(d, d, acc[u])
	})
	s.fold(acc, add)
	end()

	s.function("dot", "func(n int, x, y *float32) float32", "is Σ x·y.")
	n, x, acc = Load(Param("n"), GP64()), floats("x"), s.zeros(unroll)
	y := floats("y")
	s.forEach(n, []array{x, y}, unroll, func(u int, m *mask) {
		VFMADD231PS(s.load(x, u, m), s.load(y, u, m), acc[u])
	})
	s.fold(acc, add)
	end()
}

// maximum ignores NaN: VMAXPS returns its second source, which is the maximum so far, if one is NaN.
func (s simd) maximum() {
	const unroll = 4
	s.function("max", "func(n int, x *float32) float32", "is the largest element that is not NaN, or −Inf.")
	n, x, acc := Load(Param("n"), GP64()), floats("x"), make([]VecVirtual, unroll)
	lowest := repeated("negInf", 0xFF800000)
	for u := range acc {
		acc[u] = s.get(lowest)
	}
	s.forEach(n, []array{x}, unroll, func(u int, m *mask) {
		v := s.load(x, u, m)
		if m != nil {
			v = s.missing(v, m, lowest)
		}
		VMAXPS(acc[u], v, acc[u])
	})
	s.fold(acc, func(x, y, to VecVirtual) { VMAXPS(x, y, to) })
	end()
}

// elementwise are the kernels with a result for each element.
func (s simd) elementwise() {
	const unroll = 2
	binary := func(name, doc string, op func(x, y VecVirtual)) {
		s.function(name, "func(n int, dst, x, y *float32)", doc)
		n, dst, x, y := Load(Param("n"), GP64()), floats("dst"), floats("x"), floats("y")
		s.forEach(n, []array{dst, x, y}, unroll, func(u int, m *mask) {
			r := s.load(x, u, m)
			op(r, s.load(y, u, m))
			s.store(r, dst, u, m)
		})
		end()
	}
	binary("add", "is dst = x + y.", func(x, y VecVirtual) { VADDPS(y, x, x) })
	binary("sub", "is dst = x − y.", func(x, y VecVirtual) { VSUBPS(y, x, x) })
	binary("mul", "is dst = x·y.", func(x, y VecVirtual) { VMULPS(y, x, x) })
	s.mulAdd(unroll)
	s.scaled(unroll)

	s.function("standardise", "func(n int, dst, x *float32, mean, scale float32)", "is dst = (x − mean)·scale.")
	n, dst, x, mean, scale := Load(Param("n"), GP64()), floats("dst"), floats("x"), s.scalar("mean"), s.scalar("scale")
	s.forEach(n, []array{dst, x}, unroll, func(u int, m *mask) {
		r := s.load(x, u, m)
		VSUBPS(mean, r, r)
		VMULPS(scale, r, r)
		s.store(r, dst, u, m)
	})
	end()

	s.function("softmaxGrad", "func(n int, dst, p, dp *float32, delta float32)", "is dst = p·(dp − delta).")
	n, dst, x = Load(Param("n"), GP64()), floats("dst"), floats("p")
	dp, delta := floats("dp"), s.scalar("delta")
	s.forEach(n, []array{dst, x, dp}, unroll, func(u int, m *mask) {
		r := s.load(dp, u, m)
		VSUBPS(delta, r, r)
		VMULPS(s.load(x, u, m), r, r)
		s.store(r, dst, u, m)
	})
	end()
}

func (s simd) mulAdd(unroll int) {
	s.function("mulAdd", "func(n int, dst, x, y *float32)", "is dst += x·y.")
	n, dst, x, y := Load(Param("n"), GP64()), floats("dst"), floats("x"), floats("y")
	s.forEach(n, []array{dst, x, y}, unroll, func(u int, m *mask) {
		r := s.load(dst, u, m)
		VFMADD231PS(s.load(x, u, m), s.load(y, u, m), r)
		s.store(r, dst, u, m)
	})
	end()
}

// scaled are dst += a·x and dst = a·x.
func (s simd) scaled(unroll int) {
	s.function("axpy", "func(n int, dst *float32, a float32, x *float32)", "is dst += a·x.")
	n, dst, a, x := Load(Param("n"), GP64()), floats("dst"), s.scalar("a"), floats("x")
	s.forEach(n, []array{dst, x}, unroll, func(u int, m *mask) {
		r := s.load(dst, u, m)
		VFMADD231PS(s.load(x, u, m), a, r)
		s.store(r, dst, u, m)
	})
	end()

	s.function("scale", "func(n int, dst *float32, a float32, x *float32)", "is dst = a·x.")
	n, dst, a, x = Load(Param("n"), GP64()), floats("dst"), s.scalar("a"), floats("x")
	s.forEach(n, []array{dst, x}, unroll, func(u int, m *mask) {
		r := s.load(x, u, m)
		VMULPS(a, r, r)
		s.store(r, dst, u, m)
	})
	end()
}

// rotate turns the pairs of each head. Products are rounded before they are added.
func (s simd) rotate() {
	s.function("rotate", "func(heads, apart, n int, x, cos, sin *float32)", "turns the pairs of each head by their angles.")
	heads, apart, x := Load(Param("heads"), GP64()), Load(Param("apart"), GP64()), Load(Param("x"), GP64())
	SHLQ(U8(2), apart)
	Label("head")
	n, low, cos, sin := Load(Param("n"), GP64()), array{GP64(), 4}, floats("cos"), floats("sin")
	high := array{GP64(), 4}
	MOVQ(x, low.at)
	LEAQ(Mem{Base: low.at, Index: n, Scale: 4}, high.at)
	s.forEach(n, []array{low, high, cos, sin}, 1, func(u int, m *mask) {
		a, b, c, d := s.load(low, u, m), s.load(high, u, m), s.load(cos, u, m), s.load(sin, u, m)
		left, right := s.vec(), s.vec()
		VMULPS(b, d, left)
		VMULPS(a, d, right)
		VMULPS(a, c, a)
		VMULPS(b, c, b)
		VSUBPS(left, a, a)
		VADDPS(right, b, b)
		s.store(a, low, u, m)
		s.store(b, high, u, m)
	})
	ADDQ(apart, x)
	DECQ(heads)
	JNZ(LabelRef("head"))
	end()
}

// norms are the passes over a row of a norm: its result, and in the backward pass two sums and the gradient.
func (s simd) norms() {
	standard := func(x array, u int, m *mask, mean, scale VecVirtual) VecVirtual {
		r := s.load(x, u, m)
		VSUBPS(mean, r, r)
		VMULPS(scale, r, r)
		return r
	}
	s.function("normalise", "func(n int, dst, x, gamma *float32, mean, scale float32)", "is dst = (x − mean)·scale·gamma.")
	n, dst, x, gamma := Load(Param("n"), GP64()), floats("dst"), floats("x"), floats("gamma")
	mean, scale := s.scalar("mean"), s.scalar("scale")
	s.forEach(n, []array{dst, x, gamma}, 2, func(u int, m *mask) {
		r := standard(x, u, m, mean, scale)
		VMULPS(s.load(gamma, u, m), r, r)
		s.store(r, dst, u, m)
	})
	end()
	s.normSums(standard)

	s.function("normGrad", "func(n int, dst, x, dy, gamma *float32, mean, scale, along, level float32)",
		"is dst = scale·(γ·dy − level − x̂·along).")
	n, dst, x, gamma = Load(Param("n"), GP64()), floats("dst"), floats("x"), floats("gamma")
	dy, along, level := floats("dy"), s.scalar("along"), s.scalar("level")
	mean, scale = s.scalar("mean"), s.scalar("scale")
	s.forEach(n, []array{dst, x, dy, gamma}, 2, func(u int, m *mask) {
		r, g := standard(x, u, m, mean, scale), s.load(dy, u, m)
		VMULPS(s.load(gamma, u, m), g, g)
		VSUBPS(level, g, g)
		VMULPS(along, r, r)
		VSUBPS(r, g, g)
		VMULPS(scale, g, g)
		s.store(g, dst, u, m)
	})
	end()
}

// normSums has four partial sums a lane for each of its results, in the order of dot and sum.
func (s simd) normSums(standard func(x array, u int, m *mask, mean, scale VecVirtual) VecVirtual) {
	const unroll = 4
	s.function("normSums", "func(n int, dgamma, dbeta, x, dy, gamma *float32, mean, scale float32) (along, level float32)",
		"adds dy·x̂ to dgamma and dy to dbeta, and returns Σ γ·dy·x̂ and Σ γ·dy.")
	n, dgamma, dbeta, x := Load(Param("n"), GP64()), floats("dgamma"), floats("dbeta"), floats("x")
	dy, gamma, mean, scale := floats("dy"), floats("gamma"), s.scalar("mean"), s.scalar("scale")
	along, level := s.zeros(unroll), s.zeros(unroll)
	s.forEach(n, []array{dgamma, dbeta, x, dy, gamma}, unroll, func(u int, m *mask) {
		r, d := standard(x, u, m, mean, scale), s.load(dy, u, m)
		to := s.load(dbeta, u, m)
		VADDPS(d, to, to)
		s.store(to, dbeta, u, m)
		to = s.load(dgamma, u, m)
		VFMADD231PS(r, d, to)
		s.store(to, dgamma, u, m)
		VMULPS(s.load(gamma, u, m), d, d)
		VFMADD231PS(r, d, along[u])
		VADDPS(d, level[u], level[u])
	})
	s.foldTo(0, along, add)
	s.foldTo(1, level, add)
	end()
}
