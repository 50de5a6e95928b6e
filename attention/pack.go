package attention

import (
	"github.com/longspan/longspan/internal/ceil"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// packed holds keys and values by head, rows contiguous: what is read again and again must not lie strides of a power of two apart. Rows
// are rounded up to keyGroup with zeros, which masks hide. It holds all keys, which many strips read. Or it holds, for one worker, keys
// that no other reads: those stay in its cache, and do not go to memory and back.
type packed struct {
	use      packFor
	own      bool         // a worker's
	lo, hi   int          // the keys of a worker's
	bf16     bool         // factors are bf16; else float32
	mem      []tensor.Mat // what the slices are cut from
	k, v     []float32    // [Hkv][padded][stride], of which D are used
	k16, v16 []uint16     // [Hkv][padded][D], in bf16
	// transposed, by blocks of KeyBlock keys, [Hkv][blocks][D][KeyBlock]: values for the forward pass, keys for the backward
	kt, vt  []uint16
	group   int // query heads per key/value head
	perHead int // rows of one head
	width   int // D
	stride  int // of k and v
}

// rowStride is the floats from one packed row of D to the next. A product that reads a few columns of all rows touches one cache line a
// row. With 2^n lines from row to row these lie in few of the sets of the first cache, and evict each other. So such rows get half a line
// more.
func rowStride(d int) int {
	if d%32 == 0 {
		return d + 8
	}
	return d
}

// packFor is the pass that keys and values are packed for.
type packFor int

const (
	packForward packFor = iota
	packBackward
	packBackwardKV // without dQ
)

// packHeadRows is the number of rows of a head that one piece of packing takes, of all key/value heads together.
const packHeadRows = 1024

// pack copies K and V, unless workers do. Factors are bf16 where Q, K and V all are, and the level multiplies them.
func (a *Attention) pack(x tensor.Exec, in In, use packFor, dry bool) *packed {
	p := &packed{use: use, group: a.c.Heads / a.c.KVHeads, perHead: a.padded, width: a.c.HeadDim, stride: rowStride(a.c.HeadDim)}
	p.bf16 = in.Q.Type == tensor.BF16 && in.K.Type == tensor.BF16 && in.V.Type == tensor.BF16 && kernel.HasBF16()
	if p.own = a.readOnce(use); !p.own {
		p.take(x.Pool, a.c.KVHeads*a.padded)
	}
	switch {
	case dry || p.own:
	case use == packForward && in.Far.Arrive != nil:
		p.fill(a, x, in, func(s *sequence, unit int) bool { return s.share == nil || s.share.ownsUnit(unit) })
	default:
		p.fill(a, x, in, nil)
	}
	return p
}

// readOnce reports whether one worker alone reads a key of a head. In the backward pass that is the one that owns its chunk.
func (a *Attention) readOnce(use packFor) bool {
	if use != packForward {
		return !a.long
	}
	return a.c.Heads == a.c.KVHeads && a.mostStrips <= 1 && !a.shares
}

// take takes the memory of rows of keys and values.
func (p *packed) take(mem *tensor.Pool, rows int) {
	get := func(t tensor.Type, cols int) tensor.Mat {
		p.mem = append(p.mem, mem.Get(t, rows, cols))
		return p.mem[len(p.mem)-1]
	}
	floats := func() []float32 { return get(tensor.F32, p.stride).F32 }
	halves := func() []uint16 { return get(tensor.BF16, p.width).U16 }
	switch {
	case !p.bf16:
		p.k, p.v = floats(), floats()
	case p.use == packForward:
		p.k16, p.vt = halves(), halves()
	case p.use == packBackwardKV:
		p.k16, p.v16 = halves(), halves()
	default:
		p.k16, p.v16, p.kt = halves(), halves(), halves()
	}
}

// worker is what a worker reads of p: p itself, or room of its own for the keys of the longest sequence, up to so many.
func (p *packed) worker(a *Attention, mem *tensor.Pool, keys int) *packed {
	if !p.own {
		return p
	}
	w := *p
	w.mem = nil
	w.take(mem, min(keys, ceil.Multiple(a.longestKeys, keyGroup)))
	return &w
}

// load copies keys lo … hi−1 of a sequence, as a key/value head has them, into the room of a worker. hi is a multiple of KeyBlock, or the
// end.
func (p *packed) load(a *Attention, in In, head int, s *sequence, lo, hi int) {
	p.lo, p.hi = lo, lo
	p.loadTo(a, in, head, s, hi)
}

// loadTo adds to the room of a worker the keys from where it ends to hi−1.
func (p *packed) loadTo(a *Attention, in In, head int, s *sequence, hi int) {
	a.packKeys(p, in, head, 1, s, p.hi, hi, p.hi-p.lo)
	p.hi = hi
}

// fill copies the pieces of the keys and values that are asked for; nil: all. A piece of a Share is a unit.
func (p *packed) fill(a *Attention, x tensor.Exec, in In, asked func(s *sequence, unit int) bool) {
	type piece struct{ seq, from int }
	var pieces []piece
	for i := range a.seqs {
		s := &a.seqs[i]
		for from := 0; from < s.K; from += a.packRows(s) {
			if asked == nil || asked(s, from/a.packRows(s)) {
				pieces = append(pieces, piece{i, from})
			}
		}
	}
	if len(pieces) == 0 {
		return
	}
	pool.Run(x.Threads, len(pieces), func(_, i int) { a.packPiece(p, in, &a.seqs[pieces[i].seq], pieces[i].from) })
}

// packRows is the number of keys one piece of packing takes: whole blocks. A unit of a Share has a source of its own.
func (a *Attention) packRows(s *sequence) int {
	if s.share != nil {
		return ShareUnit
	}
	return ceil.Multiple(packHeadRows/a.c.KVHeads, kernel.KeyBlock)
}

// packPiece copies one piece of the keys and values, of all heads.
func (a *Attention) packPiece(p *packed, in In, s *sequence, from int) {
	a.packKeys(p, in, 0, a.c.KVHeads, s, from, min(from+a.packRows(s), s.K), s.p0+from)
}

// packKeys copies keys from … to−1 of a sequence, of some heads from head on, to the rows of each from first on.
func (a *Attention) packKeys(p *packed, in In, head, heads int, s *sequence, from, to, first int) {
	d, n := a.c.HeadDim, ceil.Multiple(to, keyGroup)-from
	source := func(own, far tensor.Mat) tensor.Mat { return s.keyRows(own, far, from, to, head*d, (head+heads)*d) }
	k, v := source(in.K, in.Far.K), source(in.V, in.Far.V)
	if !p.bf16 {
		p.copyHeads(p.k, k, first, n)
		p.copyHeads(p.v, v, first, n)
		return
	}
	for h := range heads {
		at, size := (h*p.perHead+first)*d, n*d
		for _, x := range []struct {
			from             tensor.Mat
			rows, transposed []uint16
		}{{k.SliceCols(h*d, (h+1)*d), p.k16, p.kt}, {v.SliceCols(h*d, (h+1)*d), p.v16, p.vt}} {
			if x.rows != nil {
				copyRows16(x.rows[at:at+size], x.from)
			}
			if x.transposed != nil {
				transposeRows16(x.transposed[at:at+size], x.from)
			}
		}
	}
}

// copyHeads widens the rows of src, of all its heads, to rows first … first+n−1 of each in dst, and fills those past the last with zeros. A
// row is read from end to end: rows of one head alone lie too far apart for the processor to fetch them ahead.
func (p *packed) copyHeads(dst []float32, src tensor.Mat, first, n int) {
	heads := src.Cols / p.width
	for i := range n {
		for head := range heads {
			row := dst[(head*p.perHead+first+i)*p.stride:][:p.width]
			if i < src.Rows {
				src.ReadPart(row, i, head*p.width)
			} else {
				clear(row)
			}
		}
	}
}

// copyRows16 copies the rows of a BF16 matrix into dst, contiguous, and fills what is left of dst with zeros.
func copyRows16(dst []uint16, src tensor.Mat) {
	for i := range src.Rows {
		copy(dst[i*src.Cols:(i+1)*src.Cols], src.Row16(i))
	}
	clear(dst[src.Rows*src.Cols:])
}

// transposeRows16 is copyRows16 with each KeyBlock of rows transposed; the last block is as wide as there are rows left.
func transposeRows16(dst []uint16, src tensor.Mat) {
	scratch, all := make([]uint16, kernel.TransposeScratch), len(dst)/src.Cols
	for from := 0; from < all; from += kernel.KeyBlock {
		width, rows := min(kernel.KeyBlock, all-from), src.SliceRows(min(from, src.Rows), src.Rows)
		kernel.TransposeBF16(min(rows.Rows, width), src.Cols, rows.U16, src.Stride, dst[from*src.Cols:], width, width, scratch)
	}
}

// copyRows widens the rows of src into dst, contiguous, and fills what is left of dst with zeros.
func copyRows(dst []float32, src tensor.Mat) {
	for i := range src.Rows {
		src.ReadRow(dst[i*src.Cols:(i+1)*src.Cols], i)
	}
	clear(dst[src.Rows*src.Cols:])
}

// row is the packed row of a key of a sequence, as query head h reads it.
func (p *packed) row(h int, s *sequence, key int) int {
	if p.own {
		return key - p.lo
	}
	return h/p.group*p.perHead + s.p0 + key
}

// transposed is the block of kt or vt that key lo of a sequence is in, from that key on, as query head h reads it: a row for each of
// the head's D columns, ld elements apart.
func (p *packed) transposed(t []uint16, h int, s *sequence, lo int) (rows []uint16, ld int) {
	block := lo / kernel.KeyBlock * kernel.KeyBlock
	return t[p.row(h, s, block)*p.width+lo-block:], min(kernel.KeyBlock, ceil.Multiple(s.K, keyGroup)-block)
}

func (p *packed) free(mem *tensor.Pool) {
	for _, m := range p.mem {
		mem.Put(m)
	}
}

// loadTile transposes up to 32 rows of one head into qt [D][Lanes], times scale; rows is scratch for types that must be widened.
func loadTile(head tensor.Mat, scale float32, rows, qt []float32) {
	if head.Type == tensor.F32 {
		kernel.TileLoad(head.Rows, head.Cols, head.F32, head.Stride, scale, qt)
		return
	}
	copyRows(rows[:head.Rows*head.Cols], head)
	kernel.TileLoad(head.Rows, head.Cols, rows, head.Cols, scale, qt)
}

// storeTile transposes o [D][Lanes], each lane times its scale, into the rows of head.
func storeTile(o, scale []float32, head tensor.Mat, rows []float32) {
	if head.Type == tensor.F32 {
		kernel.TileStore(head.Rows, head.Cols, o, scale, head.F32, head.Stride)
		return
	}
	kernel.TileStore(head.Rows, head.Cols, o, scale, rows, head.Cols)
	for i := range head.Rows {
		head.WriteRow(i, rows[i*head.Cols:(i+1)*head.Cols])
	}
}
