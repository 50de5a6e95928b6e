package attention

import (
	"math"
	"unsafe"

	"github.com/longspan/longspan/attention/internal/scratch"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/internal/ceil"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// decodeKeys is the number of keys of one piece of decoding. At 2 KiB a row (8 heads of 64, f32) a piece reads 4 MiB, which hides the
// cost of starting it, and 131,072 keys make 128 pieces.
const decodeKeys = 1024

// decodeQueries is the largest number of queries for the kernels that read keys in place. With more, tiles are faster.
const decodeQueries = 8

// Decode attends a few new queries of one sequence to its cache: query i of n stands at key position Tk−n+i, as in a Forward of
// Seq{Q: n, K: Tk, Offset: Tk−n}. The pattern is evaluated there, so causal and window patterns do what they do in
// Forward, up to rounding: sums have another order.
//
// Keys and values are read once, in place, and so at the speed of memory. Nothing is compiled. More than 8 queries, or a [Matrix]
// bias, go through Forward instead. Scratch from x.Pool: H·(D+2) floats for every query and 1,024 keys.
func Decode(x tensor.Exec, c Config, out Out, in In) error { return DecodeCached(x, c, nil, out, in) }

// DecodeCached is Decode over a cache without the keys that the pattern hides from all later queries (see [pattern.Retained]). The
// rows of K and V are the keys at the given positions: spans that ascend and do not touch. The last query stands on the last
// position. nil means positions 0 … Tk−1. The pattern and the bias see positions, not rows. It returns an error if a query sees a
// key that is not in the cache.
//
// With a bias, gaps between positions and more than 8 queries, the queries are taken 8 at a time, and the keys read as often.
func DecodeCached(x tensor.Exec, c Config, positions []pattern.Span, out Out, in In) error {
	c, err := c.resolve()
	if err != nil {
		return err
	}
	n := in.Q.Rows
	rows, err := newCacheRows(positions, n, in.K.Rows)
	if err != nil {
		return err
	}
	seq := Seq{Q: n, K: rows.tokens, Offset: rows.tokens - n}
	if c.Bias != nil && c.Bias.queryFloats(c) < 0 || n > decodeQueries && (c.Bias == nil || rows.shift(0) == rows.shift(in.K.Rows-1)) {
		return rows.forward(x, c, seq, out, in)
	}
	if err := c.checkSeqs([]Seq{seq}); err != nil {
		return err
	}
	if c.Bias != nil {
		if err := c.Bias.check(c, []Seq{seq}); err != nil {
			return err
		}
	}
	dry, err := c.checkMats(x.Pool, n, in.K.Rows, in, c.outMats(n, out)...)
	if err != nil {
		return err
	}
	for first := 0; first < n; first += decodeQueries {
		end := min(n, first+decodeQueries)
		some := In{Q: in.Q.SliceRows(first, end), K: in.K, V: in.V}
		if err := decodeSome(x, c, rows, seq, first, dry, out.Rows(first, end), some); err != nil {
			return err
		}
	}
	return nil
}

// decodeSome decodes the queries of seq from first on that are in in.Q.
func decodeSome(x tensor.Exec, c Config, rows cacheRows, seq Seq, first int, dry bool, out Out, in In) error {
	d := newDecoder(c, x, in)
	defer d.free()
	if dry {
		return nil
	}
	if err := d.findKeys(rows, seq, first); err != nil {
		return err
	}
	pool.Run(x.Threads, d.pieces, d.piece)
	d.join(out)
	return nil
}

// decoder is one call of Decode. Heads go in groups of Lanes, all query heads of a key/value head in the same one.
type decoder struct {
	c      Config
	x      tensor.Exec
	in     In
	at     []int       // position of each query
	seen   [][]keyRows // by each query
	bias   rowBias
	pieces int
	lanes  int // heads rounded up to Lanes
	head   int // query heads a call takes

	scaled  tensor.Mat // [n, H·D]: queries times scale·log2(e)
	own     tensor.Mat // [n, …]: what the bias makes of each query
	state   tensor.Mat // [pieces·n, 2·lanes + H·D]: maxima, sums and outputs of each piece
	scratch []tensor.Mat
}

func newDecoder(c Config, x tensor.Exec, in In) *decoder {
	q, group := in.Q, c.Heads/c.KVHeads
	d := &decoder{c: c, x: x, in: in, pieces: ceil.Div(in.K.Rows, decodeKeys), head: min(c.Heads, kernel.Lanes/group*group)}
	if group > kernel.Lanes { // a group alone fills more than a call's lanes: take one head at a time
		d.head = 1
	}
	d.lanes = ceil.Div(c.Heads, d.head) * kernel.Lanes
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
func (d *decoder) findKeys(rows cacheRows, seq Seq, first int) error {
	var spans []pattern.Span
	for i := range d.in.Q.Rows {
		row := d.scaled.Row(i)
		d.in.Q.ReadRow(row, i)
		for j := range row {
			row[j] *= float32(d.c.Scale * math.Log2E)
		}
		spans = d.c.Pattern.Spans(spans[:0], first+i, seq.shape())
		if err := checkSpans(d.c.Pattern, spans, first+i, seq.K); err != nil {
			return err
		}
		seen, err := rows.find(nil, d.c.Pattern, spans, first+i)
		if err != nil {
			return err
		}
		d.at, d.seen = append(d.at, seq.Offset+first+i), append(d.seen, seen)
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
	cut := scratch.New(d.state.Row(piece*d.in.Q.Rows + query))
	return partial{cut.Take(d.lanes), cut.Take(d.lanes), cut.Take(d.in.Q.Cols)}
}

// piece attends every query to the keys it sees of 1,024, block by block, so that a block is read from memory once.
func (d *decoder) piece(worker, piece int) {
	for i := range d.in.Q.Rows {
		p := d.partial(piece, i)
		clear(p.l)
		clear(p.o)
		for x := range p.m {
			p.m[x] = kernel.NoScore
		}
	}
	end := min((piece+1)*decodeKeys, d.in.K.Rows)
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
func (d *decoder) attend(p partial, query, from, to, distance int, buffer []float32) {
	cut := scratch.New(buffer)
	alpha, s := cut.Take(kernel.Lanes), cut.Take(kernel.KeyBlock*kernel.Lanes)
	group, hd, n := d.c.Heads/d.c.KVHeads, d.c.HeadDim, to-from
	rounded := ceil.Multiple(n, keyGroup)
	for h, lane := 0, 0; h < d.c.Heads; h, lane = h+d.head, lane+kernel.Lanes {
		heads, share := min(d.head, d.c.Heads-h), min(group, d.head)
		kv := h / group * hd
		keys, kLD := bytesAt(d.in.K, from, kv)
		values, vLD := bytesAt(d.in.V, from, kv)
		copy(s[:rounded*kernel.Lanes], noScores[:])
		kernel.DecodeDots(kernel.Element(d.in.K.Type), n, heads, share, hd, d.scaled.Row(query)[h*hd:], keys, kLD, s)
		if d.c.SoftCap > 0 {
			kernel.TileSoftcap(n, s, float32(math.Ln2/d.c.SoftCap), float32(d.c.SoftCap*math.Log2E))
		}
		if d.bias != nil {
			d.bias.add(rowRef{query, h, heads, distance, n}, s, cut.Rest())
		}
		kernel.TileSoftmax(rounded, s, nil, p.m[lane:], p.l[lane:], alpha)
		for x := range heads {
			o := p.o[(h+x)*hd : (h+x+1)*hd]
			kernel.Scale(o, alpha[x], o)
		}
		kernel.DecodeSums(kernel.Element(d.in.V.Type), n, heads, share, hd, s, values, vLD, p.o[h*hd:])
	}
}

// noScores is a block of keys that no lane sees.
var noScores = func() (s [kernel.KeyBlock * kernel.Lanes]float32) {
	for i := range s {
		s[i] = float32(math.Inf(-1))
	}
	return s
}()

// bytesAt points to element (row, col) of m, and gives the bytes of a row.
func bytesAt(m tensor.Mat, row, col int) (*byte, int) {
	at := row*m.Stride + col
	if m.Type == tensor.F32 {
		return (*byte)(unsafe.Pointer(&m.F32[at])), 4 * m.Stride
	}
	return (*byte)(unsafe.Pointer(&m.U16[at])), 2 * m.Stride
}

// join merges the pieces of every query and head, in order.
func (d *decoder) join(out Out) {
	hd, row := d.c.HeadDim, make([]float32, d.in.Q.Cols)
	for i := range d.in.Q.Rows {
		clear(row)
		for h := range d.c.Heads {
			lane := h/d.head*kernel.Lanes + h%d.head
			m, l := d.c.sink(h)
			o := row[h*hd : (h+1)*hd]
			for piece := range d.pieces {
				p := d.partial(piece, i)
				m, l = mergePartial(m, l, o, p.m[lane], p.l[lane], p.o[h*hd:(h+1)*hd])
			}
			if l != 0 {
				kernel.Scale(o, 1/l, o)
			}
			if out.hasLSE() {
				out.LSE.Row(h)[i] = lseOf(m, l)
			}
		}
		out.O.WriteRow(i, row)
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
