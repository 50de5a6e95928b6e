package mechanism

import (
	"math/bits"
	"slices"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/parallel"
)

// longLimit says from when on rows are long: rows that see, or are seen by, so many of other ranks that several ranks form their sums
// together, instead of one fetching the others.
type longLimit struct {
	rows   int  // more rows of other ranks than that; 0: no rows are long
	always bool // whether or not sums are fewer bytes than the rows
}

// someLong is the limit of Over: a span of sums.
var someLong = longLimit{rows: attention.SpanTokens}

// longRows are the rows of all ranks whose sums several ranks form together.
type longRows struct {
	tiles    []longTile // tiles of queries, by sequence and position
	units    []longUnit // units of keys, by sequence and position
	tileSums []sum      // of each tile in order, spans ascending
	unitSums []sum      // of each unit in order, spans ascending
}

// longTile is a tile of queries, at … end−1 of a sequence that begins at row start.
type longTile struct{ sequence, start, at, end, owner int }

// longUnit is a unit of keys.
type longUnit struct{ sequence, start, at, end, owner int }

// sum is the sum of a tile or a unit over a span of positions, which a chain of ranks forms one after another.
type sum struct {
	sequence, at, span int
	lanes              uint32         // of a tile: the queries that see any key of the span
	keys               []pattern.Span // of a unit: the keys that any query of the span sees, from the first on
	rows               int            // of sums
	chain              []int          // the ranks with rows in the span, from the first to the last that adds to the sum
	owner              int
}

// wideUnits counts how many queries of other ranks see each unit of keys of the sequences that a border cuts, and lists those that more
// than the limit see, ascending. A rank most of whose units are seen by so many has none.
func (l softmaxLayer) wideUnits(s *parallel.Share, limit longLimit) map[int][]int {
	if limit.rows == 0 {
		return nil
	}
	counts := make([]map[int][]int, s.Engine.Size())
	pool.Run(0, len(counts), func(_, r int) {
		counts[r] = map[int][]int{}
		v := &view{p: l.c.Pattern, s: s, rank: r}
		eachCut(s, r, func(start int, p parallel.Piece) {
			if s.Lengths[p.Sequence] > limit.rows {
				counts[r][p.Sequence] = v.count(start, p)
			}
		})
	})
	total, wide := map[int][]int{}, map[int][]int{}
	for _, c := range counts {
		for i, steps := range c {
			if total[i] == nil {
				total[i] = make([]int, len(steps))
			}
			for u, n := range steps {
				total[i][u] += n
			}
		}
	}
	for r := range counts {
		eachCut(s, r, func(_ int, p parallel.Piece) {
			var units []int
			n := 0
			for u, step := range total[p.Sequence] {
				if n += step; n > limit.rows && u*attention.ShareUnit >= p.From && u*attention.ShareUnit < p.To {
					units = append(units, u*attention.ShareUnit)
				}
			}
			if few := p.Len() / (16 * attention.ShareUnit); limit.always || len(units) <= max(1, few) {
				wide[p.Sequence] = append(wide[p.Sequence], units...)
			}
		})
	}
	return wide
}

// count counts how many queries of a piece see each unit of other ranks: as steps from one unit to the next.
func (v *view) count(start int, piece parallel.Piece) []int {
	n := v.s.Lengths[piece.Sequence]
	steps := make([]int, n/attention.ShareUnit+2)
	for q := piece.From; q < piece.To; q++ {
		v.spans = v.p.Spans(v.spans[:0], q, pattern.Square(n))
		v.others(start)
		next := 0 // the first unit that q is not counted for yet
		for _, part := range v.foreign {
			lo, hi := max(next, (part.Lo-start)/attention.ShareUnit), (part.Hi-1-start)/attention.ShareUnit+1
			if lo < hi {
				steps[lo]++
				steps[hi]--
				next = hi
			}
		}
	}
	return steps
}

// chooseLong decides which wide rows are long, and adds the others to those that are fetched. Those of a rank are long if they are a
// quarter of its rows or fewer, and their sums take at most half of the bytes.
func (l softmaxLayer) chooseLong(s *parallel.Share, limit longLimit, views []*view) (long longRows) {
	q, kv := l.Widths().Q, l.Widths().KV
	for r, v := range views {
		if len(v.wideTiles) == 0 {
			continue
		}
		all := rowSet{spans: slices.Clone(v.keys.spans)}
		all.join(v.wideKeys)
		lo, hi := s.Rows(r)
		rows, saved := len(v.wideTiles)*attention.TileQueries, length(all.spans)-length(v.keys.spans)
		spans := s.Lengths[v.wideTiles[0].sequence]/attention.SpanTokens + 1
		if limit.always || 4*rows <= hi-lo && rows*(3*len(views)+2*spans)*q <= saved*2*kv {
			long.tiles = append(long.tiles, v.wideTiles...)
			continue
		}
		v.keys = all
	}
	for owner := range views {
		units, rows, saved := l.wideUnitsOf(s, owner, views)
		lo, hi := s.Rows(owner)
		if limit.always || 4*len(units)*attention.ShareUnit <= hi-lo && 2*rows*kv <= saved*q {
			long.units = append(long.units, units...)
			continue
		}
		for _, v := range views {
			v.queries[owner].join(v.wideQueries[owner])
		}
	}
	for _, u := range long.units {
		long.unitSums = append(long.unitSums, unitSumsOf(s, u, views)...)
	}
	return long
}

