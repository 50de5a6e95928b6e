package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The tile family in 256-bit registers: a row of Lanes = 32 queries is four quarters of 8. With 16 registers, products take 4
// rows by 2 quarters at a time, and everything else one quarter.

func init() {
	units["tile_avx2"] = func() {
		tileMul256("tileMulAVX2", false)
		tileMul256("tileMulAddAVX2", true)
		tileMulT256()
		tileSoftmax256()
		tileProbs256()
		tileDScores256()
		tileLoad256()
		tileStore256()
		tileShift256()
		tileSoftcap256()
		tileFetch()
		tileSkew(simdAVX2)
		tileUnskew(simdAVX2)
	}
}

// eight is a constant in all lanes of a 256-bit memory operand.
func eight(name string, value uint32) Mem {
	return words(name, value, value, value, value, value, value, value, value)
}

func eightFloats(name string, value float32) Mem { return eight(name, bits(value)) }

func ymms(n int) []VecVirtual {
	v := make([]VecVirtual, n)
	for i := range v {
		v[i] = YMM()
	}
	return v
}

// rowGroups256 emits a loop over rows, a multiple of 8, six or four at a time, and both halves of the lanes. Six rows by two quarters are
// 12 sums: two multiply-adds a cycle that take 4 cycles each keep 8 sums busy, and 8 alone would lose every hiccup. Four rows are the rest:
// eight rows left are two fours.
func rowGroups256(rows Register, body func(n, half int), next func(n int)) {
	group := func(n int) {
		for half := range 2 {
			body(n, half)
		}
		next(n)
		SUBQ(Imm(uint64(n)), rows)
	}
	JMP(LabelRef("choose"))
	Label("six")
	group(6)
	JZ(LabelRef("done"))
	Label("choose")
	CMPQ(rows, Imm(4))
	JEQ(LabelRef("four"))
	CMPQ(rows, Imm(8))
	JNE(LabelRef("six"))
	Label("four")
	group(4)
	JNZ(LabelRef("four"))
	Label("done")
	VZEROUPPER()
	RET()
}

// sums256 are n rows of two quarters, and what multiplies them: with six rows, all 16 registers.
type sums256 struct {
	of        [][2]VecVirtual
	b, factor []VecVirtual
}

func newSums256(n int) sums256 {
	s := sums256{of: make([][2]VecVirtual, n), b: ymms(2), factor: ymms(2)}
	for i := range s.of {
		s.of[i] = [2]VecVirtual{YMM(), YMM()}
	}
	return s
}

// each calls f for every sum with the bytes of its quarter from the first.
func (s sums256) each(half int, f func(sum VecVirtual, i, h, disp int)) {
	for i := range s.of {
		for h := range s.of[i] {
			f(s.of[i][h], i, h, 64*half+32*h)
		}
	}
}

func (s sums256) clear() {
	s.each(0, func(sum VecVirtual, _, _, _ int) { VXORPS(sum, sum, sum) })
}

// step emits sums += a·b for one k: b is two quarters, from at on, and a one element a row.
func (s sums256) step(at Mem, a func(i int) Mem) {
	for h := range s.b {
		VMOVUPS(at.Offset(32*h), s.b[h])
	}
	for i := range s.of {
		f := s.factor[i%2]
		VBROADCASTSS(a(i), f)
		VFMADD231PS(s.b[0], f, s.of[i][0])
		VFMADD231PS(s.b[1], f, s.of[i][1])
	}
}

// loop256 is the label of a loop over k.
func loop256(n, half int) string { return fmt.Sprintf("loop%d%s", n, [2]string{"low", "high"}[half]) }

