package pattern

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// shapes has square, rectangular, offset and degenerate ones; queries may stand past the keys.
var shapes = []Shape{
	{1, 1, 0}, {2, 2, 0}, {17, 17, 0}, {64, 64, 0}, {67, 67, 0}, {5, 40, 35}, {20, 64, 13}, {1, 33, 32},
	{9, 30, 2}, {30, 9, 0}, {40, 23, 11}, {0, 5, 0}, {5, 0, 0}, {0, 0, 0}, {3, 1, 0},
}

// leaves are patterns of every kind with arguments at and around the edges.
func leaves() []Pattern {
	ps := []Pattern{
		Full(), None(), Causal(), Window(0), Window(1), Window(5), Window(1000), Window(MaxTokens),
		WindowSides(3, 0), WindowSides(0, 4), WindowSides(2, 9), WindowSides(MaxTokens, 0), Memory(7),
		Window2D(1, 2), Window2D(4, 0), Window2D(5, 1), Window2D(9, 2), Window2D(3, 2), Window2D(4, 2), Window2D(7, MaxTokens),
		Window2D(MaxTokens, 1), Window2D(MaxTokens-1, MaxTokens),
		Dilated(0, 3), Dilated(3, 1), Dilated(2, 3), Dilated(100, 2), Dilated(MaxTokens, MaxTokens),
		Strided(1), Strided(2), Strided(7), Strided(MaxTokens), Segments(1), Segments(8), Segments(100),
		Segments(MaxTokens), Summary(1), Summary(8), SummaryAt(8, 7), SummaryAt(5, 2), SummaryAt(MaxTokens, MaxTokens-1),
		Prefix(0), Prefix(1), Prefix(9), SegmentsAt(1), SegmentsAt(3, 4, 8), Global(0), Global(8, 2, 3, 8),
		Global(4, 5, 6, 0), Longformer(3, 0, 5), Longformer(2), Short(0), Short(33), Short(64), Short(MaxTokens),
	}
	for _, block := range []int{1, 3, 4, 64} {
		for _, window := range []int{1, 3, 5} {
			for _, global := range []int{0, 1, 2, 5} {
				for _, random := range []int{0, 1, 3, 40} {
					ps = append(ps, BigBird(block, window, global, random, uint64(block+random)))
				}
			}
		}
	}
	return ps
}

// A pattern without a definition would be compared with itself, and one without the other two would decode everything and refuse chunks.
func TestPatternsAreComplete(t *testing.T) {
	for _, p := range append(leaves(), Window(-1), And(Causal(), Window(3)), Or(Causal(), Window(3))) {
		if _, ok := p.(definer); !ok {
			t.Errorf("%v has no definition, expected a method sees", p)
		}
		if _, ok := p.(Retainer); !ok {
			t.Errorf("%v has no method Retained", p)
		}
		if _, ok := p.(ReceptiveFielder); !ok {
			t.Errorf("%v has no method ReceptiveField", p)
		}
	}
}

// compare checks that Spans agrees with Dense and keeps the form that Pattern promises.
func compare(t *testing.T, p Pattern, s Shape) {
	t.Helper()
	want, err := Dense(p, s)
	if err != nil {
		t.Fatal(err)
	}
	mark := []Span{{-7, -3}}
	for q := range s.Tq {
		spans := p.Spans(mark, q, s)
		if spans[0] != mark[0] {
			t.Fatalf("%v, %+v, query %d: overwrote what dst held", p, s, q)
		}
		got := make([]bool, s.Tk)
		last := -1 // a span that begins at 0 touches none
		for _, span := range spans[1:] {
			if span.Lo <= last || span.Hi <= span.Lo || span.Hi > s.Tk {
				t.Fatalf("%v, %+v, query %d: spans %v", p, s, q, spans[1:])
			}
			for k := span.Lo; k < span.Hi; k++ {
				got[k] = true
			}
			last = span.Hi
		}
		if !slices.Equal(got, want[q*s.Tk:(q+1)*s.Tk]) {
			t.Fatalf("%v, %+v, query %d: spans %v\ngot  %v\nwant %v", p, s, q, spans[1:], got, want[q*s.Tk:(q+1)*s.Tk])
		}
	}
}

func TestSpansMatchDefinition(t *testing.T) {
	for _, p := range leaves() {
		used := 0
		for _, s := range shapes {
			if p.Check(s) == nil {
				used++
				compare(t, p, s)
			}
		}
		if used < 4 {
			t.Errorf("%v was compared on %d shapes only", p, used)
		}
	}
}

