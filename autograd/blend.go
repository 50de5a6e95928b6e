package autograd

import (
	"github.com/longspan/longspan/tensor"
)

// blendPatches makes one picture of patches that overlap. A token of grid place (h, v) has p+2m values along each side: those of its own
// patch, and m over each border. With the window
//
//	w(α) = (α+½)/2m for α < 2m, 1 for 2m ≤ α < p, and (p+2m−α−½)/2m from there on
//
// along each side, the patch of a token is the mean of all tokens that reach over it:
//
//	y[h,v][a,b] = Σ_ij w(a+m−i·p)·w(b+m−j·p)·x[h+i,v+j][a+m−i·p, b+m−j·p]    i, j ∈ {−1, 0, 1}
//
// The windows that meet in a pixel add up to 1. Where the neighbour would be outside of the grid, the token itself has the weight 1. So
// each value of x reaches one value of y at most, and dx is one product.
type blendPatches struct {
	grids                   []Grid
	patch, margin, channels int
	rows                    []blendRow
}

// blendRow is row h of a grid, whose first token is row first of the batch.
type blendRow struct {
	grid             Grid
	number, first, h int // number of the grid
}

// BlendPatches maps x [T, (p+2m)²·c], the values [p+2m][p+2m][c] of tokens of grids whose Height·Width add up to T, to [T, p²·c]: the
// patches [p][p][c]. Each is blended linearly with those of its neighbours over 2m pixels. patch is p, margin is m with 2m ≤ p, and
// channels is c. The result has the type of x.
//
// Cost: 8 flops for each element of the result, forward and backward.
func (g *Graph) BlendPatches(x *Var, patch, margin, channels int, grids []Grid) *Var {
	if !g.check("BlendPatches", x) {
		return g.nothing()
	}
	if patch < 1 || margin < 1 || 2*margin > patch || channels < 1 {
		return g.failf("BlendPatches: found patches of %d with a margin of %d and %d channels, expected a margin of 1 to half of the patch",
			patch, margin, channels)
	}
	o := &blendPatches{grids: grids, patch: patch, margin: margin, channels: channels}
	if side := patch + 2*margin; x.cols != side*side*channels {
		return g.failf("BlendPatches: found %d columns, expected %d: %d·%d·%d", x.cols, side*side*channels, side, side, channels)
	}
	if !g.checkGrids("BlendPatches", grids, x.rows) {
		return g.nothing()
	}
	first := 0
	for i, s := range grids {
		for h := range s.Height {
			o.rows = append(o.rows, blendRow{s, i, first + h*s.Width, h})
		}
		first += s.Height * s.Width
	}
	return g.record(o, x.typ, x.rows, patch*patch*channels, x)
}

func (*blendPatches) reads() (inputs uint64, result bool) { return 0, false }

// side is the values along a side of a token.
func (o *blendPatches) side() int { return o.patch + 2*o.margin }

// window is w along a side of token i of n, each value repeated for the channels. Beyond a border of the grid it is 0, and 1 on this side.
func (o *blendPatches) window(i, n, channels int) []float32 {
	p, m := o.patch, o.margin
	all := make([]float32, 0, o.side()*channels)
	for at := range o.side() {
		w := min(1, (float32(at)+0.5)/float32(2*m), (float32(p+2*m-at)-0.5)/float32(2*m))
		switch {
		case at < m && i == 0, at >= p+m && i == n-1:
			w = 0
		case at < 2*m && i == 0, at >= p && i == n-1:
			w = 1
		}
		for range channels {
			all = append(all, w)
		}
	}
	return all
}

// overlap is the pixels from … to−1 along a side of a patch that a token d places on reaches.
func (o *blendPatches) overlap(d int) (from, to int) {
	switch d {
	case -1:
		return 0, o.margin
	case 1:
		return o.patch - o.margin, o.patch
	}
	return 0, o.patch
}

// blendWindows are the windows of the tokens of a grid: those of the first and the last differ, of rows and of columns.
type blendWindows struct{ rows, cols [][]float32 }

func (o *blendPatches) windows(g Grid) (w blendWindows) {
	for i := range g.Height {
		w.rows = append(w.rows, o.window(i, g.Height, 1))
	}
	for i := range g.Width {
		w.cols = append(w.cols, o.window(i, g.Width, o.channels))
	}
	return w
}

// add adds to a patch, or where back is set to a token, what the token reaches of the patch: the token lies down rows below the patch and
// right columns from it. rows and cols are the windows of the token.
func (o *blendPatches) add(patch, token []float32, down, right int, rows, cols []float32, back bool) {
	c, side := o.channels, o.side()
	from, to := o.overlap(down)
	b0, b1 := o.overlap(right)
	shift := o.margin - right*o.patch // from a column of the patch to one of the token
	w := cols[(b0+shift)*c : (b1+shift)*c]
	for a := from; a < to; a++ {
		at := a + o.margin - down*o.patch
		p, t := patch[(a*o.patch+b0)*c:(a*o.patch+b1)*c], token[(at*side+b0+shift)*c:(at*side+b1+shift)*c]
		row := rows[at]
		if back {
			p, t = t, p
		}
		for k, v := range w {
			p[k] += row * v * t[k]
		}
	}
}

// around calls f for the tokens at and next to (h, v) of a grid: the one down rows below and right columns on.
func around(g Grid, h, v int, f func(down, right int)) {
	for down := max(-1, -h); down <= min(1, g.Height-1-h); down++ {
		for right := max(-1, -v); right <= min(1, g.Width-1-v); right++ {
			f(down, right)
		}
	}
}

// eachGridRow calls f for the rows of all grids, with scratch for two matrix rows.
func (o *blendPatches) eachGridRow(x tensor.Exec, dry bool, width int, f func(r blendRow, w blendWindows, s []float32)) {
	windows := make([]blendWindows, len(o.grids))
	if !dry {
		for i, g := range o.grids {
			windows[i] = o.windows(g)
		}
	}
	features := 1
	if len(o.rows) > 0 {
		features = o.rows[0].grid.Width * width
	}
	eachRow(x, dry, len(o.rows), features, 2*width, func(i int, s []float32) { f(o.rows[i], windows[o.rows[i].number], s) })
}

func (o *blendPatches) forward(c *call) error {
	x, n := c.in[0], c.in[0].Cols
	o.eachGridRow(c.x, c.dry, n, func(r blendRow, w blendWindows, s []float32) {
		for v := range r.grid.Width {
			y := room(c.out, r.first+v, s[:n])
			clear(y)
			around(r.grid, r.h, v, func(down, right int) {
				token := load(x, r.first+v+down*r.grid.Width+right, s[n:])
				o.add(y, token, down, right, w.rows[r.h+down], w.cols[v+right], false)
			})
			store(c.out, r.first+v, y)
		}
	})
	return nil
}

func (o *blendPatches) backward(b *backCall) error {
	dx := b.fresh(0)
	n := dx.Cols
	o.eachGridRow(b.x, b.dry, n, func(r blendRow, w blendWindows, s []float32) {
		for v := range r.grid.Width {
			d := room(dx, r.first+v, s[:n])
			clear(d)
			around(r.grid, r.h, v, func(down, right int) {
				patch := load(b.dout, r.first+v+down*r.grid.Width+right, s[n:])
				o.add(patch, d, -down, -right, w.rows[r.h], w.cols[v], true)
			})
			store(dx, r.first+v, d)
		}
	})
	b.give(0, dx)
	return nil
}

func (*blendPatches) cost(out *Var, in []*Var) (forward, backward Cost) {
	c := elementwise(8, out.elements(), in[0].bytes(), out.bytes())
	return c, c
}
