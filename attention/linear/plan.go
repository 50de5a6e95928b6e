package linear

import (
	"github.com/longspan/longspan/internal/ceil"
	"github.com/longspan/longspan/internal/kernel"
)

// A long sequence is cut into ranges, so that it can be computed by many threads: each range sums its keys by itself, and
// the sums are added in order. The cuts depend on the sequence's own length and on the Config, and on nothing else.

// minRange is the shortest range worth sums of its own. With the other bound of rangeTokens, the sums of all ranges take at
// most about a sixteenth of the memory of the keys.
const minRange = 4096

// causalPieces is the number of pieces a causal sequence is cut into, over all its key/value heads. Each range but the last is
// summed twice there, once for the ranges after it and once as it goes, so there are only as many as keep a machine's cores
// busy.
const causalPieces = 8

// piece is a range of tokens of one sequence.
type piece struct {
	row, n int // first row in the batch, tokens
	chunk  int // index in the batch of its first chunk
	state  int // where its sums are; whole if the sequence is one range
	first  int // the state of its sequence's first range
	last   bool
}

const whole = -1

// cut is a sequence of several ranges, whose sums are states first … first+ranges−1.
type cut struct{ first, ranges int }

// plan cuts every sequence.
func (l *Linear) plan() {
	row := 0
	for _, t := range l.lens {
		if t == 0 {
			continue
		}
		length := l.rangeTokens(t)
		if length >= t {
			l.addPiece(piece{row: row, n: t, state: whole, last: true})
			row += t
			continue
		}
		c := cut{first: l.states}
		for from := 0; from < t; from += length {
			n := min(length, t-from)
			l.addPiece(piece{row: row + from, n: n, state: l.states, first: c.first, last: from+n == t})
			l.states++
			c.ranges++
		}
		l.cuts = append(l.cuts, c)
		row += t
	}
}

func (l *Linear) addPiece(p piece) {
	p.chunk = l.chunks
	l.chunks += ceil.Div(p.n, kernel.Lanes)
	l.pieces = append(l.pieces, p)
}

// rangeTokens is the length of a sequence's ranges: equal but for the last, and whole blocks.
func (l *Linear) rangeTokens(t int) int {
	ranges := ceil.Div(t, max(minRange, 16*l.c.Features))
	if l.c.Causal {
		ranges = min(ranges, ceil.Div(causalPieces, l.c.KVHeads))
	}
	return ceil.Multiple(ceil.Div(t, ranges), kernel.KeyBlock)
}
