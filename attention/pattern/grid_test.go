package pattern

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// Count, Pairs, Share and Text agree with counting the dense matrix.
func TestGridMatchesDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for n, p := range leaves() {
		for m := range 3 {
			s := shapes[(3*n+m)%len(shapes)]
			if p.Check(s) != nil || s.Tq == 0 || s.Tk == 0 {
				continue
			}
			rows, cols := 1+r.IntN(s.Tq), 1+r.IntN(s.Tk)
			g, err := Count(p, s, rows, cols)
			if err != nil {
				t.Fatal(err)
			}
			checkGrid(t, p, g)
		}
	}
}

func checkGrid(t *testing.T, p Pattern, g *Grid) {
	t.Helper()
	s := g.Shape
	visible, err := Dense(p, s)
	if err != nil {
		t.Fatal(err)
	}
	var pairs, area int64
	for i := range g.Rows {
		for j := range g.Cols {
			var want int64
			q0, q1, k0, k1 := i*s.Tq/g.Rows, (i+1)*s.Tq/g.Rows, j*s.Tk/g.Cols, (j+1)*s.Tk/g.Cols
			for q := q0; q < q1; q++ {
				for k := k0; k < k1; k++ {
					if visible[q*s.Tk+k] {
						want++
					}
				}
			}
			got, all := g.Cell(i, j)
			if got != want || all != int64((q1-q0)*(k1-k0)) {
				t.Fatalf("%v, %+v, cell (%d, %d) of %d×%d: %d of %d visible, expected %d of %d",
					p, s, i, j, g.Rows, g.Cols, got, all, want, (q1-q0)*(k1-k0))
			}
			pairs, area = pairs+want, area+all
		}
	}
	if area != int64(s.Tq*s.Tk) {
		t.Fatalf("cells have %d pairs in all, expected %d", area, s.Tq*s.Tk)
	}
	if got, err := Pairs(p, s); err != nil || got != pairs {
		t.Fatalf("%v, %+v: Pairs is %d, %v, expected %d", p, s, got, err, pairs)
	}
	if got, err := Share(p, s); err != nil || got != float64(pairs)/float64(area) {
		t.Fatalf("%v, %+v: Share is %v, %v", p, s, got, err)
	}
}

// Closed forms at lengths where a dense matrix would not fit, and past 32 bits.
func TestPairsOfLongSequences(t *testing.T) {
	const T = 100_003
	triangle := int64(T) * (T + 1) / 2
	band := func(w int64) int64 { return T + w*(2*T-w-1) } // Σ over distances d = −w … w of T−|d|
	for _, c := range []struct {
		p    Pattern
		want int64
	}{
		{Full(), int64(T) * T},
		{None(), 0},
		{Causal(), triangle},
		{Window(512), band(512)},
		{WindowSides(512, 0), (band(512) + T) / 2},
		{Global(5), 2*T - 1},
		{Longformer(512, 0), band(512) + 2*(T-513)},
		{Segments(1000), 100*1000*1000 + 3*3},
		{Prefix(100), 100 * T},
		{And(Causal(), Segments(1000)), 100*500500 + 6},
		{Dilated(10, 7), T + 2*(10*T-7*55)},
		{BigBird(1, 1, 0, 3, 5), 4 * T},
	} {
		got, err := Pairs(c.p, Square(T))
		if err != nil || got != c.want {
			t.Errorf("%v: %d, %v, expected %d", c.p, got, err, c.want)
		}
	}
	if got, err := Pairs(Global(0), Shape{Tq: 1, Tk: MaxTokens}); err != nil || got != MaxTokens {
		t.Errorf("a global query over %d keys: %d, %v", MaxTokens, got, err)
	}
	if got, err := Pairs(Full(), Square(0)); err != nil || got != 0 {
		t.Errorf("no tokens: %d, %v", got, err)
	}
	if got, err := Share(Full(), Shape{Tq: 3}); err != nil || got != 0 {
		t.Errorf("no keys: a share of %v, %v", got, err)
	}
}

func TestGridRefusals(t *testing.T) {
	for want, c := range map[string][2]int{
		"a grid of 0×1": {0, 1}, "a grid of 1×0": {1, 0}, "a grid of 11×1": {11, 1}, "a grid of 1×11": {1, 11}, "a grid of -1×3": {-1, 3},
	} {
		_, err := Count(Full(), Square(10), c[0], c[1])
		refused(t, err, want)
	}
	_, err := Count(Full(), Square(1<<20), 1<<13, 1<<12)
	refused(t, err, "and 16777216 cells at most")
	for want, p := range map[string]Pattern{
		"nil: found no pattern": nil, "window(-1): found -1 before": Window(-1), "found position 10 in": Global(10),
		"found span 0 … 10 for query 0": wrong{},
	} {
		_, err := Pairs(p, Square(10))
		refused(t, err, want)
		_, err = Share(p, Square(10))
		refused(t, err, want)
		_, err = Text(p, Square(10), 10)
		refused(t, err, want)
	}
	for want, limit := range map[string]int{"a picture of -1 cells": -1, "a picture of 0 cells": 0,
		"a picture of 1025 cells": maxTextCells + 1} {
		_, err := Text(Full(), Square(10), limit)
		refused(t, err, want)
	}
	_, err = Text(Full(), Square(0), 10)
	refused(t, err, "found 0 queries and 0 keys")
}

// wrong is a pattern of another package whose spans lie outside the keys.
type wrong struct{ full }

func (wrong) Spans(dst []Span, _ int, s Shape) []Span { return append(dst, Span{0, s.Tk + 1}) }

func TestTextClasses(t *testing.T) {
	for _, c := range []struct {
		p     Pattern
		s     Shape
		limit int
		want  string
	}{
		// 8 tokens in 4 cells: only the cells where all four pairs are visible are full.
		{Causal(), Square(8), 4, "░░      |██░░    |████░░  |██████░░"},
		{Segments(4), Square(8), 4, "████    |████    |    ████|    ████"},
		{Global(0), Square(4), 4, "████████|██      |██      |██      "},
		{Causal(), Shape{Tq: 2, Tk: 6, Offset: 4}, 6, "██████████  |████████████"},
		{Window(0), Shape{Tq: 1, Tk: 100, Offset: 99}, 10, "                  ░░"},
		{Full(), Shape{Tq: 5, Tk: 1}, 10, "██|██|██|██|██"},
		{Full(), Square(1), 10, "██"},
	} {
		got, err := Text(c.p, c.s, c.limit)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
		inside := strings.ReplaceAll(strings.Join(lines[1:len(lines)-1], ","), "│", "")
		if inside = strings.ReplaceAll(inside, ",", "|"); inside != c.want {
			t.Errorf("%v, %+v in %d cells:\n%s\nexpected %s", c.p, c.s, c.limit, got, c.want)
		}
	}
}

func BenchmarkPairs(b *testing.B) {
	for _, p := range []Pattern{Longformer(512, 0), BigBird(64, 3, 2, 3, 0), Dilated(512, 2)} {
		b.Run(p.String(), func(b *testing.B) {
			for b.Loop() {
				if _, err := Pairs(p, Square(1_000_000)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
