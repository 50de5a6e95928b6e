package plan

import (
	"slices"

	"github.com/longspan/longspan/parallel"
)

// candidates lists the ranks of which one has the most of anything: all of a few, or else those of some shards of a sequence. All data
// shards are alike.
func (j Job) candidates() []int {
	const few = 8
	ranks, split := j.ranks(), j.Train.Split()
	var all []int
	if ranks <= few {
		for r := range ranks {
			all = append(all, r)
		}
		return all
	}
	each := j.Train.Shards / ranks
	for _, s := range j.extreme(split.Sequence) {
		all = append(all, s*split.Tensor/each, (s*split.Tensor+split.Tensor-1)/each)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// extreme lists shards of a sequence that differ from others. Those with the first tokens of a long sequence have global tokens. The last
// sees the most keys of a causal model. Inner ones have two neighbours in the same sequence. Those with the most tokens compute and keep
// the most. Those with the fewest receive the most where all rows are gathered.
func (j Job) extreme(shards int) []int {
	last := shards - 1
	all := []int{0, min(1, last), last / 2, max(0, last-1), last}
	share, err := parallel.NewShare(parallel.Dry(0, shards), j.Lengths)
	if err != nil {
		return all // the walk returns it
	}
	kinds := make([]shardKind, shards)
	for s := range kinds {
		kinds[s] = kindOf(share, s)
	}
	for _, among := range []func(k shardKind) bool{
		func(shardKind) bool { return true }, func(k shardKind) bool { return k.inner }, func(k shardKind) bool { return k.border },
	} {
		all = append(all, mostAndFewest(kinds, among)...)
	}
	return append(all, beginnings(share)...)
}

// mostBeginnings is the number of sequences whose first shards are looked at.
const mostBeginnings = 4

// beginnings are the shards with the first tokens of the longest sequences.
func beginnings(share *parallel.Share) (shards []int) {
	starts, order := share.Starts(), make([]int, len(share.Lengths))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return share.Lengths[b] - share.Lengths[a] })
	for _, i := range order[:min(mostBeginnings, len(order))] {
		shards = append(shards, share.Owner(starts[i]))
	}
	return shards
}

// shardKind is what shards of a sequence differ in.
type shardKind struct {
	rows   int
	inner  bool // the sequence goes on before it and after it
	border bool // at a border of spans, whose sums attention keeps apart
}

// spanTokens is the length of the spans of attention's sums.
const spanTokens = 16 * parallel.ShareUnit

func kindOf(share *parallel.Share, rank int) (k shardKind) {
	lo, hi := share.Rows(rank)
	k.rows = hi - lo
	before, after := false, false
	for _, p := range share.Pieces(rank) {
		length := share.Lengths[p.Sequence]
		before, after = before || p.From > 0, after || p.To < length
		first := max(1, (p.From+spanTokens-1)/spanTokens) * spanTokens
		k.border = k.border || first <= p.To && first < length
	}
	k.inner = before && after
	return k
}

// mostAndFewest are the first and the last shard with the most rows, and those with the fewest, of those among which to look.
func mostAndFewest(kinds []shardKind, among func(k shardKind) bool) []int {
	var some []int
	for s, k := range kinds {
		if among(k) {
			some = append(some, s)
		}
	}
	if len(some) == 0 {
		return nil
	}
	rows := func(a, b int) int { return kinds[a].rows - kinds[b].rows }
	most, fewest := kinds[slices.MaxFunc(some, rows)].rows, kinds[slices.MinFunc(some, rows)].rows
	var found []int
	for _, n := range []int{most, fewest} {
		is := func(s int) bool { return kinds[s].rows == n }
		first := slices.IndexFunc(some, is)
		found = append(found, some[first])
		slices.Reverse(some)
		found = append(found, some[slices.IndexFunc(some, is)])
		slices.Reverse(some)
	}
	return found
}
