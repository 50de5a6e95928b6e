package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// fewKernel multiplies up to four rows of A by rows of B, which are columns of op(B), as many as one or two registers have lanes: the
// transpose is made in registers, four words of each row at a time, and used at once.
//
//	x[r] = words 0…3 of rows r, r+4, r+8, …    one row in each 128 bits
//	y = the 4×4 words in each 128 bits of x, transposed: y[p] is word p of rows 0, 1, 2, …
//	sum[i] += A[i][p]·y[p]                     in ascending p, as the other kernels add
//
// A word is a term of float32, a pair of bf16, or an f16 that was widened as it was loaded. A sum takes its terms one after the other.
// Where B has half the bytes of A, that would hold up what memory gives, so there two registers of columns are on their way.
//
// Registers: 0 to 3 and one more hold x and then y, the next three a term, a broadcast and a mask, and from 8 on there are the sums.
type fewKernel struct {
	name      string
	a, b      string // Go types of their elements
	registers []VecPhysical
	bytes     int // of a register
	groups    int // registers of columns
	kind      fewKind
}

// fewKind is what a word of B is, and what becomes of it.
type fewKind int

const (
	fewF32   fewKind = iota
	fewPairs         // two terms that one VDPBF16PS multiplies
	fewBF16          // two terms that are widened one by one
	fewF16           // a term, widened before it is transposed
)

var fewAVX2 = []fewKernel{
	{"gemmFewAVX2", "float32", "float32", ymm, 32, 1, fewF32},
	{"gemmFewNarrowBF16AVX2", "float32", "uint16", ymm, 32, 2, fewBF16},
	{"gemmFewNarrowF16AVX2", "float32", "uint16", ymm, 32, 2, fewF16},
}

var fewAVX512 = []fewKernel{
	{"gemmFewAVX512", "float32", "float32", zmm, 64, 1, fewF32},
}

var fewAVX512BF16 = []fewKernel{{"gemmFewAVX512BF16", "uint16", "uint16", zmm, 64, 1, fewPairs}}

const fewRows = 4

func emitFew(kernels []fewKernel) {
	for _, f := range kernels {
		f.emit()
	}
}

// lanes is the number of rows of B in a register.
func (f fewKernel) lanes() int { return f.bytes / 4 }

// shiftB is the logarithm of the bytes of an element of B.
func (f fewKernel) shiftB() uint64 {
	if f.b == "uint16" {
		return 1
	}
	return 2
}

// terms is how many terms, or pairs, one round takes; each is four bytes of A.
func (f fewKernel) terms() int {
	if f.kind == fewBF16 {
		return 8
	}
	return 4
}

// bytesB is what a round reads of each row of B.
func (f fewKernel) bytesB() int {
	if f.kind == fewF16 {
		return 8
	}
	return 16
}

func (f fewKernel) term() VecPhysical        { return f.registers[5] }
func (f fewKernel) broadcast() VecPhysical   { return f.registers[6] }
func (f fewKernel) upperHalf() VecPhysical   { return f.registers[7] }
func (f fewKernel) sum(i, g int) VecPhysical { return f.registers[8+i*f.groups+g] }

// fewArgs are the general registers: b points to rows 0, 8, 16, … of B, and ld has 1, 3, 5 and 7 times the distance of two rows.
type fewArgs struct {
	k, a, rs, rs3, next Register
	b                   []Register
	ld                  [4]Register
}

// row is row r of B.
func (v fewArgs) row(r, disp int) Mem {
	m := Mem{Base: v.b[r/8], Disp: disp}
	switch r %= 8; r {
	case 0:
	case 6:
		m.Index, m.Scale = v.ld[1], 2
	case 2, 4:
		m.Index, m.Scale = v.ld[0], uint8(r)
	default:
		m.Index, m.Scale = v.ld[r/2], 1
	}
	return m
}

// rowA is row i of A.
func (v fewArgs) rowA(i, disp int) Mem {
	m := Mem{Base: v.a, Disp: disp}
	switch i {
	case 1, 2:
		m.Index, m.Scale = v.rs, uint8(i)
	case 3:
		m.Index, m.Scale = v.rs3, 1
	}
	return m
}

