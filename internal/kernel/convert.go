package kernel

// The convert family changes the storage of elements. Narrowing rounds to nearest, ties to even, at every level to the
// same bits: denormals are kept (which VCVTNEPS2BF16 would not do, so integers do the rounding to bf16),
// infinities too, what is too large becomes one, and a NaN stays a NaN.
//
// Why assembly: 0.02 to 0.04 ns an element on Zen 5 (AVX2: 0.04 to 0.1) against 0.3 to 1.3 in Go. Tails: masks in
// AVX-512; in AVX2 the last n mod 8 elements are done in Go.

// convertFuncs are the functions of one level. n is at least 1 and a multiple of step, which is a
// power of two.
type convertFuncs struct {
	step      int
	bf16ToF32 func(n int, dst *float32, src *uint16)
	f32ToBF16 func(n int, dst *uint16, src *float32)
	f16ToF32  func(n int, dst *float32, src *uint16)
	f32ToF16  func(n int, dst *uint16, src *float32)
}

const errConvert = "kernel: conversion between slices of different lengths"

// whole is how many of n elements the assembly takes: step is a power of two. These functions are called for rows of some dozen elements,
// so they have no division and no call through a parameter.
func whole(n, other, step int) int {
	if n != other {
		panic(errConvert)
	}
	return n &^ (step - 1)
}

// BF16ToF32 widens src to dst, which is as long.
func BF16ToF32(dst []float32, src []uint16) {
	f := &active.convert
	done := whole(len(dst), len(src), f.step)
	if done > 0 {
		f.bf16ToF32(done, &dst[0], &src[0])
	}
	if done < len(dst) {
		bf16ToF32Generic(len(dst)-done, &dst[done], &src[done])
	}
}

// F32ToBF16 rounds src to dst, which is as long.
func F32ToBF16(dst []uint16, src []float32) {
	f := &active.convert
	done := whole(len(dst), len(src), f.step)
	if done > 0 {
		f.f32ToBF16(done, &dst[0], &src[0])
	}
	if done < len(dst) {
		f32ToBF16Generic(len(dst)-done, &dst[done], &src[done])
	}
}

// F16ToF32 widens src to dst, which is as long.
func F16ToF32(dst []float32, src []uint16) {
	f := &active.convert
	done := whole(len(dst), len(src), f.step)
	if done > 0 {
		f.f16ToF32(done, &dst[0], &src[0])
	}
	if done < len(dst) {
		f16ToF32Generic(len(dst)-done, &dst[done], &src[done])
	}
}

// F32ToF16 rounds src to dst, which is as long.
func F32ToF16(dst []uint16, src []float32) {
	f := &active.convert
	done := whole(len(dst), len(src), f.step)
	if done > 0 {
		f.f32ToF16(done, &dst[0], &src[0])
	}
	if done < len(dst) {
		f32ToF16Generic(len(dst)-done, &dst[done], &src[done])
	}
}
