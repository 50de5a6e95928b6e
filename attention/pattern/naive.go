package pattern

import "fmt"

// maxDense bounds Dense at 2²⁸ booleans, 256 MiB.
const maxDense = 1 << 28

// Dense returns the Tq × Tk matrix of what is visible, row-major, made from the definition of each pattern one pair
// at a time and not from its Spans. It is the reference that tests compare with; a pattern of another package has no
// definition but its Spans. It returns an error where Check does, and for more than 2²⁸ pairs.
func Dense(p Pattern, s Shape) ([]bool, error) {
	if p == nil {
		p = orInvalid(p)
	}
	if err := p.Check(s); err != nil {
		return nil, err
	}
	if n := int64(s.Tq) * int64(s.Tk); n > maxDense {
		return nil, fmt.Errorf("pattern: found %d pairs to list one by one, expected at most %d; use fewer tokens", n, maxDense)
	}
	visible := make([]bool, s.Tq*s.Tk)
	for q := range s.Tq {
		sees := naiveRow(p, s.Offset+q, s)
		for k := range s.Tk {
			visible[q*s.Tk+k] = sees(k)
		}
	}
	return visible, nil
}

// definer is a pattern with a definition apart from its Spans: sees returns the rule for the query at position i.
type definer interface {
	sees(i int, s Shape) func(k int) bool
}

// naiveRow returns the definition of the row of the query at position i: whether it sees key k.
func naiveRow(p Pattern, i int, s Shape) func(k int) bool {
	if p, ok := p.(definer); ok {
		return p.sees(i, s)
	}
	spans := p.Spans(nil, i-s.Offset, s)
	return func(k int) bool { return naiveListed(spans, k) }
}

func abs(x int) int { return max(x, -x) }

func naiveListed(spans []Span, position int) bool {
	for _, s := range spans {
		if s.Lo <= position && position < s.Hi {
			return true
		}
	}
	return false
}