func (f fewKernel) emit() {
	TEXT(f.name, NOSPLIT, fmt.Sprintf("func(rows, k int, a *%s, rs int, b *%s, ldb int, next *%s, acc *float32)", f.a, f.b, f.b))
	Pragma("noescape")
	Doc(f.name + " is the inside of kernel.GemmFew and its kind: see there for the arguments.")
	rows := Load(Param("rows"), GP64())
	v := f.arguments()
	for n := fewRows; n > 1; n-- {
		CMPQ(rows, U8(n))
		JEQ(LabelRef(fmt.Sprintf("rows%d", n)))
	}
	for n := 1; n <= fewRows; n++ {
		Label(fmt.Sprintf("rows%d", n))
		if f.kind == fewBF16 {
			f.setUpperHalf()
		}
		f.eachSum(n, func(at Mem, sum VecPhysical) { VMOVUPS(at, sum) })
		f.loop(v, n)
		f.eachSum(n, func(at Mem, sum VecPhysical) { VMOVUPS(sum, at) })
		VZEROUPPER()
		RET()
	}
}

func (f fewKernel) arguments() (v fewArgs) {
	v.k, v.a, v.rs = Load(Param("k"), GP64()), Load(Param("a"), GP64()), Load(Param("rs"), GP64())
	b, ld := Load(Param("b"), GP64()), Load(Param("ldb"), GP64())
	v.next = Load(Param("next"), GP64())
	SHLQ(U8(f.shiftB()), ld)
	if f.a == "uint16" {
		SHLQ(U8(1), v.rs)
	} else {
		SHLQ(U8(2), v.rs)
	}
	v.rs3 = GP64()
	LEAQ(Mem{Base: v.rs, Index: v.rs, Scale: 2}, v.rs3)
	v.ld[0] = ld
	for i := 1; i < len(v.ld); i++ {
		v.ld[i] = GP64()
		LEAQ(Mem{Base: v.ld[i-1], Index: ld, Scale: 2}, v.ld[i])
	}
	v.b = []Register{b}
	for i := range f.groups*f.lanes()/8 - 1 {
		base := GP64()
		LEAQ(Mem{Base: v.b[i], Index: ld, Scale: 8}, base)
		v.b = append(v.b, base)
	}
	return v
}

// eachSum visits the sums of n rows.
func (f fewKernel) eachSum(n int, move func(at Mem, sum VecPhysical)) {
	acc := Load(Param("acc"), GP64())
	for i := range n {
		for g := range f.groups {
			move(Mem{Base: acc, Disp: (i*f.groups + g) * f.bytes}, f.sum(i, g))
		}
	}
}

// loop takes k terms, or pairs, a multiple of 4.
func (f fewKernel) loop(v fewArgs, n int) {
	if f.groups > 1 {
		f.lineLoop(v, n)
		return
	}
	loop := fmt.Sprintf("loop%d", n)
	Label(loop)
	f.step(v, n, 0)
	SUBQ(U8(f.terms()), v.k)
	JNZ(LabelRef(loop))
}

// lineTerms of 16 bits are a cache line.
const lineTerms = 32

// lineLoop takes a line of each row of one group, and then of the next. Rows that are a power of two apart share a set of the first cache,
// and a set has room for 8 lines: those of one group. The processor works on both groups all the same, since they wait for nothing but
// their own sums. Where a round has 8 terms, 4 may be left: the last of 8 that lie together.
func (f fewKernel) lineLoop(v fewArgs, n int) {
	loop, test, done := fmt.Sprintf("loop%d", n), fmt.Sprintf("test%d", n), fmt.Sprintf("done%d", n)
	chunk, count, a := GP64(), GP64(), GP64()
	JMP(LabelRef(test))
	Label(loop)
	MOVQ(U32(lineTerms), chunk)
	CMPQ(v.k, chunk)
	CMOVQLT(v.k, chunk)
	ANDQ(I8(-f.terms()), chunk)
	MOVQ(v.a, a)
	for g := range f.groups {
		MOVQ(chunk, count)
		MOVQ(a, v.a)
		group := fmt.Sprintf("group%d_%d", n, g)
		Label(group)
		f.step(v, n, g)
		SUBQ(U8(f.terms()), count)
		JNZ(LabelRef(group))
	}
	SUBQ(chunk, v.k)
	Label(test)
	CMPQ(v.k, U8(f.terms()))
	JGE(LabelRef(loop))
	if f.terms() > 4 {
		TESTQ(v.k, v.k)
		JZ(LabelRef(done))
		for g := range f.groups {
			f.round(v, n, g, 4)
		}
		Label(done)
	}
}