// tileMul256 emits c (+)= a·b.
func tileMul256(name string, add bool) {
	kernel(name, "func(rows, k int, a *float32, lda int, b *float32, ldb int, c *float32, ldc int)")
	rows := Load(Param("rows"), GP64())
	a := Load(Param("a"), GP64())
	lda, lda3 := loadStride("lda")
	ldb := Load(Param("ldb"), GP64())
	SHLQ(Imm(2), ldb)
	c := Load(Param("c"), GP64())
	ldc, ldc3 := loadStride("ldc")
	a0, a4, c4, bp, n := GP64(), GP64(), GP64(), GP64(), GP64()
	rowGroups256(rows, func(group, half int) {
		sums := newSums256(group)
		LEAQ(Mem{Base: c, Index: ldc, Scale: 4}, c4)
		if add {
			sums.each(half, func(sum VecVirtual, i, _, disp int) { VMOVUPS(rowMem(c, c4, ldc, ldc3, i, disp), sum) })
		} else {
			sums.clear()
		}
		MOVQ(a, a0)
		LEAQ(Mem{Base: a, Index: lda, Scale: 4}, a4)
		Load(Param("b"), bp)
		Load(Param("k"), n)
		Label(loop256(group, half))
		for u := range 2 {
			sums.step(Mem{Base: bp, Disp: 64 * half}, func(i int) Mem { return rowMem(a0, a4, lda, lda3, i, 4*u) })
			ADDQ(ldb, bp)
		}
		ADDQ(Imm(8), a0)
		ADDQ(Imm(8), a4)
		SUBQ(Imm(2), n)
		JNZ(LabelRef(loop256(group, half)))
		sums.each(half, func(sum VecVirtual, i, _, disp int) { VMOVUPS(sum, rowMem(c, c4, ldc, ldc3, i, disp)) })
	}, func(group int) {
		for i := group; i > 0; i -= 2 {
			LEAQ(Mem{Base: a, Index: lda, Scale: 2}, a)
			LEAQ(Mem{Base: c, Index: ldc, Scale: 2}, c)
		}
	})
}

// tileMulT256 emits c = alpha·c + aᵀ·b.
func tileMulT256() {
	kernel("tileMulTAVX2", "func(rows, k int, a *float32, lda int, b, alpha, c *float32)")
	rows := Load(Param("rows"), GP64())
	a := Load(Param("a"), GP64())
	lda := Load(Param("lda"), GP64())
	SHLQ(Imm(2), lda)
	alpha := Load(Param("alpha"), GP64())
	c := Load(Param("c"), GP64())
	ap, bp, n := GP64(), GP64(), GP64()
	rowGroups256(rows, func(group, half int) {
		sums := newSums256(group)
		sums.clear()
		MOVQ(a, ap)
		Load(Param("b"), bp)
		Load(Param("k"), n)
		Label(loop256(group, half))
		for u := range 2 {
			sums.step(Mem{Base: bp, Disp: laneBytes*u + 64*half}, func(i int) Mem { return Mem{Base: ap, Disp: 4 * i} })
			ADDQ(lda, ap)
		}
		ADDQ(U32(2*laneBytes), bp)
		SUBQ(Imm(2), n)
		JNZ(LabelRef(loop256(group, half)))
		for h := range sums.b {
			VMOVUPS(Mem{Base: alpha, Disp: 64*half + 32*h}, sums.b[h])
		}
		sums.each(half, func(sum VecVirtual, i, h, disp int) {
			at := Mem{Base: c, Disp: laneBytes*i + disp}
			VFMADD231PS(at, sums.b[h], sum)
			VMOVUPS(sum, at)
		})
	}, func(group int) {
		ADDQ(Imm(uint64(4*group)), a)
		ADDQ(U32(group*laneBytes), c)
	})
}

// exp256 holds the constants of 2^x, but for the last coefficient, in registers: seven of them, so that the loops over scores load little
// but the scores.
type exp256 struct {
	c   [4]VecVirtual // c[i] multiplies f^(i+1)
	one VecVirtual
	// magic is 1.5·2²³ + 127. The sum of it and x is a float32 with steps of 1: x is rounded, and the low bits are the rounded x + 127,
	// which shifted by 23 are 2^x.
	magic VecVirtual
}

func newExp256() exp256 {
	e := exp256{one: YMM(), magic: YMM()}
	names := [4]string{"tileExp2C18", "tileExp2C28", "tileExp2C38", "tileExp2C48"}
	for i := range e.c {
		e.c[i] = YMM()
		VMOVUPS(eightFloats(names[i], exp2Poly[i]), e.c[i])
	}
	VMOVUPS(eightFloats("tileOne8", 1), e.one)
	VMOVUPS(eightFloats("tileMagic8", 0x1.8p23+127), e.magic)
	return e
}

// least is the register that apply needs besides: the whole part −127, whose power of two is 0.
func (e exp256) least() VecVirtual {
	low := YMM()
	VMOVUPS(eightFloats("tileLow8", -127), low)
	return low
}

// apply emits x = 2^x. VMAXPS returns its second source where either is NaN, so NaN stays NaN.
func (e exp256) apply(x, whole, y, least VecVirtual) {
	VMAXPS(x, least, x)
	e.split(x, whole, y)
	VFMADD213PS(e.one, x, y)
	VMULPS(whole, y, x)
}

