package attention

import (
	"github.com/longspan/longspan/internal/ceil"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// Rows that a pass needs soon are asked for while it computes. They lie in the last cache or in memory, strides apart or in blocks that a
// pattern chooses, and a processor by itself fetches too little of them ahead. Nothing depends on it but the time.

// soonRows are rows that will be needed soon, from … to−1: of one head in Q or in the output, or packed keys and values.
type soonRows struct {
	of       tensor.Mat // the zero Mat: packed
	from, to int
	step     int // rows to ask for at a time
}

// fetchSteps is the steps in which the rows that come after a block are asked for: one before each kernel call of a tile. A processor waits
// for some 24 lines at once, and stands still where it is asked for more.
const fetchSteps = 3

// after is what tile i of the strip asks for: its part of the next keys and values, or after the last its rows of the output. They come
// from the last cache or from memory, and the processor by itself fetches too little ahead.
func (w *forwardWorker) after(next keyRange, i int, out Out) soonRows {
	n := next.n()
	if n == 0 {
		return w.rowsOf(out.O, i)
	}
	if w.p.own {
		return soonRows{}
	}
	row := w.p.row(w.head, &w.a.seqs[w.strip.seq], next.lo)
	from, to := row+i*n/w.strip.tiles, row+(i+1)*n/w.strip.tiles
	return soonRows{from: from, to: to, step: ceil.Div(to-from, fetchSteps)}
}

// rowsOf are the rows of Q, or of the output, that tile i of the strip has, where it is own. Those of one head lie far apart.
func (w *forwardWorker) rowsOf(m tensor.Mat, i int) soonRows {
	seq, tile := &w.a.seqs[w.strip.seq], w.strip.tile+i
	if !seq.ownTile(tile) {
		return soonRows{}
	}
	row, n := seq.queryRow(tile), seq.rows(tile)
	return soonRows{m, row, row + n, ceil.Div(n, fetchSteps)}
}

// fetch brings near at most n more of the rows that will be needed soon.
func (w *forwardWorker) fetch(n int) {
	s := &w.soon
	n = min(n, s.to-s.from)
	if n == 0 {
		return
	}
	if given(s.of) {
		fetchHead(s.of, s.from, n, w.head, w.a.c.HeadDim)
	} else {
		w.p.fetch(s.from, n)
	}
	s.from += n
}

// fetch brings near the rows that load reads of an own tile: the rows of one head lie too far apart for the processor to do so by itself.
func (w *backwardWorker) fetch(seq, head, tile int) {
	s, d := &w.b.a.seqs[seq], w.b.a.c.HeadDim
	if !s.ownTile(tile) {
		return
	}
	fetchHead(w.b.in.Q, s.queryRow(tile), s.rows(tile), head, d)
	fetchHead(w.b.do, s.queryRow(tile), s.rows(tile), head, d)
}

// fetch brings packed keys and values near: n rows from a row on.
func (p *packed) fetch(row, n int) {
	if p.bf16 {
		fetch(p.k16, row*p.width, n*p.width)
		fetch(p.vt, row*p.width, n*p.width)
		return
	}
	fetch(p.k, row*p.stride, n*p.stride)
	fetch(p.v, row*p.stride, n*p.stride)
}

// fetch brings n elements of x near, if they are there.
func fetch[E float32 | uint16](x []E, from, n int) {
	if from+n <= len(x) {
		kernel.TileFetch(x[from : from+n])
	}
}

// fetchHead brings the columns of a head of some rows near.
func fetchHead(m tensor.Mat, row, rows, head, d int) {
	for i := row; i < row+rows; i++ {
		if from := i*m.Stride + head*d; m.Type == tensor.F32 {
			fetch(m.F32, from, d)
		} else {
			fetch(m.U16, from, d)
		}
	}
}
