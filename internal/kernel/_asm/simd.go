package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// simd is a width of registers. The kernels over slices are written once for both widths on top of it.
type simd struct {
	level string
	vec   func() VecVirtual
	bytes int // of a register
}

var simdAVX2 = simd{"AVX2", YMM, 32}
var simdAVX512 = simd{"AVX512", ZMM, 64}

func (s simd) wide() bool { return s.bytes == 64 }
func (s simd) lanes() int { return s.bytes / 4 }

// array is a slice on its way: the address of what comes next, and the bytes of an element.
type array struct {
	at   Register
	size int
}

func floats(name string) array { return array{Load(Param(name), GP64()), 4} }

// mask has the lanes that remain; nil: all.
type mask struct {
	k    Register   // AVX-512: a bit a lane
	ones VecVirtual // AVX2: a word of ones a lane
}

// forEach runs body over n elements: unroll registers at a time, then one, and then what is left under a mask. body gets
// the number of the register, counted within the unrolled group.
func (s simd) forEach(n Register, arrays []array, unroll int, body func(u int, m *mask)) {
	step := func(registers int) {
		for _, a := range arrays {
			ADDQ(U32(registers*s.lanes()*a.size), a.at)
		}
		SUBQ(U32(registers*s.lanes()), n)
	}
	Label("many")
	CMPQ(n, U32(unroll*s.lanes()))
	JL(LabelRef("one"))
	for u := range unroll {
		body(u, nil)
	}
	step(unroll)
	JMP(LabelRef("many"))
	Label("one")
	CMPQ(n, U32(s.lanes()))
	JL(LabelRef("rest"))
	body(0, nil)
	step(1)
	JMP(LabelRef("one"))
	Label("rest")
	TESTQ(n, n)
	JZ(LabelRef("done"))
	body(0, s.mask(n))
	Label("done")
}

// mask has the first n lanes, 0 < n < lanes.
func (s simd) mask(n Register) *mask {
	if !s.wide() {
		table := GP64()
		LEAQ(columnMask(), table)
		NEGQ(n)
		m := &mask{ones: YMM()}
		VMOVUPS(Mem{Base: table, Index: n, Scale: 4, Disp: 64}, m.ones)
		return m
	}
	bits := GP64()
	MOVQ(U32(1), bits)
	MOVQ(n, RCX)
	SHLQ(CL, bits)
	DECQ(bits)
	m := &mask{k: K()}
	KMOVW(bits.As32(), m.k)
	return m
}

// load reads register u of a; lanes that are not there become 0.
func (s simd) load(a array, u int, m *mask) VecVirtual {
	return s.read(Mem{Base: a.at, Disp: u * s.bytes}, m)
}

// read is load from any place.
func (s simd) read(from Mem, m *mask) VecVirtual {
	r := s.vec()
	s.readTo(r, from, m)
	return r
}

// readTo is read into a register that is there already.
func (s simd) readTo(r VecVirtual, from Mem, m *mask) {
	switch {
	case m == nil:
		VMOVUPS(from, r)
	case s.wide():
		VMOVUPS_Z(from, m.k, r)
	default:
		VMASKMOVPS(from, m.ones, r)
	}
}

// store writes register u of a, only the lanes that are there.
func (s simd) store(r VecVirtual, a array, u int, m *mask) {
	s.write(r, Mem{Base: a.at, Disp: u * s.bytes}, m)
}

// write is store to any place.
func (s simd) write(r VecVirtual, to Mem, m *mask) {
	switch {
	case m == nil:
		VMOVUPS(r, to)
	case s.wide():
		VMOVUPS(r, m.k, to)
	default:
		VMASKMOVPS(r, m.ones, to)
	}
}

// keep clears the lanes that are not there.
func (s simd) keep(r VecVirtual, m *mask) {
	switch {
	case m == nil:
	case s.wide():
		VMOVAPS_Z(r, m.k, r)
	default:
		VANDPS(m.ones, r, r)
	}
}

// missing puts a constant into the lanes that are not there.
func (s simd) missing(r VecVirtual, m *mask, c Mem) VecVirtual {
	filled := s.get(c)
	if s.wide() {
		VMOVAPS(r, m.k, filled)
	} else {
		VBLENDVPS(m.ones, r, filled, filled)
	}
	return filled
}

// choose is yes in the lanes where x compares with y, and no elsewhere.
func (s simd) choose(x VecVirtual, predicate uint8, y, yes, no VecVirtual) VecVirtual {
	r := s.vec()
	if s.wide() {
		k := K()
		VCMPPS(U8(predicate), y, x, k)
		VBLENDMPS(yes, no, k, r)
		return r
	}
	ones := YMM()
	VCMPPS(U8(predicate), y, x, ones)
	VBLENDVPS(ones, yes, no, r)
	return r
}

// Predicates of VCMPPS that are false beside a NaN.
const (
	less    = 0x11
	greater = 0x1E
)

// constant is 64 bytes of one word, so that it can be an operand at both widths.
func constant(name string, value float64) Mem {
	return repeated(name, math.Float32bits(float32(value)))
}

func repeated(name string, bits uint32) Mem {
	w := make([]uint32, 16)
	for i := range w {
		w[i] = bits
	}
	return words(name, w...)
}

// get loads a constant.
func (s simd) get(c Mem) VecVirtual {
	r := s.vec()
	VMOVUPS(c, r)
	return r
}

// scalar broadcasts a float32 argument.
func (s simd) scalar(name string) VecVirtual {
	x, r := XMM(), s.vec()
	Load(Param(name), x)
	VBROADCASTSS(x, r)
	return r
}

func (s simd) zeros(n int) []VecVirtual {
	r := make([]VecVirtual, n)
	for i := range r {
		r[i] = s.vec()
		VXORPS(r[i], r[i], r[i])
	}
	return r
}

// fold adds (or whatever op does) partial sums in halves, l and l + half, and returns the last as the function's result.
func (s simd) fold(acc []VecVirtual, op func(x, y, to VecVirtual)) { s.foldTo(0, acc, op) }

// foldTo is fold for one of several results.
func (s simd) foldTo(result int, acc []VecVirtual, op func(x, y, to VecVirtual)) {
	for len(acc) > 1 {
		half := len(acc) / 2
		for i := range half {
			op(acc[half+i], acc[i], acc[i])
		}
		acc = acc[:half]
	}
	r := acc[0]
	if s.wide() {
		upper := YMM()
		VEXTRACTF64X4(U8(1), r, upper)
		low := r.AsY().(VecVirtual)
		op(upper, low, low)
		r = low
	}
	upper, low := XMM(), r.AsX().(VecVirtual)
	VEXTRACTF128(U8(1), r.AsY(), upper)
	op(upper, low, low)
	VPERMILPS(U8(0b1110), low, upper)
	op(upper, low, low)
	VPERMILPS(U8(0b0001), low, upper)
	op(upper, low, low)
	Store(low, ReturnIndex(result))
}

// function begins a kernel over slices.
func (s simd) function(name, signature, doc string) {
	TEXT(name+s.level, NOSPLIT, signature)
	Pragma("noescape")
	Doc(name + s.level + " " + doc)
}

// end ends it.
func end() {
	VZEROUPPER()
	RET()
}
