package gemm

import (
	"github.com/longspan/longspan/internal/ceil"
	"github.com/longspan/longspan/tensor"
)

// A large product is cut into parts, one after another: some columns of B over some blocks of K, which are packed once and shared by all
// pieces of work. The part after it is packed into other memory by the threads that find no piece left. So they do not wait for the last
// piece, and packing has no barrier of its own.

// Sizes of parts.
const (
	// chunkWords of packed B are 4 MiB, and the next part's as many: room for both in a shared L3 cache of 16 MiB or more.
	chunkWords = 1 << 20
	// chunkCols is the width of a part that is a part of K only: wide, so that rows of A are seldom moved again.
	chunkCols = 1024
)

// part is the columns j0 … j1−1 of B and the blocks p0 … p1−1 of K.
type part struct{ j0, j1, p0, p1 int }

// runParts multiplies part by part. The first turn packs alone, the last multiplies alone.
func (j *job) runParts() {
	packed := j.b0.ready
	j.rows = max(pieceRows, j.tileRows)
	size := j.partSize()
	j.cols = j.pieceCols(size.j1)
	j.getScratch()
	if !packed {
		j.getPanels(size)
	}
	for j.next = size; ; j.next = j.after(size) {
		if !packed {
			j.b1.block, j.b1.panel = j.next.p0, j.next.j0/j.tileCols
			j.packs = j.next.panels(j.tileCols)
		}
		j.each(multiply, j.pieces()+j.packs)
		if j.next == (part{}) {
			break
		}
		j.part = j.next
		if !packed {
			j.b0, j.b1 = j.b1, j.b0
		}
	}
	if !packed {
		j.b0.free(j.x.Pool)
		j.b1.free(j.x.Pool)
	}
	j.putScratch()
}

// partSize is the columns and blocks that a part has at most. A result that is not F32 cannot be added to later, so then K stays whole.
func (j *job) partSize() part {
	words := j.depth
	if j.pairs {
		words /= 2
	}
	blocks := max(1, chunkWords/chunkCols/words)
	if j.blocks < 2*blocks || j.c.Type != tensor.F32 {
		blocks = j.blocks
	}
	return part{j1: min(j.n, even(j.n, chunkWords/(blocks*words), j.tileCols)), p1: blocks}
}

// panels is the number of panels of a part, of width columns each.
func (p part) panels(width int) int { return (p.p1 - p.p0) * ceil.Div(p.j1-p.j0, width) }

// after is the part that follows: the next blocks of K, else the next columns. It is empty where there is none.
func (j *job) after(size part) part {
	p := j.part
	switch {
	case p.p1 < j.blocks:
		p.p0, p.p1 = p.p1, min(p.p1+size.p1, j.blocks)
		return p
	case p.j1 < j.n:
		return part{j0: p.j1, j1: min(p.j1+size.j1, j.n), p1: size.p1}
	}
	return part{}
}

// getPanels takes the memory of packed panels: twice where there is more than one part.
func (j *job) getPanels(size part) {
	j.b1 = newPanels(j.x.Pool, j.store, size.p1, size.j1, j.depth, j.tileCols)
	if size.p1 < j.blocks || size.j1 < j.n {
		j.b0 = newPanels(j.x.Pool, j.store, size.p1, size.j1, j.depth, j.tileCols)
	}
}

// packNext packs one panel of the next part.
func (j *job) packNext(worker, piece int) {
	n := j.next
	across := ceil.Div(n.j1-n.j0, j.tileCols)
	j.packBlock(worker, &j.b1, n.p0+piece/across, n.j0/j.tileCols+piece%across)
}
