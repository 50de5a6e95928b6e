package pattern

import (
	"fmt"

	"github.com/longspan/longspan/internal/pool"
)

// Grid counts the visible pairs of a pattern in Rows × Cols cells of its Tq × Tk matrix.
type Grid struct {
	Shape      Shape
	Rows, Cols int
	counts     []int64 // [Rows, Cols]
}

// maxCells bounds a grid at 2²⁴ cells, 128 MiB: as many as the pixels of the largest picture.
const maxCells = 1 << 24

// Count counts the visible pairs exactly in each cell of a grid of rows × cols cells. Cell (r, c) has queries
// r·Tq/rows … (r+1)·Tq/rows − 1 and keys c·Tk/cols … (c+1)·Tk/cols − 1, rounded down. rows is 1 to Tq and cols 1 to Tk; a
// sequence without queries or keys has no cells, whatever is asked.
//
// It takes time in proportion to the spans of all rows, never to Tq·Tk: some 20 ms for a million tokens under a
// window, on one core. It uses all cores. It returns an error where Check does.
func Count(p Pattern, s Shape, rows, cols int) (*Grid, error) {
	p = orInvalid(p)
	if err := p.Check(s); err != nil {
		return nil, err
	}
	if s.Tq == 0 || s.Tk == 0 {
		return &Grid{Shape: s}, nil
	}
	if rows < 1 || rows > s.Tq || cols < 1 || cols > s.Tk || int64(rows)*int64(cols) > maxCells {
		return nil, fmt.Errorf("pattern: found a grid of %d×%d cells over %d×%d pairs, expected no more rows and columns than those, and %d "+
			"cells at most; use a coarser grid",
			rows, cols, s.Tq, s.Tk, maxCells)
	}
	g := &Grid{Shape: s, Rows: rows, Cols: cols, counts: make([]int64, rows*cols)}
	failed := make([]error, rows)
	pool.Run(0, rows, func(_, r int) { failed[r] = g.countRow(p, r) })
	for _, err := range failed {
		if err != nil {
			return nil, err
		}
	}
	return g, nil
}

// countRow counts the cells of row r. A span adds to the cells at its two ends; the cells between, which it covers
// from side to side, are noted as +1 where they begin and −1 where they end, and summed once for all queries.
func (g *Grid) countRow(p Pattern, r int) error {
	counts := g.counts[r*g.Cols : (r+1)*g.Cols]
	covered := make([]int64, g.Cols+1)
	var spans []Span
	from, to := g.queries(r)
	_, firstEnd := g.keys(0)
	for q := from; q < to; q++ {
		spans = p.Spans(spans[:0], q, g.Shape)
		last, cell, end := 0, 0, firstEnd // the cell of the span before, and the key where it ends
		for _, s := range spans {
			if s.Lo < last || s.Hi <= s.Lo || s.Hi > g.Shape.Tk {
				return fmt.Errorf("pattern: %s: found span %d … %d for query %d, expected ascending spans inside 0 … %d; correct its Spans",
					clip(p.String()), s.Lo, s.Hi-1, q, g.Shape.Tk-1)
			}
			last = s.Hi
			if s.Hi <= end { // most often, and it saves the divisions
				counts[cell] += int64(s.Len())
				continue
			}
			cell = g.addSpan(counts, covered, s)
			_, end = g.keys(cell)
		}
	}
	var queries int64
	for c := range counts {
		queries += covered[c]
		lo, hi := g.keys(c)
		counts[c] += queries * int64(hi-lo)
	}
	return nil
}

// addSpan adds a span to the cells it meets and returns the last of them.
func (g *Grid) addSpan(counts, covered []int64, s Span) int {
	first, last := g.column(s.Lo), g.column(s.Hi-1)
	if first == last {
		counts[first] += int64(s.Len())
		return first
	}
	_, end := g.keys(first)
	begin, _ := g.keys(last)
	counts[first] += int64(end - s.Lo)
	counts[last] += int64(s.Hi - begin)
	covered[first+1]++
	covered[last]--
	return last
}

