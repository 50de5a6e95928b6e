package pattern

// Retainer is a Pattern that knows which keys later queries may see. The patterns of this package do.
type Retainer interface {
	// Retained appends to dst the keys before position n that a query at n or later may see, in any shape that Check accepts. The
	// spans are those of [Pattern]. They may hold more keys than are seen, but no key that Retained left out for a smaller n.
	Retained(dst []Span, n int) []Span
}

// Retained appends to dst the keys before position n that some query at n or later may see: what a decoder must keep after n
// tokens. A window retains its width, a global position itself for ever. A pattern that is no [Retainer] retains everything.
// It costs no more than a row of Spans.
func Retained(dst []Span, p Pattern, n int) []Span {
	if r, ok := orInvalid(p).(Retainer); ok {
		return r.Retained(dst, n)
	}
	return appendSpan(dst, 0, n, n)
}
