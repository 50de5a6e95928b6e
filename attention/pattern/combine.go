package pattern

import (
	"fmt"
	"strings"
)

// MaxDepth is how deep And and Or may alternate. It bounds the recursion of everything that walks a pattern.
const MaxDepth = 64

type and struct {
	of    []Pattern
	depth int
}

type or struct {
	of    []Pattern
	depth int
}

// And lets a query see the keys that every one of the patterns lets it see. Nested Ands are flattened; And of one
// pattern is that pattern, and And of none is Full. Its text form is "a & b", which binds closer than "|".
func And(patterns ...Pattern) Pattern {
	var of []Pattern
	for _, p := range patterns {
		if a, ok := p.(and); ok {
			of = append(of, a.of...)
		} else {
			of = append(of, orInvalid(p))
		}
	}
	switch len(of) {
	case 0:
		return Full()
	case 1:
		return of[0]
	}
	return checkDepth(and{of, 1 + maxDepth(of)}, 1+maxDepth(of))
}

// Or lets a query see the keys that at least one of the patterns lets it see. Nested Ors are flattened; Or of one
// pattern is that pattern, and Or of none is None. Its text form is "a | b".
func Or(patterns ...Pattern) Pattern {
	var of []Pattern
	for _, p := range patterns {
		if o, ok := p.(or); ok {
			of = append(of, o.of...)
		} else {
			of = append(of, orInvalid(p))
		}
	}
	switch len(of) {
	case 0:
		return None()
	case 1:
		return of[0]
	}
	return checkDepth(or{of, 1 + maxDepth(of)}, 1+maxDepth(of))
}

func orInvalid(p Pattern) Pattern {
	if p == nil {
		return refuse("nil", "no pattern", "a pattern", "use Full() or None()")
	}
	return p
}

func maxDepth(of []Pattern) int {
	depth := 0
	for _, p := range of {
		switch p := p.(type) {
		case and:
			depth = max(depth, p.depth)
		case or:
			depth = max(depth, p.depth)
		}
	}
	return depth
}

func checkDepth(p Pattern, depth int) Pattern {
	if depth > MaxDepth {
		return refuse("a combination", fmt.Sprintf("And and Or alternating %d deep", depth),
			fmt.Sprintf("at most %d", MaxDepth), "write it flatter")
	}
	return p
}

// Spans puts the keys of one pattern after another at the end of dst and folds them two lists at a time, so that
// dst itself is the only scratch.
func (a and) Spans(dst []Span, q int, s Shape) []Span {
	base := len(dst)
	dst = a.of[0].Spans(dst, q, s)
	for _, p := range a.of[1:] {
		mid := len(dst)
		if mid == base {
			return dst
		}
		dst = p.Spans(dst, q, s)
		dst = intersect(dst, base, mid)
	}
	return dst
}

func (o or) Spans(dst []Span, q int, s Shape) []Span {
	base := len(dst)
	dst = o.of[0].Spans(dst, q, s)
	for _, p := range o.of[1:] {
		mid := len(dst)
		dst = p.Spans(dst, q, s)
		if mid > base && len(dst) > mid {
			dst = unite(dst, base, mid)
		}
	}
	return dst
}

// intersect replaces the lists dst[base:mid] and dst[mid:] by what is in both.
func intersect(dst []Span, base, mid int) []Span {
	end := len(dst)
	for i, j := base, mid; i < mid && j < end; {
		a, b := dst[i], dst[j]
		if lo, hi := max(a.Lo, b.Lo), min(a.Hi, b.Hi); lo < hi {
			dst = append(dst, Span{lo, hi})
		}
		if a.Hi < b.Hi {
			i++
		} else {
			j++
		}
	}
	n := copy(dst[base:], dst[end:])
	return dst[:base+n]
}

