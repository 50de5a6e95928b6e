package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func init() {
	for name, s := range map[string]simd{"adam_avx2": simdAVX2, "adam_avx512": simdAVX512} {
		units[name] = s.adam
	}
}

// adam rounds each operation by itself, in the order of the Go code, so that all levels have its bits.
func (s simd) adam() {
	s.function("adam", "func(n int, w, grad, m, v, k *float32)", "is kernel.Adam's inside; k are its constants, in the order of their fields.")
	n, w, g, m, v := Load(Param("n"), GP64()), floats("w"), floats("grad"), floats("m"), floats("v")
	from, k := Load(Param("k"), GP64()), make([]VecVirtual, 9)
	for i := range k {
		k[i] = s.vec()
		VBROADCASTSS(Mem{Base: from, Disp: 4 * i}, k[i])
	}
	scale, beta1, rest1, beta2, rest2, rate, root2, eps, keep := k[0], k[1], k[2], k[3], k[4], k[5], k[6], k[7], k[8]
	s.forEach(n, []array{w, g, m, v}, 2, func(u int, some *mask) {
		gi := s.load(g, u, some)
		VMULPS(scale, gi, gi)
		mi, vi, part := s.load(m, u, some), s.load(v, u, some), s.vec()
		VMULPS(beta1, mi, mi)
		VMULPS(rest1, gi, part)
		VADDPS(part, mi, mi)
		s.store(mi, m, u, some)
		VMULPS(beta2, vi, vi)
		VMULPS(rest2, gi, part)
		VMULPS(gi, part, part)
		VADDPS(part, vi, vi)
		s.store(vi, v, u, some)
		VSQRTPS(vi, vi)
		VMULPS(root2, vi, vi)
		VADDPS(eps, vi, vi)
		VMULPS(rate, mi, mi)
		VDIVPS(vi, mi, mi)
		wi := s.load(w, u, some)
		VMULPS(keep, wi, wi)
		VSUBPS(mi, wi, wi)
		s.store(wi, w, u, some)
	})
	end()
}
