package pattern

import "fmt"

type strided struct{ n int }

// Strided lets the query at position p see the keys whose distance from p is a multiple of n, on both sides and
// itself: about Tk/n keys. "causal & (window(n, 0) | strided(n))" is the strided attention of the Sparse Transformer
// (Child et al. 2019, arXiv:1904.10509, section 4.3). n is 1 to MaxTokens. A row costs a span for each key. Its text
// form is "strided(n)".
func Strided(n int) Pattern {
	p := strided{n}
	if !inRange(1, n) {
		return refuse(p.String(), fmt.Sprintf("a stride of %d", n), fmt.Sprintf("1 to %d", MaxTokens),
			"use full for a stride of 1")
	}
	return p
}

func (p strided) Spans(dst []Span, q int, s Shape) []Span {
	if p.n == 1 {
		return appendSpan(dst, 0, s.Tk, s.Tk)
	}
	for k := (s.Offset + q) % p.n; k < s.Tk; k += p.n {
		dst = append(dst, Span{k, k + 1})
	}
	return dst
}

func (p strided) Check(s Shape) error { return s.Check() }
func (p strided) String() string      { return fmt.Sprintf("strided(%d)", p.n) }

var stridedForm = form{name: "strided", params: []string{"n"}, required: 1, about: "keys at a distance that is a multiple of n",
	build: func(a arguments) Pattern { return Strided(a.int(0, 0)) }}

func (p strided) sees(i int, _ Shape) func(int) bool {
	return func(k int) bool { return abs(i-k)%p.n == 0 }
}

// Retained is everything.
func (strided) Retained(dst []Span, n int) []Span { return appendSpan(dst, 0, n, n) }

// ReceptiveField is unbounded: distances alone count.
func (strided) ReceptiveField() (ReceptiveField, error) {
	return ReceptiveField{Unbounded, Unbounded, 1}, nil
}
