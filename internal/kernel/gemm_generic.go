package kernel

import "github.com/longspan/longspan/internal/ceil"

// The generic tile is 4×8: a row of 8 sums stays in registers. A row of A is read as often as there are panels, from L1, so that it is best
// read where it lies.
const (
	gemmGenericRows = 4
	gemmGenericCols = 8
)

var gemmGeneric = gemmFuncs{
	rows: gemmGenericRows, cols: gemmGenericCols, lanes: gemmGenericCols, rowsInPlace: true,
	mul:       gemmMulGeneric,
	packed:    gemmPackedGeneric,
	few:       gemmFewGeneric,
	fewNarrow: [3]fewNarrowFunc{ElementBF16: fewNarrowOf(widenBF16), ElementF16: fewNarrowOf(widenF16)},
	narrow:    gemmGenericCols,
	packRows:  packRowsGeneric,
	packRowsBF16: func(k int, src *uint16, ld int, dst *float32, ldd int) {
		packRows16Generic(k, src, ld, dst, ldd, bf16ToF32Generic)
	},
	packRowsF16: func(k int, src *uint16, ld int, dst *float32, ldd int) {
		packRows16Generic(k, src, ld, dst, ldd, f16ToF32Generic)
	},
	packSliver: packRowsGeneric,
	packSliverBF16: func(k int, src *uint16, ld int, dst *float32, ldd int) {
		packRows16Generic(k, src, ld, dst, ldd, bf16ToF32Generic)
	},
	packSliverF16: func(k int, src *uint16, ld int, dst *float32, ldd int) {
		packRows16Generic(k, src, ld, dst, ldd, f16ToF32Generic)
	},
	packCols: packColsGeneric,
}

func gemmMulGeneric(rows, k int, a *float32, rs, cs int, b *float32, ldb int, c *float32, ldc, cols int, add bool) {
	as, cc := slice(a, (rows-1)*rs+(k-1)*cs+1), slice(c, (rows-1)*ldc+cols)
	for i := range rows {
		var sums [gemmGenericCols]float32
		addRow(&sums, k, &as[i*rs], cs, b, ldb)
		out := cc[i*ldc : i*ldc+cols]
		if !add {
			copy(out, sums[:])
			continue
		}
		for j := range out {
			out[j] += sums[j]
		}
	}
}

func gemmPackedGeneric(rows, k int, a, b, c *float32, ldc, cols int, add bool) {
	as, cc := slice(a, ceil.Multiple(rows, gemmGenericRows)*k), slice(c, (rows-1)*ldc+cols)
	for i := 0; i < rows; i += gemmGenericRows {
		gemmMulGeneric(min(gemmGenericRows, rows-i), k, &as[i*k], 1, gemmGenericRows, b, gemmGenericCols, &cc[i*ldc], ldc, cols, add)
	}
}

func gemmFewGeneric(rows, k int, a *float32, rs int, b *float32, ldb int, _, acc *float32) {
	const lanes = gemmGenericCols
	as, bs, sums := slice(a, (rows-1)*rs+k), slice(b, (lanes-1)*ldb+k), slice(acc, rows*lanes)
	for i := range rows {
		for j := 0; j < lanes; j += 4 {
			out, b := (*[4]float32)(sums[i*lanes+j:]), bs[j*ldb:]
			s := fourOf(out).addDots(as[i*rs:i*rs+k], b, b[ldb:], b[2*ldb:], b[3*ldb:])
			*out = [...]float32{s.a, s.b, s.c, s.d}
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
		*(*[gemmGenericCols]float32)(to[p*ldd:]) = [gemmGenericCols]float32(from[p*ld:])
	}
}

func packRows16Generic(k int, src *uint16, ld int, dst *float32, ldd int, widen func(n int, dst *float32, src *uint16)) {
	from, to := slice(src, (k-1)*ld+gemmGenericCols), slice(dst, (k-1)*ldd+gemmGenericCols)
	for p := range k {
		widen(gemmGenericCols, &to[p*ldd], &from[p*ld])
	}
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
		row, at := (*[gemmGenericCols]uint32)(to[p*ldd:]), p
		for j := range row {
			row[j] = from[at]
			at += ld / 4
		}
	}
}
