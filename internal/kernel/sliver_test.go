package kernel_test

import (
	"testing"

	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/kerneltest"
)

// slivers are rows rows of k elements as the definition lays them out.
func slivers(rows, k int, at func(i, p int) float32) []float32 {
	high, _ := kernel.GemmTile()
	out := make([]float32, (rows+high-1)/high*high*k)
	for i := range rows {
		for p := range k {
			out[i/high*high*k+p*high+i%high] = at(i, p)
		}
	}
	return out
}

// TestPackSlivers holds every packing of A against the definition, with sources and slivers that end where memory ends.
func TestPackSlivers(t *testing.T) {
	r := kerneltest.Rand(17)
	kerneltest.Levels(t, func(t *testing.T) {
		high, _ := kernel.GemmTile()
		for rows := 1; rows <= 4*high+1; rows++ {
			for _, k := range []int{1, 2, 3, 4, 5, 8, 31, 32, 33, 34, 70} {
				ld, ldT := k+r.IntN(4), rows+r.IntN(4)
				a := kerneltest.TailOf(t, kerneltest.Normal(r, (rows-1)*ld+k))
				columns := kerneltest.TailOf(t, kerneltest.Normal(r, (k-1)*ldT+rows))
				bits, half := kerneltest.Tail[uint16](t, len(columns)), kerneltest.Tail[uint16](t, len(columns))
				kernel.F32ToBF16(bits, columns)
				kernel.F32ToF16(half, columns)
				fromBits, fromHalf := make([]float32, len(columns)), make([]float32, len(columns))
				kernel.BF16ToF32(fromBits, bits)
				kernel.F16ToF32(fromHalf, half)
				dst := kerneltest.Tail[float32](t, (rows+high-1)/high*high*k+kernel.SliverSlack)
				check := func(name string, at func(i, p int) float32) {
					t.Helper()
					for n, want := range slivers(rows, k, at) {
						i := n/(high*k)*high + n%high
						if i < rows && dst[n] != want {
							t.Fatalf("%s, %d rows, k = %d: element (%d, %d) is %v, want %v", name, rows, k, i, n/high%k, dst[n], want)
						}
					}
					kerneltest.NaN(dst)
				}
				kerneltest.NaN(dst)
				kernel.PackSliversCols(k, rows, a, ld, dst)
				check("PackSliversCols", func(i, p int) float32 { return a[i*ld+p] })
				kernel.PackSliversRows(k, rows, columns, ldT, dst)
				check("PackSliversRows", func(i, p int) float32 { return columns[p*ldT+i] })
				kernel.PackSliversRowsBF16(k, rows, bits, ldT, dst)
				check("PackSliversRowsBF16", func(i, p int) float32 { return fromBits[p*ldT+i] })
				kernel.PackSliversRowsF16(k, rows, half, ldT, dst)
				check("PackSliversRowsF16", func(i, p int) float32 { return fromHalf[p*ldT+i] })
			}
		}
	})
}

// TestGemmPacked holds that GemmPacked gives the bits of Gemm, for every last tile, every width and every rest of k. What a last sliver has
// no row for is NaN.
func TestGemmPacked(t *testing.T) {
	r := kerneltest.Rand(18)
	kerneltest.Levels(t, func(t *testing.T) {
		high, width := kernel.GemmTile()
		for rows := 1; rows <= 3*high; rows++ {
			for cols := 1; cols <= width; cols++ {
				k, add, ldc := 1+r.IntN(14), r.IntN(2) == 1, cols+r.IntN(3)
				a := kerneltest.Normal(r, rows*k)
				packed := kerneltest.TailOf(t, slivers(rows, k, func(i, p int) float32 { return a[i*k+p] }))
				for n := range packed {
					if n/(high*k)*high+n%high >= rows {
						kerneltest.NaN(packed[n : n+1])
					}
				}
				b := panel(t, kerneltest.Normal(r, k*cols), k, cols)
				got := kerneltest.TailOf(t, kerneltest.Normal(r, (rows-1)*ldc+cols))
				want := append([]float32(nil), got...)
				for i := 0; i < rows; i += high {
					kernel.Gemm(min(high, rows-i), k, a[i*k:], k, 1, b, width, want[i*ldc:], ldc, cols, add)
				}
				kernel.GemmPacked(rows, k, packed, b, got, ldc, cols, add)
				kerneltest.SameBits(t, got, want)
			}
		}
	})
}
