package pattern

import "slices"

// Needer is a Pattern that knows which keys queries yet to come may see. Those of this package do.
type Needer interface {
	// Needed appends to dst the keys before position n that a query at n or later may see, in any shape that Check accepts:
	// spans as those of [Pattern]. It may append more than are seen, and none that it left out for a smaller n.
	Needed(dst []Span, n int) []Span
}

// Needed appends to dst the keys before position n that some query at n or later may see: what a decoder must still hold after n
// tokens. A window needs its width, a global position itself for ever, a pattern that does not say everything. It takes a
// dst of length 0 or more, and costs no more than a row of Spans.
func Needed(dst []Span, p Pattern, n int) []Span {
	if needer, ok := orInvalid(p).(Needer); ok {
		return needer.Needed(dst, n)
	}
	return appendSpan(dst, 0, n, n)
}

func (full) Needed(dst []Span, n int) []Span       { return appendSpan(dst, 0, n, n) }
func (causal) Needed(dst []Span, n int) []Span     { return appendSpan(dst, 0, n, n) }
func (strided) Needed(dst []Span, n int) []Span    { return appendSpan(dst, 0, n, n) }
func (none) Needed(dst []Span, _ int) []Span       { return dst }
func (invalid) Needed(dst []Span, _ int) []Span    { return dst }
func (w window) Needed(dst []Span, n int) []Span   { return appendSpan(dst, n-w.before, n, n) }
func (p prefix) Needed(dst []Span, n int) []Span   { return appendSpan(dst, 0, p.n, n) }
func (p segments) Needed(dst []Span, n int) []Span { return appendSpan(dst, n/p.n*p.n, n, n) }
func (b bigBird) Needed(dst []Span, n int) []Span  { return appendSpan(dst, 0, n, n) } // its blocks move with the length
func (d dilated) Needed(dst []Span, n int) []Span {
	far := int(min(int64(d.w)*int64(d.step), int64(n)))
	return appendSpan(dst, n-far, n, n)
}

// Needed of SegmentsAt is the segment that position n is in.
func (p segmentsAt) Needed(dst []Span, n int) []Span {
	i, found := slices.BinarySearch(p.at, n)
	if found {
		return dst // a segment begins at n
	}
	lo := 0
	if i > 0 {
		lo = p.at[i-1]
	}
	return appendSpan(dst, lo, n, n)
}

// Needed of Global is everything while a position is yet to come: it will see all.
func (g global) Needed(dst []Span, n int) []Span {
	if g.at[len(g.at)-1].Hi > n {
		return appendSpan(dst, 0, n, n)
	}
	return append(dst, g.at...)
}

func (p summary) Needed(dst []Span, n int) []Span {
	if p.n == 1 {
		return appendSpan(dst, 0, n, n)
	}
	for k := p.at; k < n; k += p.n {
		dst = append(dst, Span{k, k + 1})
	}
	return dst
}

func (a and) Needed(dst []Span, n int) []Span {
	base := len(dst)
	dst = Needed(dst, a.of[0], n)
	for _, p := range a.of[1:] {
		mid := len(dst)
		dst = intersect(Needed(dst, p, n), base, mid)
	}
	return dst
}

func (o or) Needed(dst []Span, n int) []Span {
	base := len(dst)
	dst = Needed(dst, o.of[0], n)
	for _, p := range o.of[1:] {
		mid := len(dst)
		if dst = Needed(dst, p, n); mid > base && len(dst) > mid {
			dst = unite(dst, base, mid)
		}
	}
	return dst
}
