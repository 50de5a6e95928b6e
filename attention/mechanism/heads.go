package mechanism

import "fmt"

// Heads is the layer of key/value heads lo … hi−1 of l, with their query heads. It computes the bits that l has there. It returns an error
// for other heads than l has, and for none.
func Heads(l Layer, lo, hi int) (Layer, error) {
	h, ok := l.(headed)
	if !ok {
		return nil, fmt.Errorf("mechanism: found a layer of %T, expected one that New returned", l)
	}
	if n := h.config().KVHeads; lo < 0 || hi <= lo || hi > n {
		return nil, fmt.Errorf("mechanism: found key/value heads %d … %d, expected some of 0 … %d", lo, hi-1, n-1)
	}
	return h.heads(lo, hi), nil
}