// step is a round of one group, and moves on.
func (f fewKernel) step(v fewArgs, n, g int) {
	f.prefetch(v.next)
	f.round(v, n, g, 0)
	ADDQ(U8(4*f.terms()), v.a)
	for _, base := range v.b[g*f.lanes()/8 : (g+1)*f.lanes()/8] {
		ADDQ(U8(f.bytesB()), base)
	}
}

// prefetch brings as many bytes of next to the second cache as a round reads of B: its rows are short, so that the processor's own
// prefetching begins anew at each.
func (f fewKernel) prefetch(next Register) {
	read := f.bytesB() * f.lanes()
	for at := 0; at < read; at += 64 {
		PREFETCHT1(Mem{Base: next, Disp: at})
	}
	ADDQ(U32(uint32(read)), next)
}

// round adds the products of a group with a round's terms from one on; a and b point behind those before it.
func (f fewKernel) round(v fewArgs, n, g, from int) {
	words := f.words(v, g, -from*f.bytesB()/f.terms())
	for p := from; p < f.terms(); p++ {
		term := words[p*4/f.terms()]
		if f.kind == fewBF16 {
			term = f.widen(term, p%2 == 1)
		}
		for i := range n {
			VBROADCASTSS(v.rowA(i, 4*(p-from)), f.broadcast())
			if f.kind == fewPairs {
				vdpbf16ps(term, f.broadcast(), f.sum(i, g))
			} else {
				VFMADD231PS(term, f.broadcast(), f.sum(i, g))
			}
		}
	}
}

// setUpperHalf makes the mask of a word's upper half.
func (f fewKernel) setUpperHalf() {
	m := f.upperHalf()
	VPCMPEQD(m, m, m)
	VPSLLD(U8(16), m, m)
}

// widen makes float32 of the even or of the odd term of each pair.
func (f fewKernel) widen(pairs VecPhysical, odd bool) VecPhysical {
	if odd {
		VPAND(pairs, f.upperHalf(), f.term())
	} else {
		VPSLLD(U8(16), pairs, f.term())
	}
	return f.term()
}

// words loads four words of each row of a group, and transposes them.
func (f fewKernel) words(v fewArgs, g, disp int) []VecPhysical {
	x, spare := f.registers[:4], f.registers[4]
	for r := range x {
		row := func(lane int) Mem { return v.row(g*f.lanes()+r+4*lane, disp) }
		if f.kind == fewF16 {
			loadF16(x[r], row)
		} else {
			f.load(x[r], row)
		}
	}
	VUNPCKLPS(x[1], x[0], spare)
	VUNPCKHPS(x[1], x[0], x[0])
	VUNPCKLPS(x[3], x[2], x[1])
	VUNPCKHPS(x[3], x[2], x[2])
	VUNPCKLPD(x[1], spare, x[3])
	VUNPCKHPD(x[1], spare, spare)
	VUNPCKLPD(x[2], x[0], x[1])
	VUNPCKHPD(x[2], x[0], x[0])
	return []VecPhysical{x[3], spare, x[1], x[0]}
}

// load fills each 128 bits of x.
func (f fewKernel) load(x VecPhysical, row func(lane int) Mem) {
	VMOVUPS(row(0), x.AsX())
	for lane := 1; lane < f.bytes/16; lane++ {
		if f.bytes == 32 {
			VINSERTF128(U8(lane), row(lane), x, x)
		} else {
			VINSERTF32X4(U8(lane), row(lane), x, x)
		}
	}
}

// loadF16 fills each 128 bits of x with four f16, widened.
func loadF16(x VecPhysical, row func(lane int) Mem) {
	VMOVSD(row(0), x.AsX())
	VMOVHPS(row(1), x.AsX(), x.AsX())
	VCVTPH2PS(x.AsX(), x)
}
