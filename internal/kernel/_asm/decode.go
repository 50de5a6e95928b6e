package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func init() {
	units["decode_avx2"] = func() {
		for _, e := range elements {
			decodeDots(e)
			decodeSums(e)
		}
	}
}

// element is a storage type: its size, and how eight of it become float32.
type element struct {
	name string
	size int
	load func(from Mem, to VecVirtual)
}

var elements = []element{
	{"F32", 4, func(from Mem, to VecVirtual) { VMOVUPS(from, to) }},
	{"BF16", 2, func(from Mem, to VecVirtual) {
		VPMOVZXWD(from, to)
		VPSLLD(Imm(16), to, to)
	}},
	{"F16", 2, func(from Mem, to VecVirtual) { VCVTPH2PS(from, to) }},
}

// decodeArgs are the general registers of a decode kernel. Query heads of one key/value head are taken some at a time, so that its
// elements are widened once for all of those.
type decodeArgs struct {
	row    Register // the head's elements in the key's row
	entry  Register // its first query head's place in a row of Lanes
	vector Register // and its d float32
	wide   Register // bytes of a vector, and three times as many
	wide3  Register
	heads  Register // that are left
	shared Register // of those, of this key/value head
}

// at is the vector of query head h, counted from the pointer p.
func (v decodeArgs) at(p Register, h, disp int) Mem {
	m := Mem{Base: p, Disp: disp}
	switch h {
	case 1, 2:
		m.Index, m.Scale = v.wide, uint8(h)
	case 3:
		m.Index, m.Scale = v.wide3, 1
	}
	return m
}

// eachHeads emits loops over key/value heads and the query heads that share one, at most most at a time. f takes n of them; it may not
// change the registers of v.
func (v decodeArgs) eachHeads(e element, most int, f func(n int)) {
	Label("kvhead")
	Load(Param("group"), v.shared)
	SUBQ(v.shared, v.heads)
	Label("heads")
	for n := most; n > 1; n-- {
		CMPQ(v.shared, U8(n))
		if n == most {
			JGE(LabelRef(fmt.Sprintf("heads%d", n)))
		} else {
			JEQ(LabelRef(fmt.Sprintf("heads%d", n)))
		}
	}
	for n := 1; n <= most; n++ {
		Label(fmt.Sprintf("heads%d", n))
		f(n)
		ADDQ(U8(4*n), v.entry)
		LEAQ(v.at(v.vector, n-1, 0), v.vector)
		ADDQ(v.wide, v.vector)
		if n < most { // they were the last of the key/value head
			JMP(LabelRef("next"))
		}
	}
	SUBQ(U8(most), v.shared)
	JNZ(LabelRef("heads"))
	Label("next")
	width := GP64()
	MOVQ(v.wide, width)
	if e.size == 2 {
		SHRQ(U8(1), width)
	}
	ADDQ(width, v.row)
	TESTQ(v.heads, v.heads)
	JNZ(LabelRef("kvhead"))
}

// decodeDots emits dot products of a key with up to four query heads at a time: two sums in flight for each, then those of the lanes.
func decodeDots(e element) {
	kernel("decodeDots"+e.name+"AVX2", "func(keys, heads, group, d int, q *float32, k *byte, ld int, s *float32)")
	keys, base, lanes := Load(Param("keys"), GP64()), Load(Param("k"), GP64()), Load(Param("s"), GP64())
	v := decodeArgs{GP64(), GP64(), GP64(), Load(Param("d"), GP64()), GP64(), GP64(), GP64()}
	SHLQ(U8(2), v.wide)
	LEAQ(Mem{Base: v.wide, Index: v.wide, Scale: 2}, v.wide3)
	Label("key")
	MOVQ(base, v.row)
	MOVQ(lanes, v.entry)
	Load(Param("q"), v.vector)
	Load(Param("heads"), v.heads)
	v.eachHeads(e, 4, func(n int) { v.dots(e, n) })
	ld := Load(Param("ld"), GP64())
	ADDQ(ld, base)
	ADDQ(U32(laneBytes), lanes)
	DECQ(keys)
	JNZ(LabelRef("key"))
	VZEROUPPER()
	RET()
}

// dots emits the products with n heads, 16 elements at a time, and a last 8 where d is an odd multiple.
func (v decodeArgs) dots(e element, n int) {
	sums, x := make([][]VecVirtual, n), ymms(2)
	for h := range sums {
		sums[h] = ymms(2)
		for _, sum := range sums[h] {
			VXORPS(sum, sum, sum)
		}
	}
	p, q, left := GP64(), GP64(), GP64()
	MOVQ(v.row, p)
	MOVQ(v.vector, q)
	MOVQ(v.wide, left)
	eight := func(u int) {
		e.load(Mem{Base: p, Disp: 8 * e.size * u}, x[u])
		for h := range n {
			VFMADD231PS(v.at(q, h, 32*u), x[u], sums[h][u])
		}
	}
	pair, last, whole := fmt.Sprintf("pair%d", n), fmt.Sprintf("last%d", n), fmt.Sprintf("whole%d", n)
	SUBQ(U8(64), left)
	JLT(LabelRef(last))
	Label(pair)
	eight(0)
	eight(1)
	ADDQ(U8(16*e.size), p)
	ADDQ(U8(64), q)
	SUBQ(U8(64), left)
	JGE(LabelRef(pair))
	Label(last)
	CMPQ(left, I32(-32))
	JNE(LabelRef(whole))
	eight(0)
	Label(whole)
	for h := range n {
		VADDPS(sums[h][1], sums[h][0], sums[h][0])
	}
	v.storeDots(sums)
}

