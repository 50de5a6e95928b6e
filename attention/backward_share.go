package attention

import (
	"runtime"

	"github.com/longspan/longspan/internal/kernel"
)

// share adds this chunk's part of a tile's dQ once the chunks before it have; the last one stores it.
func (w *backwardWorker) share(c *chunkWork, head int, at visit) {
	b, s, tile := w.b, &w.b.a.seqs[c.seq], int(at.tile)
	_, chunks := s.visits()
	if chunks[tile] == 1 && b.g.Bias == nil { // nobody else adds to it
		w.storeDQ(w.dq, c.seq, head, tile)
		return
	}
	slot := b.slot(c.seq, head, tile)
	for b.done[slot].Load() != at.rank {
		runtime.Gosched()
	}
	total := b.dq.Row(slot)
	if at.rank == 0 {
		copy(total, w.dq)
	} else if wide := int(s.wide[tile]); wide < 0 {
		kernel.Add(total, total, w.dq)
	} else {
		w.shareSpan(total, b.span.Row(head*b.wides+b.wide[c.seq]+wide), int32(s.span(c.lo)), s, slot, at)
	}
	b.spans[slot] = int32(s.span(c.lo))
	if at.rank+1 == chunks[tile] {
		w.storeDQ(total, c.seq, head, tile)
	}
	b.done[slot].Store(at.rank + 1)
}

// shareSpan is share for a tile that sees several spans of keys: total has the first and those that are joined to it, and sum the present
// one, if it is another.
func (w *backwardWorker) shareSpan(total, sum []float32, span int32, s *sequence, slot int, at visit) {
	first, before := int32(s.span(int(s.tile(int(at.tile))[0].lo))), w.b.spans[slot]
	if span != before && before != first {
		kernel.Add(total, total, sum)
	}
	switch {
	case span == first:
		kernel.Add(total, total, w.dq)
		return
	case span != before:
		copy(sum, w.dq)
	default:
		kernel.Add(sum, sum, w.dq)
	}
	if at.rank+1 == s.chunks[at.tile] {
		kernel.Add(total, total, sum)
	}
}

// storeDQ writes a tile's dQ, times scale, where it is wanted. It uses up w.lse and w.qr.
func (w *backwardWorker) storeDQ(dq []float32, seq, head, tile int) {
	if !given(w.b.g.DQ) {
		return
	}
	a, s := w.b.a, &w.b.a.seqs[seq]
	for x := range w.lse {
		w.lse[x] = float32(a.c.Scale)
	}
	row, d := s.queryRow(tile), a.c.HeadDim
	storeTile(dq, w.lse, w.b.g.DQ.Slice(row, row+s.rows(tile), head*d, (head+1)*d), w.qr)
}
