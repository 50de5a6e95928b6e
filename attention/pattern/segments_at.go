package pattern

import (
	"fmt"
	"slices"
	"strings"
)

type segmentsAt struct{ at []int }

// SegmentsAt cuts the sequence before each of the positions given (sentences, chapters, genes) and lets each token
// see those of its own segment. Positions ascend strictly, and lie inside 1 … Tk−1, so that no segment is empty.
// Its text form is "segments_at(position, …)". Documents of a packed batch need no such pattern: they never see each
// other.
func SegmentsAt(positions ...int) Pattern {
	p := segmentsAt{slices.Clone(positions)}
	for i, at := range positions {
		if !inRange(1, at) || (i > 0 && at <= positions[i-1]) {
			return refuse(p.String(), fmt.Sprintf("boundary %d at place %d of the list", at, i+1),
				fmt.Sprintf("positions from 1 to %d, each larger than the one before", MaxTokens),
				"list where each segment after the first begins")
		}
	}
	if len(positions) == 0 {
		return refuse(p.String(), "no boundary", "one or more positions", "use full for one segment")
	}
	return p
}

func (p segmentsAt) Spans(dst []Span, q int, s Shape) []Span {
	i, found := slices.BinarySearch(p.at, s.Offset+q)
	if found {
		i++ // i is now the first boundary past the query
	}
	lo, hi := 0, s.Tk
	if i > 0 {
		lo = p.at[i-1]
	}
	if i < len(p.at) {
		hi = p.at[i]
	}
	return appendSpan(dst, lo, hi, s.Tk)
}

func (p segmentsAt) Check(s Shape) error {
	if err := s.Check(); err != nil {
		return err
	}
	if last := p.at[len(p.at)-1]; last >= s.Tk {
		return fmt.Errorf("pattern: segments_at: found boundary %d in a sequence of %d keys, expected boundaries inside it; drop those at "+
			"or past its end",
			last, s.Tk)
	}
	return nil
}

func (p segmentsAt) String() string {
	return "segments_at(" + strings.Trim(strings.Join(strings.Fields(fmt.Sprint(p.at)), ", "), "[]") + ")"
}

var segmentsAtForm = form{name: "segments_at", rest: "position", about: "the same, cut before each of these positions",
	build: func(a arguments) Pattern { return SegmentsAt(a.positions()...) }}

// sees compares the numbers of boundaries at or before both positions.
func (p segmentsAt) sees(i int, _ Shape) func(int) bool {
	segment := func(position int) (n int) {
		for _, b := range p.at {
			if b <= position {
				n++
			}
		}
		return n
	}
	return func(k int) bool { return segment(i) == segment(k) }
}

// Retained is the part of n's segment before n.
func (p segmentsAt) Retained(dst []Span, n int) []Span {
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

// ReceptiveField returns an error: boundaries count from the start of the sequence.
func (p segmentsAt) ReceptiveField() (ReceptiveField, error) {
	return placed(p, "boundaries counted from the start of the sequence")
}
