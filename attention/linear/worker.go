package linear

import (
	"math"

	"github.com/longspan/longspan/attention/internal/scratch"
	"github.com/longspan/longspan/internal/ceil"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// worker is the scratch memory of one goroutine. Tiles have kernel.Lanes tokens across; M features or D dimensions down.
type worker struct {
	l *Linear

	own, back  sums      // of the keys of a sequence that is one range, or under a causal mask of a range so far; of its queries
	base, both sums      // under a causal mask: of all ranges before; of them and own
	xt         []float32 // [D][Lanes] a tile of queries or keys
	phi        []float32 // [M][block] features of a block of keys
	phiQ       []float32 // [M][Lanes] features of a tile of queries
	vals       []float32 // [block][width] values of a block, or gradients of a tile's outputs
	o          []float32 // [D][Lanes] a tile of outputs, transposed
	pair       []float32 // [Lanes][Lanes] weights between a tile's keys and queries
	rows       []float32 // [Lanes][D] for conversion to and from 16-bit storage
	norm       []float32 // [block] ½‖k‖²·log2(e)
	top        []float32 // [M]
	z          []float32 // [M] Σ φ(k), folded
	high       []float32 // [Lanes] largest logarithm of each query
	den        []float32 // [Lanes] normalisers
	inv        []float32 // [Lanes] their reciprocals, 0 where hidden
	ones       []float32 // [Lanes]
	zeros      []float32 // [M]

	gradients // empty in Forward
}

// cutter cuts the slices of a worker.
type cutter = scratch.Cutter[float32]

func (l *Linear) cutSums(c *cutter) sums {
	mem := c.Take(l.sumsLen())
	if mem == nil {
		return sums{}
	}
	return l.sumsOf(mem)
}

// carve lays a worker out in mem and returns it with the floats it needs; a nil mem only counts.
func (l *Linear) carve(mem []float32, backward bool) (*worker, int) {
	const lanes = kernel.Lanes
	m, d, block := l.c.Features, l.c.HeadDim, l.block()
	c := scratch.New(mem)
	w := &worker{
		l: l, own: l.cutSums(&c), xt: c.Take(d * lanes), phi: c.Take(m * block), phiQ: c.Take(m * lanes),
		vals: c.Take(block * l.width()), o: c.Take(d * lanes), pair: c.Take(lanes * lanes), rows: c.Take(lanes * d),
		norm: c.Take(block), top: c.Take(m), z: c.Take(m),
		high: c.Take(lanes), den: c.Take(lanes), inv: c.Take(lanes), ones: c.Take(lanes), zeros: c.Take(m),
	}
	if l.c.Causal {
		w.base, w.both = l.cutSums(&c), l.cutSums(&c)
	}
	if backward {
		if !l.c.Causal {
			w.back = l.cutSums(&c)
		}
		w.gradients = l.cutGradients(&c)
	}
	for i := range w.ones {
		w.ones[i] = 1
	}
	clear(w.zeros)
	return w, c.Taken()
}

// block is the number of tokens are added to the sums at a time. Performer's sums, [256, 64] of float32, lie in the second-level
// cache, and are read and written once a block. Those of the other maps are D×D and lie in the first; and a causal chunk is
// one tile, because its weights cost a square of it.
func (l *Linear) block() int {
	if l.c.Feature == Performer && !l.c.Causal {
		return kernel.KeyBlock
	}
	return kernel.Lanes
}

// logScale makes q·ω the logarithm of a feature in base 2: D^−¼·log2(e).
func (l *Linear) logScale() float32 {
	return float32(math.Pow(float64(l.c.HeadDim), -0.25) * math.Log2E)
}

// float32Rows returns n ≤ Lanes rows of D elements of m as float32, and the distance between them.
func (w *worker) float32Rows(m tensor.Mat, row, n, col int) (rows []float32, ld int) {
	if m.Type == tensor.F32 {
		return m.F32[row*m.Stride+col:], m.Stride
	}
	d := w.l.c.HeadDim
	for i := range n {
		m.ReadPart(w.rows[i*d:(i+1)*d], row+i, col)
	}
	return w.rows, d
}

// load transposes a tile of n tokens, times scale; lanes from n on become 0.
func (w *worker) load(m tensor.Mat, row, n, col int, scale float32, dst []float32) {
	src, ld := w.float32Rows(m, row, n, col)
	kernel.TileLoad(n, w.l.c.HeadDim, src, ld, scale, dst)
}

// store transposes a tile back into n rows of m, each lane times its scale.
func (w *worker) store(m tensor.Mat, row, n, col int, tile, scale []float32) {
	d := w.l.c.HeadDim
	if m.Type == tensor.F32 {
		kernel.TileStore(n, d, tile, scale, m.F32[row*m.Stride+col:], m.Stride)
		return
	}
	kernel.TileStore(n, d, tile, scale, w.rows, d)
	for i := range n {
		m.WritePart(row+i, col, w.rows[i*d:(i+1)*d])
	}
}

// values copies n rows of m into vals [n rounded up to Lanes, width]; the padding becomes 0.
func (w *worker) values(m tensor.Mat, row, n, col int) {
	d, width := w.l.c.HeadDim, w.l.width()
	for i := range n {
		to := w.vals[i*width : (i+1)*width]
		if m.Type == tensor.F32 {
			copy(to[:d], m.F32[(row+i)*m.Stride+col:])
		} else {
			m.ReadPart(to[:d], row+i, col)
		}
		if d < width {
			clear(to[d:])
		}
	}
	clear(w.vals[n*width : ceil.Multiple(n, kernel.Lanes)*width])
}
