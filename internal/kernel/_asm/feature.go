package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The feature family, written once for both widths: a row of Lanes = 32 tokens is two 512-bit or four 256-bit registers.

func init() {
	units["feature_avx512"] = func() { features(featureISA{suffix: "AVX512", vectors: 2, bytes: 64, reg: ZMM, wide: true}) }
	units["feature_avx2"] = func() { features(featureISA{suffix: "AVX2", vectors: 4, bytes: 32, reg: YMM}) }
}

// featureISA is a register width.
type featureISA struct {
	suffix  string
	vectors int // registers a row
	bytes   int // of a register
	reg     func() VecVirtual
	wide    bool // 32 registers and VSCALEFPS
}

func features(f featureISA) {
	f.top()
	f.exp()
	f.query()
	f.elu()
	f.relu()
	f.slope("featureEluSlope", f.eluSlope)
	f.slope("featureReluSlope", f.reluSlope)
	f.sum()
	f.fold()
	f.dot()
	f.mix()
	f.grad()
}

func (f featureISA) regs(n int) []VecVirtual {
	v := make([]VecVirtual, n)
	for i := range v {
		v[i] = f.reg()
	}
	return v
}

func (f featureISA) zeros(n int) []VecVirtual {
	v := f.regs(n)
	for i := range v {
		VXORPS(v[i], v[i], v[i])
	}
	return v
}

func (f featureISA) broadcast(mem Mem) VecVirtual {
	v := f.reg()
	VBROADCASTSS(mem, v)
	return v
}

// at addresses register h of the row at p.
func (f featureISA) at(p Register, h int) Mem { return Mem{Base: p, Disp: f.bytes * h} }

func (f featureISA) load(p Register) []VecVirtual {
	v := f.regs(f.vectors)
	for h := range v {
		VMOVUPS(f.at(p, h), v[h])
	}
	return v
}

func (f featureISA) store(v []VecVirtual, p Register) {
	for h := range v {
		VMOVUPS(v[h], f.at(p, h))
	}
}

// featureExp2 holds the constants of 2^x in registers.
type featureExp2 struct {
	wide   bool
	c      [5]VecVirtual // c[i] multiplies f^(i+1)
	one    VecVirtual
	bottom VecVirtual
}

func (f featureISA) exp2() featureExp2 {
	e := featureExp2{wide: f.wide}
	for i, mem := range exp2Coefficients() {
		e.c[i] = f.broadcast(mem)
	}
	e.one = f.broadcast(float("featureOne", 1))
	if f.wide {
		e.bottom = f.broadcast(float("featureLow", -200))
	} else {
		e.bottom = f.broadcast(float("featureBottom", -125))
	}
	return e
}

// apply emits x = 2^x; whole and y are scratch. Without VSCALEFPS the whole part is added to the exponent's bits, and what
// would be below 2^−125 is 0; x must be below 127 there.
func (e featureExp2) apply(x, whole, y VecVirtual) {
	if e.wide {
		VMAXPS(x, e.bottom, x)
		VRNDSCALEPS(Imm(8), x, whole)
	} else {
		VROUNDPS(Imm(8), x, whole)
	}
	VSUBPS(whole, x, x)
	VMOVAPS(e.c[4], y)
	for i := 3; i >= 0; i-- {
		VFMADD213PS(e.c[i], x, y)
	}
	VFMADD213PS(e.one, x, y)
	if e.wide {
		VSCALEFPS(whole, y, x)
		return
	}
	VCVTPS2DQ(whole, x)
	VPSLLD(Imm(23), x, x)
	VPADDD(y, x, x)
	VCMPPS(Imm(1), e.bottom, whole, whole)
	VANDNPS(x, whole, x)
}

// top emits top[x] = max over i of a[i][x] − c[i], less n[x].
func (f featureISA) top() {
	kernel("featureTop"+f.suffix, "func(m int, a *float32, ld int, n, c, top *float32)")
	m := Load(Param("m"), GP64())
	a := Load(Param("a"), GP64())
	ld := Load(Param("ld"), GP64())
	SHLQ(Imm(2), ld)
	c := Load(Param("c"), GP64())
	high := f.regs(f.vectors)
	lowest := f.broadcast(float("featureNoScore", -3.4028234663852886e38))
	for h := range high {
		VMOVAPS(lowest, high[h])
	}
	x, shift := f.regs(f.vectors), f.reg()
	Label("loop")
	VBROADCASTSS(Mem{Base: c}, shift)
	for h := range x {
		VMOVUPS(f.at(a, h), x[h])
		VSUBPS(shift, x[h], x[h])
		VMAXPS(x[h], high[h], high[h])
	}
	ADDQ(ld, a)
	ADDQ(Imm(4), c)
	DECQ(m)
	JNZ(LabelRef("loop"))
	n := Load(Param("n"), GP64())
	for h := range high {
		VSUBPS(f.at(n, h), high[h], high[h])
	}
	f.store(high, Load(Param("top"), GP64()))
	VZEROUPPER()
	RET()
}

