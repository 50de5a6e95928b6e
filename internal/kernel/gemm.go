package kernel

import "unsafe"

// The gemm family is the inside of a matrix product: a micro-kernel that keeps a small tile of C in registers, and
// what copies B into the panels that it reads. Package gemm does the blocking around it.
//
//	a  element (i, p) is at i·rs + p·cs: A is read by broadcast, as it lies or transposed
//	b  [k][GemmCols]: one panel; packed, or columns of a row-major B with ldb elements between rows
//	c  [rows][cols], rows ldc apart
//
// A tile's sums begin at zero and take the terms in ascending p, one rounding a term (two where there is no FMA;
// in bf16 a pair of terms at a time, with AMX up to 16 pairs, and there sums that are added to C begin at C). So an element of C does
// not depend on the tile it was in.
//
// Why assembly: 237 GFLOP/s on Zen 5 (AVX2: 116; pairs of bf16: 482) against 9 in Go. Tails: one body for each number of rows, and
// masked loads and stores of C for columns; B's last panel is filled with zeros.

// gemmFuncs are the functions of one level. Those for pairs of bf16 are nil where HasBF16 is false.
type gemmFuncs struct {
	rows, cols, lanes int  // of a full tile; columns that packCols transposes at once
	rowsInPlace       bool // packing rows of A takes longer than it saves
	rowsPairs         int  // of a full tile of pairs
	depthPairs        int  // pairs of K that are best multiplied at a time
	pairsGoOn         bool
	mul               func(rows, k int, a *float32, rs, cs int, b *float32, ldb int, c *float32, ldc, cols int, add bool)
	packed            func(rows, k int, a, b, c *float32, ldc, cols int, add bool)
	mulPairs          func(rows, k int, a *uint16, rs, cs int, b *uint16, ldb int, c *float32, ldc, cols int, add bool)
	few               func(rows, k int, a *float32, rs int, b *float32, ldb int, next, acc *float32)
	fewPairs          func(rows, k int, a *uint16, rs int, b *uint16, ldb int, next *uint16, acc *float32)
	fewNarrow         [3]fewNarrowFunc // by Element, of those with 16 bits
	narrow            int              // columns of fewNarrow
	packRows          func(k int, src *float32, ld int, dst *float32, ldd int)
	packRowsBF16      func(k int, src *uint16, ld int, dst *float32, ldd int)
	packRowsF16       func(k int, src *uint16, ld int, dst *float32, ldd int)
	packSliver        func(k int, src *float32, ld int, dst *float32, ldd int) // rows of lanes elements
	packSliverBF16    func(k int, src *uint16, ld int, dst *float32, ldd int)
	packSliverF16     func(k int, src *uint16, ld int, dst *float32, ldd int)
	packCols          func(k int, src *uint32, ld int, dst *uint32, ldd int)
	packPairs         func(pairs int, src *uint16, ld int, dst *uint16, ldd int)
}

// fewNarrowFunc is GemmFewNarrow for one element.
type fewNarrowFunc = func(rows, k int, a *float32, rs int, b *uint16, ldb int, next *uint16, acc *float32)

// GemmTile is the rows and columns of a full tile. A panel of B is cols wide.
func GemmTile() (rows, cols int) { return active.gemm.rows, active.gemm.cols }

// GemmRowsInPlace reports whether rows of A are best read where they lie, whatever the size of the product.
func GemmRowsInPlace() bool { return active.gemm.rowsInPlace }

// GemmTileBF16 is GemmTile for pairs of bf16; columns are the same.
func GemmTileBF16() (rows, cols int) { return active.gemm.rowsPairs, active.gemm.cols }

// GemmDepthBF16 is the number of pairs of K GemmBF16 is best given at a time.
func GemmDepthBF16() int { return active.gemm.depthPairs }

// Gemm computes c = a·b, or c += a·b, for rows ≤ GemmTile's rows and cols ≤ its columns. k is at least 1.
func Gemm(rows, k int, a []float32, rs, cs int, b []float32, ldb int, c []float32, ldc, cols int, add bool) {
	active.gemm.mul(rows, k, &a[0], rs, cs, &b[0], ldb, &c[0], ldc, cols, add)
}

// GemmPacked is Gemm for any number of rows, where a has been packed into slivers by PackSliversRows or PackSliversCols, and b into a panel
// whose rows lie together. The bits are those of Gemm.
func GemmPacked(rows, k int, a, b, c []float32, ldc, cols int, add bool) {
	active.gemm.packed(rows, k, &a[0], &b[0], &c[0], ldc, cols, add)
}

// GemmBF16 is Gemm for rows ≤ GemmTileBF16's and pairs of bf16, which lie next to each other: a pair is a[i·rs + 2p] and the element after
// it. A panel of b is made by PackPairs or PackColsPairs, with rows ldb elements apart. Denormal factors and sums count as zero.
func GemmBF16(rows, pairs int, a []uint16, rs int, b []uint16, ldb int, c []float32, ldc, cols int, add bool) {
	active.gemm.mulPairs(rows, pairs, &a[0], rs, 2, &b[0], ldb, &c[0], ldc, cols, add)
}

