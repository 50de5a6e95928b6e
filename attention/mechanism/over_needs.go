package mechanism

import (
	"fmt"
	"slices"

	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/parallel"
)

// needs says which rows of the batch each rank has to be sent. Every rank finds out the same from the pattern and the lengths, without a
// message. Rows are spans of the batch, ascending, and never the rank's own.
type needs struct {
	keys    []links // of each rank: the keys that its queries see, by their owner
	queries []links // of each rank: the queries that see its keys, by their owner
}

// links are the rows of other ranks that one rank needs, owners ascending.
type links []link

// link is rows that one rank needs of another.
type link struct {
	owner int
	rows  []pattern.Span
}

// rows is the number of rows in all.
func (l links) rows() (n int) {
	for _, x := range l {
		n += length(x.rows)
	}
	return n
}

// of are the rows of one owner, nil if there are none.
func (l links) of(owner int) []pattern.Span {
	i, found := slices.BinarySearchFunc(l, owner, func(x link, owner int) int { return x.owner - owner })
	if !found {
		return nil
	}
	return l[i].rows
}

// length is the number of rows in spans.
func length(spans []pattern.Span) (n int) {
	for _, s := range spans {
		n += s.Len()
	}
	return n
}

// fullest is the rank that needs the most keys, and their number.
func (n *needs) fullest() (rows, rank int) {
	for r, l := range n.keys {
		if have := l.rows(); have > rows {
			rows, rank = have, r
		}
	}
	return rows, rank
}

// needs finds the rows that each rank needs of others. Only sequences that a border cuts are looked at, query by query: some 40 ms for a
// window over a million tokens.
func (l softmaxLayer) needs(s *parallel.Share) (*needs, error) {
	if l.Cross {
		return nil, fmt.Errorf("mechanism: found cross-attention or a memory over %d ranks, expected a sequence over itself", s.Engine.Size())
	}
	if err := checkLengths(l.c.Pattern, s.Lengths); err != nil {
		return nil, err
	}
	ranks := s.Engine.Size()
	seen, by := make([]rowSet, ranks), make([][]rowSet, ranks)
	pool.Run(0, ranks, func(_, r int) {
		v := viewer{p: l.c.Pattern, s: s, rank: r, by: make([]rowSet, ranks)}
		start, next := 0, 0
		for _, p := range s.Pieces(r) {
			for ; next < p.Sequence; next++ {
				start += s.Lengths[next]
			}
			if p.Len() < s.Lengths[p.Sequence] {
				v.look(start, p)
			}
		}
		seen[r], by[r] = v.seen, v.by
	})
	n := &needs{keys: make([]links, ranks), queries: make([]links, ranks)}
	for r := range ranks {
		n.keys[r] = byOwner(s, seen[r].spans)
		for owner := range ranks {
			if rows := by[owner][r].spans; len(rows) > 0 {
				n.queries[r] = append(n.queries[r], link{owner, rows})
			}
		}
	}
	return n, nil
}

// byOwner parts rows by the ranks that have them.
func byOwner(s *parallel.Share, rows []pattern.Span) (all links) {
	for _, x := range rows {
		for x.Lo < x.Hi {
			owner := s.Owner(x.Lo)
			end := min(x.Hi, s.Cuts[owner+1])
			if n := len(all); n == 0 || all[n-1].owner != owner {
				all = append(all, link{owner: owner})
			}
			to := &all[len(all)-1]
			to.rows = append(to.rows, pattern.Span{Lo: x.Lo, Hi: end})
			x.Lo = end
		}
	}
	return all
}

// viewer looks at the queries of one rank.
type viewer struct {
	p    pattern.Pattern
	s    *parallel.Share
	rank int
	seen rowSet   // keys of others
	by   []rowSet // of each other rank: queries that see its keys

	spans, last []pattern.Span
	owners      []int // of the keys in last, this rank left out
}

// look adds what the queries of a piece of a sequence see. start is the first row of the sequence.
func (v *viewer) look(start int, piece parallel.Piece) {
	shape := pattern.Square(v.s.Lengths[piece.Sequence])
	v.last = v.last[:0]
	for q := piece.From; q < piece.To; q++ {
		v.spans = v.p.Spans(v.spans[:0], q, shape)
		if !slices.Equal(v.spans, v.last) { // in blocks of tokens many see the same
			v.see(start)
			v.spans, v.last = v.last, v.spans
		}
		for _, owner := range v.owners {
			v.by[owner].add(pattern.Span{Lo: start + q, Hi: start + q + 1})
		}
	}
}

// see adds the keys of spans, and lists their owners.
func (v *viewer) see(start int) {
	lo, hi := v.s.Rows(v.rank)
	v.owners = v.owners[:0]
	for _, s := range v.spans {
		s.Lo, s.Hi = s.Lo+start, s.Hi+start
		for _, part := range []pattern.Span{{Lo: s.Lo, Hi: min(s.Hi, lo)}, {Lo: max(s.Lo, hi), Hi: s.Hi}} {
			if part.Lo >= part.Hi {
				continue
			}
			v.seen.add(part)
			for owner := v.s.Owner(part.Lo); v.s.Cuts[owner] < part.Hi; owner++ {
				if n := len(v.owners); v.s.Cuts[owner] < v.s.Cuts[owner+1] && (n == 0 || v.owners[n-1] < owner) {
					v.owners = append(v.owners, owner)
				}
				if owner+2 == len(v.s.Cuts) {
					break
				}
			}
		}
	}
}

// rowSet is a set of rows: spans that ascend and do not touch.
type rowSet struct {
	spans []pattern.Span
	at    int // the span that grew last
}

// add joins x to the set. Adding near the span that grew last takes constant time.
func (r *rowSet) add(x pattern.Span) {
	if r.at < len(r.spans) && x.Lo >= r.spans[r.at].Lo && x.Hi <= r.spans[r.at].Hi {
		return
	}
	lo := r.find(x.Lo)
	hi := lo
	for ; hi < len(r.spans) && r.spans[hi].Lo <= x.Hi; hi++ {
		x.Lo, x.Hi = min(x.Lo, r.spans[hi].Lo), max(x.Hi, r.spans[hi].Hi)
	}
	r.at = lo
	if hi == lo+1 {
		r.spans[lo] = x
		return
	}
	r.spans = slices.Replace(r.spans, lo, hi, x)
}

// find is the first span that ends at lo or after it.
func (r *rowSet) find(lo int) int {
	if n := len(r.spans); n == 0 || r.spans[n-1].Hi < lo {
		return n
	}
	if r.at < len(r.spans) && r.spans[r.at].Hi >= lo && (r.at == 0 || r.spans[r.at-1].Hi < lo) {
		return r.at
	}
	i, _ := slices.BinarySearchFunc(r.spans, lo, func(s pattern.Span, lo int) int { return s.Hi - lo })
	return i
}

// checkLengths refuses sequences that a pattern does.
func checkLengths(p pattern.Pattern, lengths []int) error {
	for i, n := range lengths {
		shape := pattern.Square(n)
		err := shape.Check()
		if err == nil {
			err = p.Check(shape)
		}
		if err != nil {
			return fmt.Errorf("mechanism: sequence %d: %w", i, err)
		}
	}
	return nil
}