// batch calls emit for as many registers at once as there is room for: two rows, or half of one.
func (f featureISA) batch(emit func(row int, h []int)) {
	if f.wide {
		emit(0, []int{0, 1})
		emit(1, []int{0, 1})
		return
	}
	emit(0, []int{0, 1})
	emit(0, []int{2, 3})
}

// rows is the number of rows a batch covers.
func (f featureISA) rows() int {
	if f.wide {
		return 2
	}
	return 1
}

// exp emits a = 2^(a − n − c).
func (f featureISA) exp() {
	kernel("featureExp"+f.suffix, "func(m int, a *float32, ld int, n, c *float32)")
	m := Load(Param("m"), GP64())
	a := Load(Param("a"), GP64())
	ld := Load(Param("ld"), GP64())
	SHLQ(Imm(2), ld)
	n := Load(Param("n"), GP64())
	c := Load(Param("c"), GP64())
	e, shift, next := f.exp2(), f.reg(), GP64()
	x, whole, y := f.regs(2*f.rows()), f.regs(2*f.rows()), f.regs(2*f.rows())
	Label("loop")
	LEAQ(Mem{Base: a, Index: ld, Scale: 1}, next)
	f.batch(func(row int, vectors []int) {
		p := []Register{a, next}[row]
		VBROADCASTSS(Mem{Base: c, Disp: 4 * row}, shift)
		for i, h := range vectors {
			i += 2 * row
			VMOVUPS(f.at(p, h), x[i])
			VSUBPS(f.at(n, h), x[i], x[i])
			VSUBPS(shift, x[i], x[i])
			e.apply(x[i], whole[i], y[i])
			VMOVUPS(x[i], f.at(p, h))
		}
	})
	for range f.rows() {
		ADDQ(ld, a)
	}
	ADDQ(Imm(uint64(4*f.rows())), c)
	SUBQ(Imm(uint64(f.rows())), m)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// query emits the maxima of a + c in one pass, and in another the features and their products with z.
func (f featureISA) query() {
	kernel("featureQuery"+f.suffix, "func(m int, a, c, z, high, den *float32)")
	m := Load(Param("m"), GP64())
	a := Load(Param("a"), GP64())
	c := Load(Param("c"), GP64())
	top := Load(Param("high"), GP64())
	shift := f.reg()
	high := f.regs(f.vectors)
	lowest := f.broadcast(float("featureNoScore", -3.4028234663852886e38))
	for h := range high {
		VMOVAPS(lowest, high[h])
	}
	x := f.regs(4)
	Label("maxima")
	VBROADCASTSS(Mem{Base: c}, shift)
	for h := range high {
		VADDPS(f.at(a, h), shift, x[h])
		VMAXPS(x[h], high[h], high[h])
	}
	ADDQ(U32(laneBytes), a)
	ADDQ(Imm(4), c)
	DECQ(m)
	JNZ(LabelRef("maxima"))
	f.store(high, top)
	f.queryFeatures(top, shift)
	VZEROUPPER()
	RET()
}

// queryFeatures emits the second pass. The sums stay in registers where there are 32 of them, in memory where there are 16.
func (f featureISA) queryFeatures(top Register, shift VecVirtual) {
	m := Load(Param("m"), GP64())
	a := Load(Param("a"), GP64())
	c := Load(Param("c"), GP64())
	z := Load(Param("z"), GP64())
	den := Load(Param("den"), GP64())
	sum := f.zeros(f.vectors)
	if !f.wide {
		f.store(sum, den)
	}
	e, factor := f.exp2(), f.reg()
	x, whole, y := f.regs(2*f.rows()), f.regs(2*f.rows()), f.regs(2*f.rows())
	Label("features")
	f.batch(func(row int, vectors []int) {
		VBROADCASTSS(Mem{Base: c, Disp: 4 * row}, shift)
		VBROADCASTSS(Mem{Base: z, Disp: 4 * row}, factor)
		for i, h := range vectors {
			i += 2 * row
			mem := Mem{Base: a, Disp: laneBytes*row + f.bytes*h}
			VADDPS(mem, shift, x[i])
			VSUBPS(f.at(top, h), x[i], x[i])
			e.apply(x[i], whole[i], y[i])
			VMOVUPS(x[i], mem)
			if f.wide {
				VFMADD231PS(x[i], factor, sum[h])
				continue
			}
			VFMADD213PS(f.at(den, h), factor, x[i])
			VMOVUPS(x[i], f.at(den, h))
		}
	})
	ADDQ(U32(uint32(laneBytes*f.rows())), a)
	ADDQ(Imm(uint64(4*f.rows())), c)
	ADDQ(Imm(uint64(4*f.rows())), z)
	SUBQ(Imm(uint64(f.rows())), m)
	JNZ(LabelRef("features"))
	if f.wide {
		f.store(sum, den)
	}
}

// elu emits a = max(a, 0) + 2^(min(a, 0)·log2(e)): the power is exactly 1 above 0.
func (f featureISA) elu() {
	kernel("featureElu"+f.suffix, "func(m int, a *float32)")
	m := Load(Param("m"), GP64())
	a := Load(Param("a"), GP64())
	e, scale, zero := f.exp2(), f.broadcast(float("featureLog2e", log2e)), f.zeros(1)[0]
	x, whole, y := f.regs(2), f.regs(2), f.regs(2)
	Label("loop")
	for h := range f.vectors {
		i := h % 2
		VMINPS(f.at(a, h), zero, x[i])
		VMULPS(scale, x[i], x[i])
		e.apply(x[i], whole[i], y[i])
		VMAXPS(f.at(a, h), zero, y[i])
		VADDPS(y[i], x[i], x[i])
		VMOVUPS(x[i], f.at(a, h))
	}
	ADDQ(U32(laneBytes), a)
	DECQ(m)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// relu emits a = max(a, 0).
func (f featureISA) relu() {
	kernel("featureRelu"+f.suffix, "func(m int, a *float32)")
	m := Load(Param("m"), GP64())
	a := Load(Param("a"), GP64())
	zero, x := f.zeros(1)[0], f.regs(f.vectors)
	Label("loop")
	for h := range x {
		VMAXPS(f.at(a, h), zero, x[h])
	}
	f.store(x, a)
	ADDQ(U32(laneBytes), a)
	DECQ(m)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// slope emits slope = derive(phi); derive is given one, zero and a register to turn phi into its slope.
func (f featureISA) slope(name string, derive func(one, zero, x VecVirtual)) {
	kernel(name+f.suffix, "func(m int, phi, slope *float32)")
	m := Load(Param("m"), GP64())
	phi := Load(Param("phi"), GP64())
	slope := Load(Param("slope"), GP64())
	one, zero := f.broadcast(float("featureOne", 1)), f.zeros(1)[0]
	Label("loop")
	x := f.load(phi)
	for h := range x {
		derive(one, zero, x[h])
	}
	f.store(x, slope)
	ADDQ(U32(laneBytes), phi)
	ADDQ(U32(laneBytes), slope)
	DECQ(m)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

func (f featureISA) eluSlope(one, _, x VecVirtual) { VMINPS(x, one, x) }

func (f featureISA) reluSlope(one, zero, x VecVirtual) {
	const greater = 14 // GT_OS
	if f.wide {
		above := K()
		VCMPPS(Imm(greater), zero, x, above)
		VMOVAPS_Z(one, above, x)
		return
	}
	VCMPPS(Imm(greater), zero, x, x)
	VANDPS(one, x, x)
}

// sum emits sums[i][x mod 16] += a[i][x]·w[x].
func (f featureISA) sum() {
	kernel("featureSum"+f.suffix, "func(m int, a *float32, ld int, w, sums *float32)")
	m := Load(Param("m"), GP64())
	a := Load(Param("a"), GP64())
	ld := Load(Param("ld"), GP64())
	SHLQ(Imm(2), ld)
	w := f.load(Load(Param("w"), GP64()))
	sums := Load(Param("sums"), GP64())
	half := f.vectors / 2
	total := f.regs(half)
	Label("loop")
	for h := range half {
		VMOVUPS(f.at(sums, h), total[h])
		VFMADD231PS(f.at(a, h), w[h], total[h])
		VFMADD231PS(f.at(a, half+h), w[half+h], total[h])
		VMOVUPS(total[h], f.at(sums, h))
	}
	ADDQ(ld, a)
	ADDQ(Imm(64), sums)
	DECQ(m)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// fold emits z[i] = the sum of the 16 sums[i]: halves are added until one number is left.
func (f featureISA) fold() {
	kernel("featureFold"+f.suffix, "func(m int, sums, z *float32)")
	m := Load(Param("m"), GP64())
	sums := Load(Param("sums"), GP64())
	z := Load(Param("z"), GP64())
	x, y := YMM(), YMM()
	Label("loop")
	VMOVUPS(Mem{Base: sums}, x)
	VADDPS(Mem{Base: sums, Disp: 32}, x, x)
	VEXTRACTF128(Imm(1), x, y.AsX())
	VADDPS(y.AsX(), x.AsX(), x.AsX())
	VMOVHLPS(x.AsX(), x.AsX(), y.AsX())
	VADDPS(y.AsX(), x.AsX(), x.AsX())
	VMOVSHDUP(x.AsX(), y.AsX())
	VADDSS(y.AsX(), x.AsX(), x.AsX())
	VMOVSS(x.AsX(), Mem{Base: z})
	ADDQ(Imm(64), sums)
	ADDQ(Imm(4), z)
	DECQ(m)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// dot emits p[x] = Σ_i a[i][x]·b[i][x], even and odd rows apart.
func (f featureISA) dot() {
	kernel("featureDot"+f.suffix, "func(m int, a, b, p *float32)")
	m := Load(Param("m"), GP64())
	a := Load(Param("a"), GP64())
	b := Load(Param("b"), GP64())
	sum, x := f.zeros(2*f.vectors), f.reg()
	Label("loop")
	for h := range sum {
		VMOVUPS(f.at(a, h), x)
		VFMADD231PS(f.at(b, h), x, sum[h])
	}
	ADDQ(U32(2*laneBytes), a)
	ADDQ(U32(2*laneBytes), b)
	SUBQ(Imm(2), m)
	JNZ(LabelRef("loop"))
	f.storePairs(sum, Load(Param("p"), GP64()))
	VZEROUPPER()
	RET()
}

// storePairs emits the sum of even and odd rows.
func (f featureISA) storePairs(sum []VecVirtual, p Register) {
	for h := range f.vectors {
		VADDPS(sum[f.vectors+h], sum[h], sum[h])
	}
	f.store(sum[:f.vectors], p)
}

// mix emits p[x] = Σ_i a[i][x]·z[i], even and odd rows apart.
func (f featureISA) mix() {
	kernel("featureMix"+f.suffix, "func(m int, a, z, p *float32)")
	m := Load(Param("m"), GP64())
	a := Load(Param("a"), GP64())
	z := Load(Param("z"), GP64())
	sum, factor := f.zeros(2*f.vectors), f.reg()
	Label("loop")
	for h := range sum {
		if h%f.vectors == 0 {
			VBROADCASTSS(Mem{Base: z, Disp: 4 * (h / f.vectors)}, factor)
		}
		VFMADD231PS(f.at(a, h), factor, sum[h])
	}
	ADDQ(U32(2*laneBytes), a)
	ADDQ(Imm(8), z)
	SUBQ(Imm(2), m)
	JNZ(LabelRef("loop"))
	f.storePairs(sum, Load(Param("p"), GP64()))
	VZEROUPPER()
	RET()
}

// grad emits d = phi·(d − delta·z) and the sum of its rows.
func (f featureISA) grad() {
	kernel("featureGrad"+f.suffix, "func(m int, d, phi, z, delta, s *float32)")
	m := Load(Param("m"), GP64())
	d := Load(Param("d"), GP64())
	phi := Load(Param("phi"), GP64())
	z := Load(Param("z"), GP64())
	delta := f.load(Load(Param("delta"), GP64()))
	sum, x, factor := f.zeros(f.vectors), f.regs(2), f.reg()
	Label("loop")
	VBROADCASTSS(Mem{Base: z}, factor)
	for h := range f.vectors {
		g := x[h%2]
		VMOVUPS(f.at(d, h), g)
		VFNMADD231PS(delta[h], factor, g)
		VMULPS(f.at(phi, h), g, g)
		VMOVUPS(g, f.at(d, h))
		VADDPS(g, sum[h], sum[h])
	}
	ADDQ(U32(laneBytes), d)
	ADDQ(U32(laneBytes), phi)
	ADDQ(Imm(4), z)
	DECQ(m)
	JNZ(LabelRef("loop"))
	f.store(sum, Load(Param("s"), GP64()))
	VZEROUPPER()
	RET()
}
