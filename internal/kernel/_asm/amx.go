package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func init() {
	units["amx"] = func() {
		tilesMul()
		tilesScale()
		spinTiles()
	}
}

// The tiles of a product: C is two by two of them, A two below each other, B two side by side.
const (
	tileC = 0 // and 1, to its right; 2 and 3 below
	tileA = 4 // and 5, below
	tileB = 6 // and 7, to its right
)

// tileBytes is the bytes of a row of a full tile.
const tileBytes = 64

// tilesMul emits groups times c[rows][cols] = a·b or c += a·b, by the tiles that the configuration describes: 32 rows of a and of c
// a group. A step takes 64 bytes of the rows of a, and as many rows of b as a row of tile A has pairs:
//
//	C0 += A0·B0   C1 += A0·B1
//	C2 += A1·B0   C3 += A1·B1
//
// Four loads feed four products of 16 cycles each. General registers are named, not
// allocated: the instructions of tiles are emitted as bytes. Bodies that leave out the second row or column of tiles are for tails.
func tilesMul() {
	kernel("tilesMulAMX", "func(config *byte, groups, steps int, a *uint16, lda int, b *uint16, ldb int, c *float32, ldc int, add bool)")
	Doc("tilesMulAMX is amxSteps' inside: strides are in bytes.")
	Load(Param("config"), RAX)
	ldtilecfg(RAX)
	rows, cols := Mem{Base: RAX, Disp: 48 + tileC + 2}, Mem{Base: RAX, Disp: 16 + 2*(tileC+1)}
	Load(Param("groups"), RDI)
	Load(Param("a"), R8)
	Load(Param("lda"), R9)
	Load(Param("b"), R10)
	Load(Param("ldb"), R11)
	Load(Param("c"), R12)
	Load(Param("ldc"), R13)
	// The rows of tile B, one below the other.
	MOVBQZX(Mem{Base: RAX, Disp: 48 + tileB}, RSI)
	IMULQ(R11, RSI)
	CMPB(rows, Imm(0))
	JEQ(LabelRef("flat"))
	CMPB(cols, Imm(0))
	JEQ(LabelRef("high2wide1"))
	tilesBody("high2wide2", 2, 2)
	tilesBody("high2wide1", 2, 1)
	Label("flat")
	CMPB(cols, Imm(0))
	JEQ(LabelRef("high1wide1"))
	tilesBody("high1wide2", 1, 2)
	tilesBody("high1wide1", 1, 1)
}

// tilesBody emits the groups of high by wide tiles.
func tilesBody(name string, high, wide int) {
	each := func(f func(i, j int, base GPPhysical)) {
		bases := []GPPhysical{R12, RDX}
		for i := range high {
			for j := range wide {
				f(i, j, bases[i])
			}
		}
	}
	lower := func(stride, from, to GPPhysical) { // to = from + 16·stride
		MOVQ(stride, to)
		SHLQ(Imm(4), to)
		ADDQ(from, to)
	}
	Label(name)
	if high > 1 {
		lower(R13, R12, RDX)
	}
	CMPB(param("add"), Imm(0))
	JEQ(LabelRef(name + "zero"))
	each(func(i, j int, c GPPhysical) { tileloadd(c, R13, tileBytes*j, tileC+2*i+j) })
	JMP(LabelRef(name + "begin"))
	Label(name + "zero")
	each(func(i, j int, _ GPPhysical) { tilezero(tileC + 2*i + j) })
	Label(name + "begin")
	MOVQ(R8, RAX)
	if high > 1 {
		lower(R9, R8, RBX)
	}
	MOVQ(R10, RCX)
	Load(Param("steps"), RDX)
	Label(name + "step")
	for i, a := range []GPPhysical{RAX, RBX}[:high] {
		tileloadd(a, R9, 0, tileA+i)
		for j := range wide {
			if i == 0 {
				tileloadd(RCX, R11, tileBytes*j, tileB+j)
			}
			tdpbf16ps(tileB+j, tileA+i, tileC+2*i+j)
		}
		ADDQ(Imm(tileBytes), a)
	}
	ADDQ(RSI, RCX)
	DECQ(RDX)
	JNZ(LabelRef(name + "step"))
	if high > 1 {
		lower(R13, R12, RDX)
	}
	each(func(i, j int, c GPPhysical) { tilestored(tileC+2*i+j, c, R13, tileBytes*j) })
	for _, x := range [][2]GPPhysical{{R9, R8}, {R13, R12}} {
		MOVQ(x[0], RAX)
		SHLQ(Imm(5), RAX)
		ADDQ(RAX, x[1])
	}
	DECQ(RDI)
	JNZ(LabelRef(name))
	tilerelease()
	RET()
}

// tilesScale emits c[rows][32] = alpha·c, a factor for each lane. If all factors are 1, as after the maximum of a row, it reads and writes
// nothing.
func tilesScale() {
	kernel("tilesScaleAMX", "func(rows int, alpha, c *float32)")
	rows := Load(Param("rows"), GP64())
	alpha := Load(Param("alpha"), GP64())
	c := Load(Param("c"), GP64())
	one, lo, hi := ZMM(), ZMM(), ZMM()
	low, high := K(), K()
	VBROADCASTSS(float("amxOne", 1), one)
	VMOVUPS(Mem{Base: alpha}, lo)
	VMOVUPS(Mem{Base: alpha, Disp: 64}, hi)
	const unequal = 4 // or a NaN
	VCMPPS(Imm(unequal), one, lo, low)
	VCMPPS(Imm(unequal), one, hi, high)
	KORTESTW(low, high)
	JZ(LabelRef("done"))
	Label("loop")
	for h, factor := range []VecVirtual{lo, hi} {
		scaled := ZMM()
		VMULPS(Mem{Base: c, Disp: 64 * h}, factor, scaled)
		VMOVUPS(scaled, Mem{Base: c, Disp: 64 * h})
	}
	ADDQ(U32(laneBytes), c)
	DECQ(rows)
	JNZ(LabelRef("loop"))
	Label("done")
	VZEROUPPER()
	RET()
}

// spinTiles multiplies tiles of zeros that never leave their registers.
func spinTiles() {
	kernel("spinBF16AMX", "func(config *byte, n int)")
	Doc("spinBF16AMX is n rounds of four products of full tiles.")
	Load(Param("config"), RAX)
	ldtilecfg(RAX)
	for i := range 8 {
		tilezero(i)
	}
	Load(Param("n"), RDX)
	TESTQ(RDX, RDX)
	JZ(LabelRef("done"))
	Label("loop")
	for i := range 2 {
		for j := range 2 {
			tdpbf16ps(tileB+j, tileA+i, tileC+2*i+j)
		}
	}
	DECQ(RDX)
	JNZ(LabelRef("loop"))
	Label("done")
	tilerelease()
	RET()
}
