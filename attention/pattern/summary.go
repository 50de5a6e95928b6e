package pattern

import "fmt"

type summary struct{ n, at int }

// Summary makes the first token of each segment of n tokens (positions 0, n, 2n …) the segment's summary, and lets
// summaries see each other. Other tokens see nothing and are seen by none through it, so it is one part of a
// hierarchical attention: in "segments(n) | summary(n)" a layer gathers each segment into its summary, the next
// spreads what summaries know among them, and the next hands it back to the tokens of each segment.
// n is 1 to MaxTokens. Its text form is "summary(n)".
func Summary(n int) Pattern { return SummaryAt(n, 0) }

// SummaryAt is Summary with the summary at another place of its segment: positions at, n+at, 2n+at … Under Causal a
// summary must be the last token, at = n−1, to have seen its segment. at is 0 to n−1. Its text form is
// "summary(n, at)".
func SummaryAt(n, at int) Pattern {
	p := summary{n, at}
	if !inRange(1, n) || at < 0 || at >= n {
		return refuse(p.String(), fmt.Sprintf("segments of %d tokens with their summary at %d", n, at),
			fmt.Sprintf("segments of 1 to %d tokens and a place inside them, counted from 0", MaxTokens),
			"use 0 for the first token of the segment and n−1 for the last")
	}
	return p
}

func (p summary) Spans(dst []Span, q int, s Shape) []Span {
	if (s.Offset+q)%p.n != p.at {
		return dst
	}
	if p.n == 1 {
		return appendSpan(dst, 0, s.Tk, s.Tk)
	}
	for k := p.at; k < s.Tk; k += p.n {
		dst = append(dst, Span{k, k + 1})
	}
	return dst
}

func (p summary) Check(s Shape) error { return s.Check() }

func (p summary) String() string {
	if p.at == 0 {
		return fmt.Sprintf("summary(%d)", p.n)
	}
	return fmt.Sprintf("summary(%d, %d)", p.n, p.at)
}

var summaryForm = form{name: "summary", params: []string{"n", "at"}, required: 1, defaults: []string{"0"},
	about: "one token of each segment of n, the one at place at, sees the others like it",
	build: func(a arguments) Pattern { return SummaryAt(a.int(0, 0), a.int(1, 0)) }}

func (p summary) sees(i int, _ Shape) func(int) bool {
	return func(k int) bool { return i%p.n == p.at && k%p.n == p.at }
}

// Retained is the summaries before n.
func (p summary) Retained(dst []Span, n int) []Span {
	if p.n == 1 {
		return appendSpan(dst, 0, n, n)
	}
	for k := p.at; k < n; k += p.n {
		dst = append(dst, Span{k, k + 1})
	}
	return dst
}

// ReceptiveField is unbounded, and repeats after a segment.
func (p summary) ReceptiveField() (ReceptiveField, error) {
	return ReceptiveField{Unbounded, Unbounded, p.n}, nil
}
