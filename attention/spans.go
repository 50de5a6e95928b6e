package attention

import (
	"math"

	"github.com/longspan/longspan/internal/kernel"
)

// Sums have two levels. Those of a row of queries, over keys, are formed from zero for each span of 8,192 key positions, and the sums of
// spans are joined in order. Those of a row of keys, over queries, are formed likewise for each span of 8,192 query positions. So ranks
// that have some of the spans of a row find its bits together, and no sum of float32 is longer than a span.

// spanKeys is the positions of a span. A tile joins its sums once in 64 blocks: less than 0.5 % of its time.
const spanKeys = 16 * chunkKeys

// span is the span that key row k of the layout lies in. A block of keys lies in one.
func (l *layout) span(k int) int { return l.keyAt(k/kernel.KeyBlock*kernel.KeyBlock) / spanKeys }

// severalSpans reports whether some row may see keys of more than one span.
func (a *Attention) severalSpans() bool {
	for i := range a.seqs {
		if s := &a.seqs[i]; s.K > 0 && s.span(0) != s.span(s.K-1) {
			return true
		}
	}
	return false
}

// querySpan is the span that tile t lies in.
func (l *layout) querySpan(t int) int { return l.queryAt(t) / spanKeys }

// severalQuerySpans reports whether some key may be seen by queries of more than one span.
func (a *Attention) severalQuerySpans() bool {
	for i := range a.seqs {
		if s := &a.seqs[i]; s.tiles() > 0 && s.querySpan(0) != s.querySpan(s.tiles()-1) {
			return true
		}
	}
	return false
}

// empty starts the sums of a span.
func (t *queryTile) empty() {
	clear(t.o)
	clear(t.l)
	for x := range t.m {
		t.m[x] = kernel.NoScore
	}
}

// join joins the sums of a span to those of the spans before it, and starts those of the next.
func (t *queryTile) join() {
	if t.spans++; t.spans == 1 {
		copy(t.allO, t.o)
		copy(t.allM, t.m)
		copy(t.allL, t.l)
	} else {
		joinSums(t.allM, t.allL, t.allO, t.m, t.l, t.o)
	}
	t.empty()
}

// all are the sums of all spans, once there are no more keys.
func (t *queryTile) all() (m, l, o []float32) {
	if t.spans == 0 {
		return t.m, t.l, t.o
	}
	t.join()
	return t.allM, t.allL, t.allO
}

// joinSums joins the softmax of m2, l2 [Lanes] and o2 [D][Lanes] to that of m, l and o. Products are rounded before they are added, on
// every processor.
func joinSums(m, l, o, m2, l2, o2 []float32) {
	var a, b [kernel.Lanes]float32
	for x := range kernel.Lanes {
		m[x], a[x], b[x] = joint(m[x], l[x], m2[x], l2[x])
		l[x] = float32(a[x]*l[x]) + float32(b[x]*l2[x])
	}
	for p := 0; p+kernel.Lanes <= len(o); p += kernel.Lanes {
		to, from := (*[kernel.Lanes]float32)(o[p:]), (*[kernel.Lanes]float32)(o2[p:])
		for x := range to {
			to[x] = float32(a[x]*to[x]) + float32(b[x]*from[x])
		}
	}
}

// joint is the maximum of two sums of exponentials, and what each is multiplied by to count from it. A sum of zero has no maximum.
func joint(m, l, m2, l2 float32) (high, a, b float32) {
	switch {
	case l2 == 0:
		return m, 1, 0
	case l == 0:
		return m2, 0, 1
	case m >= m2:
		return m, 1, float32(math.Exp2(float64(m2) - float64(m)))
	}
	return m2, float32(math.Exp2(float64(m) - float64(m2))), 1
}
