package kernel_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/kerneltest"
)

// panel packs b [k][cols] by hand, filled up with zeros.
func panel(t *testing.T, b []float32, k, cols int) []float32 {
	_, width := kernel.GemmTile()
	out := kerneltest.Tail[float32](t, k*width)
	for p := range k {
		copy(out[p*width:], b[p*cols:(p+1)*cols])
	}
	return out
}

// TestGemmTile multiplies every size of tile, with A as it lies and transposed; all buffers end where memory ends.
func TestGemmTile(t *testing.T) {
	r := kerneltest.Rand(11)
	kerneltest.Levels(t, func(t *testing.T) {
		high, width := kernel.GemmTile()
		for rows := 1; rows <= high; rows++ {
			for cols := 1; cols <= width; cols++ {
				k, add, trans := 1+r.IntN(7), r.IntN(2) == 1, r.IntN(2) == 1
				rs, cs := k+r.IntN(3), 1
				if trans {
					rs, cs = 1, rows+r.IntN(3)
				}
				a := kerneltest.TailOf(t, kerneltest.Normal(r, (rows-1)*rs+(k-1)*cs+1))
				b := kerneltest.Normal(r, k*cols)
				ldc := cols + r.IntN(3)
				c := kerneltest.TailOf(t, kerneltest.Normal(r, (rows-1)*ldc+cols))
				want := append([]float32(nil), c...)
				for i := range rows {
					for j := range cols {
						sum := 0.0
						for p := range k {
							sum += float64(a[i*rs+p*cs]) * float64(b[p*cols+j])
						}
						if add {
							sum += float64(want[i*ldc+j])
						}
						want[i*ldc+j] = float32(sum)
					}
				}
				if !add {
					for i := range rows {
						kerneltest.NaN(c[i*ldc : i*ldc+cols])
					}
				}
				packed := panel(t, b, k, cols)
				same := kerneltest.Unchanged(t, a, packed)
				kernel.Gemm(rows, k, a, rs, cs, packed, width, c, ldc, cols, add)
				same()
				if e := kerneltest.Measure(c, kerneltest.Float64(want)); e.Max > 1e-5 {
					t.Fatalf("%d×%d, k = %d, add %v, transposed %v: %v", rows, cols, k, add, trans, e)
				}
			}
		}
	})
}

// TestGemmTileBF16 is TestGemmTile in pairs, with numbers whose products and sums are exact.
func TestGemmTileBF16(t *testing.T) {
	r := kerneltest.Rand(12)
	kerneltest.Levels(t, func(t *testing.T) {
		if !kernel.HasBF16() {
			return
		}
		high, width := kernel.GemmTileBF16()
		for rows := 1; rows <= high; rows++ {
			for cols := 1; cols <= width; cols++ {
				k, add := 1+r.IntN(9), r.IntN(2) == 1
				if rows%8 == 0 { // more than a tile of AMX is deep
					k += 64
				}
				pairs := (k + 1) / 2
				integers := func(n int) []float32 {
					x := make([]float32, n)
					for i := range x {
						x[i] = float32(r.IntN(33) - 16)
					}
					return x
				}
				a, b, c := integers(rows*2*pairs), integers(k*cols), integers(rows*cols)
				want := append([]float32(nil), c...)
				for i := range rows {
					if k%2 == 1 {
						a[i*2*pairs+k] = 0
					}
					for j := range cols {
						sum := float32(0)
						for p := range k {
							sum += a[i*2*pairs+p] * b[p*cols+j]
						}
						if add {
							sum += want[i*cols+j]
						}
						want[i*cols+j] = sum
					}
				}
				a16, b16 := kerneltest.Tail[uint16](t, len(a)), kerneltest.Tail[uint16](t, len(b))
				kernel.F32ToBF16(a16, a)
				kernel.F32ToBF16(b16, b)
				packed := kerneltest.Tail[uint16](t, pairs*2*width)
				kernel.PackPairs(k, cols, b16, cols, packed, 2*width)
				got := kerneltest.TailOf(t, c)
				if !add {
					kerneltest.NaN(got)
				}
				kernel.GemmBF16(rows, pairs, a16, 2*pairs, packed, 2*width, got, cols, cols, add)
				kerneltest.SameBits(t, got, want)
			}
		}
	})
}

