package autograd

import (
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// checkGrids fails the graph unless grids have as many places as x has rows.
func (g *Graph) checkGrids(name string, grids []Grid, rows int) bool {
	left := rows
	for i, s := range grids {
		if s.Height < 1 || s.Width < 1 {
			g.failf("%s: found grid %d of %d×%d, expected at least 1×1", name, i, s.Height, s.Width)
			return false
		}
		if s.Height > left/s.Width {
			g.failf("%s: found grids of more than the %d rows of x: grid %d of %d×%d has %d left", name, rows, i, s.Height, s.Width, left)
			return false
		}
		left -= s.Height * s.Width
	}
	if left != 0 {
		g.failf("%s: found grids that add up to %d for %d rows of x, expected the same", name, rows-left, rows)
	}
	return left == 0
}

// gridTile is the part of a grid that a thread takes at a time: grid rows h0 … h1 and columns v0 … v1, their ends excluded.
type gridTile struct {
	Grid
	first          int // row of the batch where the grid begins
	h0, h1, v0, v1 int
}

// A grid row of a tile has tileFloats elements, so that four of them lie in the cache of a core (512 KiB of float32), and the row above and
// the one below are read from memory once. tileRows rows make a tile: the row above it and the one below it are an eighth more to read.
const (
	tileFloats = 1 << 15
	tileRows   = 16
)

// tileColumns is the largest number of columns of a tile.
func tileColumns(features int) int { return max(4, tileFloats/features/4*4) }

// gridTiles cuts grids of rows with so many features.
func gridTiles(grids []Grid, features int) (tiles []gridTile) {
	first := 0
	for _, g := range grids {
		bands, columns := ceilDiv(g.Height, tileRows), ceilDiv(g.Width, tileColumns(features))
		for i := range bands {
			for j := range columns {
				tiles = append(tiles, gridTile{Grid: g, first: first,
					h0: i * g.Height / bands, h1: (i + 1) * g.Height / bands, v0: j * g.Width / columns, v1: (j + 1) * g.Width / columns})
			}
		}
		first += g.Height * g.Width
	}
	return tiles
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// halo is the columns v0 … v1 of the tile and their neighbours.
func (t gridTile) halo() (v0, v1 int) { return max(0, t.v0-1), min(t.Width, t.v1+1) }

// row is the row of the batch of a pixel.
func (t gridTile) row(h, v int) int { return t.first + h*t.Width + v }

// gridReader reads grid rows of a tile with their halo in float32: where they lie, or by way of a ring of three.
type gridReader struct {
	m    tensor.Mat
	tile gridTile
	ring []float32 // empty: rows are read where they lie
	held [3]int    // 1 + the grid row of each place
}

// direct reports whether grid rows are slices of m.
func direct(m tensor.Mat) bool { return m.Type == tensor.F32 && m.Stride == m.Cols }

// ringFloats is the length of the ring for m.
func ringFloats(m tensor.Mat) int {
	if direct(m) {
		return 0
	}
	return 3 * (tileColumns(m.Cols) + 2) * m.Cols
}

// runFloats is the room for the results of a run that are to be rounded to the type of m.
func runFloats(m tensor.Mat) int {
	if direct(m) {
		return 0
	}
	return runColumns(m.Cols) * m.Cols
}

// around are grid row h and its neighbours. They are valid until the rows around h+2 are asked for.
func (g *gridReader) around(h int) [3][]float32 {
	return [3][]float32{g.read(max(0, h-1)), g.read(h), g.read(min(g.tile.Height-1, h+1))}
}

func (g *gridReader) read(h int) []float32 {
	v0, v1 := g.tile.halo()
	n, first := g.m.Cols, g.tile.row(h, v0)
	if len(g.ring) == 0 {
		return g.m.F32[first*n : (first+v1-v0)*n]
	}
	row := g.ring[h%3*len(g.ring)/3:][:(v1-v0)*n]
	if g.held[h%3] == h+1 {
		return row
	}
	g.held[h%3] = h + 1
	if g.m.Stride == n {
		g.m.ReadPart(row, first, 0) // on into the rows that follow
		return row
	}
	for v := range v1 - v0 {
		g.m.ReadRow(row[v*n:], first+v)
	}
	return row
}

// side is where a row or a column of a grid is.
type side uint8

const (
	inside side = 0
	start  side = 1 << 0
	end    side = 1 << 1
	sides  side = 4 // a row can be the first and the last
)

func sideOf(i, n int) (s side) {
	if i == 0 {
		s |= start
	}
	if i == n-1 {
		s |= end
	}
	return s
}

// gridRun is columns v0 … v1 of a tile that are computed together: one at a border of the grid, or some of those between.
type gridRun struct {
	v0, v1 int
	side   side
}

// runColumns is the largest number of columns of a run: results that are to be rounded stay in the innermost cache (32 KiB) meanwhile.
func runColumns(features int) int { return max(4, 1<<12/features/4*4) }

// runs cuts the columns of the tile.
func (t gridTile) runs(features int) (runs []gridRun) {
	for v := t.v0; v < t.v1; {
		r := gridRun{v, v + 1, sideOf(v, t.Width)}
		if r.side == inside {
			r.v1 = min(v+runColumns(features), t.v1, t.Width-1)
		}
		runs = append(runs, r)
		v = r.v1
	}
	return runs
}

// tapSets are [9, C] taps for the pixels of each side: sides·(that of the row) + that of the column.
type tapSets [sides * sides][]float32

// sameTaps are the taps where a border makes no difference.
func sameTaps(w []float32) (s tapSets) {
	for i := range s {
		s[i] = w
	}
	return s
}

// convolve writes the results of grid row h of the tile to out, run by run. buf is room for those of a run.
func (t gridTile) convolve(out tensor.Mat, h int, runs []gridRun, rows [3][]float32, sets *tapSets, bias, buf []float32) {
	n := out.Cols
	taps := sets[sides*sideOf(h, t.Height):][:sides]
	for _, r := range runs {
		first := t.row(h, r.v0)
		y := buf
		if direct(out) {
			y = out.F32[first*n:]
		}
		y = y[:(r.v1-r.v0)*n]
		if r.side == inside {
			kernel.DepthwiseRun(y, t.along(r, rows, n), taps[inside], bias)
		} else {
			kernel.DepthwisePixel(y, rows, t.beside(r), taps[r.side], bias)
		}
		if !direct(out) {
			out.WritePart(first, 0, y) // a result from the pool has no gaps between rows
		}
	}
}

// correlate adds to sums what the gradients of a grid row give, dy with its halo.
func (t gridTile) correlate(sums []float32, runs []gridRun, dy []float32, rows [3][]float32) {
	n := len(sums) / 10
	halo, _ := t.halo()
	for _, r := range runs {
		d := dy[(r.v0-halo)*n : (r.v1-halo)*n]
		if r.side == inside {
			kernel.DepthwiseGradRun(sums, d, t.along(r, rows, n))
		} else {
			kernel.DepthwiseGradPixel(sums, d, rows, t.beside(r))
		}
	}
}

// along are the pixels of a run in rows, with those beside it.
func (t gridTile) along(r gridRun, rows [3][]float32, n int) [3][]float32 {
	halo, _ := t.halo()
	for i := range rows {
		rows[i] = rows[i][(r.v0-1-halo)*n : (r.v1+1-halo)*n]
	}
	return rows
}

// beside are the places in rows of the pixel of a run at a border and of its neighbours.
func (t gridTile) beside(r gridRun) [3]int {
	halo, _ := t.halo()
	return [3]int{max(0, r.v0-1) - halo, r.v0 - halo, min(t.Width-1, r.v0+1) - halo}
}
