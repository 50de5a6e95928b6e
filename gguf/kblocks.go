package gguf

// The blocks of 256, "K-quants": sub-blocks of 16 or 32 whose scales are integers times a scale of the block.

// scaleMin returns the 6-bit scale and minimum of sub-block j, 0 … 7, from 12 packed bytes. Those of the first four sub-blocks are the
// low 6 bits of bytes 0–3 and 4–7; those of the others have their low 4 bits in bytes 8–11 and their high 2 bits at the top of bytes 0–7.
func scaleMin(packed []byte, j int) (scale, minimum float32) {
	if j < 4 {
		return float32(packed[j] & 63), float32(packed[j+4] & 63)
	}
	return float32(packed[j+4]&15 | packed[j-4]>>6<<4), float32(packed[j+4]>>4 | packed[j]>>6<<4)
}

// Q4_K: scale, scale of the minima, 12 bytes for scaleMin, 128 bytes. Sub-blocks 2i and 2i+1 are the low and high halves of bytes
// 32i … 32i+31.
func widenQ4_K(dst []float32, src []byte, d []float32) {
	packed, q := src[4:16], src[16:144]
	for pair := range 4 {
		var value [2][16]float32
		for half := range value {
			scale, minimum := scaleMin(packed, 2*pair+half)
			scale, minimum = scale*d[0], minimum*d[1]
			for n := range value[half] {
				value[half][n] = float32(float32(n)*scale) - minimum
			}
		}
		low, high := dst[64*pair:64*pair+32], dst[64*pair+32:64*pair+64]
		for j, b := range q[32*pair : 32*pair+32] {
			low[j], high[j] = value[0][b&15], value[1][b>>4]
		}
	}
}

// Q5_K: as Q4_K, with 32 bytes of fifth bits before the 128: bit s of byte j belongs to element j of sub-block s.
func widenQ5_K(dst []float32, src []byte, d []float32) {
	packed, fifth, q := src[4:16], src[16:48], src[48:176]
	for s := range 8 {
		scale, minimum := scaleMin(packed, s)
		scale, minimum = scale*d[0], minimum*d[1]
		out, low := dst[32*s:32*s+32], q[s/2*32:s/2*32+32]
		for j := range out {
			n := low[j]>>(s%2*4)&15 | fifth[j]>>s&1<<4
			out[j] = float32(float32(n)*scale) - minimum
		}
	}
}

// Q6_K: 128 bytes with the low 4 bits, 64 with the high 2, 16 signed scales, scale; each less 32. In each half of the block, bytes
// 0 … 31 and 32 … 63 have the low bits of elements 0 … 63 in their low halves and those of elements 64 … 127 in their high halves;
// the high bits of elements j, j+32, j+64 and j+96 lie in one byte.
func widenQ6_K(dst []float32, src []byte, d []float32) {
	for half := range 2 {
		low, high, scale := src[64*half:64*half+64], src[128+32*half:128+32*half+32], src[192+8*half:192+8*half+8]
		for quarter := range 4 {
			out := dst[128*half+32*quarter : 128*half+32*quarter+32]
			l := low[quarter%2*32 : quarter%2*32+32]
			lower := float32(int8(scale[2*quarter])) * d[0]
			upper := float32(int8(scale[2*quarter+1])) * d[0]
			for j := range out {
				n := l[j]>>(quarter/2*4)&15 | high[j]>>(2*quarter)&3<<4
				s := lower
				if j >= 16 {
					s = upper
				}
				out[j] = float32(int32(n)-32) * s
			}
		}
	}
}