// TestPack holds every packing against its definition, for all columns and tails of k, from and to the end of memory.
func TestPack(t *testing.T) {
	r := kerneltest.Rand(13)
	kerneltest.Levels(t, func(t *testing.T) {
		_, width := kernel.GemmTile()
		for cols := 1; cols <= width; cols++ {
			for _, k := range []int{1, 2, 3, 4, 5, 7, 8, 9, 16, 19} {
				// As it lies: element (p, j) at p·ld + j. Transposed: at j·ld + p.
				ld, ldT := cols+r.IntN(4), k+r.IntN(4)
				rows := kerneltest.TailOf(t, kerneltest.Normal(r, (k-1)*ld+cols))
				transposed := kerneltest.TailOf(t, kerneltest.Normal(r, (cols-1)*ldT+k))
				bits, transposedBits := kerneltest.Tail[uint16](t, len(rows)), kerneltest.Tail[uint16](t, len(transposed))
				kernel.F32ToBF16(bits, rows)
				kernel.F32ToBF16(transposedBits, transposed)
				dst := kerneltest.Tail[float32](t, k*width)
				check := func(name string, want func(p, j int) float32) {
					t.Helper()
					for p := range k {
						for j := range width {
							w := float32(0)
							if j < cols {
								w = want(p, j)
							}
							if dst[p*width+j] != w {
								t.Fatalf("%s, k = %d, cols = %d: element (%d, %d) is %v, want %v", name, k, cols, p, j, dst[p*width+j], w)
							}
						}
					}
					kerneltest.NaN(dst)
				}
				kerneltest.NaN(dst)
				kernel.PackRows(k, cols, rows, ld, dst, width)
				check("PackRows", func(p, j int) float32 { return rows[p*ld+j] })
				kernel.PackRowsBF16(k, cols, bits, ld, dst, width)
				check("PackRowsBF16", func(p, j int) float32 { return math.Float32frombits(uint32(bits[p*ld+j]) << 16) })
				half := kerneltest.Tail[uint16](t, len(rows))
				kernel.F32ToF16(half, rows)
				exact := make([]float32, len(rows))
				kernel.F16ToF32(exact, half)
				kernel.PackRowsF16(k, cols, half, ld, dst, width)
				check("PackRowsF16", func(p, j int) float32 { return exact[p*ld+j] })
				kernel.PackCols(k, cols, transposed, ldT, dst, width)
				check("PackCols", func(p, j int) float32 { return transposed[j*ldT+p] })
				if kernel.HasBF16() {
					testPackPairs(t, k, cols, width, bits, ld, transposedBits, ldT)
				}
			}
		}
	})
}

func testPackPairs(t *testing.T, k, cols, width int, rows []uint16, ld int, transposed []uint16, ldT int) {
	t.Helper()
	pairs := (k + 1) / 2
	check := func(name string, dst []uint16, want func(p, j int) uint16) {
		t.Helper()
		for p := range 2 * pairs {
			for j := range width {
				w := uint16(0)
				if j < cols && p < k {
					w = want(p, j)
				}
				if got := dst[p/2*2*width+2*j+p%2]; got != w {
					t.Fatalf("%s, k = %d, cols = %d: element (%d, %d) is %#x, want %#x", name, k, cols, p, j, got, w)
				}
			}
		}
	}
	fresh := func() []uint16 {
		dst := kerneltest.Tail[uint16](t, pairs*2*width)
		for i := range dst {
			dst[i] = 0x7FFF
		}
		return dst
	}
	dst := fresh()
	kernel.PackPairs(k, cols, rows, ld, dst, 2*width)
	check("PackPairs", dst, func(p, j int) uint16 { return rows[p*ld+j] })
	dst = fresh()
	kernel.PackColsPairs(k, cols, transposed, ldT, dst, 2*width)
	check("PackColsPairs", dst, func(p, j int) uint16 { return transposed[j*ldT+p] })
}

// TestTransposeBF16 covers blocks that are whole, partly filled and empty, up to the end of memory.
func TestTransposeBF16(t *testing.T) {
	r := kerneltest.Rand(15)
	kerneltest.Levels(t, func(t *testing.T) {
		if !kernel.HasBF16() {
			return
		}
		scratch := make([]uint16, kernel.TransposeScratch)
		for _, rows := range []int{0, 1, 31, 40, 64, 65, 130} {
			for _, cols := range []int{1, 8, 24, 33, 64} {
				width, ld := rows+r.IntN(3)*r.IntN(70), cols+r.IntN(4)
				if width == 0 {
					continue
				}
				ldd := (width+1)/2*2 + 2*r.IntN(2)
				src := kerneltest.Tail[uint16](t, max(0, (rows-1)*ld+cols))
				for i := range src {
					src[i] = uint16(1 + r.IntN(1<<16-1))
				}
				dst := kerneltest.Tail[uint16](t, (cols-1)*ldd+width)
				for i := range dst {
					dst[i] = 0x7FFF
				}
				kernel.TransposeBF16(rows, cols, src, ld, dst, ldd, width, scratch)
				for j := range cols {
					for p := range min(ldd, len(dst)-j*ldd) {
						want := uint16(0)
						switch {
						case p >= width:
							want = 0x7FFF // between the rows
						case p < rows:
							want = src[p*ld+j]
						}
						if got := dst[j*ldd+p]; got != want {
							t.Fatalf("%d×%d to width %d: element (%d, %d) is %#x, want %#x", rows, cols, width, j, p, got, want)
						}
					}
				}
			}
		}
	})
}

