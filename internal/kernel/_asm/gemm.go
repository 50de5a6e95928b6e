package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func init() {
	units["gemm_avx2"] = func() {
		avx2Gemm.emit()
		avx2Gemm.emitPacked()
		avx2Pack.emit()
		emitFew(fewAVX2)
	}
	units["gemm_avx512"] = func() {
		avx512Gemm.emit()
		avx512Gemm.emitPacked()
		avx512Pack.emit()
		emitFew(fewAVX512)
	}
	units["gemm_avx512bf16"] = func() {
		bf16Gemm.emit()
		packPairs()
		emitFew(fewAVX512BF16)
	}
}

// A microKernel multiplies up to rows rows of A by a panel of B two registers wide, with all sums in registers:
//
//	for p < k:  b0, b1 = B[p]                          2 loads
//	            for i < rows:  a = broadcast A[i][p]   1 load for 2 multiply-adds
//	                           c[i][0] += a·b0;  c[i][1] += a·b1
//
// rows is what the register file leaves: 2·rows sums, b0, b1 and the broadcasts in flight. With 12 rows of zmm, 24
// independent chains cover a latency of 4 cycles at 2 multiply-adds a cycle three times over, and loads take 14 of
// the 24 slots. One body is emitted for every number of rows from rows down to 1, so that the last rows of
// a matrix cost what they should. Registers are physical, because VDPBF16PS is emitted as bytes.
type microKernel struct {
	name      string
	element   string // Go type of A and B, and the logarithm of its bytes
	shift     int
	rows      int
	registers []VecPhysical
	bytes     int // of a register
	fma       func(b, a, sum VecPhysical)
}

var avx2Gemm = microKernel{"gemmAVX2", "float32", 2, 6, ymm, 32, fma}
var avx512Gemm = microKernel{"gemmAVX512", "float32", 2, 12, zmm, 64, fma}

// bf16Gemm sees A and B as pairs of bf16: one VDPBF16PS adds two products, and k counts pairs.
var bf16Gemm = microKernel{"gemmAVX512BF16", "uint16", 1, 12, zmm, 64, vdpbf16ps}

var (
	ymm = []VecPhysical{Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11, Y12, Y13, Y14, Y15}
	zmm = []VecPhysical{
		Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15,
		Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23, Z24, Z25, Z26, Z27, Z28, Z29, Z30, Z31,
	}
)

func fma(b, a, sum VecPhysical) { VFMADD231PS(b, a, sum) }

// gemmArgs are the general registers of a micro-kernel.
type gemmArgs struct {
	rows, k, rs, rs3, cs, b, ldb, c, ldc, cols Register
	a                                          [3]Register // A's rows 0, 4 and 8
}

func (g microKernel) sum(i, j int) VecPhysical { return g.registers[2*i+j] }
func (g microKernel) b(j int) VecPhysical      { return g.registers[2*g.rows+j] }

// broadcast is one of the registers that remain, in turn.
func (g microKernel) broadcast(i int) VecPhysical {
	from := 2*g.rows + 2
	return g.registers[from+i%(len(g.registers)-from)]
}

func (g microKernel) emit() {
	e := g.element
	TEXT(g.name, NOSPLIT, fmt.Sprintf(
		"func(rows, k int, a *%s, rs, cs int, b *%s, ldb int, c *float32, ldc, cols int, add bool)", e, e))
	Pragma("noescape")
	Doc(fmt.Sprintf("%s is kernel.Gemm's inside: see there for the arguments.", g.name))
	var v gemmArgs
	v.rows, v.k = Load(Param("rows"), GP64()), Load(Param("k"), GP64())
	v.a[0], v.rs, v.cs = Load(Param("a"), GP64()), Load(Param("rs"), GP64()), Load(Param("cs"), GP64())
	v.b, v.ldb = Load(Param("b"), GP64()), Load(Param("ldb"), GP64())
	for _, stride := range []Register{v.rs, v.cs, v.ldb} {
		SHLQ(U8(g.shift), stride)
	}
	v.rs3, v.a[1], v.a[2] = GP64(), GP64(), GP64()
	LEAQ(Mem{Base: v.rs, Index: v.rs, Scale: 2}, v.rs3)
	LEAQ(Mem{Base: v.a[0], Index: v.rs, Scale: 4}, v.a[1])
	LEAQ(Mem{Base: v.a[0], Index: v.rs, Scale: 8}, v.a[2])
	for rows := g.rows; rows > 1; rows-- {
		CMPQ(v.rows, U8(rows))
		JEQ(LabelRef(fmt.Sprintf("rows%d", rows)))
	}
	for rows := 1; rows <= g.rows; rows++ {
		Label(fmt.Sprintf("rows%d", rows))
		to := g.result()
		g.prefetch(to, rows)
		g.multiply(v, rows)
		g.store(to, rows)
		VZEROUPPER()
		RET()
	}
}

// result is where a micro-kernel writes: rows of C, ldc bytes apart.
type result struct{ c, ldc Register }

func (g microKernel) result() result {
	to := result{Load(Param("c"), GP64()), Load(Param("ldc"), GP64())}
	SHLQ(U8(2), to.ldc)
	return to
}

