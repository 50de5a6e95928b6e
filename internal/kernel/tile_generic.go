package kernel

import (
	"math"
	"unsafe"
)

// slice views n elements at p, which the callers of this package promise are there.
func slice[T any](p *T, n int) []T { return unsafe.Slice(p, n) }

func tileMulGeneric(rows, k int, a *float32, lda int, b *float32, ldb int, c *float32, ldc int) {
	cs := slice(c, (rows-1)*ldc+Lanes)
	for i := range rows {
		clear(cs[i*ldc : i*ldc+Lanes])
	}
	tileMulAddGeneric(rows, k, a, lda, b, ldb, c, ldc)
}

func tileMulAddGeneric(rows, k int, a *float32, lda int, b *float32, ldb int, c *float32, ldc int) {
	as, bs, cs := slice(a, (rows-1)*lda+k), slice(b, (k-1)*ldb+Lanes), slice(c, (rows-1)*ldc+Lanes)
	for i := range rows {
		for x := 0; x < Lanes; x += 8 {
			addRow((*[8]float32)(cs[i*ldc+x:]), k, &as[i*lda], 1, &bs[x], ldb)
		}
	}
}

func tileMulTGeneric(rows, k int, a *float32, lda int, b, alpha, c *float32) {
	as, bs, cs, al := slice(a, (k-1)*lda+rows), slice(b, k*Lanes), slice(c, rows*Lanes), slice(alpha, Lanes)
	for i := range rows {
		for x := 0; x < Lanes; x += 8 {
			var sums [8]float32
			addRow(&sums, k, &as[i], lda, &bs[x], Lanes)
			out := cs[i*Lanes+x:]
			for j, sum := range sums {
				out[j] = al[x+j]*out[j] + sum
			}
		}
	}
}

func tileSoftmaxGeneric(keys int, s *float32, mask *uint32, m, l, alpha *float32) {
	ss := slice(s, keys*Lanes)
	hide(keys, ss, mask)
	ms, ls, as := slice(m, Lanes), slice(l, Lanes), slice(alpha, Lanes)
	for x := range Lanes {
		high := ms[x]
		for j := range keys {
			high = max(high, ss[j*Lanes+x])
		}
		sum := float32(0)
		for j := range keys {
			p := exp2(ss[j*Lanes+x] - high)
			ss[j*Lanes+x] = p
			sum += p
		}
		as[x] = exp2(ms[x] - high)
		ls[x] = as[x]*ls[x] + sum
		ms[x] = high
	}
}

func tileProbsGeneric(keys int, s *float32, mask *uint32, lse *float32) {
	ss, ls := slice(s, keys*Lanes), slice(lse, Lanes)
	hide(keys, ss, mask)
	for j := range keys {
		for x := range Lanes {
			ss[j*Lanes+x] = exp2(ss[j*Lanes+x] - ls[x])
		}
	}
}

// hide sets the scores that a mask hides to −Inf.
func hide(keys int, s []float32, mask *uint32) {
	if mask == nil {
		return
	}
	for j, bits := range slice(mask, keys) {
		for x := range Lanes {
			if bits>>x&1 == 0 {
				s[j*Lanes+x] = float32(math.Inf(-1))
			}
		}
	}
}

func tileDScoresGeneric(keys int, dp, p, delta *float32) {
	ds, ps, del := slice(dp, keys*Lanes), slice(p, keys*Lanes), slice(delta, Lanes)
	for i := range ds {
		ds[i] = ps[i] * (ds[i] - del[i%Lanes])
	}
}

func tileLoadGeneric(rows, d int, src *float32, ld int, scale float32, dst *float32) {
	from, to := slice(src, (rows-1)*ld+d), slice(dst, d*Lanes)
	for p := range d {
		for x := range rows {
			to[p*Lanes+x] = from[x*ld+p] * scale
		}
		clear(to[p*Lanes+rows : (p+1)*Lanes])
	}
}

func tileStoreGeneric(rows, d int, src, scale, dst *float32, ld int) {
	from, sc, to := slice(src, d*Lanes), slice(scale, Lanes), slice(dst, (rows-1)*ld+d)
	for x := range rows {
		for p := range d {
			to[x*ld+p] = from[p*Lanes+x] * sc[x]
		}
	}
}

func tileShiftGeneric(keys int, s, table *float32) {
	ss, ts := slice(s, keys*Lanes), slice(table, keys-1+Lanes)
	for j := range keys {
		row := ss[j*Lanes : (j+1)*Lanes]
		for x, bias := range ts[keys-1-j : keys-1-j+Lanes] {
			row[x] += bias
		}
	}
}

func tileSkewGeneric(keys int, s, c *float32) {
	ss, cs := slice(s, keys*Lanes), slice(c, (keys+Lanes-1)*Lanes)
	for j := range keys {
		row, diagonal := (*[Lanes]float32)(ss[j*Lanes:]), cs[j*Lanes:(j+Lanes)*Lanes]
		for x := range row {
			row[x] += diagonal[(Lanes-1-x)*Lanes+x]
		}
	}
}

func tileUnskewGeneric(keys int, s, c *float32) {
	ss, cs := slice(s, keys*Lanes), slice(c, (keys+Lanes-1)*Lanes)
	for j := range keys {
		row, diagonal := (*[Lanes]float32)(ss[j*Lanes:]), cs[j*Lanes:(j+Lanes)*Lanes]
		for x := range row {
			diagonal[(Lanes-1-x)*Lanes+x] += row[x]
		}
	}
}

func tileSoftcapGeneric(keys int, s *float32, in, out float32) {
	ss := slice(s, keys*Lanes)
	for i, x := range ss {
		ss[i] = out * float32(math.Tanh(float64(in*x)))
	}
}

// exp2 is 2^x as the assembly computes it: a polynomial of degree 5 on the fraction, which is within [−½, ½], and the
// whole part added to the exponent. Below −200 it is 0. Relative error < 2e-7.
func exp2(x float32) float32 {
	if x < -200 {
		return 0
	}
	whole := math.RoundToEven(float64(x))
	f := x - float32(whole)
	y := ((((exp2C5*f+exp2C4)*f+exp2C3)*f+exp2C2)*f+exp2C1)*f + 1
	power := math.Float64frombits(uint64(1023+int64(min(whole, 1024))) << 52) // above 2^1023 it is +Inf
	return float32(float64(y) * power)
}

// Minimax coefficients of 2^f on [−½, ½] for the relative error, constant term fixed at 1 so that 2^0 is exactly 1: the error is
// 9.1e-8 in exact arithmetic, 1.9e-7 in float32.
const (
	exp2C1 = 0.69314700
	exp2C2 = 0.24022242
	exp2C3 = 0.055507336
	exp2C4 = 0.009671513
	exp2C5 = 0.0013264727
)
