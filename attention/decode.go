package attention

import (
	"math"
	"unsafe"

	"github.com/longspan/longspan/attention/internal/door"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// decodeKeys is how many keys one piece of decoding takes: at 2 KiB a row (8 heads of 64, f32) a piece reads 4 MiB, which hides the cost of
// handing it out, and 131,072 keys make 128 pieces.
const decodeKeys = 1024

// decodeQueries is the most queries Decode takes through the kernels that read keys in place; with more, tiles are faster.
const decodeQueries = 8

// Decode attends a few new queries of one sequence to its cache: query i of n stands at key position Tk−n+i, as if Forward had
// been given Seq{Q: n, K: Tk, Offset: Tk−n}. The pattern is evaluated there, so causal and window patterns do what they do in
// Forward, up to rounding: sums have another order.
//
// q and out are [n, H·D], k and v [Tk, Hkv·D]; lse is [H, n] F32 or the zero Mat. Keys and values are read once, in place, and so at
// the speed of memory; nothing is compiled. More than 8 queries, or a [Matrix] bias, go through Forward instead. Scratch from x.Pool: H·(D+2)
// floats a query and 1,024 keys.
func Decode(x tensor.Exec, c Config, out, lse, q, k, v tensor.Mat) error {
	return DecodeHeld(x, c, nil, out, lse, q, k, v)
}

// DecodeHeld is Decode over a cache that has let go of keys which the pattern hides from all queries to come (see [pattern.Retained]): the
// rows of k and v are the keys at the positions in held, spans that ascend and do not touch, and the query after all others stands on
// the last of them. nil stands for the positions 0 … Tk−1. The pattern and the bias see the positions, not the rows. It returns an
// error if a query sees a key that is not held.
//
// With a bias, gaps in held and more than 8 queries, the queries are taken 8 at a time, and the keys read as often.
func DecodeHeld(x tensor.Exec, c Config, held []pattern.Span, out, lse, q, k, v tensor.Mat) error {
	c, err := c.resolve()
	if err != nil {
		return err
	}
	h, err := newHolding(held, q.Rows, k.Rows)
	if err != nil {
		return err
	}
	seq := Seq{Q: q.Rows, K: h.tokens, Offset: h.tokens - q.Rows}
	if c.Bias != nil && c.Bias.queryFloats(c) < 0 || q.Rows > decodeQueries && (c.Bias == nil || h.shift(0) == h.shift(k.Rows-1)) {
		return h.forward(x, c, seq, out, lse, q, k, v)
	}
	if err := c.checkSeqs([]Seq{seq}); err != nil {
		return err
	}
	if c.Bias != nil {
		if err := c.Bias.check(c, []Seq{seq}); err != nil {
			return err
		}
	}
	n := q.Rows
	mats := []door.Mat{door.Of("q", q, n, c.Heads*c.HeadDim), door.Of("out", out, n, c.Heads*c.HeadDim),
		door.Of("k", k, k.Rows, c.KVHeads*c.HeadDim), door.Of("v", v, k.Rows, c.KVHeads*c.HeadDim)}
	if lse.Rows != 0 || lse.Cols != 0 {
		mats = append(mats, door.Of("lse", lse, c.Heads, n))
	}
	if err := checkLSE(lse); err != nil {
		return err
	}
	dry, err := door.Check("attention", x.Pool, mats...)
	if err != nil {
		return err
	}
	for first := 0; first < n; first += decodeQueries {
		if err := decodeSome(x, c, h, seq, first, min(n, first+decodeQueries), dry, out, lse, q, k, v); err != nil {
			return err
		}
	}
	return nil
}

// decodeSome decodes queries first … end−1 of those of seq.
func decodeSome(x tensor.Exec, c Config, h holding, seq Seq, first, end int, dry bool, out, lse, q, k, v tensor.Mat) error {
	d := newDecoder(c, x, q.SliceRows(first, end), k, v)
	defer d.free()
	if dry {
		return nil
	}
	if err := d.findKeys(h, seq, first); err != nil {
		return err
	}
	pool.Run(x.Threads, d.pieces, d.piece)
	if lse.Rows > 0 {
		lse = lse.SliceCols(first, end)
	}
	d.join(out.SliceRows(first, end), lse)
	return nil
}

// decoder is one call of Decode. Heads go in groups of Lanes, all query heads of a key/value head in the same one.
type decoder struct {
	c       Config
	x       tensor.Exec
	q, k, v tensor.Mat
	at      []int        // position of each query
	seen    [][]heldRows // by each query
	bias    rowBias
	pieces  int
	lanes   int // heads rounded up to Lanes
	head    int // query heads a call takes

	scaled  tensor.Mat // [n, H·D]: queries times scale·log2(e)
	own     tensor.Mat // [n, …]: what the bias makes of each query
	state   tensor.Mat // [pieces·n, 2·lanes + H·D]: maxima, sums and outputs of each piece
	scratch []tensor.Mat
}

func newDecoder(c Config, x tensor.Exec, q, k, v tensor.Mat) *decoder {
	group := c.Heads / c.KVHeads
	d := &decoder{c: c, x: x, q: q, k: k, v: v, pieces: ceilDiv(k.Rows, decodeKeys), head: min(c.Heads, kernel.Lanes/group*group)}
	if group > kernel.Lanes { // a group alone fills more than a call's lanes: take one head at a time
		d.head = 1
	}
	d.lanes = ceilDiv(c.Heads, d.head) * kernel.Lanes
	d.scaled = x.Pool.Get(tensor.F32, q.Rows, q.Cols)
	d.state = x.Pool.Get(tensor.F32, d.pieces*q.Rows, 2*d.lanes+q.Cols)
	floats := (kernel.KeyBlock + 1) * kernel.Lanes
	if c.Bias != nil {
		d.own = x.Pool.Get(tensor.F32, q.Rows, c.Bias.queryFloats(c))
		floats += kernel.KeyBlock * kernel.Lanes
	}
	for range min(pool.Threads(x.Threads), d.pieces) {
		d.scratch = append(d.scratch, x.Pool.Get(tensor.F32, 1, floats))
	}
	return d
}

func (d *decoder) free() {
	for _, m := range d.scratch {
		d.x.Pool.Put(m)
	}
	d.x.Pool.Put(d.own)
	d.x.Pool.Put(d.state)
	d.x.Pool.Put(d.scaled)
}

// findKeys scales the queries, of which the first is query first of seq, and finds the rows of keys that each sees.
func (d *decoder) findKeys(h holding, seq Seq, first int) error {
	var spans []pattern.Span
	for i := range d.q.Rows {
		row := d.scaled.Row(i)
		d.q.ReadRow(row, i)
		for j := range row {
			row[j] *= float32(d.c.Scale * math.Log2E)
		}
		spans = d.c.Pattern.Spans(spans[:0], first+i, seq.shape())
		if err := checkSpans(d.c.Pattern, spans, first+i, seq.K); err != nil {
			return err
		}
		rows, err := h.rows(nil, d.c.Pattern, spans, first+i)
		if err != nil {
			return err
		}
		d.at, d.seen = append(d.at, seq.Offset+first+i), append(d.seen, rows)
	}
	if d.c.Bias == nil {
		return nil
	}
	var err error
	d.bias, err = d.c.Bias.startRows(d.c, d.scaled, d.own)
	return err
}

// partial is the softmax of one query over some of the keys: o is not yet divided by l.
type partial struct{ m, l, o []float32 }

func (d *decoder) partial(piece, query int) partial {
	cut := cutter[float32](d.state.Row(piece*d.q.Rows + query))
	return partial{cut.take(d.lanes), cut.take(d.lanes), cut.take(d.q.Cols)}
}

// piece attends every query to the keys it sees of 1,024, block by block, so that a block is read from memory once.
func (d *decoder) piece(worker, piece int) {
	for i := range d.q.Rows {
		p := d.partial(piece, i)
		clear(p.l)
		clear(p.o)
		for x := range p.m {
			p.m[x] = kernel.NoScore
		}
	}
	end := min((piece+1)*decodeKeys, d.k.Rows)
	for lo := piece * decodeKeys; lo < end; lo += kernel.KeyBlock {
		for i, seen := range d.seen {
			for _, s := range seen {
				if from, to := max(s.lo, lo), min(s.hi, lo+kernel.KeyBlock, end); from < to {
					d.attend(d.partial(piece, i), i, from, to, d.at[i]-(from+s.shift), d.scratch[worker].F32)
				}
			}
		}
	}
}

// attend takes rows from … to−1, at most KeyBlock, into a query's partial softmax. The query stands distance positions after the first.
func (d *decoder) attend(p partial, query, from, to, distance int, scratch []float32) {
	cut := cutter[float32](scratch)
	alpha, s := cut.take(kernel.Lanes), cut.take(kernel.KeyBlock*kernel.Lanes)
	group, hd, n := d.c.Heads/d.c.KVHeads, d.c.HeadDim, to-from
	rounded := ceilDiv(n, keyGroup) * keyGroup
	for h, lane := 0, 0; h < d.c.Heads; h, lane = h+d.head, lane+kernel.Lanes {
		heads, share := min(d.head, d.c.Heads-h), min(group, d.head)
		kv := h / group * hd
		keys, kLD := bytesAt(d.k, from, kv)
		values, vLD := bytesAt(d.v, from, kv)
		for i := range s[:rounded*kernel.Lanes] {
			s[i] = float32(math.Inf(-1))
		}
		kernel.DecodeDots(kernel.Element(d.k.Type), n, heads, share, hd, d.scaled.Row(query)[h*hd:], keys, kLD, s)
		if d.c.SoftCap > 0 {
			kernel.TileSoftcap(n, s, float32(math.Ln2/d.c.SoftCap), float32(d.c.SoftCap*math.Log2E))
		}
		if d.bias != nil {
			d.bias.add(rowRef{query, h, heads, distance, n}, s, cut)
		}
		kernel.TileSoftmax(rounded, s, nil, p.m[lane:], p.l[lane:], alpha)
		for x := range heads {
			o := p.o[(h+x)*hd : (h+x+1)*hd]
			kernel.Scale(o, alpha[x], o)
		}
		kernel.DecodeSums(kernel.Element(d.v.Type), n, heads, share, hd, s, values, vLD, p.o[h*hd:])
	}
}

// bytesAt points to element (row, col) of m, and gives the bytes of a row.
func bytesAt(m tensor.Mat, row, col int) (*byte, int) {
	at := row*m.Stride + col
	if m.Type == tensor.F32 {
		return (*byte)(unsafe.Pointer(&m.F32[at])), 4 * m.Stride
	}
	return (*byte)(unsafe.Pointer(&m.U16[at])), 2 * m.Stride
}

// join merges the pieces of every query and head, in order.
func (d *decoder) join(out, lse tensor.Mat) {
	hd, row := d.c.HeadDim, make([]float32, d.q.Cols)
	for i := range d.q.Rows {
		clear(row)
		for h := range d.c.Heads {
			lane := h/d.head*kernel.Lanes + h%d.head
			m, l := d.c.begin(h)
			o := row[h*hd : (h+1)*hd]
			for piece := range d.pieces {
				p := d.partial(piece, i)
				m, l = mergePartial(m, l, o, p.m[lane], p.l[lane], p.o[h*hd:(h+1)*hd])
			}
			if l != 0 {
				kernel.Scale(o, 1/l, o)
			}
			if lse.Rows > 0 {
				lse.Row(h)[i] = lseOf(m, l)
			}
		}
		out.WriteRow(i, row)
	}
}

// mergePartial adds the partial softmax (pm, pl, po) to (m, l, o): the union's sums, over the greater maximum.
func mergePartial(m, l float32, o []float32, pm, pl float32, po []float32) (float32, float32) {
	if pl == 0 {
		return m, l
	}
	high := max(m, pm)
	old, new := float32(math.Exp2(float64(m)-float64(high))), float32(math.Exp2(float64(pm)-float64(high)))
	for j := range o {
		o[j] = old*o[j] + new*po[j]
	}
	return high, old*l + new*pl
}
