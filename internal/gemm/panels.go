package gemm

import (
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// panels are packed parts of B: for each block of K, panels of width columns next to each other. In pairs, a row of
// a panel is two terms of every column.
type panels struct {
	ready        bool
	data         tensor.Mat // a row for each panel
	across, wide int        // panels a block has; elements between rows of a panel
	block, panel int        // of B, the first that is here
}

func newPanels(p *tensor.Pool, store tensor.Type, blocks, cols, depth, width int) panels {
	across := (cols + width - 1) / width
	wide := width
	if store == tensor.BF16 {
		wide *= 2
	}
	return panels{ready: true, across: across, wide: wide, data: p.Get(store, blocks*across, depth*width)}
}

func (s *panels) free(p *tensor.Pool) {
	if s.ready {
		p.Put(s.data)
	}
	*s = panels{}
}

// at is one panel of a block, both counted in B.
func (s *panels) at(block, panel int) factor {
	m, row := s.data, (block-s.block)*s.across+panel-s.panel
	if m.Type == tensor.F32 {
		return factor{f32: m.Row(row), rs: s.wide, packed: true}
	}
	return factor{u16: m.Row16(row), rs: s.wide}
}

// packBlock packs one panel of one block.
func (j *job) packBlock(worker int, to *panels, block, panel int) {
	p0, col := block*j.depth, panel*j.tileCols
	j.packPanel(worker, to.at(block, panel), p0, min(p0+j.depth, j.k), col, min(j.tileCols, j.n-col))
}

// packPanel fills a panel with terms p0 … p1−1 of cols columns of B, from column col on.
func (j *job) packPanel(worker int, dst factor, p0, p1, col, cols int) {
	b, k, from := j.b, p1-p0, p0*j.b.Stride+col
	if b.Trans {
		from = col*b.Stride + p0
	}
	switch {
	case dst.u16 != nil && b.Trans:
		kernel.PackColsPairs(k, cols, b.U16[from:], b.Stride, dst.u16, dst.rs)
	case dst.u16 != nil:
		kernel.PackPairs(k, cols, b.U16[from:], b.Stride, dst.u16, dst.rs)
	case b.Trans && b.Type != tensor.F32:
		wide := j.wide.Row(worker)
		widen(wide, j.wideLd(), b.Mat, col, col+cols, p0, k)
		kernel.PackCols(k, cols, wide, j.wideLd(), dst.f32, dst.rs)
	case b.Trans:
		kernel.PackCols(k, cols, b.F32[from:], b.Stride, dst.f32, dst.rs)
	case b.Type == tensor.F32:
		kernel.PackRows(k, cols, b.F32[from:], b.Stride, dst.f32, dst.rs)
	case b.Type == tensor.BF16:
		kernel.PackRowsBF16(k, cols, b.U16[from:], b.Stride, dst.f32, dst.rs)
	default:
		kernel.PackRowsF16(k, cols, b.U16[from:], b.Stride, dst.f32, dst.rs)
	}
}
