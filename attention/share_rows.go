package attention

import (
	"fmt"

	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/internal/ceil"
	"github.com/longspan/longspan/internal/kernel"
)

// shareRows says where the tiles of queries and the units of keys of a share's layout stand in the sequence, and where their rows lie. A
// unit is ShareUnit keys, whole, of which some may not be there: nobody sees them.
type shareRows struct {
	Share
	tiles    []tileRows
	units    []unitRows
	unitOf   []int32 // of the sequence → of the layout, or −1
	long     bool    // there are long tiles or units
	ownLong  bool    // an own unit is long
	ownTile  int     // the first own tile; the others follow
	ownUnit  int     // the first own unit
	ownTiles int
	ownUnits int
}

// tileRows is a tile of queries. Those of a tile of others that are there are neighbouring rows of Far.
type tileRows struct {
	at   int    // position of the first query
	row  int    // of others: row of the first query that is there, within the share
	have uint32 // of others: the queries that are there
	long bool   // in LongQueries
}

// unitRows is a unit of keys. Those of a unit of others that are there are neighbouring rows of Far.
type unitRows struct {
	at   int            // position of the first key
	row  int            // of others: row of the first key that is there, within the share
	have []pattern.Span // of others: the keys that are there, from the unit's first on
	long bool           // in LongKeys
}

func newShareRows(s Share) (*shareRows, error) {
	if s.Tokens < 0 || s.Own.Lo < 0 || s.Own.Hi < s.Own.Lo || s.Own.Hi > s.Tokens || s.Own.Lo%ShareUnit != 0 || s.Own.Hi%ShareUnit != 0 &&
		s.Own.Hi != s.Tokens {
		return nil, fmt.Errorf("found own tokens %d … %d of %d, expected borders at multiples of %d from the first token, or at the last",
			s.Own.Lo, s.Own.Hi-1, s.Tokens, ShareUnit)
	}
	for _, x := range []struct {
		name  string
		spans []pattern.Span
	}{{"keys", s.Keys}, {"queries", s.Queries}} {
		last := 0
		for _, p := range x.spans {
			if p.Lo < last || p.Hi <= p.Lo || p.Hi > s.Tokens || p.Lo < s.Own.Hi && p.Hi > s.Own.Lo {
				return nil, fmt.Errorf("found %s %d … %d of others after %d, expected spans that ascend, inside 0 … %d and outside of the own "+
					"tokens %d … %d", x.name, p.Lo, p.Hi-1, last, s.Tokens-1, s.Own.Lo, s.Own.Hi-1)
			}
			last = p.Hi
		}
	}
	r := &shareRows{Share: s}
	r.placeTiles()
	r.placeUnits()
	return r, r.markLong()
}

// markLong marks the tiles and the units that are long.
func (r *shareRows) markLong() error {
	for _, x := range []struct {
		name  string
		spans []pattern.Span
		unit  int
	}{{"queries", r.LongQueries, kernel.Lanes}, {"keys", r.LongKeys, ShareUnit}} {
		for _, s := range x.spans {
			if s.Lo < 0 || s.Hi > r.Tokens || s.Lo%x.unit != 0 || s.Hi%x.unit != 0 && s.Hi != r.Tokens {
				return fmt.Errorf("found long %s %d … %d of %d, expected borders at multiples of %d, or at the last token", x.name, s.Lo, s.Hi-1,
					r.Tokens, x.unit)
			}
			r.long = true
		}
	}
	for i := range r.tiles {
		r.tiles[i].long = among(r.LongQueries, r.tiles[i].at)
	}
	for i := range r.units {
		r.units[i].long = among(r.LongKeys, r.units[i].at)
		r.ownLong = r.ownLong || r.units[i].long && r.ownsUnit(i)
	}
	return nil
}

// among reports whether one of the spans has a position.
func among(spans []pattern.Span, at int) bool {
	for _, s := range spans {
		if at >= s.Lo && at < s.Hi {
			return true
		}
	}
	return false
}

