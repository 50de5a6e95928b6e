package mechanism

import (
	"fmt"
	"slices"

	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/parallel"
)

// needs says which rows of the batch each rank has to be sent, and which sums of rows the ranks form together. Every rank finds out the
// same from the pattern and the lengths, without a message. Rows are spans of the batch, ascending, and never the rank's own.
type needs struct {
	keys     []links // of each rank: the keys that its queries see, by their owner; for long queries none
	backKeys []links // and the long keys that its long queries see, for the backward pass
	queries  []links // of each rank: the queries that see its keys, by their owner; for long keys the long queries alone
	long     []links // of each rank: the long queries that see its keys, by their owner
	longRows         // of any rank
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
func (l softmaxLayer) needs(s *parallel.Share, limit longLimit) (*needs, error) {
	if l.Cross {
		return nil, fmt.Errorf("mechanism: found cross-attention or a memory over %d ranks, expected a sequence over itself", s.Engine.Size())
	}
	if err := checkLengths(l.c.Pattern, s.Lengths); err != nil {
		return nil, err
	}
	if l.Terms.T5 != nil || l.Terms.Relative { // whose gradients are summed with those of queries
		limit = longLimit{}
	}
	wide := l.wideUnits(s, limit)
	ranks := s.Engine.Size()
	views := make([]*view, ranks)
	pool.Run(0, ranks, func(_, r int) {
		views[r] = &view{p: l.c.Pattern, s: s, rank: r, wide: wide, limit: limit, queries: make([]rowSet, ranks), wideQueries: make([]rowSet,
			ranks), sums: map[unitSpan]*rowSet{}}
		eachCut(s, r, views[r].look)
	})
	n := &needs{keys: make([]links, ranks), queries: make([]links, ranks)}
	n.longRows = l.chooseLong(s, limit, views)
	for r, v := range views {
		n.keys[r] = byOwner(s, v.keys.spans)
		for from := range ranks {
			if rows := views[from].queries[r].spans; len(rows) > 0 {
				n.queries[r] = append(n.queries[r], link{from, rows})
			}
		}
	}
	n.backKeys, n.long = n.keys, make([]links, ranks)
	if len(n.tiles)+len(n.units) > 0 {
		n.addLong(l.c.Pattern, s)
	}
	return n, nil
}

// eachCut calls look for the pieces that rank has of sequences of which it has a part. start is the first row of the sequence.
func eachCut(s *parallel.Share, rank int, look func(start int, p parallel.Piece)) {
	start, next := 0, 0
	for _, p := range s.Pieces(rank) {
		for ; next < p.Sequence; next++ {
			start += s.Lengths[next]
		}
		if p.Len() < s.Lengths[p.Sequence] {
			look(start, p)
		}
	}
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
