package vocab

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/longspan/longspan/internal/pool"
)

// prune keeps size pieces: all single characters, and of the others those whose loss would cost the likelihood most. The cost is taken as
// if each place of a piece were cut into the second most likely way (Kudo 2018, section 3.2).
func (u *unigram) prune(ctx context.Context, size int) error {
	m := newModel(u.pieces, u.trie)
	counts := u.bestCounts(m)
	sum := int64(0)
	for _, n := range counts {
		sum += n
	}
	losses := u.losses(m, counts, float64(sum))
	order := make([]int, len(u.pieces))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(losses[b], losses[a]) })
	order = order[:min(size, len(order))]
	slices.Sort(order) // by text
	kept := make([]scored, len(order))
	for i, piece := range order {
		kept[i] = u.pieces[piece]
	}
	u.keep(kept)
	return u.step(ctx)
}

// bestCounts returns how often each piece is in the most likely ways through all parts.
func (u *unigram) bestCounts(m *model) []int64 {
	var sums [shards][]int64
	for i := range sums {
		sums[i] = make([]int64, len(u.pieces))
	}
	u.each(m, func(shard int, l *lattice, p part) {
		l.viterbi(m, int(p.size))
		l.way(int(p.size), func(piece int32) { sums[shard][piece] += p.count })
	})
	for _, sum := range sums[1:] {
		for i, n := range sum {
			sums[0][i] += n
		}
	}
	return sums[0]
}

// losses returns by how much the log-likelihood falls without each piece: +∞ for a character, and a negative number for a piece that no
// most likely way has.
func (u *unigram) losses(m *model, counts []int64, sum float64) []float64 {
	losses := make([]float64, len(u.pieces))
	const block = 4096
	pool.Run(len(u.scratch), (len(losses)+block-1)/block, func(worker, b int) {
		l := &u.scratch[worker]
		for i := b * block; i < min((b+1)*block, len(losses)); i++ {
			p := u.pieces[i]
			switch n := float64(counts[i]); {
			case p.single:
				losses[i] = math.Inf(1)
			case n == 0:
				losses[i] = p.score // −∞ in the limit; the score keeps the likelier where some of them must stay
			default:
				losses[i] = n * u.loss(m, l, i, counts, sum)
			}
		}
	})
	return losses
}

// loss is the fall of the log-likelihood at each place of a piece. Its count n goes to the k pieces of its second way, and the sum of
// all counts grows by n·(k−1).
func (u *unigram) loss(m *model, l *lattice, i int, counts []int64, sum float64) float64 {
	text, n := []byte(u.pieces[i].text), float64(counts[i])
	l.find(m, text, int32(i))
	l.viterbi(m, len(text))
	k := 0
	l.way(len(text), func(int32) { k++ })
	grown := math.Log(sum + n*float64(k-1))
	instead := 0.0
	l.way(len(text), func(piece int32) { instead += math.Log(float64(counts[piece])+n) - grown })
	return max(0, math.Log(n)-math.Log(sum)-instead)
}
