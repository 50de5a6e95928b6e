package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// packedUnroll is the steps of k of one round. A step has 2·rows multiply-adds and rows + 2 loads. What else a round does, two additions, a
// count and a jump, is spread over so many of them, and every address is a register and a constant.
const packedUnroll = 4

// aheadBytes of A are read ahead of the sums: 21 steps of 6 cycles at level avx2, more than L2 takes to answer.
const aheadBytes = 512

// packedArgs are the general registers of a kernel whose factors are both packed.
type packedArgs struct {
	rows, k, a, b Register
	to            result
}

// emitPacked is the micro-kernel where A is packed too: for each tile of rows its elements lie in the order in which they are used. All
// tiles of a panel are one call, and A is one stream from the first to the last.
func (g microKernel) emitPacked() {
	TEXT(g.packedName(), NOSPLIT, "func(rows, k int, a, b, c *float32, ldc, cols int, add bool)")
	Pragma("noescape")
	Doc(g.packedName() + " is kernel.GemmPacked's inside: see there for the arguments.")
	v := packedArgs{rows: Load(Param("rows"), GP64()), k: Load(Param("k"), GP64())}
	v.a, v.b, v.to = Load(Param("a"), GP64()), Load(Param("b"), GP64()), g.result()
	Label("tile")
	CMPQ(v.rows, U8(g.rows))
	JLT(LabelRef("last"))
	g.tile(v, g.rows)
	SUBQ(U8(g.rows), v.rows)
	JMP(LabelRef("tile"))
	Label("last")
	for rows := 1; rows < g.rows; rows++ {
		CMPQ(v.rows, U8(rows))
		JEQ(LabelRef(fmt.Sprintf("rows%d", rows)))
	}
	Label("end")
	VZEROUPPER()
	RET()
	for rows := 1; rows < g.rows; rows++ {
		Label(fmt.Sprintf("rows%d", rows))
		g.tile(v, rows)
		JMP(LabelRef("end"))
	}
}

func (g microKernel) packedName() string { return "gemmPacked" + g.name[len("gemm"):] }

// tile computes rows rows of C, and leaves a and c behind them. Only whole tiles are unrolled: another is the last of its matrix.
func (g microKernel) tile(v packedArgs, rows int) {
	g.prefetch(v.to, rows)
	g.clear(rows)
	b, count := GP64(), GP64()
	MOVQ(v.b, b)
	MOVQ(v.k, count)
	if rows == g.rows {
		SHRQ(U8(2), count)
		g.rounds(v, b, count, rows, packedUnroll)
		MOVQ(v.k, count)
		ANDQ(U8(packedUnroll-1), count)
	}
	g.rounds(v, b, count, rows, 1)
	g.store(v.to, rows)
}

// rounds does count rounds of steps steps.
func (g microKernel) rounds(v packedArgs, b, count Register, rows, steps int) {
	loop := fmt.Sprintf("steps%d_%d", steps, rows)
	step := 4 * g.rows // bytes of A
	TESTQ(count, count)
	JZ(LabelRef(loop + "done"))
	Label(loop)
	for u := range steps {
		g.step(rows, b, 2*g.bytes*u, func(i int) Mem { return Mem{Base: v.a, Disp: step*u + 4*i} })
		if steps > 1 && (u+1)*step/64 > u*step/64 {
			PREFETCHT0(Mem{Base: v.a, Disp: aheadBytes + u*step})
		}
	}
	ADDQ(U32(uint32(2*g.bytes*steps)), b)
	ADDQ(U32(uint32(step*steps)), v.a)
	DECQ(count)
	JNZ(LabelRef(loop))
	Label(loop + "done")
}