// storeDots adds the lanes of each sum: the halves of a register, then of those, and then the last two. All heads take a step together.
func (v decodeArgs) storeDots(sums [][]VecVirtual) {
	n := len(sums)
	sum := func(h int) VecVirtual { return sums[min(h, n-1)][0] }
	if n == 1 {
		low, high := sum(0).AsX(), sums[0][1].AsX()
		VEXTRACTF128(Imm(1), sum(0), high)
		VADDPS(high, low, low)
		VMOVHLPS(low, low, high)
		VADDPS(high, low, low)
		VMOVSHDUP(low, high)
		VADDSS(high, low, low)
		VMOVSS(low, Mem{Base: v.entry})
		return
	}
	halves := func(a, b int) VecVirtual { // of heads a and b, one in each 128 bits
		low, high := YMM(), YMM()
		VPERM2F128(Imm(0x20), sum(b), sum(a), low)
		VPERM2F128(Imm(0x31), sum(b), sum(a), high)
		VADDPS(high, low, low)
		return low
	}
	even, high := halves(0, 1), YMM()
	odd := even
	if n > 2 {
		odd = halves(2, 3)
	}
	VUNPCKHPD(odd, even, high)
	VUNPCKLPD(odd, even, even)
	VADDPS(high, even, even) // heads 0, 0, 2, 2 | 1, 1, 3, 3
	VHADDPS(even, even, even)
	VEXTRACTF128(Imm(1), even, high.AsX())
	VUNPCKLPS(high.AsX(), even.AsX(), even.AsX())
	if n == 4 {
		VMOVUPS(even.AsX(), Mem{Base: v.entry})
		return
	}
	VMOVLPS(even.AsX(), Mem{Base: v.entry})
	if n == 3 {
		VEXTRACTPS(Imm(2), even.AsX(), Mem{Base: v.entry, Disp: 8})
	}
}

// decodeSums emits o[h] += Σ p·v for up to three query heads and 32 elements at a time, which stay in registers over all keys.
func decodeSums(e element) {
	kernel("decodeSums"+e.name+"AVX2", "func(keys, heads, group, d int, p *float32, v *byte, ld int, o *float32)")
	v := decodeArgs{Load(Param("v"), GP64()), Load(Param("p"), GP64()), Load(Param("o"), GP64()), Load(Param("d"), GP64()), nil,
		Load(Param("heads"), GP64()), GP64()}
	ld, all := Load(Param("ld"), GP64()), GP64()
	Load(Param("keys"), all)
	IMULQ(ld, all)
	SHLQ(U8(2), v.wide)
	v.eachHeads(e, 3, func(n int) {
		column, o, left := GP64(), GP64(), GP64()
		MOVQ(v.row, column)
		MOVQ(v.vector, o)
		MOVQ(v.wide, left)
		four, one, done := fmt.Sprintf("four%d", n), fmt.Sprintf("one%d", n), fmt.Sprintf("columns%d", n)
		columns := func(label string, eights int) {
			Label(label)
			CMPQ(left, U32(32*eights))
			JLT(LabelRef(map[string]string{four: one, one: done}[label]))
			v.sums(e, n, eights, column, o, ld, all)
			ADDQ(U8(8*e.size*eights), column)
			ADDQ(U32(32*eights), o)
			SUBQ(U32(32*eights), left)
			JMP(LabelRef(label))
		}
		columns(four, 4)
		columns(one, 1)
		Label(done)
	})
	VZEROUPPER()
	RET()
}

// sums emits the loop over keys for n heads and some eights of their elements.
func (v decodeArgs) sums(e element, n, eights int, column, o, ld, all Register) {
	sums, factors, x := make([][]VecVirtual, n), ymms(n), YMM()
	row, entry, keys := GP64(), GP64(), GP64()
	MOVQ(column, row)
	MOVQ(v.entry, entry)
	Load(Param("keys"), keys)
	for h := range sums {
		sums[h] = ymms(eights)
		for u, sum := range sums[h] {
			VMOVUPS(v.at(o, h, 32*u), sum)
		}
	}
	loop := fmt.Sprintf("key%d_%d", n, eights)
	Label(loop)
	for at := 0; at < 8*e.size*eights; at += 64 {
		PREFETCHT1(Mem{Base: row, Index: all, Scale: 1, Disp: at})
	}
	for h := range n {
		VBROADCASTSS(Mem{Base: entry, Disp: 4 * h}, factors[h])
	}
	for u := range eights {
		e.load(Mem{Base: row, Disp: 8 * e.size * u}, x)
		for h := range n {
			VFMADD231PS(x, factors[h], sums[h][u])
		}
	}
	ADDQ(ld, row)
	ADDQ(U32(laneBytes), entry)
	DECQ(keys)
	JNZ(LabelRef(loop))
	for h := range sums {
		for u, sum := range sums[h] {
			VMOVUPS(sum, v.at(o, h, 32*u))
		}
	}
}
