package mechanism

import (
	"slices"
	"sort"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/parallel"
)

// view is what the queries of one rank see.
type view struct {
	p     pattern.Pattern
	s     *parallel.Share
	rank  int
	wide  map[int][]int // of a sequence: positions of the units of keys that very many queries see, ascending
	limit longLimit

	keys            rowSet               // keys of others, that tiles see which see few of them
	wideKeys        rowSet               // and that the other tiles see
	wideTiles       []longTile           // those
	queries         []rowSet             // of each other rank: own queries that see its keys, wide units left out
	wideQueries     []rowSet             // and those that see its wide units
	sums            map[unitSpan]*rowSet // keys of wide units that own queries of a span see, as positions
	spans           []pattern.Span       // of the present query
	foreign, before []pattern.Span       // keys of others among them, as rows, and among those of the query before
	tile            rowSet               // keys of others that the present tile sees
	owners          [2][]int             // of foreign keys, and of those in wide units
}

// unitSpan is a unit of keys of a sequence, and a span of its queries.
type unitSpan struct{ sequence, at, span int }

// look adds what the queries of a piece of a sequence see. start is the first row of the sequence.
func (v *view) look(start int, piece parallel.Piece) {
	shape := pattern.Square(v.s.Lengths[piece.Sequence])
	v.before, v.owners = v.before[:0], [2][]int{}
	for at := piece.From; at < piece.To; at += attention.TileQueries {
		end, most := min(at+attention.TileQueries, piece.To), 0
		v.tile.clear()
		for q := at; q < end; q++ {
			v.spans = v.p.Spans(v.spans[:0], q, shape)
			most = max(most, v.see(start, q, piece.Sequence))
		}
		if v.limit.rows == 0 || most <= v.limit.rows {
			v.keys.join(v.tile)
			continue
		}
		v.wideKeys.join(v.tile)
		v.wideTiles = append(v.wideTiles, longTile{piece.Sequence, start, at, end, v.rank})
	}
}

// others lists in v.foreign the keys of others among v.spans, and returns their number.
func (v *view) others(start int) (n int) {
	lo, hi := v.s.Rows(v.rank)
	v.foreign = v.foreign[:0]
	if n := len(v.spans); n == 0 || start+v.spans[0].Lo >= lo && start+v.spans[n-1].Hi <= hi { // most often
		return 0
	}
	for _, s := range v.spans {
		s.Lo, s.Hi = s.Lo+start, s.Hi+start
		for _, part := range [2]pattern.Span{{Lo: s.Lo, Hi: min(s.Hi, lo)}, {Lo: max(s.Lo, hi), Hi: s.Hi}} {
			if part.Lo < part.Hi {
				v.foreign = append(v.foreign, part)
				n += part.Len()
			}
		}
	}
	return n
}

// see adds the keys that query q sees to those of its tile, and q to the queries that see keys of others. It returns how many it sees.
func (v *view) see(start, q, sequence int) (foreign int) {
	wide := v.wide[sequence]
	foreign = v.others(start)
	if !slices.Equal(v.foreign, v.before) { // in blocks of tokens many see the same
		v.findOwners(start, wide)
		v.before = append(v.before[:0], v.foreign...)
	}
	for _, part := range v.foreign {
		v.tile.add(part)
	}
	row := pattern.Span{Lo: start + q, Hi: start + q + 1}
	for _, owner := range v.owners[0] {
		v.queries[owner].add(row)
	}
	for _, owner := range v.owners[1] {
		v.wideQueries[owner].add(row)
	}
	for _, s := range v.spans {
		for _, at := range unitsFrom(wide, s.Lo) {
			if at >= s.Hi {
				break
			}
			v.sum(unitSpan{sequence, at, q / attention.SpanTokens}).add(pattern.Span{Lo: max(s.Lo, at), Hi: min(s.Hi, at+attention.ShareUnit)})
		}
	}
	return foreign
}

// unitsFrom are the units that end after a position.
func unitsFrom(units []int, at int) []int {
	return units[sort.SearchInts(units, at-attention.ShareUnit+1):]
}

func (v *view) sum(of unitSpan) *rowSet {
	set := v.sums[of]
	if set == nil {
		set = &rowSet{}
		v.sums[of] = set
	}
	return set
}

// findOwners lists the owners of the keys in v.foreign.
func (v *view) findOwners(start int, wide []int) {
	v.owners = [2][]int{v.owners[0][:0], v.owners[1][:0]}
	for _, part := range v.foreign {
		for owner := v.s.Owner(part.Lo); owner+1 < len(v.s.Cuts) && v.s.Cuts[owner] < part.Hi; owner++ {
			lo, hi := max(part.Lo, v.s.Cuts[owner]), min(part.Hi, v.s.Cuts[owner+1])
			n := 0
			for _, at := range unitsFrom(wide, lo-start) {
				if start+at >= hi {
					break
				}
				n += min(hi, start+at+attention.ShareUnit) - max(lo, start+at)
			}
			if n < hi-lo {
				v.addOwner(0, owner)
			}
			if n > 0 {
				v.addOwner(1, owner)
			}
		}
	}
}

// addOwner adds an owner, unless it is the last.
func (v *view) addOwner(list, owner int) {
	if n := len(v.owners[list]); n == 0 || v.owners[list][n-1] < owner {
		v.owners[list] = append(v.owners[list], owner)
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

// clear empties the set.
func (r *rowSet) clear() { r.spans, r.at = r.spans[:0], 0 }

// join adds all of another set.
func (r *rowSet) join(other rowSet) {
	for _, x := range other.spans {
		r.add(x)
	}
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