// unite replaces the lists dst[base:mid] and dst[mid:], neither empty, by what is in either, joining spans that
// touch.
func unite(dst []Span, base, mid int) []Span {
	end := len(dst)
	var last Span
	for i, j := base, mid; i < mid || j < end; {
		var next Span
		if j == end || (i < mid && dst[i].Lo <= dst[j].Lo) {
			next = dst[i]
			i++
		} else {
			next = dst[j]
			j++
		}
		switch {
		case last.Hi == 0: // the first: a span is never empty, so Hi ≥ 1
			last = next
		case next.Lo <= last.Hi:
			last.Hi = max(last.Hi, next.Hi)
		default:
			dst = append(dst, last)
			last = next
		}
	}
	dst = append(dst, last)
	n := copy(dst[base:], dst[end:])
	return dst[:base+n]
}

func (a and) Check(s Shape) error { return checkAll(a.of, s) }
func (o or) Check(s Shape) error  { return checkAll(o.of, s) }

func checkAll(of []Pattern, s Shape) error {
	for _, p := range of {
		if err := p.Check(s); err != nil {
			return err
		}
	}
	return nil
}

func (a and) String() string {
	parts := make([]string, len(a.of))
	for i, p := range a.of {
		parts[i] = p.String()
		if _, ok := p.(or); ok {
			parts[i] = "(" + parts[i] + ")"
		}
	}
	return strings.Join(parts, " & ")
}

func (o or) String() string {
	parts := make([]string, len(o.of))
	for i, p := range o.of {
		parts[i] = p.String()
	}
	return strings.Join(parts, " | ")
}

// sees of an And asks all its patterns, and that of an Or any.
func (a and) sees(i int, s Shape) func(int) bool { return naiveVote(a.of, i, s, len(a.of)) }
func (o or) sees(i int, s Shape) func(int) bool  { return naiveVote(o.of, i, s, 1) }

// naiveVote lets a query see the keys that at least least of the patterns let it see.
func naiveVote(of []Pattern, i int, s Shape, least int) func(int) bool {
	rows := make([]func(int) bool, len(of))
	for n, p := range of {
		rows[n] = naiveRow(p, i, s)
	}
	return func(k int) bool {
		votes := 0
		for _, sees := range rows {
			if sees(k) {
				votes++
			}
		}
		return votes >= least
	}
}

// Retained of an And is what all its patterns retain, and that of an Or what any of them does.
func (a and) Retained(dst []Span, n int) []Span {
	base := len(dst)
	dst = Retained(dst, a.of[0], n)
	for _, p := range a.of[1:] {
		mid := len(dst)
		dst = intersect(Retained(dst, p, n), base, mid)
	}
	return dst
}

func (o or) Retained(dst []Span, n int) []Span {
	base := len(dst)
	dst = Retained(dst, o.of[0], n)
	for _, p := range o.of[1:] {
		mid := len(dst)
		if dst = Retained(dst, p, n); mid > base && len(dst) > mid {
			dst = unite(dst, base, mid)
		}
	}
	return dst
}

// ReceptiveField of an And ends where that of one of its patterns does.
func (a and) ReceptiveField() (ReceptiveField, error) {
	return foldFields(a.of, func(x, y int) int { return min(x, y) })
}

func (o or) ReceptiveField() (ReceptiveField, error) {
	return foldFields(o.of, func(x, y int) int { return max(x, y) })
}

func foldFields(of []Pattern, fold func(x, y int) int) (ReceptiveField, error) {
	all, err := ReceptiveFieldOf(of[0])
	if err != nil {
		return ReceptiveField{}, err
	}
	for _, p := range of[1:] {
		r, err := ReceptiveFieldOf(p)
		if err != nil {
			return ReceptiveField{}, err
		}
		period := int64(all.Period) / int64(gcd(all.Period, r.Period)) * int64(r.Period)
		if period > MaxTokens {
			return ReceptiveField{}, fmt.Errorf("pattern: found patterns that repeat together only every %d tokens, expected %d or fewer; use "+
				"lengths with a common multiple",
				period, MaxTokens)
		}
		all = ReceptiveField{fold(all.Before, r.Before), fold(all.After, r.After), int(period)}
	}
	return all, nil
}
