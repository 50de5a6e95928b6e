package attention

import (
	"sort"

	"github.com/longspan/longspan/internal/ceil"
	"github.com/longspan/longspan/internal/kernel"
)

// chunkKeys is the number of keys a piece of the backward pass owns. At D = 64 their K, V, dK and dV fill 512 KiB, half of a 1 MiB L2, and
// loading a tile of queries once for four blocks of keys costs 2 % of the products.
const chunkKeys = 4 * kernel.KeyBlock

// visit is a tile of queries that sees keys of a chunk. rank counts the chunks before it that the tile also sees, so that the
// chunks' shares of the tile's dQ can be added in one order, whoever computes them.
type visit struct{ tile, rank int32 }

// visits lists, for each chunk of keys, the tiles that see any of it, ascending, and for each tile the number of its chunks.
func (l *layout) visits() (byChunk [][]visit, chunks []int32) {
	l.transpose.Do(func() {
		l.byChunk, l.chunks = make([][]visit, ceil.Div(l.seq.K, chunkKeys)), make([]int32, l.tiles())
		l.wide = make([]int32, l.tiles())
		for t := range l.chunks {
			l.visitTile(t)
			l.wide[t] = -1
			if runs := l.tile(t); l.sumsTile(t) && len(runs) > 0 && l.span(int(runs[0].lo)) != l.span(int(runs[len(runs)-1].hi)-1) {
				l.wide[t] = int32(l.wides)
				l.wides++
			}
		}
	})
	return l.byChunk, l.chunks
}

// oneSpan is the number of the first visits whose tiles lie in one span.
func (l *layout) oneSpan(visits []visit) int {
	span, n := l.querySpan(int(visits[0].tile)), len(visits)
	if l.querySpan(int(visits[n-1].tile)) == span {
		return n
	}
	return sort.Search(n, func(i int) bool { return l.querySpan(int(visits[i].tile)) > span })
}

// visitTile adds tile t to the chunks it sees.
func (l *layout) visitTile(t int) {
	next := 0 // the first chunk not yet visited
	for _, r := range l.tile(t) {
		for c := max(next, int(r.lo)/chunkKeys); c*chunkKeys < int(r.hi) && c < len(l.byChunk); c++ {
			l.byChunk[c] = append(l.byChunk[c], visit{int32(t), l.chunks[t]})
			l.chunks[t]++
			next = c + 1
		}
	}
}

// runsFrom returns the runs of tile t that end after key lo.
func (l *layout) runsFrom(t, lo int) []run {
	runs := l.tile(t)
	a, b := 0, len(runs)
	for a < b {
		if mid := (a + b) / 2; int(runs[mid].hi) <= lo {
			a = mid + 1
		} else {
			b = mid
		}
	}
	return runs[a:]
}
