package mechanism

import (
	"fmt"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/parallel"
)

// HeadsOf is the layer of key/value heads lo … hi−1 of l, with their query heads. It computes the bits that l has there. It returns an
// error for other heads than l has, and for none.
func HeadsOf(l Layer, lo, hi int) (Layer, error) {
	h, ok := l.(headed)
	if !ok {
		return nil, fmt.Errorf("mechanism: found a layer of %T, expected one that New returned", l)
	}
	if n := h.config().KVHeads; lo < 0 || hi <= lo || hi > n {
		return nil, fmt.Errorf("mechanism: found key/value heads %d … %d, expected some of 0 … %d", lo, hi-1, n-1)
	}
	if err := together(l); err != nil {
		return nil, err
	}
	return h.heads(lo, hi), nil
}

// together returns an error for a layer whose heads depend on each other.
func together(l Layer) error {
	if n, ok := l.(nystromLayer); ok {
		return n.together()
	}
	return nil
}

// OverCross is Over for queries that are other rows than the keys: sequence i of the whole batch has seqs[i].Q queries and the keys that s
// cuts. Rank r has rows queries[r] … queries[r+1]−1 of the queries. Heads are exchanged, whatever the mechanism.
func OverCross(l Layer, s *parallel.Share, seqs []attention.Seq, queries []int) (Core, error) {
	return overHeadsCross(l, s, seqs, queries)
}
