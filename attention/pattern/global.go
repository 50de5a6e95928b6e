package pattern

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

type global struct{ at []Span } // sorted, disjoint, not touching

// Global lets the tokens at the given positions see all keys, and be seen by all queries. Positions may come in any
// order and more than once. They count from the first key and must lie inside 0 … Tk−1. A position counted from the
// end is refused: while decoding the end moves, so each step would attend to other keys than a pass over the whole.
// Its text form is "global(position, …)", where a run of positions may be written as "0..63".
func Global(positions ...int) Pattern {
	spans := make([]Span, len(positions))
	for i, p := range positions {
		spans[i] = Span{p, p + 1}
	}
	return globalSpans(spans)
}

// globalSpans takes ownership of spans, which may come in any order and overlap.
func globalSpans(spans []Span) Pattern {
	if len(spans) == 0 {
		return refuse("global()", "no position", "one or more", "leave global() out, or name the tokens, as in global(0)")
	}
	slices.SortFunc(spans, func(a, b Span) int { return a.Lo - b.Lo })
	if first, last := spans[0].Lo, spans[len(spans)-1].Lo; first < 0 || last >= MaxTokens {
		wrong := first
		if first >= 0 {
			wrong = last
		}
		return refuse("global", fmt.Sprintf("position %d", wrong), fmt.Sprintf("0 to %d", MaxTokens-1),
			"count positions from the first key of the sequence, which is 0")
	}
	joined := spans[:1]
	for _, s := range spans[1:] {
		if last := &joined[len(joined)-1]; s.Lo <= last.Hi {
			last.Hi = max(last.Hi, s.Hi)
		} else {
			joined = append(joined, s)
		}
	}
	return global{joined}
}

func (g global) Spans(dst []Span, q int, s Shape) []Span {
	p := s.Offset + q
	// The span that could hold p is the last that begins at or before it.
	if i := sort.Search(len(g.at), func(i int) bool { return g.at[i].Lo > p }); i > 0 && p < g.at[i-1].Hi {
		return appendSpan(dst, 0, s.Tk, s.Tk)
	}
	for _, k := range g.at {
		dst = appendSpan(dst, k.Lo, k.Hi, s.Tk)
	}
	return dst
}

func (g global) Check(s Shape) error {
	if err := s.Check(); err != nil {
		return err
	}
	if last := g.at[len(g.at)-1].Hi - 1; last >= s.Tk {
		return fmt.Errorf("pattern: global: found position %d in a sequence of %d keys, expected 0 to %d; drop the positions past its end",
			last, s.Tk, s.Tk-1)
	}
	return nil
}

func (g global) String() string {
	var parts []string
	for _, s := range g.at {
		switch s.Len() {
		case 1:
			parts = append(parts, fmt.Sprint(s.Lo))
		case 2:
			parts = append(parts, fmt.Sprint(s.Lo), fmt.Sprint(s.Lo+1))
		default:
			parts = append(parts, fmt.Sprintf("%d..%d", s.Lo, s.Hi-1))
		}
	}
	return "global(" + strings.Join(parts, ", ") + ")"
}

var globalForm = form{name: "global", rest: "position", runs: true,
	about: "these tokens see all and are seen by all; 0..63 is a run of them",
	build: func(a arguments) Pattern { return globalSpans(a.spans()) }}

func (g global) sees(i int, _ Shape) func(int) bool {
	return func(k int) bool { return naiveListed(g.at, i) || naiveListed(g.at, k) }
}

// Retained is everything while a global position is yet to come, since it will see all; then the global positions.
func (g global) Retained(dst []Span, n int) []Span {
	if g.at[len(g.at)-1].Hi > n {
		return appendSpan(dst, 0, n, n)
	}
	return append(dst, g.at...)
}

// ReceptiveField returns an error: positions count from the start of the sequence.
func (g global) ReceptiveField() (ReceptiveField, error) {
	return placed(g, "global positions counted from the start of the sequence")
}
