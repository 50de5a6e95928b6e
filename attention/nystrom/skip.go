package nystrom

import (
	"github.com/longspan/longspan/attention/internal/scratch"
	"github.com/longspan/longspan/internal/ceil"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// The skip is a depthwise convolution of a head's values along the tokens: all its D columns share the head's taps. 32
// outputs are a product of a band matrix, [32, 31 + K], with as many rows of values, which wastes (31 + K)/K of the
// operations and runs at a matrix product's speed.

// block is up to skipRows tokens of one sequence, which lies in rows lo … hi−1.
type block struct{ row, n, lo, hi int }

// skipRows is the number of rows share a window of values: enough that copying its K − 1 extra rows is little, few enough for
// the first-level cache.
const skipRows = 128

func (n *Nystrom) addBlocks(s sequence) {
	for i := 0; i < s.tokens; i += skipRows {
		n.blocks = append(n.blocks, block{row: s.row + i, n: min(skipRows, s.tokens-i), lo: s.row, hi: s.row + s.tokens})
	}
}

// bandCols is the width of a band matrix: even, since K is odd.
func (n *Nystrom) bandCols() int { return lanes - 1 + n.c.ConvKernel }

// windowRows is the rows of values that a block's outputs depend on, rounded up to whole tiles.
func (n *Nystrom) windowRows() int { return ceil.Multiple(skipRows+n.c.ConvKernel-1, lanes) }

// convolve adds the convolution of src with the taps of each head to dst; reversed taps make its transpose.
func (r *run) convolve(dst, src, conv tensor.Mat, reversed bool) {
	n, d, wide := r.n, r.n.c.HeadDim, ceil.Multiple(r.n.c.HeadDim, lanes)
	if n.c.ConvKernel == 0 {
		return
	}
	bands := r.x.Pool.Get(tensor.F32, n.c.Heads, lanes*n.bandCols())
	defer r.x.Pool.Put(bands)
	if !r.dry {
		for h := range n.c.Heads {
			fillBand(bands.Row(h), conv.Row(h), reversed)
		}
	}
	window := n.windowRows() * wide
	r.scratch(len(n.blocks), window+lanes*wide+d, func(mem []float32, piece int) {
		b, values, sum, row := n.blocks[piece], mem[:window], mem[window:window+lanes*wide], mem[window+lanes*wide:]
		for h := range n.c.Heads {
			n.loadWindow(values, src, b, h)
			for i := 0; i < b.n; i += lanes {
				for j := 0; j < wide; j += lanes {
					kernel.TileMul(lanes, n.bandCols(), bands.Row(h), n.bandCols(), values[i*wide+j:], wide, sum[j:], wide)
				}
				for t := range min(lanes, b.n-i) {
					addRow(dst, b.row+i+t, h*d, sum[t*wide:t*wide+d], row)
				}
			}
		}
	})
}

// fillBand makes the Toeplitz matrix whose row i holds the taps from column i on.
func fillBand(band, taps []float32, reversed bool) {
	cols := lanes - 1 + len(taps)
	clear(band)
	for i := range lanes {
		for u, tap := range taps {
			if reversed {
				band[i*cols+i+len(taps)-1-u] = tap
			} else {
				band[i*cols+i+u] = tap
			}
		}
	}
}

// loadWindow copies the rows of one head that a block depends on: from K/2 before it on, 0 outside of the sequence.
func (n *Nystrom) loadWindow(dst []float32, src tensor.Mat, b block, head int) {
	d, wide := n.c.HeadDim, ceil.Multiple(n.c.HeadDim, lanes)
	clear(dst)
	for i := range n.windowRows() {
		if row := b.row - n.c.ConvKernel/2 + i; row >= b.lo && row < b.hi {
			src.ReadPart(dst[i*wide:i*wide+d], row, head*d)
		}
	}
}

// addRow adds x to a row of m, with scratch as long as x.
func addRow(m tensor.Mat, row, col int, x, scratch []float32) {
	if m.Type == tensor.F32 {
		to := m.F32[row*m.Stride+col:][:len(x)]
		kernel.Add(to, to, x)
		return
	}
	m.ReadPart(scratch, row, col)
	kernel.Add(scratch, scratch, x)
	m.WritePart(row, col, scratch)
}

// tapGrads computes the gradient of the taps, Σ_t dout_t·v_{t+u−⌊K/2⌋}: sums along the diagonals of dout·windowᵀ. Every
// block has its own, and they are added in order.
func (r *run) tapGrads(dconv, dout, v tensor.Mat) {
	n, d, wide, taps := r.n, r.n.c.HeadDim, ceil.Multiple(r.n.c.HeadDim, lanes), r.n.c.ConvKernel
	if taps == 0 {
		return
	}
	parts := r.x.Pool.Get(tensor.F32, len(n.blocks), n.c.Heads*taps)
	defer r.x.Pool.Put(parts)
	window, cols := n.windowRows()*wide, ceil.Multiple(n.bandCols(), lanes)
	r.scratch(len(n.blocks), window+(skipRows+d)*lanes+skipRows*wide+lanes*cols, func(mem []float32, piece int) {
		c := scratch.New(mem)
		b, values, rows := n.blocks[piece], c.Take(window), c.Take(skipRows*wide)
		tile, products := c.Take(d*lanes), c.Take(lanes*cols)
		part := parts.Row(piece)
		clear(part)
		for h := range n.c.Heads {
			n.loadWindow(values, v, b, h)
			clear(rows)
			for i := range b.n {
				dout.ReadPart(rows[i*wide:i*wide+d], b.row+i, h*d)
			}
			for i := 0; i < b.n; i += lanes {
				for j := 0; j < cols; j += lanes {
					kernel.TileLoad(min(lanes, n.windowRows()-i-j), d, values[(i+j)*wide:], wide, 1, tile)
					kernel.TileMul(lanes, d, rows[i*wide:], wide, tile, lanes, products[j:], cols)
				}
				for t := range lanes {
					to := part[h*taps : (h+1)*taps]
					kernel.Add(to, to, products[t*cols+t:t*cols+t+taps])
				}
			}
		}
	})
	if r.dry {
		return
	}
	for h := range n.c.Heads {
		clear(dconv.Row(h))
		for i := range n.blocks {
			kernel.Add(dconv.Row(h), dconv.Row(h), parts.Row(i)[h*taps:(h+1)*taps])
		}
	}
}