// wideUnitsOf lists the wide units of one rank, with the number of rows of their sums, and the queries that need not be fetched for them.
func (l softmaxLayer) wideUnitsOf(s *parallel.Share, owner int, views []*view) (units []longUnit, rows, saved int) {
	eachCut(s, owner, func(start int, p parallel.Piece) {
		for _, at := range views[owner].wide[p.Sequence] {
			if at >= p.From && at < p.To {
				u := longUnit{p.Sequence, start, at, min(at+attention.ShareUnit, s.Lengths[p.Sequence]), owner}
				units = append(units, u)
				for _, x := range unitSumsOf(s, u, views) {
					rows += x.rows
				}
			}
		}
	})
	for _, v := range views {
		all := rowSet{spans: slices.Clone(v.queries[owner].spans)}
		all.join(v.wideQueries[owner])
		saved += length(all.spans) - length(v.queries[owner].spans)
	}
	return units, rows, saved
}

// unitSumsOf lists the sums of a unit of keys.
func unitSumsOf(s *parallel.Share, u longUnit, views []*view) (all []sum) {
	n := s.Lengths[u.sequence]
	for span := 0; span*attention.SpanTokens < n; span++ {
		lo, hi := u.start+span*attention.SpanTokens, u.start+min(n, (span+1)*attention.SpanTokens)
		of := unitSpan{u.sequence, u.at, span}
		chain := chainOf(s, lo, hi, func(rank int) bool { return views[rank].sums[of] != nil })
		if len(chain) == 0 {
			continue
		}
		var keys rowSet
		for _, r := range chain {
			if set := views[r].sums[of]; set != nil {
				for _, x := range set.spans {
					keys.add(pattern.Span{Lo: x.Lo - u.at, Hi: x.Hi - u.at})
				}
			}
		}
		all = append(all, sum{sequence: u.sequence, at: u.at, span: span, keys: keys.spans, rows: length(keys.spans), chain: chain,
			owner: u.owner})
	}
	return all
}

// chainOf lists the ranks with rows among lo … hi−1, from the first to the last that adds to a sum.
func chainOf(s *parallel.Share, lo, hi int, adds func(rank int) bool) (chain []int) {
	last := 0
	for r := s.Owner(lo); r+1 < len(s.Cuts) && s.Cuts[r] < hi; r++ {
		if s.Cuts[r] == s.Cuts[r+1] || len(chain) == 0 && !adds(r) {
			continue
		}
		if chain = append(chain, r); adds(r) {
			last = len(chain)
		}
	}
	return chain[:last]
}

// addLong finds the sums of long tiles, the ranks that need their queries, and the long keys that they see.
func (n *needs) addLong(p pattern.Pattern, s *parallel.Share) {
	ranks := s.Engine.Size()
	queries, keys := make([]rowSet, ranks), make([]rowSet, ranks)
	for _, t := range n.tiles {
		v := tileView{s: s, t: t, lanes: map[rankSpan]uint32{}}
		v.look(p)
		for at, lanes := range v.lanes {
			for x := range attention.TileQueries {
				if row := t.start + t.at + x; at.rank != t.owner && lanes>>x&1 == 1 {
					queries[at.rank].add(pattern.Span{Lo: row, Hi: row + 1})
				}
			}
		}
		for _, u := range n.units {
			for _, x := range v.seen {
				if lo, hi := max(x.Lo, u.at), min(x.Hi, u.end); u.sequence == t.sequence && u.owner != t.owner && lo < hi {
					keys[t.owner].add(pattern.Span{Lo: u.start + lo, Hi: u.start + hi})
				}
			}
		}
		n.tileSums = append(n.tileSums, v.sums()...)
	}
	n.backKeys = make([]links, ranks)
	for r := range ranks {
		n.long[r] = byOwner(s, queries[r].spans)
		n.queries[r] = union(s, n.queries[r], n.long[r])
		n.backKeys[r] = union(s, n.keys[r], byOwner(s, keys[r].spans))
	}
}

// union are the rows of two lists.
func union(s *parallel.Share, a, b links) links {
	if len(b) == 0 {
		return a
	}
	var all rowSet
	for _, l := range append(slices.Clone(a), b...) {
		all.join(rowSet{spans: l.rows})
	}
	return byOwner(s, all.spans)
}

// rankSpan is the keys that a rank has of a span.
type rankSpan struct{ rank, span int }

// tileView is what a long tile sees.
type tileView struct {
	s     *parallel.Share
	t     longTile
	seen  []pattern.Span // positions that any of its queries sees, in no order
	lanes map[rankSpan]uint32
}

func (v *tileView) look(p pattern.Pattern) {
	n := v.s.Lengths[v.t.sequence]
	for q := v.t.at; q < v.t.end; q++ {
		first := len(v.seen)
		v.seen = p.Spans(v.seen, q, pattern.Square(n))
		for _, x := range v.seen[first:] {
			for x.Lo < x.Hi {
				rank, span := v.s.Owner(v.t.start+x.Lo), x.Lo/attention.SpanTokens
				v.lanes[rankSpan{rank, span}] |= 1 << (q - v.t.at)
				x.Lo = min(v.s.Cuts[rank+1]-v.t.start, (span+1)*attention.SpanTokens)
			}
		}
	}
}

// sums lists the sums of the tile.
func (v *tileView) sums() (all []sum) {
	n := v.s.Lengths[v.t.sequence]
	for span := 0; span*attention.SpanTokens < n; span++ {
		lo, hi := v.t.start+span*attention.SpanTokens, v.t.start+min(n, (span+1)*attention.SpanTokens)
		chain := chainOf(v.s, lo, hi, func(rank int) bool { return v.lanes[rankSpan{rank, span}] != 0 })
		if len(chain) == 0 {
			continue
		}
		lanes := uint32(0)
		for _, r := range chain {
			lanes |= v.lanes[rankSpan{r, span}]
		}
		all = append(all, sum{sequence: v.t.sequence, at: v.t.at, span: span, lanes: lanes, rows: bits.OnesCount32(lanes), chain: chain,
			owner: v.t.owner})
	}
	return all
}
