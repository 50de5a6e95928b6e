package gemm

import (
	"github.com/longspan/longspan/internal/ceil"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// factor is a part of A or B as the kernel reads it: element (i, p) of A is at i·rs + p·cs, or at i·rs + p in pairs, and panels of B have
// rows rs apart. One of the slices holds it.
type factor struct {
	f32    []float32
	u16    []uint16
	rs, cs int
}

// multiplyPiece computes rows × cols of C over the blocks of the chunk.
func (j *job) multiplyPiece(worker, piece int) {
	across := j.pieceCount()
	i0, col0 := piece/across*j.rows, j.j0+piece%across*j.cols
	i1, col1 := min(i0+j.rows, j.m), min(col0+j.cols, j.j1)
	c := j.c.Slice(i0, i1, col0, col1)
	if c.Type != tensor.F32 {
		c = tensor.FromF32(j.scratchC.Row(worker)[:(i1-i0)*(col1-col0)], i1-i0, col1-col0)
	}
	first := col0
	if j.few {
		first = j.multiplyFew(worker, c, col0, col1)
	}
	for block := j.p0; block < j.p1 && first < col1; block++ {
		p0 := block * j.depth
		p1 := min(p0+j.depth, j.k)
		a := j.loadA(worker, i0, i1, p0, p1)
		for col := first; col < col1; col += j.tileCols {
			cols := min(j.tileCols, col1-col)
			b := j.loadB(worker, block, col)
			j.multiplyPanel(c.F32[col-col0:], c.Stride, i1-i0, cols, p1-p0, a, b, j.add || block > 0)
		}
	}
	if j.c.Type != tensor.F32 {
		round(j.c.Slice(i0, i1, col0, col1), c)
	}
}

// multiplyPanel multiplies all rows of a piece by one panel.
func (j *job) multiplyPanel(c []float32, ldc, rows, cols, k int, a, b factor, add bool) {
	for i := 0; i < rows; i += j.tileRows {
		high := min(j.tileRows, rows-i)
		if j.pairs {
			kernel.GemmBF16(high, (k+1)/2, a.u16[i*a.rs:], a.rs, b.u16, b.rs, c[i*ldc:], ldc, cols, add)
		} else {
			kernel.Gemm(high, k, a.f32[i*a.rs:], a.rs, a.cs, b.f32, b.rs, c[i*ldc:], ldc, cols, add)
		}
	}
}

func round(dst, src tensor.Mat) {
	for i := range dst.Rows {
		if dst.Type == tensor.BF16 {
			kernel.F32ToBF16(dst.Row16(i), src.Row(i))
		} else {
			kernel.F32ToF16(dst.Row16(i), src.Row(i))
		}
	}
}

// aDirect reports whether the kernel can read A where it lies, for all blocks: rows of the kernel's own type, in pairs with an
// even number of terms, so that the last pair is its own. Columns of float32 it reads too, but each line for 12 elements
// only, so that is for a few panels.
func (j *job) aDirect() bool {
	if j.a.Type != j.store {
		return false
	}
	if j.a.Trans {
		return !j.pairs && j.n <= fewPanels*j.tileCols
	}
	return !j.pairs || j.k%2 == 0
}

// loadA returns rows i0 … i1−1 and terms p0 … p1−1 of A, moving them to scratch, [i][p], only if they must be widened,
// paired or transposed: of rows with an odd number of terms, only the block of the last.
func (j *job) loadA(worker, i0, i1, p0, p1 int) factor {
	a, ld := j.a, j.scratchLd()
	switch {
	case j.pairs && !a.Trans && a.Type == j.store && (p1-p0)%2 == 0:
		return factor{u16: a.U16[i0*a.Stride+p0:], rs: a.Stride}
	case j.aDirect() && a.Trans:
		return factor{f32: a.F32[p0*a.Stride+i0:], rs: 1, cs: a.Stride}
	case j.aDirect():
		return factor{f32: a.F32[i0*a.Stride+p0:], rs: a.Stride, cs: 1}
	case j.pairs && a.Trans:
		dst := j.scratchA.Row16(worker)
		kernel.TransposeBF16(p1-p0, i1-i0, a.U16[p0*a.Stride+i0:], a.Stride, dst, ld, ceil.Multiple(p1-p0, 2*j.tileCols), j.square.Row16(worker))
		return factor{u16: dst, rs: ld}
	case j.pairs:
		dst := j.scratchA.Row16(worker)
		for i := i0; i < i1; i++ {
			row := dst[(i-i0)*ld:]
			copy(row, a.Row16(i)[p0:p1])
			row[p1-p0] = 0 // the partner of a last lone term
		}
		return factor{u16: dst, rs: ld}
	case a.Trans:
		dst := j.scratchA.Row(worker)
		j.transpose(worker, dst, ld, i0, i1, p0, p1)
		return factor{f32: dst, rs: ld, cs: 1}
	}
	dst := j.scratchA.Row(worker)
	for i := i0; i < i1; i++ {
		a.Mat.ReadPart(dst[(i-i0)*ld:(i-i0)*ld+p1-p0], i, p0)
	}
	return factor{f32: dst, rs: ld, cs: 1}
}

// scratchLd is the length of a row of scratch for A: whole panels' width, and one line more, so that rows are not a power of two
// apart, which would put them into the same few sets of the L1 cache.
func (j *job) scratchLd() int { return ceil.Multiple(j.depth, 2*j.tileCols) + 16 }

// transpose copies terms of the columns of A, which lie together, into rows of A.
func (j *job) transpose(worker int, dst []float32, ld, i0, i1, p0, p1 int) {
	a := j.a
	for p := p0; p < p1; p += j.tileCols {
		deep := min(j.tileCols, p1-p)
		if a.Type == tensor.F32 {
			kernel.PackCols(i1-i0, deep, a.F32[p*a.Stride+i0:], a.Stride, dst[p-p0:], ld)
			continue
		}
		square := j.square.Row(worker)
		for i := i0; i < i1; i += squareSide {
			wide := min(squareSide, i1-i)
			for q := range deep {
				a.Mat.ReadPart(square[q*squareSide:q*squareSide+wide], p+q, i)
			}
			kernel.PackCols(wide, deep, square, squareSide, dst[(i-i0)*ld+p-p0:], ld)
		}
	}
}

// loadB returns the panel of B that begins at column col, for one block. Few rows of A use an element of B once, so then it
// is read where it lies, but for columns that do not fill a panel.
func (j *job) loadB(worker, block, col int) factor {
	if j.b0.ready {
		return j.b0.at(block, col/j.tileCols)
	}
	p0, cols := block*j.depth, min(j.tileCols, j.n-col)
	if j.m <= j.tileRows && cols == j.tileCols && !j.b.Trans && j.b.Type == tensor.F32 {
		return factor{f32: j.b.F32[p0*j.b.Stride+col:], rs: j.b.Stride}
	}
	panel := factor{rs: j.tileCols}
	if j.pairs {
		panel.u16, panel.rs = j.scratchB.Row16(worker), 2*j.tileCols
	} else {
		panel.f32 = j.scratchB.Row(worker)
	}
	j.packPanel(worker, panel, p0, min(p0+j.depth, j.k), col, cols)
	return panel
}
