package attention

import (
	"fmt"
	"math/bits"

	"github.com/longspan/longspan/attention/internal/check"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/internal/ceil"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// Share is the part of a sequence over itself that one of several ranks computes: the rank owns neighbouring tokens, and is given rows of
// tokens that others own. It forms every sum about its own tokens whole, in the order of one rank: O, LSE and DQ of its queries, and DK
// and DV of its keys. So they have the bits of one rank, however the sequence is cut.
type Share struct {
	Tokens  int            // of the whole sequence
	Own     pattern.Span   // from a multiple of ShareUnit to another, or to Tokens
	Keys    []pattern.Span // other tokens, ascending, whose K and V are in In.Far: all that own queries see
	Queries []pattern.Span // other tokens, ascending, whose Q and DO are in In.Far: all that see own keys. The forward pass needs none.
}

// ShareUnit is what the borders of own tokens are multiples of: the keys of a piece of the backward pass, which so has the same pieces as
// that of the whole.
const ShareUnit = chunkKeys

// Far is rows of tokens that other ranks own, for the shares of [NewShares]: those of all sequences one after another, ascending.
type Far struct {
	K, V tensor.Mat // [keys, Hkv·D]

	// For Backward. LSE and Delta are turned, unlike those of own rows: one row a token.
	Q, DO      tensor.Mat // [queries, H·D]
	LSE, Delta tensor.Mat // [queries, H] F32
}

// NewShares compiles c for this rank's shares of the sequences of a packed batch. Rows of Q, K, V, O and the gradients are the own tokens
// of all shares, one after another. Sinks, and the gradients of a bias, are summed over own queries alone: the sum over all ranks is that
// of the whole. It returns an error for what New refuses, for a [Matrix] of bias, and for a share that lacks keys that its queries see.
func NewShares(c Config, shares []Share) (*Attention, error) {
	a, err := newAttention(c)
	if err != nil {
		return nil, err
	}
	seqs := make([]Seq, len(shares))
	for i, s := range shares {
		seqs[i] = Seq{Q: s.Tokens, K: s.Tokens}
	}
	if err := a.check(seqs); err != nil {
		return nil, err
	}
	if _, ok := a.c.Bias.(Matrix); ok {
		return nil, fmt.Errorf("attention: found a matrix of bias for a share of a sequence, expected a bias by distance")
	}
	for i, s := range shares {
		rows, err := newShareRows(s)
		if err == nil {
			err = a.addShare(rows)
		}
		if err != nil {
			return nil, fmt.Errorf("attention: sequence %d: %w", i, err)
		}
	}
	return a, nil
}

// farMats are the keys and values of others, with their shapes. Without any they may be zero Mats.
func (a *Attention) farMats(in In) (mats []check.Mat) {
	return needed(a.farKeys, check.Of("Far.K", in.Far.K, a.farKeys, a.kvWidth()), check.Of("Far.V", in.Far.V, a.farKeys, a.kvWidth()))
}

// farQueryMats are the queries of others and what belongs to them, with their shapes. Without any they may be zero Mats.
func (a *Attention) farQueryMats(in In) (mats []check.Mat) {
	n, h := a.farQueries, a.c.Heads
	return needed(n, check.Of("Far.Q", in.Far.Q, n, a.qWidth()), check.Of("Far.DO", in.Far.DO, n, a.qWidth()),
		check.Of("Far.LSE", in.Far.LSE, n, h), check.Of("Far.Delta", in.Far.Delta, n, h))
}

// checkFarTypes refuses rows of others of other types than the own.
func (in In) checkFarTypes() error {
	for _, x := range []struct {
		name      string
		far, like tensor.Mat
	}{{"Far.K", in.Far.K, in.K}, {"Far.V", in.Far.V, in.V}, {"Far.Q", in.Far.Q, in.Q}} {
		if x.far.Rows > 0 && x.far.Type != x.like.Type {
			return fmt.Errorf("attention: found %s of %s, expected %s, the type of own rows", x.name, x.far.Type, x.like.Type)
		}
	}
	for _, m := range []check.Mat{{Name: "Far.LSE", M: in.Far.LSE}, {Name: "Far.Delta", M: in.Far.Delta}} {
		if m.M.Type != tensor.F32 {
			return wrongType(m.Name, m.M)
		}
	}
	return nil
}

// needed lists the matrices of n rows that must be there.
func needed(n int, all ...check.Mat) (mats []check.Mat) {
	for _, m := range all {
		if n > 0 || m.M.Rows > 0 {
			mats = append(mats, m)
		}
	}
	return mats
}

// addShare appends a share to the batch.
func (a *Attention) addShare(rows *shareRows) error {
	if rows.Own == (pattern.Span{Lo: 0, Hi: rows.Tokens}) && len(rows.Keys)+len(rows.Queries) == 0 {
		return a.add(Seq{Q: rows.Tokens, K: rows.Tokens})
	}
	l, err := compileShare(a.c.Pattern, rows, 0, maxRuns)
	if err != nil {
		return err
	}
	a.addLayout(sequence{Seq: l.seq, fq0: a.farQueries, fk0: a.farKeys, layout: l}, rows.Own.Len(), rows.Own.Len())
	a.farQueries, a.farKeys = a.farQueries+length(rows.Queries), a.farKeys+length(rows.Keys)
	return nil
}

// length is the number of tokens in spans.
func length(spans []pattern.Span) (n int) {
	for _, s := range spans {
		n += s.Len()
	}
	return n
}

// shareRows says where the tiles of queries and the units of keys of a share's layout stand in the sequence, and where their rows lie. A
// unit is ShareUnit keys, whole, of which some may not be there: nobody sees them.
type shareRows struct {
	Share
	tiles    []tileRows
	units    []unitRows
	unitOf   []int32 // of the sequence → of the layout, or −1
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
}

// unitRows is a unit of keys. Those of a unit of others that are there are neighbouring rows of Far.
type unitRows struct {
	at   int            // position of the first key
	row  int            // of others: row of the first key that is there, within the share
	have []pattern.Span // of others: the keys that are there, from the unit's first on
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
	return r, nil
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

// cut replaces the visible keys of query x of a tile by rows of the layout: those of an own query, which must all be there, and the own
// keys among those of another.
func (r *shareRows) cut(spans []pattern.Span, tile, x int) ([]pattern.Span, error) {
	kept, own := spans[:0], r.ownsTile(tile)
	for _, s := range spans {
		switch {
		case !own:
			if s.Lo, s.Hi = max(s.Lo, r.Own.Lo), min(s.Hi, r.Own.Hi); s.Lo >= s.Hi {
				continue
			}
			if r.tiles[tile].have>>x&1 == 0 {
				return nil, fmt.Errorf("query %d sees own key %d, expected it among Queries; list every query that sees an own key",
					r.tiles[tile].at+x, s.Lo)
			}
		case !r.holds(s):
			return nil, fmt.Errorf("own query %d sees keys %d … %d, expected all of them to be own or among Keys; list every key that an own "+
				"query sees", r.tiles[tile].at+x, s.Lo, s.Hi-1)
		}
		kept = append(kept, pattern.Span{Lo: r.row(s.Lo), Hi: r.row(s.Hi-1) + 1})
	}
	return kept, nil
}

// inside counts the own keys among rows of the layout.
func (r *shareRows) inside(s pattern.Span) int64 {
	lo, hi := r.ownUnit*ShareUnit, r.ownUnit*ShareUnit+r.Own.Len()
	return int64(max(0, min(s.Hi, hi)-max(s.Lo, lo)))
}

// ownTile reports whether tile t's queries are rows of Q: all are but in a Share.
func (l *layout) ownTile(t int) bool { return l.share == nil || l.share.ownsTile(t) }

// ownChunk reports whether the keys of chunk c are rows of K.
func (l *layout) ownChunk(c int) bool { return l.share == nil || l.share.ownsUnit(c) }

// ownTiles are the tiles whose queries are rows of Q: first … first+n−1.
func (l *layout) ownTiles() (first, n int) {
	if l.share == nil {
		return 0, l.tiles()
	}
	return l.share.ownTile, l.share.ownTiles
}

// queryRow is the row in Q of the first query of an own tile.
func (s *sequence) queryRow(t int) int {
	first, _ := s.ownTiles()
	return s.q0 + (t-first)*kernel.Lanes
}

// keyRow is the row in K of key row lo of the layout, which is own.
func (s *sequence) keyRow(lo int) int {
	if s.share != nil {
		lo -= s.share.ownUnit * ShareUnit
	}
	return s.k0 + lo
}

// queryAt is the position of the first query of tile t.
func (l *layout) queryAt(t int) int {
	if l.share != nil {
		return l.share.tiles[t].at
	}
	return l.seq.Offset + t*kernel.Lanes
}

// keyAt is the position of key row k of the layout.
func (l *layout) keyAt(k int) int {
	if l.share != nil {
		return l.share.units[k/ShareUnit].at + k%ShareUnit
	}
	return l.seq.Start + k
}

// rows is the number of queries of tile t.
func (l *layout) rows(t int) int {
	if l.share != nil {
		return min(kernel.Lanes, l.share.Tokens-l.share.tiles[t].at)
	}
	return min(kernel.Lanes, l.seq.Q-t*kernel.Lanes)
}

// farQueries widens columns lo … hi−1 of the queries of others in tile t, or of what belongs to them, to dst: rows width apart, zeros where
// a query is not there.
func (s *sequence) farQueries(dst []float32, width int, far tensor.Mat, t, lo, hi int) {
	clear(dst[:kernel.Lanes*width])
	at := s.share.tiles[t]
	row := s.fq0 + at.row
	for have := at.have; have != 0; have &= have - 1 {
		x := bits.TrailingZeros32(have)
		far.ReadPart(dst[x*width:x*width+hi-lo], row, lo)
		row++
	}
}

// keyRows are the rows lo … hi−1 of the layout, all of one unit in a Share, as columns from … to−1 of own and far have them: a view, or
// a copy with zeros where some keys of others are not there.
func (s *sequence) keyRows(own, far tensor.Mat, lo, hi, from, to int) tensor.Mat {
	if s.share == nil || s.share.ownsUnit(lo/ShareUnit) {
		first := s.keyRow(lo)
		return own.Slice(first, first+hi-lo, from, to)
	}
	u := s.share.units[lo/ShareUnit]
	row := s.fk0 + u.row
	if len(u.have) == 1 && u.have[0].Len() == hi-lo {
		return far.Slice(row, row+hi-lo, from, to)
	}
	m := tensor.New(far.Type, hi-lo, to-from)
	for _, h := range u.have {
		copyMat(m.SliceRows(h.Lo, h.Hi), far.Slice(row, row+h.Len(), from, to))
		row += h.Len()
	}
	return m
}

// copyMat copies src to dst, of the same shape and type.
func copyMat(dst, src tensor.Mat) {
	for i := range dst.Rows {
		if dst.Type == tensor.F32 {
			copy(dst.Row(i), src.Row(i))
		} else {
			copy(dst.Row16(i), src.Row16(i))
		}
	}
}
