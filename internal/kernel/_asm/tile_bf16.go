package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The bf16 half of the tile family. Vector registers are named, not allocated: VDPBF16PS and VCVTNE2PS2BF16 are emitted as bytes.

func init() {
	units["tile_avx512bf16"] = func() {
		tilePairBF16()
		tileZipBF16()
		tileMulBF16()
		tileMulAddBF16()
		tileMulInBF16()
		tileSoftmaxBF16()
	}
}

// tileMulBF16 emits c[8 rows][32] = a·b with pairs along k: each step takes two columns of a and a row of pairs of b.
func tileMulBF16() {
	kernel("tileMulAVX512BF16", "func(rows, k int, a *uint16, lda int, b *uint16, c *float32)")
	rows, a, lda, lda3 := loadRowsBF16()
	c := Load(Param("c"), GP64())
	a0, a4, bp, n := GP64(), GP64(), GP64(), GP64()
	Label("group")
	mulGroupBF16(a, a0, a4, lda, lda3, bp, n)
	for i := range rowGroup {
		VMOVUPS(zmm[i], Mem{Base: c, Disp: laneBytes * i})
		VMOVUPS(zmm[rowGroup+i], Mem{Base: c, Disp: laneBytes*i + 64})
	}
	LEAQ(Mem{Base: a, Index: lda, Scale: 8}, a)
	ADDQ(U32(rowGroup*laneBytes), c)
	SUBQ(Imm(rowGroup), rows)
	JNZ(LabelRef("group"))
	VZEROUPPER()
	RET()
}

// loadRowsBF16 loads the rows of a product, where they are, and once and three times the bytes between them.
func loadRowsBF16() (rows, a, lda, lda3 Register) {
	rows, a, lda = Load(Param("rows"), GP64()), Load(Param("a"), GP64()), Load(Param("lda"), GP64())
	ADDQ(lda, lda)
	lda3 = GP64()
	LEAQ(Mem{Base: lda, Index: lda, Scale: 2}, lda3)
	return rows, a, lda, lda3
}

// mulGroupBF16 emits the sums of 8 rows of a with b, in the first 16 registers. a0, a4, bp and n are its own.
func mulGroupBF16(a, a0, a4, lda, lda3, bp, n Register) {
	for i := range 2 * rowGroup {
		VPXORD(zmm[i], zmm[i], zmm[i])
	}
	MOVQ(a, a0)
	LEAQ(Mem{Base: a, Index: lda, Scale: 4}, a4)
	Load(Param("b"), bp)
	Load(Param("k"), n)
	const lo, hi, factor = 16, 17, 18
	Label("loop")
	for u := range 2 {
		VMOVUPS(Mem{Base: bp, Disp: laneBytes * u}, zmm[lo])
		VMOVUPS(Mem{Base: bp, Disp: laneBytes*u + 64}, zmm[hi])
		for i := range rowGroup {
			f := factor + i%4
			VBROADCASTSS(rowMem(a0, a4, lda, lda3, i, 4*u), zmm[f])
			vdpbf16ps(zmm[lo], zmm[f], zmm[i])
			vdpbf16ps(zmm[hi], zmm[f], zmm[rowGroup+i])
		}
	}
	ADDQ(Imm(8), a0)
	ADDQ(Imm(8), a4)
	ADDQ(U32(2*laneBytes), bp)
	SUBQ(Imm(4), n)
	JNZ(LabelRef("loop"))
}

// tileMulAddBF16 emits c[8 rows][32] += a·b with pairs along k; rows of pairs of b, and rows of c, lie strides apart.
func tileMulAddBF16() {
	kernel("tileMulAddAVX512BF16", "func(rows, k int, a *uint16, lda int, b *uint16, ldb int, c *float32, ldc int)")
	rows, a, lda, lda3 := loadRowsBF16()
	ldb := Load(Param("ldb"), GP64())
	SHLQ(Imm(2), ldb) // bytes of a row of pairs
	c := Load(Param("c"), GP64())
	ldc, ldc3 := loadStride("ldc")
	a0, a4, c4, bp, n := GP64(), GP64(), GP64(), GP64(), GP64()
	Label("group")
	LEAQ(Mem{Base: c, Index: ldc, Scale: 4}, c4)
	for i := range rowGroup {
		VMOVUPS(rowMem(c, c4, ldc, ldc3, i, 0), zmm[i])
		VMOVUPS(rowMem(c, c4, ldc, ldc3, i, 64), zmm[rowGroup+i])
	}
	MOVQ(a, a0)
	LEAQ(Mem{Base: a, Index: lda, Scale: 4}, a4)
	Load(Param("b"), bp)
	Load(Param("k"), n)
	const lo, hi, factor = 16, 17, 18
	Label("loop")
	for u := range 2 {
		VMOVUPS(Mem{Base: bp}, zmm[lo])
		VMOVUPS(Mem{Base: bp, Disp: 64}, zmm[hi])
		ADDQ(ldb, bp)
		for i := range rowGroup {
			f := factor + i%4
			VBROADCASTSS(rowMem(a0, a4, lda, lda3, i, 4*u), zmm[f])
			vdpbf16ps(zmm[lo], zmm[f], zmm[i])
			vdpbf16ps(zmm[hi], zmm[f], zmm[rowGroup+i])
		}
	}
	ADDQ(Imm(8), a0)
	ADDQ(Imm(8), a4)
	SUBQ(Imm(4), n)
	JNZ(LabelRef("loop"))
	for i := range rowGroup {
		VMOVUPS(zmm[i], rowMem(c, c4, ldc, ldc3, i, 0))
		VMOVUPS(zmm[rowGroup+i], rowMem(c, c4, ldc, ldc3, i, 64))
	}
	LEAQ(Mem{Base: a, Index: lda, Scale: 8}, a)
	LEAQ(Mem{Base: c, Index: ldc, Scale: 8}, c)
	SUBQ(Imm(rowGroup), rows)
	JNZ(LabelRef("group"))
	VZEROUPPER()
	RET()
}