// GemmFewRows is the most rows that GemmFew takes, and GemmLanes the columns that it makes.
const GemmFewRows = 4

// GemmLanes is the number of columns GemmFew and GemmFewBF16 make.
func GemmLanes() int { return active.gemm.lanes }

// GemmNarrowCols is the number of columns GemmFewNarrow makes: a part of GemmTile's.
func GemmNarrowCols() int { return active.gemm.narrow }

// FewRows is where GemmFew and its kind multiply: Rows rows of A, RS elements apart, by rows of B, LDB elements apart, into rows of C, LDC
// apart, or onto them with Add.
type FewRows struct {
	Rows, RS, LDB, LDC int
	Add                bool
}

// GemmFew computes c [Rows][GemmLanes] = a·bᵀ, or c += a·bᵀ, where b is [GemmLanes][k], read where it lies: for so few rows that packing
// b would cost more than multiplying by it. k is a multiple of 4. The bits are those of Gemm. acc is scratch of Rows·GemmLanes. As
// many bytes from next on are brought near as are read of b: what is multiplied next.
func GemmFew(f FewRows, k int, a, b, next, acc, c []float32) {
	clear(acc)
	active.gemm.few(f.Rows, k, &a[0], f.RS, &b[0], f.LDB, &next[0], &acc[0])
	f.finish(active.gemm.lanes, acc, c)
}

// GemmFewBF16 is GemmFew for pairs of bf16, a multiple of 4 of them. The bits are those of GemmBF16, which begins at c where it
// adds to it on a level that says so (pairsGoOn), and else at zero.
func GemmFewBF16(f FewRows, pairs int, a, b, next []uint16, acc, c []float32) {
	clear(acc)
	if f.Add && active.gemm.pairsGoOn {
		for i := range f.Rows {
			copy(acc[i*active.gemm.lanes:(i+1)*active.gemm.lanes], c[i*f.LDC:])
		}
		f.Add = false
	}
	active.gemm.fewPairs(f.Rows, pairs, &a[0], f.RS, &b[0], f.LDB, &next[0], &acc[0])
	f.finish(active.gemm.lanes, acc, c)
}

// GemmFewNarrow is GemmFew for GemmNarrowCols, where b has elements of 16 bits, which are widened in registers: B takes half the bytes of
// float32. k is a multiple of 4, 8 at least. The bits are those of Gemm with b widened before. acc is scratch of Rows·columns.
func GemmFewNarrow(e Element, f FewRows, k int, a []float32, b, next []uint16, acc, c []float32) {
	clear(acc)
	active.gemm.fewNarrow[e](f.Rows, k, &a[0], f.RS, &b[0], f.LDB, &next[0], &acc[0])
	f.finish(active.gemm.narrow, acc, c)
}

// finish stores the sums acc of lanes columns to c, or adds them.
func (f FewRows) finish(lanes int, acc, c []float32) {
	for i := range f.Rows {
		row, got := c[i*f.LDC:i*f.LDC+lanes], acc[i*lanes:(i+1)*lanes]
		if f.Add {
			Add(row, row, got)
		} else {
			copy(row, got)
		}
	}
}

// PackRows copies k rows of cols ≤ GemmTile's columns, ld apart, to rows ldd apart, and fills them with zeros to the
// full width.
func PackRows(k, cols int, src []float32, ld int, dst []float32, ldd int) {
	f := &active.gemm
	if cols == f.cols {
		f.packRows(k, &src[0], ld, &dst[0], ldd)
		return
	}
	for p := range k {
		row := dst[p*ldd : p*ldd+f.cols]
		clear(row[copy(row, src[p*ld:p*ld+cols]):])
	}
}

// PackRowsBF16 is PackRows from bf16.
func PackRowsBF16(k, cols int, src []uint16, ld int, dst []float32, ldd int) {
	f := &active.gemm
	if cols == f.cols {
		f.packRowsBF16(k, &src[0], ld, &dst[0], ldd)
		return
	}
	packRows16(k, cols, f.cols, src, ld, dst, ldd, widenBF16)
}

// PackRowsF16 is PackRows from f16.
func PackRowsF16(k, cols int, src []uint16, ld int, dst []float32, ldd int) {
	f := &active.gemm
	if cols == f.cols {
		f.packRowsF16(k, &src[0], ld, &dst[0], ldd)
		return
	}
	packRows16(k, cols, f.cols, src, ld, dst, ldd, widenF16)
}

// PackPairs copies k rows of bf16, two at a time, to rows of pairs that are ldd elements apart: dst[p][j] is
// src[2p][j], src[2p+1][j]. Columns from cols to the full width, and the second row of a last lone one, become zero.
func PackPairs(k, cols int, src []uint16, ld int, dst []uint16, ldd int) {
	f := &active.gemm
	pairs := 0
	if cols == f.cols && k > 1 {
		pairs = k / 2
		f.packPairs(pairs, &src[0], ld, &dst[0], ldd)
	}
	for p := pairs; 2*p < k; p++ {
		row := dst[p*ldd : p*ldd+2*f.cols]
		clear(row)
		for j, x := range src[2*p*ld : 2*p*ld+cols] {
			row[2*j] = x
		}
		if 2*p+1 == k {
			continue
		}
		for j, x := range src[(2*p+1)*ld : (2*p+1)*ld+cols] {
			row[2*j+1] = x
		}
	}
}