// placeTiles lists the tiles, ascending.
func (r *shareRows) placeTiles() {
	row := 0
	add := func(spans []pattern.Span) {
		for _, s := range spans {
			for at := s.Lo; at < s.Hi; {
				first := at / kernel.Lanes * kernel.Lanes
				if n := len(r.tiles); n == 0 || r.tiles[n-1].at != first {
					r.tiles = append(r.tiles, tileRows{at: first, row: row})
				}
				end := min(s.Hi, first+kernel.Lanes)
				bits := uint32(1<<(end-at)-1) << (at - first)
				r.tiles[len(r.tiles)-1].have |= bits
				row, at = row+end-at, end
			}
		}
	}
	before, after := split(r.Queries, r.Own.Lo)
	add(before)
	r.ownTile, r.ownTiles = len(r.tiles), ceil.Div(r.Own.Len(), kernel.Lanes)
	for i := range r.ownTiles {
		r.tiles = append(r.tiles, tileRows{at: r.Own.Lo + i*kernel.Lanes})
	}
	add(after)
}

// placeUnits lists the units, ascending.
func (r *shareRows) placeUnits() {
	r.unitOf = make([]int32, ceil.Div(r.Tokens, ShareUnit))
	for i := range r.unitOf {
		r.unitOf[i] = -1
	}
	row := 0
	unit := func(at int) *unitRows {
		if i := r.unitOf[at/ShareUnit]; i >= 0 {
			return &r.units[i]
		}
		r.unitOf[at/ShareUnit] = int32(len(r.units))
		r.units = append(r.units, unitRows{at: at, row: row})
		return &r.units[len(r.units)-1]
	}
	add := func(spans []pattern.Span) {
		for _, s := range spans {
			for at := s.Lo; at < s.Hi; {
				first := at / ShareUnit * ShareUnit
				u, end := unit(first), min(s.Hi, first+ShareUnit)
				u.have = append(u.have, pattern.Span{Lo: at - first, Hi: end - first})
				row, at = row+end-at, end
			}
		}
	}
	before, after := split(r.Keys, r.Own.Lo)
	add(before)
	r.ownUnit, r.ownUnits = len(r.units), ceil.Div(r.Own.Len(), ShareUnit)
	for i := range r.ownUnits {
		unit(r.Own.Lo + i*ShareUnit)
	}
	add(after)
}

// split parts ascending spans at a position that lies in none.
func split(spans []pattern.Span, at int) (before, after []pattern.Span) {
	n := 0
	for n < len(spans) && spans[n].Lo < at {
		n++
	}
	return spans[:n], spans[n:]
}

// seq counts the rows of the layout.
func (r *shareRows) seq() (s Seq) {
	if n := len(r.tiles); n > 0 {
		s.Q = (n-1)*kernel.Lanes + min(kernel.Lanes, r.Tokens-r.tiles[n-1].at)
	}
	if n := len(r.units); n > 0 {
		s.K = (n-1)*ShareUnit + min(ShareUnit, r.Tokens-r.units[n-1].at)
	}
	return s
}

// ownsTile reports whether the queries of a tile of the layout are own.
func (r *shareRows) ownsTile(t int) bool { return t >= r.ownTile && t < r.ownTile+r.ownTiles }

// ownsUnit reports whether the keys of a unit of the layout are own.
func (r *shareRows) ownsUnit(u int) bool { return u >= r.ownUnit && u < r.ownUnit+r.ownUnits }

// holds reports whether keys lo … hi−1 are own or in Keys.
func (r *shareRows) holds(s pattern.Span) bool {
	if s.Lo < r.Own.Hi && s.Hi > r.Own.Lo { // the parts outside
		return (s.Lo >= r.Own.Lo || r.has(pattern.Span{Lo: s.Lo, Hi: r.Own.Lo})) &&
			(s.Hi <= r.Own.Hi || r.has(pattern.Span{Lo: r.Own.Hi, Hi: s.Hi}))
	}
	return r.has(s)
}

