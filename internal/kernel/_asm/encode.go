package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// vdpbf16ps adds to each float32 of sum the two products of the bf16 pairs of a and b: EVEX.512.F3.0F38.W0 52 /r (Intel's
// manual, volume 2, VDPBF16PS).
func vdpbf16ps(b, a, sum VecPhysical) {
	Comment("VDPBF16PS " + b.Asm() + ", " + a.Asm() + ", " + sum.Asm())
	evex512(0b10, 0x52, b, a, sum)
}

// vcvtne2ps2bf16 rounds the 16 float32 of low and of high to bf16, into the lower and the upper half of dst:
// EVEX.512.F2.0F38.W0 72 /r. Denormals count as zero.
func vcvtne2ps2bf16(low, high, dst VecPhysical) {
	Comment("VCVTNE2PS2BF16 " + low.Asm() + ", " + high.Asm() + ", " + dst.Asm())
	evex512(0b11, 0x72, low, high, dst)
}

// evex512 emits the bytes of a three-register instruction of map 0F38 that Go's assembler does not know. prefix is 0b10 for F3
// and 0b11 for F2.
//
//	62  P0 = R̄ X̄ B̄ R̄' 0 0 1 0   map 0F38; R, R' extend dst; X, B extend b
//	    P1 = W v̄v̄v̄v̄ 1 p p        W = 0, vvvv = a, pp = prefix
//	    P2 = z L'L b V̄' a a a      L'L = 512 bits, V' extends a, no mask
//	op  ModRM = 11 dst b
func evex512(prefix, opcode uint32, b, a, dst VecPhysical) {
	d, s, m := uint32(dst.PhysicalIndex()), uint32(a.PhysicalIndex()), uint32(b.PhysicalIndex())
	not := func(x, bit uint32) uint32 { return ^x >> bit & 1 }
	p0 := not(d, 3)<<7 | not(m, 4)<<6 | not(m, 3)<<5 | not(d, 4)<<4 | 0b10
	p1 := (^s&15)<<3 | 1<<2 | prefix
	p2 := uint32(0b10<<5) | not(s, 4)<<3
	modrm := uint32(0b11<<6) | d&7<<3 | m&7
	emit("LONG", U32(0x62|p0<<8|p1<<16|p2<<24))
	emit("WORD", U16(opcode|modrm<<8))
}

func emit(opcode string, value Op) {
	Instruction(&ir.Instruction{Opcode: opcode, Operands: []Op{value}})
}

// The instructions of tiles (Intel's manual, volume 2) are of map 0F38 with a prefix of its own each, W = 0 and L = 0. Tiles are counted
// from 0.

// ldtilecfg sets up the tiles as the 64 bytes at base say, all zeros.
func ldtilecfg(base GPPhysical) {
	Comment("LDTILECFG (" + base.Asm() + ")")
	vexMem(prefixNone, 0x49, 0, base, nil, 0)
}

// tilerelease gives the tiles back.
func tilerelease() {
	Comment("TILERELEASE")
	vexRegs(prefixNone, 0x49, 0, 0, 0)
}

// tileloadd reads a tile's rows, stride bytes apart.
func tileloadd(base, stride GPPhysical, disp, tile int) {
	Comment(fmt.Sprintf("TILELOADD %d(%s)(%s*1), TMM%d", disp, base.Asm(), stride.Asm(), tile))
	vexMem(prefixF2, 0x4B, tile, base, stride, disp)
}

// tilestored writes a tile's rows, stride bytes apart.
func tilestored(tile int, base, stride GPPhysical, disp int) {
	Comment(fmt.Sprintf("TILESTORED TMM%d, %d(%s)(%s*1)", tile, disp, base.Asm(), stride.Asm()))
	vexMem(prefixF3, 0x4B, tile, base, stride, disp)
}

// tilezero fills a tile with zeros.
func tilezero(tile int) {
	Comment(fmt.Sprintf("TILEZERO TMM%d", tile))
	vexRegs(prefixF2, 0x49, tile, 0, 0)
}

// tdpbf16ps adds a·b to c: a [rows][pairs], b [pairs][columns], each element a pair of bf16.
func tdpbf16ps(b, a, c int) {
	Comment(fmt.Sprintf("TDPBF16PS TMM%d, TMM%d, TMM%d", b, a, c))
	vexRegs(prefixF3, 0x5C, c, a, b)
}

const (
	prefixNone = 0b00
	prefixF3   = 0b10
	prefixF2   = 0b11
)

// vexRegs emits C4, R̄X̄B̄ and the map, W v̄v̄v̄v̄ L pp, the opcode, and ModRM = 11 reg rm.
func vexRegs(prefix, opcode uint32, reg, rm, vvvv int) {
	emit("LONG", U32(0xC4|0xE2<<8|(^uint32(vvvv)&15<<3|prefix)<<16|opcode<<24))
	emit("BYTE", U8(0b11<<6|reg<<3|rm))
}

// vexMem emits the same with an address: base + disp, or base + index + disp through a SIB byte. disp is a byte. The base is none of
// RSP, RBP and R13, and R12 only beside an index.
func vexMem(prefix, opcode uint32, reg int, base, index GPPhysical, disp int) {
	b, x := uint32(base.PhysicalIndex()), uint32(0)
	if index != nil {
		x = uint32(index.PhysicalIndex())
	}
	p0 := 1<<7 | ^(x>>3)&1<<6 | ^(b>>3)&1<<5 | 0b10
	emit("LONG", U32(0xC4|p0<<8|(15<<3|prefix)<<16|opcode<<24))
	mod, rm := 0, int(b&7)
	if disp != 0 {
		mod = 1
	}
	if index != nil {
		rm = 0b100
	}
	emit("BYTE", U8(mod<<6|reg<<3|rm))
	if index != nil {
		emit("BYTE", U8(x&7<<3|b&7))
	}
	if disp != 0 {
		emit("BYTE", U8(disp))
	}
}
