package autograd

import (
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

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

// rowFloats is the room for a grid row of a tile that is to be rounded to the type of m.
func rowFloats(m tensor.Mat) int {
	if direct(m) {
		return 0
	}
	return tileColumns(m.Cols) * m.Cols
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

// tapSets are [9, C] taps for the pixels of each side: sides·(that of the row) + that of the column.
type tapSets [sides * sides][]float32

// sameTaps are the taps where a border makes no difference.
func sameTaps(w []float32) (s tapSets) {
	for i := range s {
		s[i] = w
	}
	return s
}

// convolve writes the results of grid row h of the tile to out. buf is room for them.
func (t gridTile) convolve(out tensor.Mat, h int, rows [3][]float32, sets *tapSets, bias, buf []float32) {
	n, first := out.Cols, t.row(h, t.v0)
	to := buf
	if direct(out) {
		to = out.F32[first*n : (first+t.v1-t.v0)*n]
	}
	taps := sets[sides*sideOf(h, t.Height):][:sides]
	t.each(rows, func(v int, cols [3]int) {
		kernel.DepthwisePixel(to[(v-t.v0)*n:][:n], rows, cols, taps[sideOf(v, t.Width)], bias)
	}, func(v, end int, rows [3][]float32) {
		kernel.DepthwiseRun(to[(v-t.v0)*n:(end-t.v0)*n], rows, taps[inside], bias)
	}, n)
	if direct(out) {
		return
	}
	out.WritePart(first, 0, to[:(t.v1-t.v0)*n]) // a result from the pool has no gaps between rows
}

// correlate adds to sums what the gradients of a grid row give, dy with its halo.
func (t gridTile) correlate(sums, dy []float32, rows [3][]float32) {
	n := len(sums) / 10
	halo, _ := t.halo()
	t.each(rows, func(v int, cols [3]int) {
		kernel.DepthwiseGradPixel(sums, dy[(v-halo)*n:][:n], rows, cols)
	}, func(v, end int, rows [3][]float32) {
		kernel.DepthwiseGradRun(sums, dy[(v-halo)*n:(end-halo)*n], rows)
	}, n)
}

// each calls pixel for the columns of the tile at a border of the grid, with the columns of rows around it, and run for those between, with
// rows from the first one's neighbour to that of the last.
func (t gridTile) each(rows [3][]float32, pixel func(v int, cols [3]int), run func(v, end int, rows [3][]float32), n int) {
	halo, _ := t.halo()
	from, to := max(t.v0, 1), min(t.v1, t.Width-1)
	border := func(v int) {
		pixel(v, [3]int{max(0, v-1) - halo, v - halo, min(t.Width-1, v+1) - halo})
	}
	if t.v0 == 0 {
		border(0)
	}
	if from < to {
		for i := range rows {
			rows[i] = rows[i][(from-1-halo)*n : (to+1-halo)*n]
		}
		run(from, to, rows)
	}
	if t.v1 == t.Width && t.Width > 1 {
		border(t.Width - 1)
	}
}
