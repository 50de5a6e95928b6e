package genome

import (
	"sort"

	"github.com/longspan/longspan/data/dna"
)

// overlaps finds the items that overlap a span of bases.
type overlaps[T any] struct {
	items []T // by their first base
	span  func(T) dna.Span
	reach []int // the greatest end of the items up to each
}

func newOverlaps[T any](sorted []T, span func(T) dna.Span) overlaps[T] {
	o := overlaps[T]{sorted, span, make([]int, len(sorted))}
	end := 0
	for i, item := range sorted {
		end = max(end, span(item).End)
		o.reach[i] = end
	}
	return o
}

// backward calls visit for the items that overlap span, from the last to the first.
func (o overlaps[T]) backward(span dna.Span, visit func(T)) {
	after := sort.Search(len(o.items), func(i int) bool { return o.span(o.items[i]).Start >= span.End })
	for i := after - 1; i >= 0 && o.reach[i] > span.Start; i-- {
		if o.span(o.items[i]).End > span.Start {
			visit(o.items[i])
		}
	}
}
