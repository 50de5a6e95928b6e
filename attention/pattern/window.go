package pattern

import "fmt"

type window struct{ before, after int }

// Window lets the query at position p see keys p−w … p+w: 2w+1 of them away from the ends. w counts one side, so
// Hugging Face's attention_window is 2w. w is 0 to MaxTokens. Its text form is "window(w)".
func Window(w int) Pattern { return WindowSides(w, w) }

// WindowSides lets the query at position p see keys p−before … p+after, both 0 to MaxTokens. WindowSides(w, 0) is
// a causal window. Its text form is "window(before, after)".
func WindowSides(before, after int) Pattern {
	w := window{before, after}
	if !inRange(0, before, after) {
		return refuse(w.String(), fmt.Sprintf("%d before and %d after", before, after),
			fmt.Sprintf("0 to %d tokens on each side", MaxTokens), "use window(0) for a token that sees only itself")
	}
	return w
}

// Memory lets the query at position p see itself and the n keys before it, whichever segment they were in:
// Transformer-XL with its memory cut to the same length for every query (Dai et al. 2019, arXiv:1901.02860, section
// 3.2, where attention is causal over memory and segment). It is WindowSides(n, 0). For a memory that is seen whole
// by every query of the segment, use Causal: the keys that the Shape's Offset puts before the queries are the memory.
// Its text form is that of the window; Parse also reads "memory(n)".
func Memory(n int) Pattern { return WindowSides(n, 0) }

func (w window) Spans(dst []Span, q int, s Shape) []Span {
	p := s.Offset + q
	return appendSpan(dst, p-w.before, p+w.after+1, s.Tk)
}

func (w window) Check(s Shape) error { return s.Check() }

func (w window) String() string {
	if w.before == w.after {
		return fmt.Sprintf("window(%d)", w.before)
	}
	return fmt.Sprintf("window(%d, %d)", w.before, w.after)
}

var windowForm = form{name: "window", params: []string{"before", "after"}, required: 1, defaults: []string{""},
	about: "keys up to before behind the query and after ahead of it; after = before if left out",
	build: func(a arguments) Pattern { return WindowSides(a.int(0, 0), a.int(1, a.int(0, 0))) }}

var memoryForm = form{name: "memory", params: []string{"n"}, required: 1,
	about: "the n keys before the query and itself: window(n, 0)",
	build: func(a arguments) Pattern { return Memory(a.int(0, 0)) }}

func (w window) sees(i int, _ Shape) func(int) bool {
	return func(k int) bool { return i-k <= w.before && k-i <= w.after }
}

// Retained is the window's width before n.
func (w window) Retained(dst []Span, n int) []Span { return appendSpan(dst, n-w.before, n, n) }

// ReceptiveField is the window itself.
func (w window) ReceptiveField() (ReceptiveField, error) {
	return ReceptiveField{w.before, w.after, 1}, nil
}
