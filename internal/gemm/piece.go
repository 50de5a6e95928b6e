package gemm

import (
	"github.com/longspan/longspan/internal/ceil"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// factor is a part of A or B as the kernel reads it. Element (i, p) of a tile of A is at i·rs + p·cs, or at i·rs + p in pairs, and tiles
// are tile apart. Panels of B have rows rs apart. One of the slices holds it.
type factor struct {
	f32    []float32
	u16    []uint16
	rs, cs int
	tile   int
	packed bool // slivers, or a panel whose rows lie together
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
	if j.bias.Rows > 0 && j.p1 == j.blocks {
		addBias(c, j.bias.Row(0)[col0:col1])
	}
	if j.c.Type != tensor.F32 {
		round(j.c.Slice(i0, i1, col0, col1), c)
	}
}

// addBias adds a bias to every row of a piece that has all its terms.
func addBias(c tensor.Mat, bias []float32) {
	for i := range c.Rows {
		kernel.Add(c.Row(i), c.Row(i), bias)
	}
}

// multiplyPanel multiplies all rows of a piece by one panel.
func (j *job) multiplyPanel(c []float32, ldc, rows, cols, k int, a, b factor, add bool) {
	if a.packed && b.packed {
		kernel.GemmPacked(rows, k, a.f32, b.f32, c, ldc, cols, add)
		return
	}
	for i := 0; i < rows; i += j.tileRows {
		high, at := min(j.tileRows, rows-i), i/j.tileRows*a.tile
		if j.pairs {
			kernel.GemmBF16(high, (k+1)/2, a.u16[at:], a.rs, b.u16, b.rs, c[i*ldc:], ldc, cols, add)
		} else {
			kernel.Gemm(high, k, a.f32[at:], a.rs, a.cs, b.f32, b.rs, c[i*ldc:], ldc, cols, add)
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

// packsA reports whether A is packed into slivers: in float32, unless it has few rows or B few panels, or the level reads rows where they
// lie. Rows far apart fall into few sets of the caches and many pages, and of columns a line is read for a few elements.
func (j *job) packsA() bool {
	switch {
	case j.pairs:
		return false
	case j.a.Trans:
		return j.n > fewPanelsTrans*j.tileCols || j.a.Type != j.store
	case kernel.GemmRowsInPlace():
		return false
	}
	return j.n > fewPanels*j.tileCols && (j.m > fewRows || j.m >= pieceRows && j.b0.ready || j.a.Type != j.store)
}

// aDirect reports whether the kernel reads A where it lies, for all blocks. In pairs it can read rows with an even number of terms, so that
// the last pair is its own. In float32 it can read rows and columns.
func (j *job) aDirect() bool {
	if j.pairs {
		return !j.a.Trans && j.k%2 == 0
	}
	return j.a.Type == j.store && !j.packsA()
}

// loadA returns rows i0 … i1−1 and terms p0 … p1−1 of A. It moves them to scratch only if they are not read where they lie: of pairs with
// an odd number of terms, only the block of the last.
func (j *job) loadA(worker, i0, i1, p0, p1 int) factor {
	a, high := j.a, j.tileRows
	switch {
	case j.pairs && !a.Trans && (p1-p0)%2 == 0:
		return factor{u16: a.U16[i0*a.Stride+p0:], rs: a.Stride, tile: high * a.Stride}
	case j.pairs:
		return j.loadPairs(worker, i0, i1, p0, p1)
	case j.aDirect() && a.Trans:
		return factor{f32: a.F32[p0*a.Stride+i0:], rs: 1, cs: a.Stride, tile: high}
	case j.aDirect():
		return factor{f32: a.F32[i0*a.Stride+p0:], rs: a.Stride, cs: 1, tile: high * a.Stride}
	}
	dst, rows, k := j.scratchA.Row(worker), i1-i0, p1-p0
	if !j.packsA() {
		widen(dst, j.scratchLd(), a.Mat, i0, i1, p0, k)
		return factor{f32: dst, rs: j.scratchLd(), cs: 1, tile: high * j.scratchLd()}
	}
	switch from := p0*a.Stride + i0; {
	case !a.Trans:
		j.packRowsA(worker, dst, i0, i1, p0, p1)
	case a.Type == tensor.F32:
		kernel.PackSliversRows(k, rows, a.F32[from:], a.Stride, dst)
	case a.Type == tensor.BF16:
		kernel.PackSliversRowsBF16(k, rows, a.U16[from:], a.Stride, dst)
	default:
		kernel.PackSliversRowsF16(k, rows, a.U16[from:], a.Stride, dst)
	}
	return factor{f32: dst, rs: 1, cs: high, tile: high * k, packed: true}
}

// packRowsA packs rows of A into slivers, widening them first if they must be.
func (j *job) packRowsA(worker int, dst []float32, i0, i1, p0, p1 int) {
	a, k := j.a, p1-p0
	if a.Type == tensor.F32 {
		kernel.PackSliversCols(k, i1-i0, a.F32[i0*a.Stride+p0:], a.Stride, dst)
		return
	}
	wide, ld := j.wide.Row(worker), j.wideLd()
	for i := i0; i < i1; i += j.tileRows {
		high := min(j.tileRows, i1-i)
		widen(wide, ld, a.Mat, i, i+high, p0, k)
		kernel.PackSliversCols(k, high, wide, ld, dst[(i-i0)*k:])
	}
}

// widen reads k terms of the rows i0 … i1−1 of m, from p0 on, into rows of dst that are ld apart.
func widen(dst []float32, ld int, m tensor.Mat, i0, i1, p0, k int) {
	for i := i0; i < i1; i++ {
		m.ReadPart(dst[(i-i0)*ld:][:k], i, p0)
	}
}

// loadPairs moves pairs of A to scratch, [i][p].
func (j *job) loadPairs(worker, i0, i1, p0, p1 int) factor {
	a, dst, ld := j.a, j.scratchA.Row16(worker), j.scratchLd()
	if a.Trans {
		kernel.TransposeBF16(p1-p0, i1-i0, a.U16[p0*a.Stride+i0:], a.Stride, dst, ld, ceil.Multiple(p1-p0, 2*j.tileCols), j.square.Row16(worker))
	} else {
		for i := i0; i < i1; i++ {
			row := dst[(i-i0)*ld:]
			copy(row, a.Row16(i)[p0:p1])
			row[p1-p0] = 0 // the partner of a last lone term
		}
	}
	return factor{u16: dst, rs: ld, tile: j.tileRows * ld}
}

// scratchLd is the length of a row of scratch for rows of A: whole panels' width, and one line more, so that rows are not a power of two
// apart, which would put them into the same few sets of the L1 cache.
func (j *job) scratchLd() int { return ceil.Multiple(j.depth, 2*j.tileCols) + 16 }

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
	panel := factor{rs: j.tileCols, packed: true}
	if j.pairs {
		panel.u16, panel.rs = j.scratchB.Row16(worker), 2*j.tileCols
	} else {
		panel.f32 = j.scratchB.Row(worker)
	}
	j.packPanel(worker, panel, p0, min(p0+j.depth, j.k), col, cols)
	return panel
}