// random patterns of And and Or, nested.
func randomPattern(r *rand.Rand, of []Pattern, depth int) Pattern {
	if depth == 0 || r.IntN(4) == 0 {
		return of[r.IntN(len(of))]
	}
	parts := make([]Pattern, 1+r.IntN(4))
	for i := range parts {
		parts[i] = randomPattern(r, of, depth-1)
	}
	if r.IntN(2) == 0 {
		return And(parts...)
	}
	return Or(parts...)
}

func TestCombinationsMatchDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	of := leaves()
	for n := range 800 {
		p, s := randomPattern(r, of, 3), shapes[n%len(shapes)]
		if p.Check(s) == nil {
			compare(t, p, s)
		}
	}
}

func rows(p Pattern, s Shape) string {
	var all []string
	for q := range s.Tq {
		all = append(all, fmt.Sprint(p.Spans(nil, q, s)))
	}
	return fmt.Sprint(all)
}

func TestAlgebra(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	s := Square(41)
	var of []Pattern
	for _, p := range leaves() {
		if p.Check(s) == nil {
			of = append(of, p)
		}
	}
	for range 120 {
		a, b, c := of[r.IntN(len(of))], of[r.IntN(len(of))], of[r.IntN(len(of))]
		for _, same := range [][2]Pattern{
			{And(a, b), And(b, a)}, {Or(a, b), Or(b, a)}, {And(a, a), a}, {Or(a, a), a},
			{And(a, And(b, c)), And(And(a, b), c)}, {Or(a, Or(b, c)), Or(Or(a, b), c)},
			{And(a, Or(b, c)), Or(And(a, b), And(a, c))}, {Or(a, And(b, c)), And(Or(a, b), Or(a, c))},
			{And(a, Full()), a}, {Or(a, Full()), Full()}, {And(a, None()), None()}, {Or(a, None()), a},
			{And(a, Or(a, b)), a}, {Or(a, And(a, b)), a}, {And(a), a}, {Or(a), a},
		} {
			if x, y := rows(same[0], s), rows(same[1], s); x != y {
				t.Fatalf("%v\nis not %v\n%s\n%s", same[0], same[1], x, y)
			}
		}
	}
	if rows(And(), s) != rows(Full(), s) || rows(Or(), s) != rows(None(), s) {
		t.Error("And() is not Full, or Or() is not None")
	}
}