// has reports whether keys of others are in Keys, whose spans may touch.
func (r *shareRows) has(s pattern.Span) bool {
	a, b := 0, len(r.Keys)
	for a < b {
		if mid := (a + b) / 2; r.Keys[mid].Hi <= s.Lo {
			a = mid + 1
		} else {
			b = mid
		}
	}
	for ; a < len(r.Keys) && r.Keys[a].Lo <= s.Lo; a++ {
		if s.Hi <= r.Keys[a].Hi {
			return true
		}
		s.Lo = r.Keys[a].Hi
	}
	return false
}

// row is the row of the layout that key position k has.
func (r *shareRows) row(k int) int { return int(r.unitOf[k/ShareUnit])*ShareUnit + k%ShareUnit }

// cut replaces the visible keys of query x of a tile by rows of the layout. An own query has all its keys. A query of others has the own
// ones among them, but for long keys. A long query has its own keys, and if it is own the long keys of others too. All must be there.
func (r *shareRows) cut(spans []pattern.Span, tile, x int) (_ []pattern.Span, err error) {
	base, own, long := len(spans), r.ownsTile(tile), r.tiles[tile].long
	for _, s := range spans[:base] {
		switch {
		case own && !long:
			spans, err = r.keep(spans, s, tile, x)
		case !own && (long || !r.ownLong):
			s.Lo, s.Hi = max(s.Lo, r.Own.Lo), min(s.Hi, r.Own.Hi)
			spans, err = r.keep(spans, s, tile, x)
		default:
			for i := 0; i < len(r.units) && err == nil; i++ {
				if u := &r.units[i]; r.ownsUnit(i) && (own || !u.long) || own && u.long {
					part := pattern.Span{Lo: max(s.Lo, u.at), Hi: min(s.Hi, u.at+ShareUnit, r.Tokens)}
					spans, err = r.keep(spans, part, tile, x)
				}
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return spans[:copy(spans, spans[base:])], nil
}

// keep appends the rows of neighbouring keys that query x of a tile sees, and refuses those that are not there.
func (r *shareRows) keep(dst []pattern.Span, s pattern.Span, tile, x int) ([]pattern.Span, error) {
	if s.Lo >= s.Hi {
		return dst, nil
	}
	if at := r.tiles[tile].at + x; r.ownsTile(tile) {
		if !r.holds(s) {
			return nil, fmt.Errorf("own query %d sees keys %d … %d, expected all of them to be own or among Keys; list every key that an own "+
				"query sees", at, s.Lo, s.Hi-1)
		}
	} else if r.tiles[tile].have>>x&1 == 0 {
		return nil, fmt.Errorf("query %d sees own key %d, expected it among Queries; list every query that sees an own key", at, s.Lo)
	}
	return append(dst, pattern.Span{Lo: r.row(s.Lo), Hi: r.row(s.Hi-1) + 1}), nil
}

// count adds the pairs of a query of a tile with keys in a span of rows of the layout.
func (r *shareRows) count(p *pairs, tile int, s pattern.Span) {
	long, own := r.tiles[tile].long, r.ownsTile(tile)
	if own && !long {
		p.queries += int64(s.Len())
	}
	for u := s.Lo / ShareUnit; u*ShareUnit < s.Hi; u++ {
		n := int64(min(s.Hi, (u+1)*ShareUnit) - max(s.Lo, u*ShareUnit))
		if long && r.ownsUnit(u) {
			p.longQueries += n
		}
		switch {
		case own && r.units[u].long:
			p.longKeys += n
		case r.ownsUnit(u) && !r.units[u].long:
			p.keys += n
			if own && !long {
				p.both += n
			}
		}
	}
}
