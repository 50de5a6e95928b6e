package linear

import (
	"fmt"

	"github.com/longspan/longspan/internal/ceil"
	"github.com/longspan/longspan/internal/kernel"
)

// A long sequence is cut into ranges. Each range sums its keys from zero, chunk by chunk, and the sums of ranges are added in order. So
// ranges can be computed by many threads and in many places. The borders of ranges depend on the sequence's own length and on the number of
// features, and on nothing else: neither on heads, threads and batch, nor on which tokens of the sequence lie here.

// Part is what lies here of a sequence of Of tokens: tokens From … To−1.
type Part struct{ From, To, Of int }

// PartUnit is what From is a multiple of, and To where it is not the end of its sequence: whole blocks of all feature maps.
const PartUnit = kernel.KeyBlock

// Len is the number of tokens of the part.
func (p Part) Len() int { return p.To - p.From }

// piece is a range of tokens of one sequence, or what of it lies here.
type piece struct {
	row, n int  // first row in the batch, tokens
	chunk  int  // index in the batch of its first chunk
	state  int  // where its sums are; whole if its sequence has none
	begins bool // the first token of the range lies here
	ends   bool // the last token of the range lies here
	seq    int
}

const whole = -1

// sequence is what lies here of one sequence, which has pieces first … first+pieces−1.
type sequence struct {
	Part
	length        int // of its ranges
	first, pieces int
	walks         []walk
}

// walk is neighbouring pieces of one sequence, which a causal pass walks through with running sums. Walks are computed side by side.
type walk struct {
	seq, first, pieces int
}

// minRange is the shortest range worth sums of its own. With the other bound of rangeTokens, the sums of all ranges take at
// most about a sixteenth of the memory of the keys.
const minRange = 4096

// causalPieces is the number of walks a causal sequence is cut into, over all its key/value heads. Ranges before the last walk are summed
// twice, once for the walks after them and once as they are walked through, so there are only as many walks as keep a machine's cores busy.
const causalPieces = 8

// open reports whether tokens of the sequence lie elsewhere: before those here, and after them.
func (s *sequence) before() bool { return s.From > 0 }
func (s *sequence) after() bool  { return s.To < s.Of }
func (s *sequence) open() bool   { return s.before() || s.after() }

// checkParts refuses parts that are none, that begin inside of a block, or that leave out tokens between two parts.
func checkParts(parts []Part) error {
	last := -1
	for i, p := range parts {
		if p.Len() > 0 {
			last = i
		}
		if p.From < 0 || p.To < p.From || p.Of < p.To || p.From%PartUnit != 0 || p.To < p.Of && p.To%PartUnit != 0 {
			return fmt.Errorf("linear: found tokens %d … %d of %d of sequence %d, expected multiples of %d or the end of the sequence", p.From,
				p.To, p.Of, i, PartUnit)
		}
	}
	first := true
	for i, p := range parts {
		if p.Len() == 0 && p.Of > 0 || p.Len() > 0 && (p.From > 0 && !first || p.To < p.Of && i != last) {
			return fmt.Errorf("linear: found tokens %d … %d of %d of sequence %d of %d, expected only the first sequence to begin elsewhere, only "+
				"the last to go on elsewhere, and none without tokens", p.From, p.To, p.Of, i, len(parts))
		}
		first = first && p.Len() == 0
	}
	return nil
}

// plan cuts every sequence.
func (l *Linear) plan(parts []Part) {
	row := 0
	for _, p := range parts {
		if p.Len() > 0 {
			l.addSequence(p, row, l.rangeTokens(p.Of))
		}
		row += p.Len()
	}
}

// addSequence cuts a sequence, whose first token here is a row of the batch, into ranges of a length.
func (l *Linear) addSequence(p Part, row, length int) {
	s := sequence{Part: p, length: length, first: len(l.pieces)}
	for from := p.From; from < p.To; {
		end := min((from/length+1)*length, p.Of)
		to := min(end, p.To)
		l.pieces = append(l.pieces, piece{row: row + from - p.From, n: to - from, chunk: l.chunks, state: whole, begins: from%length == 0,
			ends: to == end, seq: len(l.seqs)})
		l.chunks += ceil.Div(to-from, kernel.Lanes)
		from = to
	}
	s.pieces = len(l.pieces) - s.first
	walks := s.pieces
	if l.c.Causal {
		walks = min(walks, ceil.Div(causalPieces, l.c.KVHeads))
	}
	for i := range walks {
		first := s.first + i*s.pieces/walks
		s.walks = append(s.walks, walk{len(l.seqs), first, s.first + (i+1)*s.pieces/walks - first})
	}
	if walks > 1 || s.open() {
		for i := range s.pieces {
			l.pieces[s.first+i].state = l.states
			l.states++
		}
	}
	l.walks = append(l.walks, s.walks...)
	l.seqs = append(l.seqs, s)
}

// rangeTokens is the length of the ranges of a sequence of t tokens: equal but for the last, and whole blocks.
func (l *Linear) rangeTokens(t int) int {
	ranges := ceil.Div(t, max(minRange, 16*l.c.Features))
	return ceil.Multiple(ceil.Div(t, ranges), kernel.KeyBlock)
}
