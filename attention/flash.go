package attention

import (
	"math"

	"github.com/longspan/longspan/attention/internal/scratch"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// Forward computes O = softmax(scores)·V over the visible keys, tile by tile. O may be Q itself. A query that sees no key gets zeros
// and an LSE of −Inf. Sums are float32. Where Q, K and V are all BF16 and the processor multiplies bf16, the factors of the products
// are bf16, and so are the probabilities.
//
// Keys are summed in spans of 8,192 positions, each from zero, whose sums are joined in order: ranks that have the spans of a row that sees
// everything so find its bits together.
//
// A key that is hidden from a query within a visited tile counts with probability 0: its value must be finite, since 0 times NaN
// or infinity is NaN. A bias so low that it leaves float32 hides a key as −Inf does.
//
// Scratch from x.Pool: keys and values once more, or a block of them for each thread where no key is read by more than 256 queries and one
// head, in float32 by up to a quarter longer (at D = 64 by an eighth); 150 KiB a thread at D = 64 (220 where a row may see two spans); and
// a bias by distance for every distance that occurs: H floats, or H·D of a [Relative]. Cost: ForwardFlops.
func (a *Attention) Forward(x tensor.Exec, out Out, in In) error {
	if err := a.checkForward(x.Pool, a.forward(in), a.c.outMats(a.tq, out)...); err != nil {
		return err
	}
	f, err := a.StartForward(x, in)
	if err != nil {
		return err
	}
	defer f.Free()
	return f.Own(out)
}

// forwardWorker is one thread's scratch for a strip of tiles, and the strip it is at.
type forwardWorker struct {
	a     *Attention
	p     *packed
	bias  tileBias
	head  int
	strip strip
	soon  soonRows

	mem   tensor.Mat
	mem16 tensor.Mat
	s     []float32   // [KeyBlock][Lanes]
	tiles []queryTile // of the strip
	alpha []float32   // [Lanes]
	rows  []float32   // [Lanes][D], a tile of queries or output on its way
	p16   []uint16    // [KeyBlock/2][Lanes][2], probabilities in bf16
	extra []float32   // what a bias works in
}

// queryTile is 32 queries with the state of their online softmax.
type queryTile struct {
	qt, o []float32 // [D][Lanes]
	qt16  []uint16  // [D/2][Lanes][2]
	m, l  []float32 // [Lanes]: running maximum, in log2 units, and sum
	runs  []run
	at    int // next key of runs[0]
	span  int // of keys, that o, m and l are sums of

	spans      int       // before that one, joined in what follows
	allO       []float32 // [D][Lanes]
	allM, allL []float32 // [Lanes]
}

func newForwardWorker(a *Attention, mem *tensor.Pool, p *packed) *forwardWorker {
	d, lanes := a.c.HeadDim, kernel.Lanes
	w := &forwardWorker{a: a, p: p.worker(a, mem, kernel.KeyBlock), tiles: make([]queryTile, stripTiles)}
	all := 0
	if a.severalSpans() || a.long {
		all = 1
	}
	w.mem = mem.Get(tensor.F32, 1, kernel.KeyBlock*lanes+lanes+lanes*d+stripTiles*((2+all)*d*lanes+(2+2*all)*lanes)+a.biasScratch())
	if p.bf16 {
		w.mem16 = mem.Get(tensor.BF16, 1, kernel.KeyBlock*lanes+stripTiles*d*lanes)
	}
	if w.mem.Dry() {
		return w
	}
	cut := scratch.New(w.mem.F32)
	w.s, w.alpha, w.rows = cut.Take(kernel.KeyBlock*lanes), cut.Take(lanes), cut.Take(lanes*d)
	cut16 := scratch.New(w.mem16.U16)
	if p.bf16 {
		w.p16 = cut16.Take(kernel.KeyBlock * lanes)
	}
	for i := range w.tiles {
		t := &w.tiles[i]
		t.qt, t.o, t.m, t.l = cut.Take(d*lanes), cut.Take(d*lanes), cut.Take(lanes), cut.Take(lanes)
		t.allO, t.allM, t.allL = cut.Take(all*d*lanes), cut.Take(all*lanes), cut.Take(all*lanes)
		if p.bf16 {
			t.qt16 = cut16.Take(d * lanes)
		}
	}
	w.extra = cut.Rest()
	return w
}

func (w *forwardWorker) free(mem *tensor.Pool) {
	mem.Put(w.mem)
	if w.p.bf16 {
		mem.Put(w.mem16)
	}
	if w.p.own {
		w.p.free(mem)
	}
}

// run attends every query of the strip to every key it sees, and writes the results.
func (w *forwardWorker) run(in In, out Out) {
	if w.a.seqs[w.strip.seq].K <= kernel.KeyBlock {
		w.runTiles(in, out)
		return
	}
	w.runBlocks(in, out)
	w.store(out)
}

// runTiles is run where all keys are one block: tile by tile, each of which so stays in the first-level cache.
func (w *forwardWorker) runTiles(in In, out Out) {
	t, seq := &w.tiles[0], &w.a.seqs[w.strip.seq]
	if w.p.own {
		w.p.load(w.a, in, w.head, seq, 0, seq.K)
	}
	end := w.strip.tile + w.strip.tiles
	for tile := w.strip.tile; tile < end; tile++ {
		w.begin(t, seq, tile, in)
		w.soon.ask(w.rowsOf(out.O, tile))
		if tile+1 < end {
			w.soon.ask(w.rowsOf(in.Q, tile+1))
		}
		w.soon.within(w.steps(seq.K))
		w.attendBlock(t, tile, kernel.KeyBlock)
		w.soon.rest()
		w.storeTile(t, tile, out)
	}
}

// runBlocks takes the keys of a strip block by block, and asks for what comes after a block while it is at it.
func (w *forwardWorker) runBlocks(in In, out Out) {
	seq := &w.a.seqs[w.strip.seq]
	for i := range w.strip.tiles {
		w.soon.ask(w.rowsOf(in.Q, w.strip.tile+i))
		w.soon.rest()
	}
	for i := range w.strip.tiles {
		w.begin(&w.tiles[i], seq, w.strip.tile+i, in)
	}
	for keys := w.keysFrom(0); keys.n() > 0; {
		lo := keys.lo / kernel.KeyBlock * kernel.KeyBlock
		end := lo + kernel.KeyBlock
		next := w.keysFrom(end)
		if w.p.own {
			w.p.load(w.a, in, w.head, seq, lo, min(end, seq.K))
		}
		for i := range w.strip.tiles {
			w.after(next, i, in, out)
			w.attendBlock(&w.tiles[i], w.strip.tile+i, end)
			w.soon.rest()
		}
		keys = next
	}
}

// keyRange is keys lo … hi−1 of a sequence, all of one block; or none.
type keyRange struct{ lo, hi int }

func (r keyRange) n() int { return r.hi - r.lo }

// keysFrom is the range of what the tiles of the strip see of the first block from key lo on that any of them sees.
func (w *forwardWorker) keysFrom(lo int) keyRange {
	first, end := math.MaxInt, 0
	for i := range w.strip.tiles {
		for _, r := range w.tiles[i].runs {
			if int(r.hi) > lo {
				first = min(first, max(int(r.lo), lo))
				break
			}
		}
	}
	if first == math.MaxInt {
		return keyRange{}
	}
	last := (first/kernel.KeyBlock + 1) * kernel.KeyBlock
	for i := range w.strip.tiles {
		for _, r := range w.tiles[i].runs {
			if int(r.lo) >= last {
				break
			}
			end = max(end, min(int(r.hi), last))
		}
	}
	return keyRange{first, end}
}

// begin loads a tile's queries, times scale·log2(e), and starts its softmax.
func (w *forwardWorker) begin(t *queryTile, seq *sequence, tile int, in In) {
	a, d := w.a, w.a.c.HeadDim
	t.runs = seq.tile(tile)
	if t.spans = 0; len(t.runs) > 0 {
		t.at = int(t.runs[0].lo)
		t.span = seq.span(t.at)
	}
	t.empty()
	seq.loadQueries(in, tile, w.head*d, (w.head+1)*d, float32(a.c.Scale*math.Log2E), w.rows, t.qt)
	if w.bias != nil {
		w.bias.content(w.head, t.qt)
	}
	if w.p.bf16 {
		kernel.TilePair(d, t.qt, t.qt16)
	}
}

// sink is the maximum and the sum of the sink of a head alone, if there is one. A sink that in units of log2 is less than float32 holds is
// none.
func (c *Config) sink(head int) (m, l float32) {
	if c.Sinks == nil || float64(c.Sinks[head])*math.Log2E <= kernel.NoScore {
		return kernel.NoScore, 0
	}
	return float32(float64(c.Sinks[head]) * math.Log2E), 1
}

// attendBlock attends a tile to the keys it sees before end, all of one block.
func (w *forwardWorker) attendBlock(t *queryTile, tile, end int) {
	seq := &w.a.seqs[w.strip.seq]
	for len(t.runs) > 0 && t.at < end {
		r := t.runs[0]
		hi := min(int(r.hi), end)
		if span := seq.span(t.at); span != t.span {
			w.join(t)
			t.span = span
		}
		w.attend(t, tile, t.at, hi-t.at, seq.maskOf(r, t.at))
		t.at = hi
		if hi == int(r.hi) {
			if t.runs = t.runs[1:]; len(t.runs) > 0 {
				t.at = int(t.runs[0].lo)
			}
		}
	}
}

// attend takes keys lo … lo+n−1 of the sequence, n ≤ KeyBlock, into tile t.
func (w *forwardWorker) attend(t *queryTile, tile, lo, n int, mask []uint32) {
	seq, d := &w.a.seqs[w.strip.seq], w.a.c.HeadDim
	from := w.p.row(w.head, seq, lo)
	if w.p.bf16 {
		w.soon.fetch()
		kernel.TileMulBF16(n, d, w.p.k16[from*d:], d, t.qt16, w.s)
	} else {
		w.soon.mul(n, d, w.p.k[from*w.p.stride:], w.p.stride, t.qt, w.s)
	}
	w.a.adjust(w.bias, tileRef{w.strip.seq, w.head, tile, lo, n}, w.s, w.extra)
	if w.p.bf16 {
		w.soon.fetch()
		kernel.TileSoftmaxBF16(n, w.s, mask, t.m, t.l, w.alpha, w.p16)
		w.soon.fetch()
		vt, ld := w.p.transposed(w.p.vt, w.head, seq, lo)
		kernel.TileMulInBF16(d, n, vt, ld, w.p16, w.alpha, t.o)
		return
	}
	kernel.TileSoftmax(n, w.s, mask, t.m, t.l, w.alpha)
	w.soon.mulT(d, n, w.p.v[from*w.p.stride:], w.p.stride, w.s, w.alpha, t.o)
}

// adjust caps the scores and adds the bias, in units of log2.
func (a *Attention) adjust(bias tileBias, ref tileRef, s, scratch []float32) {
	if a.c.SoftCap > 0 {
		kernel.TileSoftcap(ref.n, s, float32(math.Ln2/a.c.SoftCap), float32(a.c.SoftCap*math.Log2E))
	}
	if bias != nil {
		bias.add(ref, s, scratch)
	}
}

// store writes the results of the strip's tiles.
func (w *forwardWorker) store(out Out) {
	for i := range w.strip.tiles {
		w.storeTile(&w.tiles[i], w.strip.tile+i, out)
	}
}

// joinSink joins a sink, whose value is zero, to the sums of a tile.
func (w *forwardWorker) joinSink(m, l, o []float32, sinkM, sinkL float32) {
	ms, ls := w.rows[:kernel.Lanes], w.rows[kernel.Lanes:2*kernel.Lanes]
	for x := range ms {
		ms[x], ls[x] = sinkM, sinkL
	}
	joinSums(m, l, o, ms, ls, nil, w.s)
}

// storeTile joins the sink, divides the outputs of an own tile by their sums, and writes them and the LSE.
func (w *forwardWorker) storeTile(t *queryTile, tile int, out Out) {
	seq, d := &w.a.seqs[w.strip.seq], w.a.c.HeadDim
	m, l, o := w.all(t)
	if sinkM, sinkL := w.a.c.sink(w.head); sinkL > 0 {
		w.joinSink(m, l, o, sinkM, sinkL)
	}
	for x, sum := range l {
		if w.alpha[x] = 0; sum > 0 || sum != sum {
			w.alpha[x] = 1 / sum
		}
	}
	row, rows := seq.queryRow(tile), seq.rows(tile)
	if out.hasLSE() {
		to := out.LSE.Row(w.head)[row : row+rows]
		for x := range to {
			to[x] = lseOf(m[x], l[x])
		}
	}
	storeTile(o, w.alpha, out.O.Slice(row, row+rows, w.head*d, (w.head+1)*d), w.rows)
}

// lseOf converts a maximum in log2 units and a sum to a natural logarithm.
func lseOf(m, l float32) float32 {
	if l == 0 {
		return float32(math.Inf(-1))
	}
	return float32((float64(m) + math.Log2(float64(l))) * math.Ln2)
}
