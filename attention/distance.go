package attention

import (
	"math"

	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// distanceTable is a bias that depends on the distance between query and key alone (query position − key position), tabulated for
// each head. A tile adds it by reading the table at an offset that steps down by one a key.
type distanceTable struct {
	plain
	a     *Attention
	first int        // the distance of entry 0
	heads tensor.Mat // [H, distances], times log2(e)
}

// distances returns the least and greatest distance that the tiles of a meet, keys past the last and queries past the last included.
func (a *Attention) distances() (low, high int) {
	low, high = math.MaxInt, math.MinInt
	for i := range a.seqs {
		s := &a.seqs[i]
		for t := range s.tiles() {
			runs := s.tile(t)
			if len(runs) == 0 {
				continue
			}
			low = min(low, s.queryAt(t)-s.keyAt(int(runs[len(runs)-1].hi)-1))
			high = max(high, s.queryAt(t)+kernel.Lanes-1-s.keyAt(int(runs[0].lo)))
		}
	}
	if low > high {
		return 0, 0
	}
	return low, high
}

// newDistanceTable tabulates value for every distance that the tiles meet.
func newDistanceTable(a *Attention, mem *tensor.Pool, dry bool, value func(head, distance int) float64) *distanceTable {
	low, high := a.distances()
	t := &distanceTable{a: a, first: low, heads: mem.Get(tensor.F32, a.c.Heads, high-low+1)}
	for h := 0; h < t.heads.Rows && !dry; h++ {
		row := t.heads.Row(h)
		for i := range row {
			row[i] = float32(value(h, low+i) * math.Log2E)
		}
	}
	return t
}

func (t *distanceTable) free(mem *tensor.Pool) { mem.Put(t.heads) }

// at is the entry for the last key and the first query of a tile.
func (t *distanceTable) at(ref tileRef) int {
	s := &t.a.seqs[ref.seq]
	return s.queryAt(ref.tile) - s.keyAt(ref.lo) - ref.n + 1 - t.first
}

func (t *distanceTable) add(ref tileRef, s, _ []float32) {
	kernel.TileShift(ref.n, s, t.heads.Row(ref.head)[t.at(ref):])
}

func (t *distanceTable) gradient(b *backward) biasGradient {
	return &distanceGradient{table: t, sums: b.x.Pool.GetZero(tensor.F32, t.heads.Rows, t.heads.Cols), out: b.g.Bias}
}

// distanceGradient sums the gradients of the scores by head and distance.
type distanceGradient struct {
	table *distanceTable
	sums  tensor.Mat // [H, distances]
	out   *BiasGrads
	into  func(g *distanceGradient)
}

func (g *distanceGradient) concurrent(n int) int { return n }

func (g *distanceGradient) add(ref tileRef, w *backwardWorker) {
	sums := g.sums.Row(ref.head)[g.table.at(ref):]
	for j := range ref.n {
		to := sums[ref.n-1-j : ref.n-1-j+kernel.Lanes]
		for x, ds := range w.dp[j*kernel.Lanes : (j+1)*kernel.Lanes] {
			to[x] += ds
		}
	}
}

func (g *distanceGradient) free(mem *tensor.Pool) { mem.Put(g.sums) }

func (g *distanceGradient) finish() {
	if g.into != nil {
		g.into(g)
	}
}
