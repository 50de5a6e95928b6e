package gguf

import (
	"encoding/binary"
	"math"

	"github.com/longspan/longspan/internal/kernel"
)

// A widener turns the stored bytes of one row into float32. The products and sums are those of llama.cpp's reference, each rounded: a
// fused multiply-add would give other bits on some processors, so products are converted to float32 before they are added to.
type widener func(dst []float32, src []byte, s *scales)

// scales holds a row's scales and minima, which are F16 in the file, between their gathering and their use.
type scales struct {
	halves []uint16
	wide   []float32
}

// blocks makes a widener of one that takes a block and its widened F16 fields, which lie at the given bytes of the block.
func blocks(widen func(dst []float32, src []byte, d []float32), elements, bytes int, fields ...int) widener {
	return func(dst []float32, src []byte, s *scales) {
		n := len(dst) / elements
		s.halves, s.wide = grow(s.halves, n*len(fields)), grow(s.wide, n*len(fields))
		for i := range n {
			for j, at := range fields {
				s.halves[i*len(fields)+j] = binary.LittleEndian.Uint16(src[i*bytes+at:])
			}
		}
		kernel.F16ToF32(s.wide, s.halves)
		for i := range n {
			widen(dst[i*elements:(i+1)*elements], src[i*bytes:(i+1)*bytes], s.wide[i*len(fields):(i+1)*len(fields)])
		}
	}
}

func widenF32(dst []float32, src []byte, _ *scales) {
	for j := range dst {
		dst[j] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*j:]))
	}
}

func widenF16(dst []float32, src []byte, s *scales) {
	s.halves = grow(s.halves, len(dst))
	words(s.halves, src)
	kernel.F16ToF32(dst, s.halves)
}

func widenBF16(dst []float32, src []byte, s *scales) {
	s.halves = grow(s.halves, len(dst))
	words(s.halves, src)
	kernel.BF16ToF32(dst, s.halves)
}

// words reads little-endian numbers of 16 bits.
func words(dst []uint16, src []byte) {
	for j := range dst {
		dst[j] = binary.LittleEndian.Uint16(src[2*j:])
	}
}

// Q8_0: scale, 32 signed bytes.
func widenQ8_0(dst []float32, src []byte, d []float32) {
	scale, q := d[0], src[2:34]
	dst = dst[:len(q)]
	for j, b := range q {
		dst[j] = float32(int8(b)) * scale
	}
}

// Q4_0: scale, 16 bytes of which the low halves are elements 0 … 15 and the high ones 16 … 31, each less 8.
func widenQ4_0(dst []float32, src []byte, d []float32) {
	var value [16]float32
	for q := range value {
		value[q] = float32(q-8) * d[0]
	}
	nibbles(dst, src[2:18], &value)
}

// Q4_1: scale, minimum, 16 bytes as in Q4_0.
func widenQ4_1(dst []float32, src []byte, d []float32) {
	var value [16]float32
	for q := range value {
		value[q] = float32(float32(q)*d[0]) + d[1]
	}
	nibbles(dst, src[4:20], &value)
}

// nibbles looks up the low halves of q, then the high ones.
func nibbles(dst []float32, q []byte, value *[16]float32) {
	low, high := dst[:len(q)], dst[len(q):2*len(q)]
	for j, b := range q {
		low[j], high[j] = value[b&15], value[b>>4]
	}
}

// Q5_0: scale, 32 fifth bits, 16 bytes as in Q4_0; each less 16.
func widenQ5_0(dst []float32, src []byte, d []float32) {
	scale := d[0]
	var q [32]uint8
	fifth(&q, src[2:22])
	dst = dst[:len(q)]
	for j, n := range q {
		dst[j] = float32(int32(n)-16) * scale
	}
}

// Q5_1: scale, minimum, 32 fifth bits, 16 bytes as in Q4_0.
func widenQ5_1(dst []float32, src []byte, d []float32) {
	scale, minimum := d[0], d[1]
	var q [32]uint8
	fifth(&q, src[4:24])
	dst = dst[:len(q)]
	for j, n := range q {
		dst[j] = float32(float32(n)*scale) + minimum
	}
}

// fifth puts together integers of five bits: bit j of the first four bytes is the fifth of element j.
func fifth(q *[32]uint8, src []byte) {
	high := binary.LittleEndian.Uint32(src)
	for j, b := range src[4:20] {
		q[j] = b&15 | uint8(high>>j&1<<4)
		q[j+16] = b>>4 | uint8(high>>(j+16)&1<<4)
	}
}
