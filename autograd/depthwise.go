package autograd

import (
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// Grid is a sequence that is a picture of patches: Height·Width consecutive rows of a packed batch, one grid row after the other.
type Grid struct{ Height, Width int }

// depthwise is the 3×3 convolution of each feature by itself, a cross-correlation as in other libraries. With u(h) = min(max(h, 0), H−1)
// and v likewise for the columns, so that the neighbour outside of a grid is the nearest pixel inside,
//
//	y[h,v] = b + Σ_ij w[3(i+1)+(j+1)]·x[u(h+i), v(v+j)]    i, j ∈ {−1, 0, 1}
//
// A tap that reads over a border reads the pixel there once more. So with a = k/3−1 and c = k%3−1 the place of tap k,
//
//	dx[p] = Σ_k w[k]·Σ g[q]    over the pixels q of the grid for which p is the neighbour (a, c): q = p−(a, c), and at a border p itself
//	dw[k] = Σ_p g[p]·x[its neighbour (a, c)]    db = Σ_p g[p]
//
// dx is a convolution of g with taps that are others on each side of the grid (adjointTaps).
type depthwise struct {
	tiles []gridTile
	bias  bool
}

// Depthwise3x3 convolves each feature of x [T, C] with its own 3×3 taps over grids, whose Height·Width add up to T. w is a float32 leaf
// [9, C], row 3·(i+1)+(j+1) for the neighbour i grid rows below and j pixels to the right; b is one of [1, C], or nil. The neighbour of a
// pixel at a border is the nearest pixel of the grid. The result [T, C] has the type of x; sums are float32.
//
// Cost: 18·T·C flops forward and 36·T·C backward, which take less time than the memory: x is read and the result written once, and
// backward x and the gradient are read and one written. Scratch: about 1 MiB for each thread with 16-bit types, and for the backward
// pass 64 times the weights at most.
func (g *Graph) Depthwise3x3(x, w, b *Var, grids []Grid) *Var {
	in := []*Var{x, w}
	if b != nil {
		in = append(in, b)
	}
	if !g.check("Depthwise3x3", in...) {
		return g.nothing()
	}
	for i, p := range in[1:] {
		if rows := [2]int{9, 1}[i]; !p.leaf || p.typ != tensor.F32 || p.rows != rows || p.cols != x.cols {
			return g.failf("Depthwise3x3: found a parameter of %s %d×%d, expected an f32 leaf of %d×%d", p.typ, p.rows, p.cols, rows, x.cols)
		}
	}
	if !g.checkGrids("Depthwise3x3", grids, x.rows) {
		return g.nothing()
	}
	return g.record(&depthwise{tiles: gridTiles(grids, x.cols), bias: b != nil}, x.typ, x.rows, x.cols, in...)
}

func (*depthwise) reads() (inputs uint64, result bool) { return 1<<0 | 1<<1, false }
func (*depthwise) cheap()                              {}

func (o *depthwise) forward(c *call) error {
	x, n := c.in[0], c.out.Cols
	bias := c.x.Pool.GetZero(tensor.F32, 1, n)
	defer c.x.Pool.Put(bias)
	if o.bias && !c.dry {
		copy(bias.F32, c.in[2].Row(0))
	}
	taps := c.x.Pool.Get(tensor.F32, 9, n)
	defer c.x.Pool.Put(taps)
	width := ringFloats(x) + runFloats(c.out)
	workers := min(pool.Threads(c.x.Threads), len(o.tiles))
	scratch := c.x.Pool.Get(tensor.F32, workers, width)
	defer c.x.Pool.Put(scratch)
	if c.dry {
		return nil
	}
	taps.CopyFrom(c.in[1])
	sets := sameTaps(taps.F32)
	pool.Run(workers, len(o.tiles), func(worker, piece int) {
		s, t := scratch.F32[worker*width:(worker+1)*width], o.tiles[piece]
		from, runs := gridReader{m: x, tile: t, ring: s[:ringFloats(x)]}, t.runs(n)
		for h := t.h0; h < t.h1; h++ {
			t.convolve(c.out, h, runs, from.around(h), &sets, bias.F32, s[ringFloats(x):])
		}
	})
	return nil
}

func (o *depthwise) cost(out *Var, in []*Var) (forward, backward Cost) {
	return elementwise(18, out.elements(), 2*out.bytes()), elementwise(36, out.elements(), 3*out.bytes())
}
