package kernel

// A sliver is a tile of rows of A, packed: [k][rows of a full tile], so that the micro-kernel reads one stream in the order in which it
// lies. The slivers of a matrix lie one behind the other. The last may have rows of the matrix missing; those elements are undefined.
//
// A row of a sliver is narrower than a register. It is stored as a whole register all the same, whose end the next row then covers.

// SliverSlack is the number of elements behind the last sliver that packing may write.
const SliverSlack = 16

// sliverBlock is the rows of the source that are copied to all slivers before the next: the lines that one sliver has read are still near
// when the next one takes its part of them.
const sliverBlock = 32

// PackSliversCols packs rows rows of k elements, ld apart: it transposes them. Elements of src behind the last row may be read.
func PackSliversCols(k, rows int, src []float32, ld int, dst []float32) {
	f := &active.gemm
	for i := 0; i < rows; i += f.rows {
		to, done := dst[i*k:], k&^3
		if done == 0 || (i+f.lanes-1)*ld+done > len(src) {
			done = 0
		} else {
			f.packCols(done, word(&src[i*ld]), 4*ld, word(&to[0]), f.rows)
		}
		transpose(done, k, i, min(i+f.rows, rows), f.rows, src, ld, to, f.rows)
	}
}

// PackSliversRows packs from k rows of rows elements, ld apart: A that lies transposed.
func PackSliversRows(k, rows int, src []float32, ld int, dst []float32) {
	packSlivers(k, rows, src, ld, dst, active.gemm.packSliver, func(x float32) float32 { return x })
}

// PackSliversRowsBF16 is PackSliversRows from bf16.
func PackSliversRowsBF16(k, rows int, src []uint16, ld int, dst []float32) {
	packSlivers(k, rows, src, ld, dst, active.gemm.packSliverBF16, widenBF16)
}

// PackSliversRowsF16 is PackSliversRows from f16.
func PackSliversRowsF16(k, rows int, src []uint16, ld int, dst []float32) {
	packSlivers(k, rows, src, ld, dst, active.gemm.packSliverF16, widenF16)
}

// packSlivers lets pack write rows of a register's width. The last rows of a sliver are as many as would reach into the next, and those
// that src has no such width for: they are copied one by one.
func packSlivers[T float32 | uint16](k, rows int, src []T, ld int, dst []float32,
	pack func(k int, src *T, ld int, dst *float32, ldd int), widen func(T) float32) {
	f := &active.gemm
	over := (f.lanes - 1) / f.rows
	for p0 := 0; p0 < k; p0 += sliverBlock {
		p1 := min(p0+sliverBlock, k)
		for i := 0; i < rows; i += f.rows {
			to, p := dst[i*k:], p0
			if n := len(src) - i - f.lanes; n >= p0*ld {
				p = max(p0, min(p1, n/ld+1, k-over))
			}
			if p > p0 {
				pack(p-p0, &src[p0*ld+i], ld, &to[p0*f.rows], f.rows)
			}
			for high := min(f.rows, rows-i); p < p1; p++ {
				for r, x := range src[p*ld+i : p*ld+i+high] {
					to[p*f.rows+r] = widen(x)
				}
			}
		}
	}
}