// split emits whole = 2^(x rounded), for x from −127 (which gives 0) to 127, x = the fraction left, and y for which 2^x = 1 + x·y.
func (e exp256) split(x, whole, y VecVirtual) {
	VADDPS(e.magic, x, whole)
	VSUBPS(e.magic, whole, y)
	VSUBPS(y, x, x)
	VPSLLD(Imm(23), whole, whole)
	VMOVUPS(eightFloats("tileExp2C58", exp2Poly[4]), y)
	for i := 3; i >= 0; i-- {
		VFMADD213PS(e.c[i], x, y)
	}
}

// laneBits are the bits of the 32 queries in a mask, a quarter after the other.
func laneBits() Mem {
	b := make([]uint32, 32)
	for i := range b {
		b[i] = 1 << i
	}
	return words("tileLaneBits", b...)
}

// hide256 emits x = x where the mask's bits of this quarter are set, −Inf elsewhere.
func hide256(mask Register, disp int, lanes, x, hidden VecVirtual) {
	VPBROADCASTD(Mem{Base: mask, Disp: disp}, hidden)
	VPANDN(lanes, hidden, hidden)
	VPCMPEQD(lanes, hidden, hidden)
	VBLENDVPS(hidden, eightFloats("tileMinusInf8", negInf), x, x)
}

// quarters emits a loop over the four quarters of the lanes; f gets the byte offset of the quarter, in a register.
func quarters(f func(offset Register)) {
	offset := GP64()
	XORQ(offset, offset)
	Label("quarter")
	f(offset)
	ADDQ(Imm(32), offset)
	CMPQ(offset, Imm(laneBytes))
	JNE(LabelRef("quarter"))
}

// laneBitsOf loads the lane bits of a quarter.
func laneBitsOf(offset Register) VecVirtual {
	lanes, base := YMM(), GP64()
	LEAQ(laneBits(), base)
	VMOVUPS(Mem{Base: base, Index: offset, Scale: 1}, lanes)
	return lanes
}

func tileSoftmax256() {
	kernel("tileSoftmaxAVX2", "func(keys int, s *float32, mask *uint32, m, l, alpha *float32)")
	quarters(func(offset Register) {
		p, n, mask, m, at := GP64(), GP64(), GP64(), GP64(), GP64()
		Load(Param("m"), m)
		high, old, x, whole, y := ymms(2), YMM(), ymms(2), ymms(2), ymms(2)
		VMOVUPS(Mem{Base: m, Index: offset, Scale: 1}, old)
		VMOVAPS(old, high[0])
		VMOVAPS(old, high[1])
		Load(Param("s"), p)
		ADDQ(offset, p)
		Load(Param("keys"), n)
		Load(Param("mask"), mask)
		TESTQ(mask, mask)
		JZ(LabelRef("maxima"))
		lanes := laneBitsOf(offset)
		Label("hide")
		for u := range 2 {
			VMOVUPS(Mem{Base: p, Disp: laneBytes * u}, x[u])
			hide256(mask, 4*u, lanes, x[u], whole[u])
			VMOVUPS(x[u], Mem{Base: p, Disp: laneBytes * u})
			VMAXPS(x[u], high[u], high[u])
		}
		ADDQ(Imm(8), mask)
		ADDQ(U32(2*laneBytes), p)
		SUBQ(Imm(2), n)
		JNZ(LabelRef("hide"))
		JMP(LabelRef("exponentials"))
		Label("maxima")
		for u := range 4 {
			VMAXPS(Mem{Base: p, Disp: laneBytes * u}, high[u%2], high[u%2])
		}
		ADDQ(U32(4*laneBytes), p)
		SUBQ(Imm(4), n)
		JNZ(LabelRef("maxima"))

		Label("exponentials")
		e, sum := newExp256(), YMM()
		least := e.least()
		VMAXPS(high[1], high[0], high[0])
		VMOVUPS(high[0], Mem{Base: m, Index: offset, Scale: 1})
		VSUBPS(high[0], old, x[0])
		e.apply(x[0], whole[0], y[0], least)
		Load(Param("alpha"), at)
		VMOVUPS(x[0], Mem{Base: at, Index: offset, Scale: 1})
		VXORPS(sum, sum, sum)
		Load(Param("s"), p)
		ADDQ(offset, p)
		Load(Param("keys"), n)
		Label("exp")
		for u := range 2 {
			VMOVUPS(Mem{Base: p, Disp: laneBytes * u}, x[u])
			VSUBPS(high[0], x[u], x[u])
			e.apply(x[u], whole[u], y[u], least)
			VADDPS(x[u], sum, sum)
			VMOVUPS(x[u], Mem{Base: p, Disp: laneBytes * u})
		}
		ADDQ(U32(2*laneBytes), p)
		SUBQ(Imm(2), n)
		JNZ(LabelRef("exp"))
		Load(Param("alpha"), at)
		VMOVUPS(Mem{Base: at, Index: offset, Scale: 1}, old)
		Load(Param("l"), at)
		VFMADD231PS(Mem{Base: at, Index: offset, Scale: 1}, old, sum)
		VMOVUPS(sum, Mem{Base: at, Index: offset, Scale: 1})
	})
	VZEROUPPER()
	RET()
}

