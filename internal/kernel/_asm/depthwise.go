package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func init() {
	for name, s := range map[string]simd{"depthwise_avx2": simdAVX2, "depthwise_avx512": simdAVX512} {
		units[name] = func() {
			s.depthwiseFour()
			s.depthwiseOne()
			s.depthwiseGradFour()
			s.depthwiseGradOne()
		}
	}
}

// vectors are arrays of c floats each, one after the other: pixels, taps, sums. They share the registers with the multiples of 4·c.
type vectors struct{ x1, x3, x5, x7 Register }

// multiples loads c, which it returns too, to be counted down.
func multiples() (vectors, Register) {
	v, n := vectors{GP64(), GP64(), GP64(), GP64()}, Load(Param("c"), GP64())
	MOVQ(n, v.x1)
	SHLQ(U8(2), v.x1)
	LEAQ(Mem{Base: v.x1, Index: v.x1, Scale: 2}, v.x3)
	LEAQ(Mem{Base: v.x1, Index: v.x1, Scale: 4}, v.x5)
	LEAQ(Mem{Base: v.x3, Index: v.x1, Scale: 4}, v.x7)
	return v, n
}

// at is where vector i of those at base is, i of 0 to 8.
func (v vectors) at(base Register, i int) Mem {
	m := Mem{Base: base}
	switch i {
	case 1, 2, 4, 8:
		m.Index, m.Scale = v.x1, uint8(i)
	case 3, 6:
		m.Index, m.Scale = v.x3, uint8(i/3)
	case 5:
		m.Index, m.Scale = v.x5, 1
	case 7:
		m.Index, m.Scale = v.x7, 1
	}
	return m
}

// rows are the pointers to the rows above, of, and below the result.
func rows() [3]array { return [3]array{floats("top"), floats("mid"), floats("low")} }

// depthwiseFour holds the taps of a register of features, and loads each of the 18 inputs of four results once.
func (s simd) depthwiseFour() {
	s.function("depthwiseFour", "func(c int, dst, top, mid, low, w, b *float32)", "convolves four pixels side by side.")
	v, n := multiples()
	dst, x, w, b := floats("dst"), rows(), floats("w"), floats("b")
	s.forEach(n, []array{dst, x[0], x[1], x[2], w, b}, 1, func(_ int, m *mask) {
		var taps [9]VecVirtual
		for k := range taps {
			taps[k] = s.read(v.at(w.at, k), m)
		}
		var y [4]VecVirtual
		y[0] = s.load(b, 0, m)
		for p := range y[1:] {
			y[p+1] = s.vec()
			VMOVAPS(y[0], y[p+1])
		}
		pixel := s.vec()
		for i := range x {
			for q := range 6 {
				s.readTo(pixel, v.at(x[i].at, q), m)
				for p := max(0, q-2); p <= min(3, q); p++ {
					VFMADD231PS(pixel, taps[3*i+q-p], y[p])
				}
			}
		}
		for p := range y {
			s.write(y[p], v.at(dst.at, p), m)
		}
	})
	end()
}

// sideways are the distances from a pixel to its neighbours in bytes.
func sideways() (left, right Register) {
	left, right = Load(Param("left"), GP64()), Load(Param("right"), GP64())
	SHLQ(U8(2), left)
	SHLQ(U8(2), right)
	return left, right
}

// neighbours are the places of the pixel at p and of those beside it.
func neighbours(p array, left, right Register) [3]Mem {
	return [3]Mem{{Base: p.at, Index: left, Scale: 1}, {Base: p.at}, {Base: p.at, Index: right, Scale: 1}}
}

func (s simd) depthwiseOne() {
	s.function("depthwiseOne", "func(c int, dst, top, mid, low, w, b *float32, left, right int)", "convolves one pixel.")
	v, n := multiples()
	dst, x, w, b := floats("dst"), rows(), floats("w"), floats("b")
	left, right := sideways()
	s.forEach(n, []array{dst, x[0], x[1], x[2], w, b}, 1, func(_ int, m *mask) {
		y := s.load(b, 0, m)
		for i := range x {
			for j, from := range neighbours(x[i], left, right) {
				VFMADD231PS(s.read(from, m), s.read(v.at(w.at, 3*i+j), m), y)
			}
		}
		s.store(y, dst, 0, m)
	})
	end()
}

// bias points at the last of the sums, which is that of the bias.
func (v vectors) bias(sums array) array {
	p := GP64()
	LEAQ(v.at(sums.at, 8), p)
	ADDQ(v.x1, p)
	return array{p, 4}
}

// depthwiseGradFour holds the sums of a register of features, and loads each of the 18 inputs of four gradients once.
func (s simd) depthwiseGradFour() {
	s.function("depthwiseGradFour", "func(c int, sums, dy, top, mid, low *float32)", "sums the gradients of the taps over four pixels.")
	v, n := multiples()
	sums, dy, x := floats("sums"), floats("dy"), rows()
	bias := v.bias(sums)
	s.forEach(n, []array{sums, dy, x[0], x[1], x[2], bias}, 1, func(_ int, m *mask) {
		var d [4]VecVirtual
		total := s.load(bias, 0, m)
		for p := range d {
			d[p] = s.read(v.at(dy.at, p), m)
			VADDPS(d[p], total, total)
		}
		s.store(total, bias, 0, m)
		pixel := s.vec()
		for i := range x {
			var sum [3]VecVirtual
			for j := range sum {
				sum[j] = s.read(v.at(sums.at, 3*i+j), m)
			}
			for q := range 6 {
				s.readTo(pixel, v.at(x[i].at, q), m)
				for p := max(0, q-2); p <= min(3, q); p++ {
					VFMADD231PS(pixel, d[p], sum[q-p])
				}
			}
			for j := range sum {
				s.write(sum[j], v.at(sums.at, 3*i+j), m)
			}
		}
	})
	end()
}

func (s simd) depthwiseGradOne() {
	s.function("depthwiseGradOne", "func(c int, sums, dy, top, mid, low *float32, left, right int)", "adds those of one pixel.")
	v, n := multiples()
	sums, dy, x := floats("sums"), floats("dy"), rows()
	left, right := sideways()
	bias := v.bias(sums)
	s.forEach(n, []array{sums, dy, x[0], x[1], x[2], bias}, 1, func(_ int, m *mask) {
		d, total := s.load(dy, 0, m), s.load(bias, 0, m)
		VADDPS(d, total, total)
		s.store(total, bias, 0, m)
		for i := range x {
			for j, from := range neighbours(x[i], left, right) {
				to := v.at(sums.at, 3*i+j)
				sum := s.read(to, m)
				VFMADD231PS(s.read(from, m), d, sum)
				s.write(sum, to, m)
			}
		}
	})
	end()
}