func TestSpansDoNotAllocate(t *testing.T) {
	s := Square(1000)
	p := Or(And(Causal(), Window(40)), Global(0, 9), BigBird(16, 3, 2, 3, 1), Dilated(20, 3), Segments(50), Summary(50), Window2D(30, 4))
	dst := make([]Span, 0, 1000)
	if n := testing.AllocsPerRun(100, func() {
		for q := range 100 {
			dst = p.Spans(dst[:0], q*10, s)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A draw must never change: models are trained on it.
func TestBigBirdDrawIsFixed(t *testing.T) {
	p, s := BigBird(64, 3, 2, 3, 1), Square(4096)
	for q, want := range map[int]string{
		64:      "[{0 192} {960 1024} {1856 1920} {2176 2240} {4032 4096}]",
		64 * 7:  "[{0 64} {384 576} {1472 1536} {1920 1984} {2880 2944} {4032 4096}]",
		64 * 62: "[{0 128} {448 512} {896 960} {3904 4096}]",
	} {
		if got := fmt.Sprint(p.Spans(nil, q, s)); got != want {
			t.Errorf("query %d sees %v, expected %v", q, got, want)
		}
	}
}

// Every row sees exactly window + global + random blocks where they do not overlap, and draws spread evenly.
func TestBigBirdCounts(t *testing.T) {
	const nb, draws = 64, 3
	times := make([]int, nb)
	for seed := range uint64(200) {
		p := bigBird{block: 1, window: 3, global: 2, random: draws, seed: seed}
		for row := 2; row < nb-2; row++ {
			n := 0
			for _, s := range p.Spans(nil, row, Square(nb)) {
				n += s.Len()
				for k := s.Lo; k < s.Hi; k++ {
					times[k]++
				}
			}
			if n != 3+2+draws {
				t.Fatalf("seed %d, row %d sees %d blocks, expected %d", seed, row, n, 3+2+draws)
			}
		}
	}
	// A block in the middle is drawn by each of the 57 rows outside its window with chance 3/59, in 200 seeds:
	// 580 on average with a deviation of 23.5. Seen by its window's 3 rows always. Six deviations are allowed.
	for k := 3; k < nb-3; k++ {
		if drawn := times[k] - 3*200; drawn < 439 || drawn > 721 {
			t.Errorf("block %d was drawn %d times, expected about 580", k, drawn)
		}
	}
}

// refused fails the test unless err has want in it.
func refused(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("found error %v, expected %q", err, want)
	}
}

func TestRefusals(t *testing.T) {
	s := Square(10)
	for _, c := range []struct {
		want string
		p    Pattern
	}{
		{"window(-1): found -1 before and -1 after", Window(-1)},
		{"window(0, -1): found 0 before and -1 after", WindowSides(0, -1)},
		{"found 536870913 before and 536870913 after", Window(MaxTokens + 1)},
		{"found w = -1 and step = 2", Dilated(-1, 2)},
		{"found w = 2 and step = 0", Dilated(2, 0)},
		{"found a stride of 0", Strided(0)},
		{"found rows of 0 tokens and r = 2", Window2D(0, 2)},
		{"found rows of 4 tokens and r = -1", Window2D(4, -1)},
		{"found segments of -3 tokens", Segments(-3)},
		{"found segments of 0 tokens with their summary at 0", Summary(0)},
		{"found segments of 4 tokens with their summary at 4", SummaryAt(4, 4)},
		{"found segments of 4 tokens with their summary at -1", SummaryAt(4, -1)},
		{"found a prefix of -1 keys", Prefix(-1)},
		{"found sequences of up to -1 keys", Short(-1)},
		{"found a sequence of 10 keys, expected at least 11", Prefix(11)},
		{"found no boundary", SegmentsAt()},
		{"found boundary 0 at place 1", SegmentsAt(0)},
		{"found boundary 3 at place 2", SegmentsAt(3, 3)},
		{"found boundary 10 in a sequence of 10 keys", SegmentsAt(10)},
		{"global(): found no position", Global()},
		{"global: found position -1", Global(-1)},
		{"found position 10 in a sequence of 10 keys", Global(10)},
		{"global: found position 536870912", Global(MaxTokens)},
		{"found blocks of 0 tokens", BigBird(0, 3, 2, 3, 0)},
		{"found a window of 2 blocks", BigBird(4, 2, 2, 3, 0)},
		{"found -1 global blocks", BigBird(4, 3, -1, 3, 0)},
		{"found -1 random blocks", BigBird(4, 3, 2, -1, 0)},
		{"found 257 random blocks", BigBird(4, 3, 2, 257, 0)},
		{"nil: found no pattern", And(nil, Full())},
		{"nil: found no pattern", Or(nil)},
		{"window(-1): found -1 before", Longformer(-1, 0)},
		{"window(-1): found -1 before", And(Causal(), Or(Window(2), Window(-1)))},
	} {
		refused(t, c.p.Check(s), c.want)
		for q := range s.Tq {
			c.p.Spans(nil, q, s) // must not panic
		}
	}
	for want, s := range map[string]Shape{
		"found Tq = -1": {-1, 1, 0}, "found Tk = -1": {1, -1, 0}, "found Offset = -1": {1, 1, -1}, "found Tq = 536870913": {MaxTokens + 1, 1, 0},
		"the last query stands at position 536870912": {2, 1, MaxTokens - 1},
	} {
		for _, p := range []Pattern{Full(), Causal(), Window(1), Global(0), BigBird(1, 1, 0, 0, 0)} {
			refused(t, p.Check(s), want)
		}
	}
	refused(t, BigBird(4, 3, 2, 3, 0).Check(Shape{Tq: 4, Tk: 8, Offset: 5}), "found queries up to position 8 over 8 keys")
	deep := Window(1)
	for range MaxDepth + 1 {
		deep = And(Causal(), Or(Full(), deep))
	}
	refused(t, deep.Check(s), "alternating 65 deep")
}

func BenchmarkSpans(b *testing.B) {
	s := Square(1 << 16)
	for _, p := range []Pattern{Window(512), Longformer(512, 0), And(Causal(), WindowSides(4096, 0)), BigBird(64, 3, 2, 3, 1)} {
		b.Run(p.String(), func(b *testing.B) {
			dst, q := make([]Span, 0, 64), 0
			for b.Loop() {
				dst = p.Spans(dst[:0], q, s)
				q = (q + 1) % s.Tq
			}
		})
	}
}

func TestDenseRefusals(t *testing.T) {
	for want, p := range map[string]Pattern{
		"nil: found no pattern": nil, "window(-1): found -1 before": Window(-1), "found position 100 in a sequence of 10 keys": Global(100),
	} {
		_, err := Dense(p, Square(10))
		refused(t, err, want)
	}
	_, err := Dense(Full(), Square(1<<15))
	refused(t, err, "found 1073741824 pairs to list one by one")
	other := struct{ Pattern }{Window(1)} // of another package: all that is known is its Spans
	compare(t, other, Square(9))
}
