package attention

import (
	"math/bits"
	"slices"

	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// ownTile reports whether tile t's queries are rows of Q: all are but in a Share.
func (l *layout) ownTile(t int) bool { return l.share == nil || l.share.ownsTile(t) }

// ownChunk reports whether the keys of chunk c are rows of K.
func (l *layout) ownChunk(c int) bool { return l.share == nil || l.share.ownsUnit(c) }

// sumsTile reports whether the sums of tile t's queries are formed here, whole: they are own, and not long.
func (l *layout) sumsTile(t int) bool {
	return l.share == nil || l.share.ownsTile(t) && !l.share.tiles[t].long
}

// sumsChunk reports whether the sums of chunk c's keys are formed here, whole.
func (l *layout) sumsChunk(c int) bool {
	return l.share == nil || l.share.ownsUnit(c) && !l.share.units[c].long
}

// tileAt is the tile that begins at a position, or −1.
func (l *layout) tileAt(at int) int {
	if l.share == nil {
		return -1
	}
	i, found := slices.BinarySearchFunc(l.share.tiles, at, func(t tileRows, at int) int { return t.at - at })
	if !found {
		return -1
	}
	return i
}

// unitAt is the unit of keys that begins at a position, or −1.
func (l *layout) unitAt(at int) int {
	if l.share == nil || at < 0 || at >= l.share.Tokens || at%ShareUnit != 0 {
		return -1
	}
	return int(l.share.unitOf[at/ShareUnit])
}

// ownSpan are the rows of own keys in a span of positions.
func (l *layout) ownSpan(span int) (lo, hi int) {
	r := l.share
	lo, hi = max(r.Own.Lo, span*spanKeys), min(r.Own.Hi, (span+1)*spanKeys)
	shift := r.ownUnit*ShareUnit - r.Own.Lo
	return lo + shift, hi + shift
}

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

// loadQueries transposes columns lo … hi−1 of a tile's queries into qt [D][Lanes], times scale. rows is scratch of [Lanes][D].
func (s *sequence) loadQueries(in In, t, lo, hi int, scale float32, rows, qt []float32) {
	if s.ownTile(t) {
		row := s.queryRow(t)
		loadTile(in.Q.Slice(row, row+s.rows(t), lo, hi), scale, rows, qt)
		return
	}
	s.farQueries(rows, hi-lo, in.Far.Q, t, lo, hi)
	kernel.TileLoad(kernel.Lanes, hi-lo, rows, hi-lo, scale, qt)
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
		m.SliceRows(h.Lo, h.Hi).CopyFrom(far.Slice(row, row+h.Len(), from, to))
		row += h.Len()
	}
	return m
}