// PackCols copies cols rows of k elements, ld apart, to the columns of a panel with rows ldd apart: the transpose.
// Columns from cols to the full width become zero.
func PackCols(k, cols int, src []float32, ld int, dst []float32, ldd int) {
	f := &active.gemm
	for j := 0; j < f.cols; j += f.lanes {
		done := 0
		if cols-j >= f.lanes && k >= 4 {
			done = k &^ 3
			f.packCols(done, word(&src[j*ld]), 4*ld, word(&dst[j]), ldd)
		}
		transpose(done, k, j, min(j+f.lanes, cols), f.lanes, src, ld, dst[j:], ldd)
	}
}

// PackColsPairs copies cols rows of k bf16, ld apart, to the columns of a panel of pairs with rows ldd elements apart.
// Columns from cols to the full width, and the partner of a last lone element, become zero.
func PackColsPairs(k, cols int, src []uint16, ld int, dst []uint16, ldd int) {
	f := &active.gemm
	for j := 0; j < f.cols; j += f.lanes {
		done := 0
		if cols-j >= f.lanes && k >= 8 {
			done = k &^ 7
			f.packCols(done/2, word(&src[j*ld]), 2*ld, word(&dst[2*j]), ldd/2)
		}
		for p := done; p < k; p += 2 {
			row := dst[p/2*ldd+2*j : p/2*ldd+2*(j+f.lanes)]
			clear(row)
			for i := range max(0, min(f.lanes, cols-j)) {
				copy(row[2*i:2*i+2], src[(j+i)*ld+p:(j+i)*ld+min(p+2, k)])
			}
		}
	}
}

// TransposeScratch is the number of elements of scratch TransposeBF16 takes: two squares of pairs, of the widest panel.
const TransposeScratch = 2 * 2 * 32 * 32

// TransposeBF16 copies the transpose of src [rows][cols], whose rows are ld elements apart, to dst [cols][width], ldd apart, an even
// number. Columns of dst from rows on become zero, rows ≤ width. It is for levels where HasBF16.
func TransposeBF16(rows, cols int, src []uint16, ld int, dst []uint16, ldd, width int, scratch []uint16) {
	panel := active.gemm.cols
	side := 2 * panel // two neighbouring rows are paired, and squares of pairs transposed
	pairs, square := scratch[:panel*side], scratch[panel*side:2*panel*side]
	for from := 0; from < width; from += side {
		wide, high := min(side, width-from), min(side, rows-from)
		for col := 0; col < cols; col += panel {
			n, to := min(panel, cols-col), dst[col*ldd+from:]
			switch {
			case high <= 0:
				for i := range n {
					clear(to[i*ldd:][:wide])
				}
				continue
			case wide == side:
				PackPairs(high, n, src[from*ld+col:], ld, pairs, side)
				transposePairs(n, (high+1)/2, pairs, side, to, ldd)
				continue
			}
			PackPairs(high, n, src[from*ld+col:], ld, pairs, side)
			transposePairs(n, (high+1)/2, pairs, side, square, side)
			for i := range n {
				copy(to[i*ldd:][:wide], square[i*side:])
			}
		}
	}
}

// transposePairs transposes cols rows of k pairs, ld elements apart, into k rows, ldd elements apart. Columns from cols to
// GemmTile's width become zero.
func transposePairs(k, cols int, src []uint16, ld int, dst []uint16, ldd int) {
	f := &active.gemm
	for j := 0; j < f.cols; j += f.lanes {
		done := 0
		if cols-j >= f.lanes && k >= 4 {
			done = k &^ 3
			f.packCols(done, word(&src[j*ld]), 2*ld, word(&dst[2*j]), ldd/2)
		}
		for p := done; p < k; p++ {
			row := dst[p*ldd+2*j : p*ldd+2*(j+f.lanes)]
			clear(row)
			for i := j; i < min(j+f.lanes, cols); i++ {
				copy(row[2*(i-j):2*(i-j)+2], src[i*ld+2*p:])
			}
		}
	}
}

// transpose writes the rows from … k−1 of a panel that is lanes wide: the columns j0 … j1−1 of the source, then zeros.
func transpose(from, k, j0, j1, lanes int, src []float32, ld int, dst []float32, ldd int) {
	for p := from; p < k; p++ {
		row := dst[p*ldd : p*ldd+lanes]
		clear(row)
		for j := j0; j < j1; j++ {
			row[j-j0] = src[j*ld+p]
		}
	}
}

// word views an element, and what follows it, as 32-bit words.
func word[T float32 | uint16](x *T) *uint32 { return (*uint32)(unsafe.Pointer(x)) }