// prefetch brings the rows of C near while the sums are made: they are 2·rows lines that were last seen k steps ago.
func (g microKernel) prefetch(to result, rows int) {
	c := GP64()
	MOVQ(to.c, c)
	for range rows {
		PREFETCHT0(Mem{Base: c})
		PREFETCHT0(Mem{Base: c, Disp: 2*g.bytes - 4})
		ADDQ(to.ldc, c)
	}
}

func (g microKernel) multiply(v gemmArgs, rows int) {
	g.clear(rows)
	loop := fmt.Sprintf("loop%d", rows)
	Label(loop)
	g.step(rows, v.b, 0, func(i int) Mem {
		from := Mem{Base: v.a[i/4]}
		switch i % 4 {
		case 1:
			from.Index, from.Scale = v.rs, 1
		case 2:
			from.Index, from.Scale = v.rs, 2
		case 3:
			from.Index, from.Scale = v.rs3, 1
		}
		return from
	})
	ADDQ(v.ldb, v.b)
	for group := range (rows + 3) / 4 {
		ADDQ(v.cs, v.a[group])
	}
	DECQ(v.k)
	JNZ(LabelRef(loop))
}

func (g microKernel) clear(rows int) {
	for i := range rows {
		for j := range 2 {
			r := g.sum(i, j)
			VXORPS(r, r, r)
		}
	}
}

// step multiplies one row of B, disp bytes behind b, by one element of each row of A.
func (g microKernel) step(rows int, b Register, disp int, a func(i int) Mem) {
	VMOVUPS(Mem{Base: b, Disp: disp}, g.b(0))
	VMOVUPS(Mem{Base: b, Disp: disp + g.bytes}, g.b(1))
	for i := range rows {
		x := g.broadcast(i)
		VBROADCASTSS(a(i), x)
		g.fma(g.b(0), x, g.sum(i, 0))
		g.fma(g.b(1), x, g.sum(i, 1))
	}
}

// store writes the sums to C, or adds them to it, touching cols columns and no more. It leaves to.c behind the last row.
func (g microKernel) store(to result, rows int) {
	whole, add, done := fmt.Sprintf("whole%d", rows), fmt.Sprintf("add%d", rows), fmt.Sprintf("done%d", rows)
	cols, adds := Load(Param("cols"), GP64()), Load(Param("add"), GP8())
	each := func(f func(at Mem, i, j int)) {
		for i := range rows {
			for j := range 2 {
				f(Mem{Base: to.c, Disp: j * g.bytes}, i, j)
			}
			ADDQ(to.ldc, to.c)
		}
	}
	CMPQ(cols, U8(g.bytes/2))
	JEQ(LabelRef(whole))
	part := g.partial(cols)
	TESTB(adds, adds)
	JNZ(LabelRef(add + "part"))
	each(func(at Mem, i, j int) { part.store(g.sum(i, j), at, j) })
	JMP(LabelRef(done))
	Label(add + "part")
	each(func(at Mem, i, j int) {
		old := part.load(at, j)
		VADDPS(old, g.sum(i, j), g.sum(i, j))
		part.store(g.sum(i, j), at, j)
	})
	JMP(LabelRef(done))
	Label(whole)
	TESTB(adds, adds)
	JNZ(LabelRef(add))
	each(func(at Mem, i, j int) { VMOVUPS(g.sum(i, j), at) })
	JMP(LabelRef(done))
	Label(add)
	each(func(at Mem, i, j int) {
		VADDPS(at, g.sum(i, j), g.sum(i, j))
		VMOVUPS(g.sum(i, j), at)
	})
	Label(done)
}

// partial moves the first cols elements of two registers.
type partial struct {
	load  func(at Mem, j int) VecPhysical
	store func(from VecPhysical, at Mem, j int)
}

func (g microKernel) partial(cols Register) partial {
	if g.bytes == 64 {
		return g.partialAVX512(cols)
	}
	// Masks lie in memory as eight ones and more zeros: reading them from 8·j − cols on leaves cols − 8·j ones.
	table := GP64()
	LEAQ(columnMask(), table)
	NEGQ(cols)
	LEAQ(Mem{Base: table, Index: cols, Scale: 4}, table)
	for j := range 2 {
		VMOVUPS(Mem{Base: table, Disp: 4 * (16 + 8*j)}, g.b(j))
	}
	old := g.broadcast(0)
	return partial{
		load: func(at Mem, j int) VecPhysical {
			VMASKMOVPS(at, g.b(j), old)
			return old
		},
		store: func(from VecPhysical, at Mem, j int) { VMASKMOVPS(from, g.b(j), at) },
	}
}

func (g microKernel) partialAVX512(cols Register) partial {
	bits := GP64()
	MOVQ(U32(1), bits)
	MOVQ(cols, RCX)
	SHLQ(CL, bits)
	DECQ(bits)
	masks := []Register{K1, K2}
	KMOVW(bits.As32(), K1)
	SHRQ(U8(16), bits)
	KMOVW(bits.As32(), K2)
	old := g.broadcast(0)
	return partial{
		load: func(at Mem, j int) VecPhysical {
			VMOVUPS_Z(at, masks[j], old)
			return old
		},
		store: func(from VecPhysical, at Mem, j int) { VMOVUPS(from, masks[j], at) },
	}
}

// columnMask is 16 words of ones and then 16 of zeros.
func columnMask() Mem {
	w := make([]uint32, 32)
	for i := range 16 {
		w[i] = 0xFFFFFFFF
	}
	return words("columnMask", w...)
}
