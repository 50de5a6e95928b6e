package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// A packer copies parts of a matrix into panels: rows of two registers' width, one for each k.
type packer struct {
	level string
	vec   func() VecVirtual
	bytes int // of a register
}

var avx2Pack = packer{"AVX2", YMM, 32}
var avx512Pack = packer{"AVX512", ZMM, 64}

func (p packer) emit() {
	p.each(2)
	p.cols()
	p.each(1)
}

// each emits the copying of rows as wide as so many registers, from every type: two are a panel's row, and one covers a sliver's.
func (p packer) each(registers int) {
	p.rows("F32", "float32", 2, registers, func(at Mem, r VecVirtual) { VMOVUPS(at, r) })
	p.rows("BF16", "uint16", 1, registers, func(at Mem, r VecVirtual) { widenBF16(at, r) })
	p.rows("F16", "uint16", 1, registers, func(at Mem, r VecVirtual) { VCVTPH2PS(at, r) })
}

// widenBF16 reads bf16 as float32: they are its upper halves.
func widenBF16(at Mem, r VecVirtual) {
	VPMOVZXWD(at, r)
	VPSLLD(U8(16), r, r)
}

// rows copies k rows of one or two registers, which lie in memory as they shall lie in the panel, widening them.
func (p packer) rows(name, element string, shift, registers int, load func(at Mem, r VecVirtual)) {
	name = map[int]string{1: "packSliver", 2: "packRows"}[registers] + name + p.level
	TEXT(name, NOSPLIT, fmt.Sprintf("func(k int, src *%s, ld int, dst *float32, ldd int)", element))
	Pragma("noescape")
	Doc(fmt.Sprintf("%s copies k rows of %d elements, ld apart, to rows ldd apart.", name, registers*p.bytes/4))
	k, src, ld := Load(Param("k"), GP64()), Load(Param("src"), GP64()), Load(Param("ld"), GP64())
	dst, ldd := Load(Param("dst"), GP64()), Load(Param("ldd"), GP64())
	SHLQ(U8(shift), ld)
	SHLQ(U8(2), ldd)
	Label("row")
	for j := range registers {
		r := p.vec()
		load(Mem{Base: src, Disp: j * p.bytes >> (2 - shift)}, r)
		VMOVUPS(r, Mem{Base: dst, Disp: j * p.bytes})
	}
	ADDQ(ld, src)
	ADDQ(ldd, dst)
	DECQ(k)
	JNZ(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// cols transposes one register's lanes of rows of words, four columns at a time:
//
//	for r < 4:  x[r] = words 0…3 of rows r, r+4, r+8, …   one row in each 128 bits
//	transposing the 4×4 words in each 128 bits of x leaves in x[c] the word c of rows 0, 1, 2, …
func (p packer) cols() {
	TEXT("packCols"+p.level, NOSPLIT, "func(k int, src *uint32, ld int, dst *uint32, ldd int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("packCols%s transposes %d rows of k words (a multiple of 4), ld bytes apart, to rows ldd words apart.",
		p.level, p.bytes/4))
	k, src, ld := Load(Param("k"), GP64()), Load(Param("src"), GP64()), Load(Param("ld"), GP64())
	dst, ldd := Load(Param("dst"), GP64()), Load(Param("ldd"), GP64())
	SHLQ(U8(2), ldd)
	ld3 := GP64()
	LEAQ(Mem{Base: ld, Index: ld, Scale: 2}, ld3)
	four := []Register{src}
	for i := range p.bytes/16 - 1 {
		base := GP64()
		LEAQ(Mem{Base: four[i], Index: ld, Scale: 4}, base)
		four = append(four, base)
	}
	Label("four")
	x := make([]VecVirtual, 4)
	for r := range x {
		x[r] = p.vec()
		for lane, base := range four {
			at := Mem{Base: base}
			switch r {
			case 1:
				at.Index, at.Scale = ld, 1
			case 2:
				at.Index, at.Scale = ld, 2
			case 3:
				at.Index, at.Scale = ld3, 1
			}
			p.insert(lane, at, x[r])
		}
	}
	for c, column := range p.transpose4(x) {
		VMOVUPS(column, Mem{Base: dst})
		ADDQ(ldd, dst)
		if c < len(four) {
			ADDQ(U8(16), four[c])
		}
	}
	SUBQ(U8(4), k)
	JNZ(LabelRef("four"))
	VZEROUPPER()
	RET()
}

// insert loads 128 bits into one lane of r; lane 0 clears the others.
func (p packer) insert(lane int, at Mem, r VecVirtual) {
	switch {
	case lane == 0:
		VMOVUPS(at, r.AsX())
	case p.bytes == 32:
		VINSERTF128(U8(lane), at, r, r)
	default:
		VINSERTF32X4(U8(lane), at, r, r)
	}
}

// transpose4 transposes the 4×4 words in each 128 bits of x.
func (p packer) transpose4(x []VecVirtual) [4]VecVirtual {
	var half, out [4]VecVirtual
	for i := range half {
		half[i], out[i] = p.vec(), p.vec()
	}
	VUNPCKLPS(x[1], x[0], half[0]) // 00 10 01 11, the columns 0 and 1 of rows 0 and 1
	VUNPCKHPS(x[1], x[0], half[1]) // columns 2 and 3
	VUNPCKLPS(x[3], x[2], half[2])
	VUNPCKHPS(x[3], x[2], half[3])
	VUNPCKLPD(half[2], half[0], out[0])
	VUNPCKHPD(half[2], half[0], out[1])
	VUNPCKLPD(half[3], half[1], out[2])
	VUNPCKHPD(half[3], half[1], out[3])
	return out
}

// packPairs interleaves rows 2p and 2p+1, as VDPBF16PS takes its factors.
func packPairs() {
	TEXT("packPairsAVX512", NOSPLIT, "func(pairs int, src *uint16, ld int, dst *uint16, ldd int)")
	Pragma("noescape")
	Doc("packPairsAVX512 interleaves pairs of rows of 32 elements, ld apart, to rows of 64, ldd apart.")
	pairs, src, ld := Load(Param("pairs"), GP64()), Load(Param("src"), GP64()), Load(Param("ld"), GP64())
	dst, ldd := Load(Param("dst"), GP64()), Load(Param("ldd"), GP64())
	SHLQ(U8(1), ld)
	SHLQ(U8(1), ldd)
	Label("pair")
	for j := range 2 {
		low, high := ZMM(), ZMM()
		VPMOVZXWD(Mem{Base: src, Disp: 32 * j}, low)
		VPMOVZXWD(Mem{Base: src, Index: ld, Scale: 1, Disp: 32 * j}, high)
		VPSLLD(U8(16), high, high)
		VPORD(high, low, low)
		VMOVDQU32(low, Mem{Base: dst, Disp: 64 * j})
	}
	LEAQ(Mem{Base: src, Index: ld, Scale: 2}, src)
	ADDQ(ldd, dst)
	DECQ(pairs)
	JNZ(LabelRef("pair"))
	VZEROUPPER()
	RET()
}