func tileProbs256() {
	kernel("tileProbsAVX2", "func(keys int, s *float32, mask *uint32, lse *float32)")
	e := newExp256()
	least := e.least()
	quarters(func(offset Register) {
		p, n, mask, at := GP64(), GP64(), GP64(), GP64()
		base, x, whole, y := YMM(), ymms(2), ymms(2), ymms(2)
		Load(Param("lse"), at)
		VMOVUPS(Mem{Base: at, Index: offset, Scale: 1}, base)
		Load(Param("s"), p)
		ADDQ(offset, p)
		Load(Param("keys"), n)
		Load(Param("mask"), mask)
		step := func(hide func(u int)) {
			for u := range 2 {
				VMOVUPS(Mem{Base: p, Disp: laneBytes * u}, x[u])
				hide(u)
				VSUBPS(base, x[u], x[u])
				e.apply(x[u], whole[u], y[u], least)
				VMOVUPS(x[u], Mem{Base: p, Disp: laneBytes * u})
			}
			ADDQ(U32(2*laneBytes), p)
			SUBQ(Imm(2), n)
		}
		TESTQ(mask, mask)
		JZ(LabelRef("seen"))
		lanes := laneBitsOf(offset)
		Label("masked")
		step(func(u int) { hide256(mask, 4*u, lanes, x[u], whole[u]) })
		LEAQ(Mem{Base: mask, Disp: 8}, mask)
		JNZ(LabelRef("masked"))
		JMP(LabelRef("done"))
		Label("seen")
		step(func(int) {})
		JNZ(LabelRef("seen"))
		Label("done")
	})
	VZEROUPPER()
	RET()
}

