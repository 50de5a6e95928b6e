package attention

import (
	"github.com/longspan/longspan/internal/ceil"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// Rows that a pass needs soon are asked for while it computes. They lie in the last cache or in memory, strides apart or in blocks that a
// pattern chooses, and a processor by itself fetches too little of them ahead. Nothing depends on it but the time.
//
// A processor waits for some 24 lines at once, and stands still where it is asked for more. So products are computed in slices of rows, and
// a few lines are asked for before each.

// soonRows are rows that will be needed soon, those that are needed first before the others.
type soonRows struct {
	mats [12]tensor.Mat
	n    int // of mats
	at   int // the matrix and its row that come next
	row  int
	step int // rows to ask for at a time
}

// sliceRows is the rows of a slice: a multiple of the rows that the kernels take at a time, 6 or 8. At D = 64 a slice takes 3,000 cycles
// with AVX2.
const sliceRows = 24

// slicesOf is the number of slices of a product.
func slicesOf(rows int) int { return ceil.Div(rows, sliceRows) }

// ask adds the rows of m.
func (s *soonRows) ask(m tensor.Mat) {
	if m.Rows > 0 {
		s.mats[s.n] = m
		s.n++
	}
}

// within sets the step so that all rows are asked for in so many.
func (s *soonRows) within(steps int) {
	rows := 0
	for _, m := range s.mats[s.at:s.n] {
		rows += m.Rows
	}
	s.step = ceil.Div(rows-s.row, max(1, steps))
}

// fetch brings the next rows near.
func (s *soonRows) fetch() {
	if s.at < s.n {
		s.take(s.step)
	}
}

// rest brings near all rows that are left.
func (s *soonRows) rest() {
	for s.at < s.n {
		s.take(s.mats[s.at].Rows)
	}
	s.at, s.n = 0, 0
}

func (s *soonRows) take(rows int) {
	for rows > 0 && s.at < s.n {
		m := &s.mats[s.at]
		n := min(rows, m.Rows-s.row)
		if m.Type == tensor.F32 {
			kernel.TileFetch(n, m.Cols, m.F32[s.row*m.Stride:], m.Stride)
		} else {
			kernel.TileFetch(n, m.Cols, m.U16[s.row*m.Stride:], m.Stride)
		}
		rows -= n
		if s.row += n; s.row == m.Rows {
			s.at, s.row = s.at+1, 0
		}
	}
}

// mul is kernel.TileMul of a tile, in slices.
func (s *soonRows) mul(rows, k int, a []float32, lda int, b, c []float32) {
	for i := 0; i < rows; i += sliceRows {
		s.fetch()
		kernel.TileMul(min(sliceRows, rows-i), k, a[i*lda:], lda, b, kernel.Lanes, c[i*kernel.Lanes:], kernel.Lanes)
	}
}

// mulT is kernel.TileMulT in slices.
func (s *soonRows) mulT(rows, k int, a []float32, lda int, b, alpha, c []float32) {
	for i := 0; i < rows; i += sliceRows {
		s.fetch()
		kernel.TileMulT(min(sliceRows, rows-i), k, a[i:], lda, b, alpha, c[i*kernel.Lanes:])
	}
}

// mulAdd adds a [rows][Lanes] times b [Lanes][width] to c [rows][width], as kernel.TileMulAdd does, in slices.
func (s *soonRows) mulAdd(rows int, a, b, c []float32, width int) {
	for i := 0; i < rows; i += sliceRows {
		s.fetch()
		for col := 0; col < width; col += kernel.Lanes {
			kernel.TileMulAdd(min(sliceRows, rows-i), kernel.Lanes, a[i*kernel.Lanes:], kernel.Lanes, b[col:], width, c[i*width+col:], width)
		}
	}
}

// steps is the slices of the products of a tile with n keys.
func (w *forwardWorker) steps(n int) int {
	if w.p.bf16 {
		return 3
	}
	return slicesOf(n) + slicesOf(w.a.c.HeadDim)
}

// after is what tile i of the strip asks for: its part of the next keys and values, or after the last its rows of the output. They come
// from the last cache or from memory, and the processor by itself fetches too little ahead.
func (w *forwardWorker) after(next keyRange, i int, in In, out Out) {
	n, seq := next.n(), &w.a.seqs[w.strip.seq]
	if n == 0 {
		w.soon.ask(w.rowsOf(out.O, w.strip.tile+i))
	} else {
		from, to := next.lo+i*n/w.strip.tiles, next.lo+(i+1)*n/w.strip.tiles
		k, v := w.p.views(w.a, in, w.head, seq, from, min(to, seq.K))
		w.soon.ask(k)
		w.soon.ask(v)
	}
	w.soon.within(w.steps(kernel.KeyBlock))
}

// rowsOf are the rows of Q, or of the output, that a tile has, where it is own. Those of one head lie far apart.
func (w *forwardWorker) rowsOf(m tensor.Mat, tile int) tensor.Mat {
	return w.a.rowsOf(&w.a.seqs[w.strip.seq], m, w.head, tile)
}

// rowsOf are the rows of a matrix like Q that a tile has, where it is own, in the columns of a head.
func (a *Attention) rowsOf(s *sequence, m tensor.Mat, head, tile int) tensor.Mat {
	if !s.ownTile(tile) {
		return tensor.Mat{}
	}
	row, n, d := s.queryRow(tile), s.rows(tile), a.c.HeadDim
	return m.Slice(row, row+n, head*d, (head+1)*d)
}

// views are the rows of some keys and values that will be read, packed or where they come from.
func (p *packed) views(a *Attention, in In, head int, s *sequence, lo, hi int) (k, v tensor.Mat) {
	if lo >= hi || p.own && s.share != nil && !s.share.ownsUnit(lo/ShareUnit) {
		return k, v
	}
	if p.own {
		d := a.c.HeadDim
		return s.keyRows(in.K, in.Far.K, lo, hi, head*d, (head+1)*d), s.keyRows(in.V, in.Far.V, lo, hi, head*d, (head+1)*d)
	}
	row := p.row(head, s, lo)
	if !p.bf16 {
		view := func(x []float32) tensor.Mat {
			return tensor.Mat{Type: tensor.F32, Rows: hi - lo, Cols: p.stride, Stride: p.stride, F32: x[row*p.stride:]}
		}
		return view(p.k), view(p.v)
	}
	view := func(x []uint16) tensor.Mat {
		return tensor.Mat{Type: tensor.BF16, Rows: hi - lo, Cols: p.width, Stride: p.width, U16: x[row*p.width:]}
	}
	return view(p.k16), view(p.vt)
}

// after is what a chunk asks for while it visits the first of some tiles for a query head: the keys that are not there yet, the next tile,
// the rows that this one is stored to, and after the last tile those of the keys.
func (w *backwardWorker) after(c *chunkWork, head int, visits []visit) {
	b, a, s, soon := w.b, w.b.a, &w.b.a.seqs[c.seq], &w.soon
	kvHead := head / w.p.group
	if w.p.own {
		for lo := max(w.p.hi, c.lo+kernel.KeyBlock); lo < c.hi; lo += kernel.KeyBlock {
			k, v := w.p.views(a, b.in, kvHead, s, lo, min(lo+kernel.KeyBlock, c.hi))
			soon.ask(k)
			soon.ask(v)
		}
	}
	if len(visits) > 1 {
		soon.ask(a.rowsOf(s, b.in.Q, head, int(visits[1].tile)))
		soon.ask(a.rowsOf(s, b.do, head, int(visits[1].tile)))
	}
	_, chunks := s.visits()
	if tile := int(visits[0].tile); given(b.g.DQ) && visits[0].rank+1 == chunks[tile] {
		soon.ask(a.rowsOf(s, b.g.DQ, head, tile))
	}
	if len(visits) == 1 && w.wantKV {
		first, d := s.keyRow(c.lo), a.c.HeadDim
		for _, m := range []tensor.Mat{b.g.DK, b.g.DV} {
			soon.ask(m.Slice(first, first+c.hi-c.lo, kvHead*d, (kvHead+1)*d))
		}
	}
	soon.within(w.steps(c.hi - c.lo))
}

// steps is the slices of the products of a tile with n keys.
func (w *backwardWorker) steps(n int) int {
	last := n % kernel.KeyBlock
	steps := func(n int) int {
		if w.b.p.bf16 {
			return 4
		}
		return 4*slicesOf(n) + slicesOf(w.b.a.c.HeadDim)
	}
	return n/kernel.KeyBlock*steps(kernel.KeyBlock) + steps(last)
}