// queries returns the query rows lo … hi−1 of row r, keys the keys of column c.
func (g *Grid) queries(r int) (lo, hi int) {
	return border(r, g.Shape.Tq, g.Rows), border(r+1, g.Shape.Tq, g.Rows)
}

func (g *Grid) keys(c int) (lo, hi int) {
	return border(c, g.Shape.Tk, g.Cols), border(c+1, g.Shape.Tk, g.Cols)
}

func border(i, tokens, cells int) int { return int(int64(i) * int64(tokens) / int64(cells)) }

// column returns the cell of key k: the largest c with ⌊c·Tk/Cols⌋ ≤ k, that is c·Tk < (k+1)·Cols.
func (g *Grid) column(k int) int {
	return int((int64(k+1)*int64(g.Cols) - 1) / int64(g.Shape.Tk))
}

// Cell returns how many pairs of cell (r, c) are visible, and how many it has.
func (g *Grid) Cell(r, c int) (visible, all int64) {
	q0, q1 := g.queries(r)
	k0, k1 := g.keys(c)
	return g.counts[r*g.Cols+c], int64(q1-q0) * int64(k1-k0)
}

// Pairs is the number of visible pairs in the whole grid.
func (g *Grid) Pairs() int64 {
	var sum int64
	for _, n := range g.counts {
		sum += n
	}
	return sum
}

// Share is the visible part of all Tq·Tk pairs, 0 to 1; 0 where there are none.
func (g *Grid) Share() float64 {
	if g.Shape.Tq == 0 || g.Shape.Tk == 0 {
		return 0
	}
	return float64(g.Pairs()) / (float64(g.Shape.Tq) * float64(g.Shape.Tk))
}

// countGroup is the number of queries Pairs gives to a thread at a time.
const countGroup = 4096

// Pairs counts exactly the (query, key) pairs that p lets see each other in shape s. One pair costs an attention
// 4·D floating-point operations forward, for two products over the head dimension D. The count fits an int64 for
// every shape that Check accepts. Cost and errors are those of Count.
func Pairs(p Pattern, s Shape) (int64, error) {
	g, err := Count(p, s, min(s.Tq, max(1, s.Tq/countGroup)), 1)
	if err != nil {
		return 0, err
	}
	return g.Pairs(), nil
}

// Share is Pairs divided by Tq·Tk, 0 to 1; 0 where there are no pairs at all.
func Share(p Pattern, s Shape) (float64, error) {
	g, err := Count(p, s, min(s.Tq, max(1, s.Tq/countGroup)), 1)
	if err != nil {
		return 0, err
	}
	return g.Share(), nil
}

// maxPicture bounds a picture's side, so that its cells are those of the largest grid.
const maxPicture = 1 << 12

// Picture is Count on a grid whose longer side has at most limit cells, 1 to 4,096. A cell covers about as many queries as keys.
// It returns an error where Count does, and for a sequence without queries or keys.
func Picture(p Pattern, s Shape, limit int) (*Grid, error) {
	p = orInvalid(p)
	if err := p.Check(s); err != nil {
		return nil, err
	}
	if limit < 1 || limit > maxPicture {
		return nil, fmt.Errorf("pattern: found a picture of %d cells, expected 1 to %d", limit, maxPicture)
	}
	if s.Tq == 0 || s.Tk == 0 {
		return nil, fmt.Errorf("pattern: found %d queries and %d keys, expected some of both to draw", s.Tq, s.Tk)
	}
	longer := max(s.Tq, s.Tk)
	cells := func(tokens int) int {
		side := int64(tokens) * int64(min(limit, longer)) // may pass 32 bits
		return max(1, int((side+int64(longer)-1)/int64(longer)))
	}
	return Count(p, s, cells(s.Tq), cells(s.Tk))
}
