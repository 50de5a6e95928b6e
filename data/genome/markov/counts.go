package markov

import (
	"fmt"
	"slices"

	"github.com/longspan/longspan/data/dna"
)

// MaxOrder is the longest context: what is left of it below the dense tables must fit the 14 bits of a tail.
const MaxOrder = 18

// denseOrder is the highest order whose counts are kept in a table of all contexts: 4¹¹ contexts of 4 counts are
// 64 MiB, order 12 would be 256 MiB. Genomes of a few million bases have seen most contexts of 11 bases, and few
// of 12.
const denseOrder = 11

// Counts is how often each base follows each context of up to Order bases.
//
// A context is written with its last base first, as a number of base 4 whose leading digit is that last base:
// the context of j bases is then a prefix of the context of j+1, and a table of order j−1 is the sum of
// neighbours in the table of order j. Orders above denseOrder are kept as lists: one for each context of
// denseOrder bases, of the rest of the context (its tail) with the base that followed, and a count.
type Counts struct {
	order int
	dense [][]uint32 // of order j: 4ʲ contexts of 4 counts
	begin []uint32   // list of context i of denseOrder bases: begin[i] … begin[i+1]−1
	tails []uint16   // 2 bits for each base beyond denseOrder, then 2 for the base that followed
	times []uint32
}

// CountConfig says what Count counts.
type CountConfig struct {
	Order       int  // bases of the longest context, 0 … MaxOrder
	BothStrands bool // count the other strand too
}

// Piece is a part of a sequence.
type Piece struct {
	Sequence *dna.Sequence
	Span     dna.Span
}

// piecesOf are spans of one sequence.
func piecesOf(s *dna.Sequence, spans []dna.Span) (all []Piece) {
	for _, span := range spans {
		all = append(all, Piece{s, span})
	}
	return all
}

// Count counts the bases of pieces at contexts of up to c.Order bases, each piece by itself. Bases after fewer than c.Order known ones are
// not counted.
//
// Cost: time in proportion to the bases; memory 90 MB at order 11 or more, and 10 bytes a base above.
func Count(pieces []Piece, config CountConfig) (*Counts, error) {
	order := config.Order
	if order < 0 || order > MaxOrder {
		return nil, fmt.Errorf("markov: order %d; expected 0 … %d", order, MaxOrder)
	}
	for _, p := range pieces {
		s, span := p.Sequence, p.Span
		if span.Start < 0 || span.End > s.Len() || span.Start > span.End {
			return nil, fmt.Errorf("markov: the span %d … %d is not within the %d bases of %s", span.Start, span.End, s.Len(), s.Name)
		}
	}
	c := &Counts{order: order, dense: make([][]uint32, min(order, denseOrder)+1)}
	for j := range c.dense {
		c.dense[j] = make([]uint32, 4<<(2*j))
	}
	top := c.dense[len(c.dense)-1]
	shift := 2 * (order - len(c.dense) + 1)
	c.each(pieces, config.BothStrands, func(context uint64, base int32) { top[context>>shift<<2|uint64(base)]++ })
	for j := len(c.dense) - 2; j >= 0; j-- {
		for i := range c.dense[j] {
			at := i>>2<<4 | i&3 // the four contexts one base longer, the same base after them
			c.dense[j][i] = c.dense[j+1][at] + c.dense[j+1][at+4] + c.dense[j+1][at+8] + c.dense[j+1][at+12]
		}
	}
	if order > denseOrder {
		c.list(pieces, config.BothStrands)
	}
	return c, nil
}

// each calls f with every counted base and the c.order bases before it.
func (c *Counts) each(pieces []Piece, bothStrands bool, f func(context uint64, base int32)) {
	strands := []dna.Strand{dna.Forward}
	if bothStrands {
		strands = append(strands, dna.Reverse)
	}
	for _, p := range pieces {
		for _, strand := range strands {
			w := walker{order: c.order}
			p.Sequence.EachChunk(p.Span, strand, func(tokens []int32) {
				for _, base := range tokens {
					if w.known >= c.order && base < 4 {
						f(w.context, base)
					}
					w.step(base)
				}
			})
		}
	}
}

// walker keeps the context of the next base.
type walker struct {
	order   int
	context uint64
	known   int // bases since the last N, at most order
}

func (w *walker) step(base int32) {
	if base >= 4 {
		w.context, w.known = 0, 0
		return
	}
	if w.order > 0 {
		w.context = w.context>>2 | uint64(base)<<(2*(w.order-1))
		w.known = min(w.known+1, w.order)
	}
}

// list fills the lists of the orders above denseOrder: a counting sort by context, then a sort of each list,
// which brings equal entries together.
func (c *Counts) list(pieces []Piece, bothStrands bool) {
	shift := 2 * (c.order - denseOrder)
	top := c.dense[denseOrder]
	next := make([]uint32, len(top)/4+1) // next[i+1] is where the next entry of list i goes
	total := uint32(0)
	for i := range len(top) / 4 {
		next[i+1] = total
		total += top[4*i] + top[4*i+1] + top[4*i+2] + top[4*i+3]
	}
	all := make([]uint16, total)
	c.each(pieces, bothStrands, func(context uint64, base int32) {
		i := context>>shift + 1
		all[next[i]] = uint16(context&(1<<shift-1)<<2 | uint64(base))
		next[i]++
	})
	// Now next[i] is the end of list i−1, that is the beginning of list i. Merge equal entries in place.
	c.times = make([]uint32, total)
	kept := uint32(0)
	for i := range len(next) - 1 {
		list := all[next[i]:next[i+1]]
		slices.Sort(list)
		next[i] = kept
		for k, tail := range list {
			if k == 0 || tail != list[k-1] {
				all[kept] = tail
				kept++
			}
			c.times[kept-1]++
		}
	}
	next[len(next)-1] = kept
	c.begin, c.tails, c.times = next, slices.Clone(all[:kept]), slices.Clone(c.times[:kept])
}

// wellSeen is the highest order whose contexts were seen 64 times or more on average: 8 for E. coli, 10 for
// human chromosome 20. It is at most the order of c.
func (c *Counts) wellSeen() int {
	total := uint64(0)
	for _, n := range c.dense[0] {
		total += uint64(n)
	}
	j := 0
	for j < c.order && total>>(2*(j+1)) >= 64 {
		j++
	}
	return j
}

// row is what followed a context, for each order.
type row [MaxOrder + 1][4]uint32

// lookUp fills r for orders 0 … known with what followed the last bases of a context of c.order bases, of which
// known are there.
func (c *Counts) lookUp(r *row, context uint64, known int) {
	for j := 0; j <= min(known, len(c.dense)-1); j++ {
		at := context >> (2 * (c.order - j)) << 2
		copy(r[j][:], c.dense[j][at:at+4])
	}
	if known <= denseOrder {
		return
	}
	for j := denseOrder + 1; j <= known; j++ {
		r[j] = [4]uint32{}
	}
	rest := c.order - denseOrder
	list := context >> (2 * rest)
	tail := uint16(context & (1<<(2*rest) - 1))
	for i := c.begin[list]; i < c.begin[list+1]; i++ {
		differ := c.tails[i]>>2 ^ tail
		base := c.tails[i] & 3
		for j := 1; j <= known-denseOrder && differ>>(2*(rest-j)) == 0; j++ {
			r[denseOrder+j][base] += c.times[i]
		}
	}
}