// tileMulInBF16 emits c[8 rows][32] = alpha·c + a·b with pairs along k: tileMulBF16, and then what c held.
func tileMulInBF16() {
	kernel("tileMulInAVX512BF16", "func(rows, k int, a *uint16, lda int, b *uint16, alpha, c *float32)")
	rows, a, lda, lda3 := loadRowsBF16()
	alpha := Load(Param("alpha"), GP64())
	c := Load(Param("c"), GP64())
	a0, a4, bp, n := GP64(), GP64(), GP64(), GP64()
	Label("group")
	mulGroupBF16(a, a0, a4, lda, lda3, bp, n)
	const lo, hi = 16, 17
	VMOVUPS(Mem{Base: alpha}, zmm[lo])
	VMOVUPS(Mem{Base: alpha, Disp: 64}, zmm[hi])
	for i := range rowGroup {
		for h, scale := range []int{lo, hi} {
			sum, at := zmm[h*rowGroup+i], Mem{Base: c, Disp: laneBytes*i + 64*h}
			VFMADD231PS(at, zmm[scale], sum)
			VMOVUPS(sum, at)
		}
	}
	LEAQ(Mem{Base: a, Index: lda, Scale: 8}, a)
	ADDQ(U32(rowGroup*laneBytes), c)
	SUBQ(Imm(rowGroup), rows)
	JNZ(LabelRef("group"))
	VZEROUPPER()
	RET()
}

// The registers of a pairing: pairOrder holds the word order that interleaves two halves.
const pairOrder = 31

// loadPairOrder loads the indices 0, 16, 1, 17 … 15, 31 of VPERMW.
func loadPairOrder() {
	order := make([]uint32, 16)
	for x := range order {
		order[x] = uint32(x) | uint32(16+x)<<16
	}
	VMOVUPS(words("tilePairOrder", order...), zmm[pairOrder])
}

// pair emits dst = the bf16 roundings of even and odd, interleaved. dst may be either.
func pair(even, odd, dst VecPhysical) {
	vcvtne2ps2bf16(even, odd, dst)
	VPERMW(dst, zmm[pairOrder], dst)
}

// tilePairBF16 emits the pairing of neighbouring rows.
func tilePairBF16() {
	kernel("tilePairAVX512BF16", "func(d int, src *float32, dst *uint16)")
	n := Load(Param("d"), GP64())
	src := Load(Param("src"), GP64())
	dst := Load(Param("dst"), GP64())
	loadPairOrder()
	Label("loop")
	for h := range 2 {
		VMOVUPS(Mem{Base: src, Disp: 64 * h}, zmm[0])
		VMOVUPS(Mem{Base: src, Disp: laneBytes + 64*h}, zmm[1])
		pair(zmm[0], zmm[1], zmm[0])
		VMOVUPS(zmm[0], Mem{Base: dst, Disp: 64 * h})
	}
	ADDQ(U32(2*laneBytes), src)
	ADDQ(U32(laneBytes), dst)
	SUBQ(Imm(2), n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// tileSoftmaxBF16 is tileSoftmax512 with the probabilities rounded and paired on their way out.
func tileSoftmaxBF16() {
	kernel("tileSoftmaxAVX512BF16", "func(keys int, s *float32, mask *uint32, m, l, alpha *float32, p *uint16)")
	loadPairOrder()
	out := Load(Param("p"), GP64())
	softmax512(func(_ Register, x []VecPhysical) {
		for h := range 2 {
			pair(x[h], x[2+h], x[h])
			VMOVUPS(x[h], Mem{Base: out, Disp: 64 * h})
		}
		ADDQ(U32(laneBytes), out)
	})
}

// tileZipBF16 emits the interleaving of two rows of 16-bit elements, eight pairs at a time: even in the lower halves of 32 bits, odd in
// the upper.
func tileZipBF16() {
	kernel("tileZipAVX512BF16", "func(d int, even, odd, dst *uint16)")
	n := Load(Param("d"), GP64())
	even := Load(Param("even"), GP64())
	odd := Load(Param("odd"), GP64())
	dst := Load(Param("dst"), GP64())
	low, high := YMM(), YMM()
	Label("loop")
	VPMOVZXWD(Mem{Base: even}, low)
	VPMOVZXWD(Mem{Base: odd}, high)
	VPSLLD(Imm(16), high, high)
	VPOR(high, low, low)
	VMOVDQU(low, Mem{Base: dst})
	ADDQ(Imm(16), even)
	ADDQ(Imm(16), odd)
	ADDQ(Imm(32), dst)
	SUBQ(Imm(8), n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}
