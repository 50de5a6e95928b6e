package pattern

import "fmt"

type segments struct{ n int }

// Segments cuts the sequence into segments of n tokens, the last one perhaps shorter, and lets each token see those
// of its own segment: a block-diagonal attention. n is 1 to MaxTokens. Its text form is "segments(n)".
func Segments(n int) Pattern {
	p := segments{n}
	if !inRange(1, n) {
		return refuse(p.String(), fmt.Sprintf("segments of %d tokens", n), fmt.Sprintf("1 to %d", MaxTokens),
			"use full for one segment")
	}
	return p
}

func (p segments) Spans(dst []Span, q int, s Shape) []Span {
	lo := (s.Offset + q) / p.n * p.n
	return appendSpan(dst, lo, lo+p.n, s.Tk)
}

func (p segments) Check(s Shape) error { return s.Check() }
func (p segments) String() string      { return fmt.Sprintf("segments(%d)", p.n) }

var segmentsForm = form{name: "segments", params: []string{"n"}, required: 1,
	about: "segments of n tokens, each seen by its own tokens",
	build: func(a arguments) Pattern { return Segments(a.int(0, 0)) }}

func (p segments) sees(i int, _ Shape) func(int) bool {
	return func(k int) bool { return i/p.n == k/p.n }
}

// Retained is the part of n's segment before n.
func (p segments) Retained(dst []Span, n int) []Span { return appendSpan(dst, n/p.n*p.n, n, n) }

// ReceptiveField is a segment less one token on each side, and repeats after a segment.
func (p segments) ReceptiveField() (ReceptiveField, error) {
	return ReceptiveField{p.n - 1, p.n - 1, p.n}, nil
}
