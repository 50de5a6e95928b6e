package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func init() {
	for name, s := range map[string]simd{"convert_avx2": simdAVX2, "convert_avx512": simdAVX512} {
		units[name] = func() {
			s.widening("bf16ToF32", func(from Op, r VecVirtual) {
				VPMOVZXWD(from, r)
				VPSLLD(U8(16), r, r)
			})
			s.widening("f16ToF32", func(from Op, r VecVirtual) { VCVTPH2PS(from, r) })
			if s.wide() {
				s.narrowing("f32ToBF16", s.roundBF16)
			} else {
				s.narrowingPairs("f32ToBF16", s.roundWords)
			}
			s.narrowing("f32ToF16", func(r VecVirtual) VecVirtual {
				h := s.half()
				VCVTPS2PH(U8(0), r, h)
				return h
			})
		}
	}
}

// half is a register of as many 16-bit elements as the full one has words.
func (s simd) half() VecVirtual {
	if s.wide() {
		return YMM()
	}
	return XMM()
}

// widening is a kernel from 16-bit elements to float32. AVX2 has no masks for 16 bits: there, n is a multiple of 8.
func (s simd) widening(name string, widen func(from Op, r VecVirtual)) {
	s.function(name, "func(n int, dst *float32, src *uint16)", "widens n elements.")
	n, dst, src := Load(Param("n"), GP64()), floats("dst"), array{Load(Param("src"), GP64()), 2}
	s.forEachHalf(n, []array{dst, src}, func(u int, m *mask) {
		r, from := s.vec(), Mem{Base: src.at, Disp: u * s.bytes / 2}
		if m == nil {
			widen(from, r)
		} else {
			h := s.half()
			VMOVDQU16_Z(from, m.k, h)
			widen(h, r)
		}
		s.store(r, dst, u, m)
	})
	end()
}

// narrowing is a kernel from float32 to 16-bit elements.
func (s simd) narrowing(name string, narrow func(r VecVirtual) VecVirtual) {
	s.function(name, "func(n int, dst *uint16, src *float32)", "rounds n elements to nearest, ties to even.")
	n, dst, src := Load(Param("n"), GP64()), array{Load(Param("dst"), GP64()), 2}, floats("src")
	s.forEachHalf(n, []array{dst, src}, func(u int, m *mask) {
		h, to := narrow(s.load(src, u, m)), Mem{Base: dst.at, Disp: u * s.bytes / 2}
		if m == nil {
			VMOVDQU(h, to)
		} else {
			VMOVDQU16(h, m.k, to)
		}
	})
	end()
}

// narrowingPairs is narrowing for AVX2, of words whose upper halves are zero. Two registers are packed into one, and stored as one.
func (s simd) narrowingPairs(name string, words func(r VecVirtual) VecVirtual) {
	s.function(name, "func(n int, dst *uint16, src *float32)", "rounds n elements to nearest, ties to even.")
	n, dst, src := Load(Param("n"), GP64()), array{Load(Param("dst"), GP64()), 2}, floats("src")
	arrays := []array{dst, src}
	s.whole(n, arrays, "many", "one", 4, func(u int) {
		if u%2 == 1 {
			return
		}
		low, high := words(s.load(src, u, nil)), words(s.load(src, u+1, nil))
		VPACKUSDW(high, low, low)
		VPERMQ(U8(0b11011000), low, low) // packing goes by halves of a register
		VMOVDQU(low, Mem{Base: dst.at, Disp: u * s.bytes / 2})
	})
	s.whole(n, arrays, "one", "done", 1, func(int) {
		h := s.half()
		word, upper := words(s.load(src, 0, nil)), XMM()
		VEXTRACTI128(U8(1), word, upper)
		VPACKUSDW(upper, word.AsX(), h)
		VMOVDQU(h, Mem{Base: dst.at})
	})
	Label("done")
	end()
}

// forEachHalf is forEach without the rest where there are no masks for it.
func (s simd) forEachHalf(n Register, arrays []array, body func(u int, m *mask)) {
	if s.wide() {
		s.forEach(n, arrays, 2, body)
		return
	}
	whole := func(u int) { body(u, nil) }
	s.whole(n, arrays, "many", "one", 4, whole)
	s.whole(n, arrays, "one", "done", 1, whole)
	Label("done")
}

// whole is a loop over groups of registers as long as there are whole ones.
func (s simd) whole(n Register, arrays []array, name, next string, registers int, body func(u int)) {
	Label(name)
	CMPQ(n, U32(registers*s.lanes()))
	JL(LabelRef(next))
	for u := range registers {
		body(u)
	}
	for _, a := range arrays {
		ADDQ(U32(registers*s.lanes()*a.size), a.at)
	}
	SUBQ(U32(registers*s.lanes()), n)
	JMP(LabelRef(name))
}

// roundBF16 is roundWords, and cuts off the upper halves.
func (s simd) roundBF16(x VecVirtual) VecVirtual {
	h := s.half()
	VPMOVDW(s.roundWords(x), h)
	return h
}

// roundWords adds half a unit of the last place that stays, less one if the bit there is even, and cuts: integers round
// denormals too, which VCVTNEPS2BF16 does not. A NaN is cut and made quiet instead.
func (s simd) roundWords(x VecVirtual) VecVirtual {
	sum, quiet := s.vec(), s.vec()
	VPSRLD(U8(16), x, quiet)
	if s.wide() {
		VPANDD(repeated("wordOne", 1), quiet, sum)
		VPORD(repeated("wordQuiet", 0x40), quiet, quiet)
	} else {
		VPAND(repeated("wordOne", 1), quiet, sum)
		VPOR(repeated("wordQuiet", 0x40), quiet, quiet)
	}
	VPADDD(x, sum, sum)
	VPADDD(repeated("wordHalf", 0x7FFF), sum, sum)
	VPSRLD(U8(16), sum, sum)
	const unordered = 3
	return s.choose(x, unordered, x, quiet, sum)
}
