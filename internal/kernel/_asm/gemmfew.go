package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// fewKernel multiplies up to four rows of A by a register's lanes of rows of B, which are columns of op(B): the transpose is
// made in registers, four terms at a time, and used at once.
//
//	x[r] = terms 0…3 of rows r, r+4, r+8, …    one row in each 128 bits
//	y = the 4×4 words in each 128 bits of x, transposed: y[p] is term p of rows 0, 1, 2, …
//	acc[i] += A[i][p]·y[p]                     in ascending p, as the other kernels add
//
// Registers: x and y share four, four are halfway, four hold sums, the rest broadcasts.
type fewKernel struct {
	name, element string
	shift         int // logarithm of an element's bytes
	registers     []VecPhysical
	bytes         int
	fma           func(b, a, sum VecPhysical)
}

var (
	fewAVX2   = fewKernel{"gemmFewAVX2", "float32", 2, ymm, 32, fma}
	fewAVX512 = fewKernel{"gemmFewAVX512", "float32", 2, zmm, 64, fma}
	fewBF16   = fewKernel{"gemmFewAVX512BF16", "uint16", 1, zmm, 64, vdpbf16ps}
)

const fewRows = 4

func (f fewKernel) emit() {
	TEXT(f.name, NOSPLIT, fmt.Sprintf("func(rows, k int, a *%s, rs, cs int, b *%s, ldb int, acc *float32)", f.element, f.element))
	Pragma("noescape")
	Doc(f.name + " is kernel.GemmFew's inside: see there for the arguments.")
	rows, k := Load(Param("rows"), GP64()), Load(Param("k"), GP64())
	a, rs, cs := Load(Param("a"), GP64()), Load(Param("rs"), GP64()), Load(Param("cs"), GP64())
	b, ld := Load(Param("b"), GP64()), Load(Param("ldb"), GP64())
	for _, stride := range []Register{rs, cs, ld} {
		SHLQ(U8(f.shift), stride)
	}
	ld3, rs3 := GP64(), GP64()
	LEAQ(Mem{Base: ld, Index: ld, Scale: 2}, ld3)
	LEAQ(Mem{Base: rs, Index: rs, Scale: 2}, rs3)
	four := []Register{b}
	for i := range f.bytes/16 - 1 {
		base := GP64()
		LEAQ(Mem{Base: four[i], Index: ld, Scale: 4}, base)
		four = append(four, base)
	}
	next := GP64()
	MOVQ(ld, next)
	SHLQ(U8(f.lanesLog()), next)
	ADDQ(b, next)
	for n := fewRows; n > 1; n-- {
		CMPQ(rows, U8(n))
		JEQ(LabelRef(fmt.Sprintf("rows%d", n)))
	}
	for n := 1; n <= fewRows; n++ {
		Label(fmt.Sprintf("rows%d", n))
		f.sums(n, func(at Mem, sum VecPhysical) { VMOVUPS(at, sum) })
		loop := fmt.Sprintf("loop%d", n)
		Label(loop)
		f.prefetch(next)
		f.load(four, ld, ld3)
		y := f.transpose()
		for p := range 4 {
			for i := range n {
				factor := f.registers[12+(p*n+i)%4]
				VBROADCASTSS(strided(a, rs, rs3, i), factor)
				f.fma(y[p], factor, f.registers[8+i])
			}
			ADDQ(cs, a)
		}
		for _, base := range four {
			ADDQ(U8(16), base)
		}
		SUBQ(U8(4), k)
		JNZ(LabelRef(loop))
		f.sums(n, func(at Mem, sum VecPhysical) { VMOVUPS(sum, at) })
		VZEROUPPER()
		RET()
	}
}

// lanes is the number of rows of B that are read at once, lanesLog its logarithm.
func (f fewKernel) lanes() int { return f.bytes / 4 }

func (f fewKernel) lanesLog() int {
	if f.bytes == 32 {
		return 3
	}
	return 4
}

// prefetch brings the next rows of B to the second cache, as many bytes of them as an iteration reads of these: the rows are short, so that
// the processor's own prefetching begins anew at each. They lie behind these where B has no gaps.
func (f fewKernel) prefetch(next Register) {
	read := 16 * f.lanes()
	for at := 0; at < read; at += 64 {
		PREFETCHT1(Mem{Base: next, Disp: at})
	}
	ADDQ(U32(uint32(read)), next)
}

// sums visits the sums of n rows.
func (f fewKernel) sums(n int, move func(at Mem, sum VecPhysical)) {
	acc := Load(Param("acc"), GP64())
	for i := range n {
		move(Mem{Base: acc, Disp: i * f.bytes}, f.registers[8+i])
	}
}

// strided is row i < 4 of rows ld apart.
func strided(base, ld, ld3 Register, i int) Mem {
	switch i {
	case 1:
		return Mem{Base: base, Index: ld, Scale: 1}
	case 2:
		return Mem{Base: base, Index: ld, Scale: 2}
	case 3:
		return Mem{Base: base, Index: ld3, Scale: 1}
	}
	return Mem{Base: base}
}

// load fills registers 0 to 3.
func (f fewKernel) load(four []Register, ld, ld3 Register) {
	for r, x := range f.registers[:4] {
		for lane, base := range four {
			at := strided(base, ld, ld3, r)
			switch {
			case lane == 0:
				VMOVUPS(at, x.AsX())
			case f.bytes == 32:
				VINSERTF128(U8(lane), at, x, x)
			default:
				VINSERTF32X4(U8(lane), at, x, x)
			}
		}
	}
}

// transpose transposes registers 0 to 3 by way of 4 to 7, and returns them by column.
func (f fewKernel) transpose() []VecPhysical {
	x, half := f.registers[:4], f.registers[4:8]
	VUNPCKLPS(x[1], x[0], half[0])
	VUNPCKHPS(x[1], x[0], half[1])
	VUNPCKLPS(x[3], x[2], half[2])
	VUNPCKHPS(x[3], x[2], half[3])
	VUNPCKLPD(half[2], half[0], x[0])
	VUNPCKHPD(half[2], half[0], x[1])
	VUNPCKLPD(half[3], half[1], x[2])
	VUNPCKHPD(half[3], half[1], x[3])
	return x
}