// TestGemmFew holds that GemmFew gives the bits of Gemm, reading B in place up to the end of memory.
func TestGemmFew(t *testing.T) {
	r := kerneltest.Rand(14)
	kerneltest.Levels(t, func(t *testing.T) {
		lanes := kernel.GemmLanes()
		_, width := kernel.GemmTile()
		for rows := 1; rows <= kernel.GemmFewRows; rows++ {
			for _, k := range []int{4, 8, 12, 40, 296} {
				ldb, rs := k+r.IntN(5), k+r.IntN(3)
				a := kerneltest.TailOf(t, kerneltest.Normal(r, (rows-1)*rs+k))
				b := kerneltest.TailOf(t, kerneltest.Normal(r, (lanes-1)*ldb+k))
				packed, want := make([]float32, k*width), make([]float32, rows*lanes)
				kernel.PackCols(k, lanes, b, ldb, packed, width)
				got, acc := kerneltest.Tail[float32](t, rows*lanes), make([]float32, rows*lanes)
				same := kerneltest.Unchanged(t, a, b)
				for _, add := range []bool{false, true} {
					kernel.Gemm(rows, k, a, rs, 1, packed, width, want, lanes, lanes, add)
					f := kernel.FewRows{Rows: rows, RS: rs, LDB: ldb, LDC: lanes, Add: add}
					kernel.GemmFew(f, k, a, b, b[len(b)-1:], acc, got)
					kerneltest.SameBits(t, got, want)
				}
				same()
				if kernel.HasBF16() {
					testGemmFewBF16(t, rows, k, a[:(rows-1)*k+k], b, ldb)
				}
			}
		}
	})
}

// testGemmFewBF16 rounds a [rows][k] and b first.
func testGemmFewBF16(t *testing.T, rows, k int, a, b []float32, ldb int) {
	t.Helper()
	if k%8 != 0 {
		return
	}
	lanes := kernel.GemmLanes()
	_, width := kernel.GemmTile()
	a16, b16 := kerneltest.Tail[uint16](t, len(a)), kerneltest.Tail[uint16](t, len(b))
	kernel.F32ToBF16(a16, a)
	kernel.F32ToBF16(b16, b)
	packed, want := make([]uint16, k*width), make([]float32, rows*lanes)
	kernel.PackColsPairs(k, lanes, b16, ldb, packed, 2*width)
	got, acc := kerneltest.Tail[float32](t, rows*lanes), make([]float32, rows*lanes)
	for _, add := range []bool{false, true} {
		kernel.GemmBF16(rows, k/2, a16, k, packed, 2*width, want, lanes, lanes, add)
		kernel.GemmFewBF16(kernel.FewRows{Rows: rows, RS: k, LDB: ldb, LDC: lanes, Add: add}, k/2, a16, b16, b16[len(b16)-1:], acc, got)
		kerneltest.SameBits(t, got, want)
	}
}

// TestGemmFewNarrow holds that GemmFewNarrow gives the bits of Gemm with B widened before, for every rest of a line, with rows that share
// their sets of the cache and rows that do not, and for values that have no ordinary form.
func TestGemmFewNarrow(t *testing.T) {
	r := kerneltest.Rand(16)
	kerneltest.Levels(t, func(t *testing.T) {
		cols := kernel.GemmNarrowCols()
		_, width := kernel.GemmTile()
		for _, e := range []kernel.Element{kernel.ElementBF16, kernel.ElementF16} {
			for rows := 1; rows <= kernel.GemmFewRows; rows++ {
				for _, k := range []int{8, 12, 16, 20, 24, 28, 32, 36, 60, 64, 68, 300} {
					ldb, rs := k+r.IntN(5), k+r.IntN(3)
					if k == 60 {
						ldb = 2048
					}
					a := kerneltest.TailOf(t, kerneltest.Normal(r, (rows-1)*rs+k))
					b, wide := narrowBits(t, r, e, (cols-1)*ldb+k)
					packed, want := make([]float32, k*width), make([]float32, rows*cols)
					kernel.PackCols(k, cols, wide, ldb, packed, width)
					got, acc := kerneltest.Tail[float32](t, rows*cols), make([]float32, rows*cols)
					same, same16 := kerneltest.Unchanged(t, a), kerneltest.Unchanged(t, b)
					for _, add := range []bool{false, true} {
						kernel.Gemm(rows, k, a, rs, 1, packed, width, want, cols, cols, add)
						f := kernel.FewRows{Rows: rows, RS: rs, LDB: ldb, LDC: cols, Add: add}
						kernel.GemmFewNarrow(e, f, k, a, b, b[len(b)-1:], acc, got)
						kerneltest.SameBits(t, got, want)
					}
					same()
					same16()
				}
			}
		}
	})
}

// narrowBits returns n elements at the end of memory, and what they are: normal numbers, and in one of eight calls every bit at random.
func narrowBits(t *testing.T, r *rand.Rand, e kernel.Element, n int) (bits []uint16, wide []float32) {
	bits, wide = kerneltest.Tail[uint16](t, n), kerneltest.Normal(r, n)
	narrow, widen := kernel.F32ToBF16, kernel.BF16ToF32
	if e == kernel.ElementF16 {
		narrow, widen = kernel.F32ToF16, kernel.F16ToF32
	}
	narrow(bits, wide)
	if r.IntN(8) == 0 {
		for i := range bits {
			bits[i] = uint16(r.Uint32())
		}
	}
	widen(wide, bits)
	return bits, wide
}
