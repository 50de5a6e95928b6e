package kernel

import "github.com/longspan/longspan/internal/ceil"

// The generic tile is 4×8: a row of 8 sums stays in registers.
const (
	gemmGenericRows = 4
	gemmGenericCols = 8
)

var gemmGeneric = gemmFuncs{
	rows: gemmGenericRows, cols: gemmGenericCols, lanes: gemmGenericCols,
	mul:       gemmMulGeneric,
	packed:    gemmPackedGeneric,
	few:       gemmFewGeneric,
	fewNarrow: [3]fewNarrowFunc{ElementBF16: fewNarrowOf(widenBF16), ElementF16: fewNarrowOf(widenF16)},
	narrow:    gemmGenericCols,
	packRows:  packRowsGeneric,
	packRowsBF16: func(k int, src *uint16, ld int, dst *float32, ldd int) {
		packRows16Generic(k, src, ld, dst, ldd, widenBF16)
	},
	packRowsF16: func(k int, src *uint16, ld int, dst *float32, ldd int) {
		packRows16Generic(k, src, ld, dst, ldd, widenF16)
	},
	packSliver: packRowsGeneric,
	packSliverBF16: func(k int, src *uint16, ld int, dst *float32, ldd int) {
		packRows16Generic(k, src, ld, dst, ldd, widenBF16)
	},
	packSliverF16: func(k int, src *uint16, ld int, dst *float32, ldd int) {
		packRows16Generic(k, src, ld, dst, ldd, widenF16)
	},
	packCols: packColsGeneric,
}

func gemmMulGeneric(rows, k int, a *float32, rs, cs int, b *float32, ldb int, c *float32, ldc, cols int, add bool) {
	as, bs := slice(a, (rows-1)*rs+(k-1)*cs+1), slice(b, (k-1)*ldb+gemmGenericCols)
	cc := slice(c, (rows-1)*ldc+cols)
	for i := range rows {
		sums := gemmRowGeneric(k, as[i*rs:], cs, bs, ldb)
		out := cc[i*ldc : i*ldc+cols]
		for j := range out {
			if add {
				out[j] += sums[j]
			} else {
				out[j] = sums[j]
			}
		}
	}
}

func gemmPackedGeneric(rows, k int, a, b, c *float32, ldc, cols int, add bool) {
	as, cc := slice(a, ceil.Multiple(rows, gemmGenericRows)*k), slice(c, (rows-1)*ldc+cols)
	for i := 0; i < rows; i += gemmGenericRows {
		gemmMulGeneric(min(gemmGenericRows, rows-i), k, &as[i*k], 1, gemmGenericRows, b, gemmGenericCols, &cc[i*ldc], ldc, cols, add)
	}
}

func gemmRowGeneric(k int, a []float32, cs int, b []float32, ldb int) [gemmGenericCols]float32 {
	var s0, s1, s2, s3, s4, s5, s6, s7 float32
	for p := range k {
		x, row := a[p*cs], (*[gemmGenericCols]float32)(b[p*ldb:])
		s0 += x * row[0]
		s1 += x * row[1]
		s2 += x * row[2]
		s3 += x * row[3]
		s4 += x * row[4]
		s5 += x * row[5]
		s6 += x * row[6]
		s7 += x * row[7]
	}
	return [...]float32{s0, s1, s2, s3, s4, s5, s6, s7}
}

func gemmFewGeneric(rows, k int, a *float32, rs int, b *float32, ldb int, _, acc *float32) {
	const lanes = gemmGenericCols
	as, bs, sums := slice(a, (rows-1)*rs+k), slice(b, (lanes-1)*ldb+k), slice(acc, rows*lanes)
	for i := range rows {
		for j := range lanes {
			s := sums[i*lanes+j]
			for p, y := range bs[j*ldb : j*ldb+k] {
				s += as[i*rs+p] * y
			}
			sums[i*lanes+j] = s
		}
	}
}

// fewNarrowOf is GemmFewNarrow for one element.
func fewNarrowOf(widen func(uint16) float32) fewNarrowFunc {
	return func(rows, k int, a *float32, rs int, b *uint16, ldb int, _ *uint16, acc *float32) {
		const lanes = gemmGenericCols
		as, bs, sums := slice(a, (rows-1)*rs+k), slice(b, (lanes-1)*ldb+k), slice(acc, rows*lanes)
		for j := range lanes {
			for p, y := range bs[j*ldb : j*ldb+k] {
				wide := widen(y)
				for i := range rows {
					sums[i*lanes+j] += as[i*rs+p] * wide
				}
			}
		}
	}
}

func packRowsGeneric(k int, src *float32, ld int, dst *float32, ldd int) {
	from, to := slice(src, (k-1)*ld+gemmGenericCols), slice(dst, (k-1)*ldd+gemmGenericCols)
	for p := range k {
		copy(to[p*ldd:], from[p*ld:p*ld+gemmGenericCols])
	}
}

func packRows16Generic(k int, src *uint16, ld int, dst *float32, ldd int, widen func(uint16) float32) {
	const width = gemmGenericCols
	packRows16(k, width, width, slice(src, (k-1)*ld+width), ld, slice(dst, (k-1)*ldd+width), ldd, widen)
}

// packRows16 widens k rows of cols elements and fills them with zeros to width.
func packRows16(k, cols, width int, src []uint16, ld int, dst []float32, ldd int, widen func(uint16) float32) {
	for p := range k {
		row := dst[p*ldd : p*ldd+width]
		for j, x := range src[p*ld : p*ld+cols] {
			row[j] = widen(x)
		}
		clear(row[cols:])
	}
}

func packColsGeneric(k int, src *uint32, ld int, dst *uint32, ldd int) {
	from, to := slice(src, (gemmGenericCols-1)*ld/4+k), slice(dst, (k-1)*ldd+gemmGenericCols)
	for p := range k {
		for j := range gemmGenericCols {
			to[p*ldd+j] = from[j*ld/4+p]
		}
	}
}
