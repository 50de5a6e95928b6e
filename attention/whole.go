package attention

import "github.com/longspan/longspan/internal/kernel"

// WholeRows reports whether a tile of scores has all keys that its queries see: no sequence has more than 128 keys, the pattern shows each
// 32 queries one run of them, and there are no sinks and no shares. Then Backward needs neither O nor LSE: it finds the normalisers of a
// tile, and δ = Σ p·dp, from the tile itself. That saves a forward pass whose output nobody wants.
func (a *Attention) WholeRows() bool {
	if a.c.Sinks != nil || a.shares || a.longestKeys > kernel.KeyBlock {
		return false
	}
	for i := range a.seqs {
		s := &a.seqs[i]
		for t := range s.tiles() {
			if len(s.tile(t)) > 1 {
				return false
			}
		}
	}
	return true
}