func tileDScores256() {
	kernel("tileDScoresAVX2", "func(keys int, dp, p, delta *float32)")
	n := Load(Param("keys"), GP64())
	dp := Load(Param("dp"), GP64())
	p := Load(Param("p"), GP64())
	delta := Load(Param("delta"), GP64())
	base, x := ymms(4), ymms(4)
	for i := range base {
		VMOVUPS(Mem{Base: delta, Disp: 32 * i}, base[i])
	}
	Label("loop")
	for i := range x {
		VMOVUPS(Mem{Base: dp, Disp: 32 * i}, x[i])
		VSUBPS(base[i], x[i], x[i])
		VMULPS(Mem{Base: p, Disp: 32 * i}, x[i], x[i])
		VMOVUPS(x[i], Mem{Base: dp, Disp: 32 * i})
	}
	ADDQ(U32(laneBytes), dp)
	ADDQ(U32(laneBytes), p)
	DECQ(n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// tileLoad256 is tileLoad512 with two 128-bit lanes a register: 8 rows by 4 columns at a time.
func tileLoad256() {
	kernel("tileLoadAVX2", "func(d int, src *float32, ld int, scale float32, dst *float32)")
	ld, ld3 := loadStride("ld")
	scale := YMM()
	VBROADCASTSS(param("scale"), scale)
	rows, dst := GP64(), GP64()
	Load(Param("src"), rows)
	quarters(func(offset Register) {
		n, low, high := GP64(), GP64(), GP64()
		MOVQ(rows, low)
		LEAQ(Mem{Base: rows, Index: ld, Scale: 4}, high)
		LEAQ(Mem{Base: rows, Index: ld, Scale: 8}, rows)
		Load(Param("dst"), dst)
		ADDQ(offset, dst)
		Load(Param("d"), n)
		r, t := ymms(4), ymms(4)
		Label("columns")
		for i := range r {
			VMOVUPS(rowMem(low, low, ld, ld3, i, 0), r[i].AsX())
			VINSERTF128(Imm(1), rowMem(high, high, ld, ld3, i, 0), r[i], r[i])
		}
		transpose4(r, t)
		for i := range r {
			VMULPS(scale, r[i], r[i])
			VMOVUPS(r[i], Mem{Base: dst, Disp: laneBytes * i})
		}
		ADDQ(Imm(16), low)
		ADDQ(Imm(16), high)
		ADDQ(U32(4*laneBytes), dst)
		SUBQ(Imm(4), n)
		JNZ(LabelRef("columns"))
	})
	VZEROUPPER()
	RET()
}

// tileStore256 is tileLoad256 the other way, each lane times its own scale.
func tileStore256() {
	kernel("tileStoreAVX2", "func(d int, src, scale, dst *float32, ld int)")
	ld, ld3 := loadStride("ld")
	rows, src := GP64(), GP64()
	Load(Param("dst"), rows)
	quarters(func(offset Register) {
		n, low, high := GP64(), GP64(), GP64()
		scale := YMM()
		Load(Param("scale"), src)
		VMOVUPS(Mem{Base: src, Index: offset, Scale: 1}, scale)
		MOVQ(rows, low)
		LEAQ(Mem{Base: rows, Index: ld, Scale: 4}, high)
		LEAQ(Mem{Base: rows, Index: ld, Scale: 8}, rows)
		Load(Param("src"), src)
		ADDQ(offset, src)
		Load(Param("d"), n)
		r, t := ymms(4), ymms(4)
		Label("columns")
		for i := range r {
			VMULPS(Mem{Base: src, Disp: laneBytes * i}, scale, r[i])
		}
		transpose4(r, t)
		for i := range r {
			VMOVUPS(r[i].AsX(), rowMem(low, low, ld, ld3, i, 0))
			VEXTRACTF128(Imm(1), r[i], rowMem(high, high, ld, ld3, i, 0))
		}
		ADDQ(Imm(16), low)
		ADDQ(Imm(16), high)
		ADDQ(U32(4*laneBytes), src)
		SUBQ(Imm(4), n)
		JNZ(LabelRef("columns"))
	})
	VZEROUPPER()
	RET()
}

func tileShift256() {
	kernel("tileShiftAVX2", "func(keys int, s, table *float32)")
	n := Load(Param("keys"), GP64())
	s := Load(Param("s"), GP64())
	table := Load(Param("table"), GP64())
	LEAQ(Mem{Base: table, Index: n, Scale: 4, Disp: -4}, table)
	x := ymms(4)
	Label("loop")
	for i := range x {
		VMOVUPS(Mem{Base: s, Disp: 32 * i}, x[i])
		VADDPS(Mem{Base: table, Disp: 32 * i}, x[i], x[i])
		VMOVUPS(x[i], Mem{Base: s, Disp: 32 * i})
	}
	ADDQ(U32(laneBytes), s)
	SUBQ(Imm(4), table)
	DECQ(n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// tileSoftcap256 is tileSoftcap512: tanh(x) = E/(E+2), E = 2^r·(2^f−1) + (2^r−1).
func tileSoftcap256() {
	kernel("tileSoftcapAVX2", "func(keys int, s *float32, in, out float32)")
	n := Load(Param("keys"), GP64())
	s := Load(Param("s"), GP64())
	in, out := YMM(), YMM()
	VBROADCASTSS(param("in"), in)
	VMULPS(eightFloats("tileTwoLog2e8", 2*log2e), in, in)
	VBROADCASTSS(param("out"), out)
	SHLQ(Imm(2), n) // registers, four a key
	x, whole, y, bottom, top := YMM(), YMM(), YMM(), YMM(), YMM()
	VMOVUPS(eightFloats("tileBottom8", -126), bottom)
	VMOVUPS(eightFloats("tileTop8", 126), top)
	e := newExp256()
	Label("loop")
	VMULPS(Mem{Base: s}, in, x)
	VMAXPS(x, bottom, x) // NaN stays NaN: it is the second source
	VMINPS(x, top, x)
	e.split(x, whole, y)
	VMULPS(x, y, y)
	VMULPS(whole, y, y)
	VSUBPS(e.one, whole, whole)
	VADDPS(whole, y, y)
	VADDPS(eightFloats("tileTwo8", 2), y, x)
	VDIVPS(x, y, y)
	VMULPS(out, y, y)
	VMOVUPS(y, Mem{Base: s})
	ADDQ(Imm(32), s)
	DECQ(n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// tileFetch emits a request for the second cache a line, of each row.
func tileFetch() {
	kernel("tileFetchAVX2", "func(rows, lines int, p *byte, ld int)")
	rows := Load(Param("rows"), GP64())
	row := Load(Param("p"), GP64())
	ld := Load(Param("ld"), GP64())
	n, p := GP64(), GP64()
	Label("row")
	Load(Param("lines"), n)
	MOVQ(row, p)
	Label("line")
	PREFETCHT1(Mem{Base: p})
	ADDQ(Imm(64), p)
	DECQ(n)
	JNZ(LabelRef("line"))
	ADDQ(ld, row)
	DECQ(rows)
	JNZ(LabelRef("row"))
	RET()
}
