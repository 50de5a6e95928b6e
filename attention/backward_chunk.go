package attention

import (
	"math"

	"github.com/longspan/longspan/attention/internal/scratch"
	"github.com/longspan/longspan/internal/ceil"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// backwardWorker is one thread's scratch, and where it is.
type backwardWorker struct {
	b      *backward
	p      *packed
	wantQ  bool // dQ of the tile at hand is computed here
	wantKV bool // dK and dV of the chunk at hand are
	used   int  // elements of dK that the chunk at hand has
	width  int  // D rounded up to Lanes: the columns of rows that TileMulAdd makes
	mem    tensor.Mat
	mem16  tensor.Mat
	soon   soonRows

	s, dp      []float32 // [KeyBlock][Lanes]
	capped     []float32 // [KeyBlock][Lanes], capped scores, where there is a cap
	qt, dot    []float32 // [D][Lanes]
	qr, dor    []float32 // [Lanes][width], the same as rows
	dq         []float32 // [D][Lanes], this chunk's share
	sum        []float32 // [D][Lanes], of a long tile; none where there are none
	dk, dv     []float32 // [chunkKeys][width], of a span of queries; none where they are not wanted
	allK, allV []float32 // [chunkKeys][width], of the spans before it; none where there is one span
	lse, delta []float32 // [Lanes]
	inv        []float32 // [Lanes], where there is no lse: 1 over the normaliser, 0 where there is none
	ones       []float32 // [Lanes]
	extra      []float32 // what a bias works in

	// The factors in bf16, where they are.
	qt16, dot16 []uint16 // [D/2][Lanes][2]
	qr16, dor16 []uint16 // [Lanes/2][width][2]
	rows16      []uint16 // [KeyBlock][Lanes], probabilities or gradients of scores
	pairs16     []uint16 // [KeyBlock/2][Lanes][2], the gradients
	row16       []uint16 // [2][width], two rows on their way into qr16 or dor16
}

func (w *backwardWorker) free(mem *tensor.Pool) {
	mem.Put(w.mem)
	if w.b.p.bf16 {
		mem.Put(w.mem16)
	}
	if w.p.own {
		w.p.free(mem)
	}
}

func newBackwardWorker(b *backward, mem *tensor.Pool) *backwardWorker {
	d, lanes, tile := b.a.c.HeadDim, kernel.Lanes, kernel.KeyBlock*kernel.Lanes
	w := &backwardWorker{b: b, p: b.p.worker(b.a, mem, chunkKeys), width: ceil.Multiple(d, lanes)}
	capped, chunk, all, sum := 0, 0, 0, 0
	if b.a.c.SoftCap > 0 {
		capped = tile
	}
	if b.wantKV {
		chunk = chunkKeys * w.width
		if b.a.severalQuerySpans() {
			all = chunk
		}
	}
	if b.a.long {
		sum = d * lanes
	}
	w.mem = mem.Get(tensor.F32, 1, 2*tile+capped+3*d*lanes+sum+2*lanes*w.width+2*chunk+2*all+4*lanes+2*b.a.biasScratch())
	if b.p.bf16 {
		w.mem16 = mem.Get(tensor.BF16, 1, 2*d*lanes+2*lanes*w.width+2*tile+2*w.width)
	}
	if w.mem.Dry() {
		return w
	}
	if b.p.bf16 {
		cut := scratch.New(w.mem16.U16)
		w.qt16, w.dot16 = cut.Take(d*lanes), cut.Take(d*lanes)
		w.qr16, w.dor16 = cut.Take(lanes*w.width), cut.Take(lanes*w.width)
		w.rows16, w.pairs16, w.row16 = cut.Take(tile), cut.Take(tile), cut.Take(2*w.width)
	}
	cut := scratch.New(w.mem.F32)
	w.s, w.dp, w.capped = cut.Take(tile), cut.Take(tile), cut.Take(capped)
	w.qt, w.dot, w.dq = cut.Take(d*lanes), cut.Take(d*lanes), cut.Take(d*lanes)
	w.sum = cut.Take(sum)
	w.qr, w.dor = cut.Take(lanes*w.width), cut.Take(lanes*w.width)
	w.dk, w.dv = cut.Take(chunk), cut.Take(chunk)
	w.allK, w.allV = cut.Take(all), cut.Take(all)
	w.lse, w.delta, w.ones, w.inv = cut.Take(lanes), cut.Take(lanes), cut.Take(lanes), cut.Take(lanes)
	for x := range w.ones {
		w.ones[x] = 1
	}
	w.extra = cut.Rest()
	return w
}

// chunk computes all that the keys of one chunk and key/value head contribute: to dK and dV, and to dQ of its tiles, where these
// are summed here. The query heads of a tile follow each other, so that a rank can go on where another stopped.
func (w *backwardWorker) chunk(c *chunkWork, kvHead int) {
	s, spans := &w.b.a.seqs[c.seq], 0
	w.wantKV = w.b.wantKV && s.sumsChunk(c.lo/chunkKeys)
	w.used = ceil.Multiple(c.hi-c.lo, keyGroup) * w.width
	w.emptyChunk()
	if w.p.own {
		w.p.lo, w.p.hi = c.lo, c.lo
	}
	for visits := c.visits; len(visits) > 0; spans++ {
		if spans > 0 {
			w.joinChunk(spans)
		}
		n := s.oneSpan(visits)
		for i, at := range visits[:n] {
			for h := kvHead * w.b.p.group; h < (kvHead+1)*w.b.p.group; h++ {
				w.after(c, h, visits[i:n])
				w.visit(c, h, at)
				w.soon.rest()
			}
		}
		visits = visits[n:]
	}
	if !w.wantKV {
		return
	}
	dk, dv := w.dk, w.dv
	if spans > 1 {
		w.joinChunk(spans)
		dk, dv = w.allK, w.allV
	}
	w.storeKeys(c, kvHead, dk, dv)
}

// emptyChunk starts dK and dV of a span of queries.
func (w *backwardWorker) emptyChunk() {
	if w.wantKV {
		clear(w.dk[:w.used])
		clear(w.dv[:w.used])
	}
}

// joinChunk joins dK and dV of the last of so many spans to those of the spans before it, and starts those of the next.
func (w *backwardWorker) joinChunk(spans int) {
	switch {
	case !w.wantKV:
		return
	case spans == 1:
		w.dk, w.dv, w.allK, w.allV = w.allK, w.allV, w.dk, w.dv
	default:
		kernel.Add(w.allK[:w.used], w.allK[:w.used], w.dk[:w.used])
		kernel.Add(w.allV[:w.used], w.allV[:w.used], w.dv[:w.used])
	}
	w.emptyChunk()
}

// visit computes what a chunk and a tile that sees it contribute.
func (w *backwardWorker) visit(c *chunkWork, head int, at visit) {
	if w.wantQ = w.b.wantQ && w.b.a.seqs[c.seq].sumsTile(int(at.tile)); !w.wantQ && !w.wantKV {
		return
	}
	w.load(c.seq, head, int(at.tile))
	w.tile(c, head, int(at.tile))
	if w.wantQ {
		w.share(c, head, at)
	}
}

// storeKeys writes dK, times scale, and dV of one chunk and key/value head.
func (w *backwardWorker) storeKeys(c *chunkWork, kvHead int, dk, dv []float32) {
	kernel.Scale(dk[:w.used], float32(w.b.a.c.Scale), dk[:w.used])
	w.storeChunk(c, kvHead, w.b.g.DK, dk)
	w.storeChunk(c, kvHead, w.b.g.DV, dv)
}

// storeChunk writes rows of a gradient of the keys of one chunk and key/value head.
func (w *backwardWorker) storeChunk(c *chunkWork, kvHead int, to tensor.Mat, rows []float32) {
	s, d := &w.b.a.seqs[c.seq], w.b.a.c.HeadDim
	first := s.keyRow(c.lo)
	to = to.Slice(first, first+c.hi-c.lo, kvHead*d, (kvHead+1)*d)
	for i := range to.Rows {
		to.WriteRow(i, rows[i*w.width:i*w.width+d])
	}
}

// load brings a tile's queries and output gradients in, both ways round, with its lse and δ. Lanes past the last query get an
// lse of +Inf, as do queries that see nothing: their probabilities are 0.
func (w *backwardWorker) load(seq, head, tile int) {
	a, s := w.b.a, &w.b.a.seqs[seq]
	d, rows := a.c.HeadDim, s.rows(tile)
	if s.ownTile(tile) {
		row := s.queryRow(tile)
		w.loadRows(w.qr, w.b.in.Q.Slice(row, row+rows, head*d, (head+1)*d))
		w.loadRows(w.dor, w.b.do.Slice(row, row+rows, head*d, (head+1)*d))
		if !w.b.whole {
			copy(w.lse, w.b.lse.Row(head)[row:row+rows])
			copy(w.delta, w.b.delta.Row(head)[row:row+rows])
		}
	} else {
		w.loadFar(s, head, tile)
	}
	w.fadeLanes(rows)
	kernel.TileLoad(kernel.Lanes, d, w.qr, w.width, float32(a.c.Scale*math.Log2E), w.qt)
	kernel.TileLoad(kernel.Lanes, d, w.dor, w.width, 1, w.dot)
	if w.b.bias != nil {
		w.b.bias.content(head, w.qt)
		w.b.bias.contentRows(head, w.qr, w.width, rows)
	}
	if w.b.p.bf16 {
		kernel.TilePair(d, w.qt, w.qt16)
		kernel.TilePair(d, w.dot, w.dot16)
		w.pairLanes(w.qr16, w.qr)
		w.pairLanes(w.dor16, w.dor)
	}
	clear(w.dq)
}

// loadFar reads the rows of a tile of others. Those that are not there are zeros, which no own key sees.
func (w *backwardWorker) loadFar(s *sequence, head, tile int) {
	d, far := w.b.a.c.HeadDim, w.b.in.Far
	s.farQueries(w.qr, w.width, far.Q, tile, head*d, (head+1)*d)
	s.farQueries(w.dor, w.width, far.DO, tile, head*d, (head+1)*d)
	s.farQueries(w.lse, 1, far.LSE, tile, head, head+1)
	s.farQueries(w.delta, 1, far.Delta, tile, head, head+1)
}

// fadeLanes turns lse to units of log2, and that of lanes without a query, or whose query sees nothing, to +Inf.
func (w *backwardWorker) fadeLanes(rows int) {
	for x, lse := range w.lse {
		if w.lse[x] = float32(float64(lse) * math.Log2E); x >= rows || math.IsInf(float64(lse), -1) {
			w.lse[x] = float32(math.Inf(1))
		}
		if x >= rows {
			w.delta[x] = 0
		}
	}
}

// loadRows widens the rows of src into dst [Lanes][width], zeros beyond. Also rows that could be read where they lie are copied: heads
// side by side put them strides of a power of two apart, and every block of keys reads them again.
func (w *backwardWorker) loadRows(dst []float32, src tensor.Mat) {
	if src.Rows < kernel.Lanes || src.Cols < w.width {
		clear(dst)
	}
	for i := range src.Rows {
		src.ReadRow(dst[i*w.width:i*w.width+src.Cols], i)
	}
}

// tile walks the runs of a tile inside the chunk, block by block.
func (w *backwardWorker) tile(c *chunkWork, head, tile int) {
	s := &w.b.a.seqs[c.seq]
	for _, r := range s.runsFrom(tile, c.lo) {
		if int(r.lo) >= c.hi {
			return
		}
		end := min(int(r.hi), c.lo+chunkKeys)
		for lo := max(int(r.lo), c.lo); lo < end; {
			hi := min(end, (lo/kernel.KeyBlock+1)*kernel.KeyBlock)
			w.attend(tileRef{c.seq, head, tile, lo, hi - lo}, lo-c.lo, s.maskOf(r, lo))
			lo = hi
		}
	}
}

// pairLanes rounds rows to bf16 and pairs neighbouring queries.
func (w *backwardWorker) pairLanes(dst []uint16, rows []float32) {
	for x := 0; x < kernel.Lanes; x += 2 {
		kernel.F32ToBF16(w.row16[:w.width], rows[x*w.width:(x+1)*w.width])
		kernel.F32ToBF16(w.row16[w.width:], rows[(x+1)*w.width:(x+2)*w.width])
		kernel.TileZip(w.width, w.row16[:w.width], w.row16[w.width:], dst[x*w.width:])
	}
}

// attend computes the probabilities of one tile again and what follows from them. from is the tile's first row in dk and dv.
func (w *backwardWorker) attend(ref tileRef, from int, mask []uint32) {
	a, p, n := w.b.a, w.p, ref.n
	w.loadKeys(ref)
	at := p.row(ref.head, &a.seqs[ref.seq], ref.lo)
	w.scores(w.s, at, n)
	a.adjust(w.b.bias, ref, w.s, w.extra)
	if a.c.SoftCap > 0 {
		w.keepCapped(ref)
	}
	w.probabilities(ref, mask)
	if p.bf16 {
		w.soon.fetch()
		kernel.TileMulBF16(n, a.c.HeadDim, p.v16[at*p.width:], p.width, w.dot16, w.dp)
	} else {
		w.soon.mul(n, a.c.HeadDim, p.v[at*p.stride:], p.stride, w.dot, w.dp)
	}
	if w.b.whole {
		kernel.FeatureDot(n, w.s, w.dp, w.delta)
	}
	kernel.TileDScores(n, w.dp, w.s, w.delta)
	if w.wantKV {
		w.addRows(w.dv[from*w.width:], w.s, w.dor, w.dor16, n)
	}
	if w.b.biasOut != nil && w.wantQ {
		w.b.biasOut.add(ref, w)
	}
	if a.c.SoftCap > 0 {
		slope := float32(1 / (a.c.SoftCap * math.Log2E))
		for i, c := range w.capped[:n*kernel.Lanes] {
			w.dp[i] *= 1 - c*slope*c*slope
		}
	}
	if w.wantKV {
		w.addRows(w.dk[from*w.width:], w.dp, w.qr, w.qr16, n)
	}
	if w.wantQ {
		w.addDQ(ref)
	}
}

// probabilities turns the scores of a tile into probabilities.
func (w *backwardWorker) probabilities(ref tileRef, mask []uint32) {
	if !w.b.whole {
		kernel.TileProbs(ref.n, w.s, mask, w.lse)
		return
	}
	sum := w.delta
	clear(sum)
	for x := range w.lse {
		w.lse[x] = kernel.NoScore
	}
	kernel.TileSoftmax(ref.n, w.s, mask, w.lse, sum, w.inv)
	rows := w.b.a.seqs[ref.seq].rows(ref.tile)
	for x, l := range sum {
		if w.inv[x] = 0; x < rows && l != 0 {
			w.inv[x] = 1 / l
		}
	}
	scaleLanes(w.s[:ref.n*kernel.Lanes], w.inv)
}

// addDQ adds the keys of a tile, times the gradients of their scores, to its share of dQ.
func (w *backwardWorker) addDQ(ref tileRef) {
	a, p, d := w.b.a, w.p, w.b.a.c.HeadDim
	if p.bf16 {
		kernel.TilePair(ref.n, w.dp, w.pairs16)
		kt, ld := p.transposed(p.kt, ref.head, &a.seqs[ref.seq], ref.lo)
		kernel.TileMulInBF16(d, ref.n, kt, ld, w.pairs16, w.ones, w.dq)
		return
	}
	w.soon.mulT(d, ref.n, p.k[p.row(ref.head, &a.seqs[ref.seq], ref.lo)*p.stride:], p.stride, w.dp, w.ones, w.dq)
}

// loadKeys loads the block of keys of a tile, where the worker has room of its own and the block is not there yet. Keys of others come in
// whole chunks.
func (w *backwardWorker) loadKeys(ref tileRef) {
	s, unit := &w.b.a.seqs[ref.seq], kernel.KeyBlock
	if !s.ownChunk(ref.lo / chunkKeys) {
		unit = chunkKeys
	}
	if end := min((ref.lo/unit+1)*unit, s.K); w.p.own && w.p.hi < end {
		w.p.loadTo(w.b.a, w.b.in, ref.head/w.p.group, s, end)
	}
}

// scores multiplies n packed keys, from row at on, by the tile's queries.
func (w *backwardWorker) scores(s []float32, at, n int) {
	d, p := w.b.a.c.HeadDim, w.p
	if p.bf16 {
		w.soon.fetch()
		kernel.TileMulBF16(n, d, p.k16[at*d:], d, w.qt16, s)
		return
	}
	w.soon.mul(n, d, p.k[at*p.stride:], p.stride, w.qt, s)
}

// keepCapped keeps the capped scores, from which the cap's slope follows. A bias is added after the cap, so it comes off again.
func (w *backwardWorker) keepCapped(ref tileRef) {
	a, n := w.b.a, ref.n
	copy(w.capped, w.s[:n*kernel.Lanes])
	if w.b.bias == nil {
		return
	}
	at := w.p.row(ref.head, &a.seqs[ref.seq], ref.lo)
	w.scores(w.capped, at, n)
	a.adjust(nil, ref, w.capped, w.extra)
}

// addRows adds p [n][Lanes] times rows [Lanes][width] to dst [n][width]; pairs are the rows in bf16, where factors are.
func (w *backwardWorker) addRows(dst, p []float32, rows []float32, pairs []uint16, n int) {
	if !w.b.p.bf16 {
		w.soon.mulAdd(n, p, rows, dst, w.width)
		return
	}
	w.soon.fetch()
	kernel.F32ToBF16(w.rows16[:n*kernel.Lanes], p[:n*kernel.Lanes])
	for col := 0; col < w.width; col += kernel.Lanes {
		kernel.TileMulAddBF16(n, kernel.Lanes, w.rows16, kernel.Lanes, pairs[2*col:], w.width, dst[col:], w.width)
	}
}
