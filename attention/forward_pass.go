package attention

import (
	"fmt"
	"iter"
	"math/bits"

	"github.com/longspan/longspan/attention/internal/check"
	"github.com/longspan/longspan/internal/ceil"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// ForwardPass is Forward in parts, for shares with long queries: a rank computes Own, forms the Sums of long queries of all ranks over its
// keys, exchanges them with the other ranks, and Joins those of its own queries. Its methods are called one at a time.
type ForwardPass struct {
	a       *Attention
	x       tensor.Exec
	in      In
	dry     bool
	p       *packed
	bias    tileBias
	workers []*forwardWorker
}

// QuerySum is the sum of a tile of queries over the own keys of one span: a part of what LongQueries are. It begins from zero, or where the
// rank before has stopped. Once the last rank that has keys of the span has added its own, it is the sum of the span.
type QuerySum struct {
	Share     int    // index of the share
	At        int    // position of the first query of the tile
	Span      int    // the keys: positions SpanTokens·Span … SpanTokens·(Span+1)−1
	Lanes     uint32 // bit i is set where query At+i sees any key of the span
	Row       int    // the first of the rows of sums, one for each query in Lanes
	Continues bool   // the rows hold the sums over the keys of the span before the own ones
}

// SpanTokens is the positions of a span.
const SpanTokens = spanKeys

// SumWidths are the columns of the rows of sums, F32: of a query in a forward and in a backward pass, and of a key in a backward pass.
func (a *Attention) SumWidths() (forward, backward, keys int) {
	return a.c.Heads * (a.c.HeadDim + 2), a.c.Heads * a.c.HeadDim, 2 * a.c.KVHeads * a.c.HeadDim
}

// forward is what the forward pass reads of in.
func (a *Attention) forward(in In) In {
	far := Far{K: in.Far.K, V: in.Far.V, Arrive: in.Far.Arrive}
	if a.long {
		far.Q = in.Far.Q
	}
	return In{Q: in.Q, K: in.K, V: in.V, Far: far}
}

// checkForward refuses what a forward pass cannot read.
func (a *Attention) checkForward(mem *tensor.Pool, in In, more ...check.Mat) error {
	_, err := a.forwardDry(mem, in, more...)
	return err
}

func (a *Attention) forwardDry(mem *tensor.Pool, in In, more ...check.Mat) (dry bool, err error) {
	more = append(more, a.farMats(in)...)
	if a.long {
		more = append(more, needed(a.farQueries, check.Of("Far.Q", in.Far.Q, a.farQueries, a.qWidth()))...)
	}
	if dry, err = a.c.checkMats(mem, a.tq, a.tk, in, more...); err != nil {
		return false, err
	}
	return dry, in.checkFarTypes()
}

// StartForward packs keys and values. Free must be called at the end, whatever happens between. Scratch from x.Pool is that of Forward.
func (a *Attention) StartForward(x tensor.Exec, in In) (*ForwardPass, error) {
	in = a.forward(in)
	dry, err := a.forwardDry(x.Pool, in)
	if err != nil {
		return nil, err
	}
	f := &ForwardPass{a: a, x: x, in: in, dry: dry, p: a.pack(x, in, packForward, dry)}
	f.workers = make([]*forwardWorker, min(pool.Threads(x.Threads), max(1, len(a.strips)*a.c.Heads)))
	for i := range f.workers {
		f.workers[i] = newForwardWorker(a, x.Pool, f.p)
	}
	if f.bias, err = a.startBias(x.Pool, in, dry); err != nil {
		f.Free()
		return nil, err
	}
	return f, nil
}

// Free gives the memory of the pass back.
func (f *ForwardPass) Free() {
	if f.bias != nil {
		f.bias.free(f.x.Pool)
	}
	for _, w := range f.workers {
		w.free(f.x.Pool)
	}
	f.p.free(f.x.Pool)
}

// run calls work for every piece of every head. Heads follow one another where their keys are many: the pieces of a head find its keys in
// the last cache.
func (f *ForwardPass) run(pieces int, work func(w *forwardWorker, piece int)) {
	if f.a.longestKeys <= kernel.KeyBlock {
		f.runShort(pieces, work)
		return
	}
	pool.Run(len(f.workers), pieces*f.a.c.Heads, func(worker, i int) {
		w := f.workers[worker]
		w.bias = f.bias
		w.head = i / pieces
		work(w, i%pieces)
	})
}

// runShort is run where all keys are one block: the rows of queries matter then, and those of all heads are side by side. One worker takes
// the heads of a piece, one after another: two workers in neighbouring columns of the same rows were 15 % slower, likely since a processor
// fetches beyond what it reads, also what the other writes. Heads are parted only so far that there are 64 units of work.
func (f *ForwardPass) runShort(pieces int, work func(w *forwardWorker, piece int)) {
	heads := f.a.c.Heads
	parts := min(heads, ceil.Div(64, max(1, pieces)))
	pool.Run(len(f.workers), pieces*parts, func(worker, i int) {
		w := f.workers[worker]
		w.bias = f.bias
		part := i % parts
		for w.head = part * heads / parts; w.head < (part+1)*heads/parts; w.head++ {
			work(w, i/parts)
		}
	})
}

// Own computes the rows of own queries that are not long.
func (f *ForwardPass) Own(out Out) error {
	dry, err := check.Mats("attention", f.x.Pool, f.a.c.outMats(f.a.tq, out)...)
	if err != nil || dry || f.dry {
		return err
	}
	near, far := f.a.strips, []strip(nil)
	if f.in.Far.Arrive != nil {
		near, far = f.a.nearStrips()
	}
	f.strips(near, out)
	if f.in.Far.Arrive == nil {
		return nil
	}
	if err := f.in.Far.Arrive(); err != nil {
		return err
	}
	f.p.fill(f.a, f.x, f.in, func(s *sequence, unit int) bool { return s.share != nil && !s.share.ownsUnit(unit) })
	f.strips(far, out)
	return nil
}

// strips computes some of the strips.
func (f *ForwardPass) strips(strips []strip, out Out) {
	if len(strips) == 0 {
		return
	}
	f.run(len(strips), func(w *forwardWorker, piece int) {
		w.strip = strips[piece]
		w.run(f.in, out)
	})
}

// nearStrips are the strips whose queries see own keys alone, and the others.
func (a *Attention) nearStrips() (near, far []strip) {
	for _, s := range a.strips {
		if a.seqs[s.seq].seesFar(s) {
			far = append(far, s)
		} else {
			near = append(near, s)
		}
	}
	return near, far
}

// seesFar reports whether a query of the strip sees keys of others.
func (s *sequence) seesFar(of strip) bool {
	if s.share == nil {
		return false
	}
	for t := of.tile; t < of.tile+of.tiles; t++ {
		for _, r := range s.tile(t) {
			for unit := int(r.lo) / ShareUnit; unit*ShareUnit < int(r.hi); unit++ {
				if !s.share.ownsUnit(unit) {
					return true
				}
			}
		}
	}
	return false
}

// Sums forms sums of long queries over own keys in the rows of sums [n, H·(D+2)] F32: for each head the sum of the values, the greatest
// score in units of log2, and the sum of the exponentials.
func (f *ForwardPass) Sums(sums tensor.Mat, of []QuerySum) error {
	width, _, _ := f.a.SumWidths()
	tiles, err := f.a.checkQuerySums(f.x.Pool, sums, width, of, false)
	if err != nil || f.dry || sums.Dry() {
		return err
	}
	f.run(len(of), func(w *forwardWorker, piece int) {
		s, t := of[piece], &w.tiles[0]
		w.strip = strip{s.Share, tiles[piece], 1}
		w.begin(t, &f.a.seqs[s.Share], tiles[piece], f.in)
		if s.Continues {
			w.readSum(t, sums, s)
		}
		w.attendSpan(t, s.Span)
		w.writeSum(t, sums, s)
	})
	return nil
}

// attendSpan attends a tile of its own to the own keys of a span.
func (w *forwardWorker) attendSpan(t *queryTile, span int) {
	seq := &w.a.seqs[w.strip.seq]
	lo, hi := seq.ownSpan(span)
	for _, r := range seq.runsFrom(w.strip.tile, lo) {
		for at := max(int(r.lo), lo); at < min(int(r.hi), hi); {
			end := min(int(r.hi), (at/kernel.KeyBlock+1)*kernel.KeyBlock)
			w.attend(t, w.strip.tile, at, end-at, seq.maskOf(r, at))
			at = end
		}
	}
}

// sumOf are the elements of lane x of a tile in the rows of sums: D values, the maximum, the sum.
func (w *forwardWorker) sumOf(sums tensor.Mat, s QuerySum, x int) []float32 {
	d := w.a.c.HeadDim
	return sums.Row(s.row(x))[w.head*(d+2) : (w.head+1)*(d+2)]
}

// row is the row of the query of lane x.
func (s QuerySum) row(x int) int { return s.Row + bits.OnesCount32(s.Lanes&(1<<x-1)) }

// readSum sets the sums of a tile to rows. Queries without a row have none.
func (w *forwardWorker) readSum(t *queryTile, sums tensor.Mat, s QuerySum) {
	t.empty()
	d := w.a.c.HeadDim
	for x := range lanes(s.Lanes) {
		row := w.sumOf(sums, s, x)
		for p, v := range row[:d] {
			t.o[p*kernel.Lanes+x] = v
		}
		t.m[x], t.l[x] = row[d], row[d+1]
	}
}

// writeSum writes the sums of a tile to rows.
func (w *forwardWorker) writeSum(t *queryTile, sums tensor.Mat, s QuerySum) {
	d := w.a.c.HeadDim
	for x := range lanes(s.Lanes) {
		row := w.sumOf(sums, s, x)
		for p := range d {
			row[p] = t.o[p*kernel.Lanes+x]
		}
		row[d], row[d+1] = t.m[x], t.l[x]
	}
}

// lanes are the lanes whose bits are set.
func lanes(set uint32) iter.Seq[int] {
	return func(yield func(lane int) bool) {
		for ; set != 0 && yield(bits.TrailingZeros32(set)); set &= set - 1 {
		}
	}
}

// Join writes the results of own long queries. Their sums, of every span that they see, lie one after another in of, spans ascending.
func (f *ForwardPass) Join(out Out, sums tensor.Mat, of []QuerySum) error {
	width, _, _ := f.a.SumWidths()
	tiles, err := f.a.checkQuerySums(f.x.Pool, sums, width, of, true)
	if err != nil {
		return err
	}
	if dry, err := check.Mats("attention", f.x.Pool, f.a.c.outMats(f.a.tq, out)...); err != nil || dry || f.dry || sums.Dry() {
		return err
	}
	rows := groups(of)
	f.run(len(rows), func(w *forwardWorker, piece int) {
		t, first := &w.tiles[0], rows[piece][0]
		s := of[first]
		w.strip, t.spans = strip{s.Share, tiles[first], 1}, 0
		for i := first; i < rows[piece][1]; i++ {
			if i > first {
				w.join(t)
			}
			w.readSum(t, sums, of[i])
		}
		w.storeTile(t, tiles[first], out)
	})
	return nil
}

// groups parts sums by tile: from … to−1.
func groups(of []QuerySum) (all [][2]int) {
	for i, s := range of {
		if i == 0 || s.Share != of[i-1].Share || s.At != of[i-1].At {
			all = append(all, [2]int{i, i})
		}
		all[len(all)-1][1]++
	}
	return all
}

// checkQuerySums refuses sums of tiles that are not there, not long, or not own where they must be, and rows that are not there. It returns
// the tiles.
func (a *Attention) checkQuerySums(mem *tensor.Pool, sums tensor.Mat, width int, of []QuerySum, own bool) ([]int, error) {
	if _, err := check.Mats("attention", mem, check.Of("sums", sums, sums.Rows, width)); err != nil {
		return nil, err
	}
	if sums.Type != tensor.F32 {
		return nil, wrongType("sums", sums)
	}
	tiles := make([]int, len(of))
	for i, s := range of {
		if s.Share < 0 || s.Share >= len(a.seqs) {
			return nil, fmt.Errorf("attention: found a sum of share %d, expected 0 … %d", s.Share, len(a.seqs)-1)
		}
		seq := &a.seqs[s.Share]
		if tiles[i] = seq.tileAt(s.At); tiles[i] < 0 || !seq.share.tiles[tiles[i]].long || own && !seq.ownTile(tiles[i]) {
			return nil, fmt.Errorf("attention: found a sum of the queries from %d on in share %d, expected a tile of LongQueries that is there",
				s.At, s.Share)
		}
		if s.Row < 0 || s.Row+bits.OnesCount32(s.Lanes) > sums.Rows || s.Span < 0 || s.Span > seq.share.Tokens/spanKeys {
			return nil, fmt.Errorf("attention: found a sum over span %d in rows from %d on, of %d, expected a span of the sequence and a row for "+
				"each of %d queries", s.Span, s.Row, sums.Rows, bits.OnesCount32(s.Lanes))
		}
	}
	return tiles, nil
}
