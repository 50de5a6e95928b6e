package parallel

import (
	"fmt"
	"slices"
)

// Sub returns the engine of a group of the ranks of e, of which this rank must be one: rank i of the group is ranks[i]. Exchanges of the
// group and of e may alternate, in the same order on all of its ranks. Abort ends all ranks of e.
func Sub(e Engine, ranks []int) (Engine, error) {
	at := slices.Index(ranks, e.Rank())
	if at < 0 {
		return nil, fmt.Errorf("parallel: found the group %v on rank %d, expected a group that has this rank", ranks, e.Rank())
	}
	for _, r := range ranks {
		if r < 0 || r >= e.Size() {
			return nil, fmt.Errorf("parallel: found the group %v of %d ranks, expected ranks of 0 … %d", ranks, e.Size(), e.Size()-1)
		}
	}
	return &sub{e, at, ranks}, nil
}

// sub is a group of ranks.
type sub struct {
	Engine
	rank  int
	ranks []int
}

func (s *sub) Rank() int    { return s.rank }
func (s *sub) Size() int    { return len(s.ranks) }
func (s *sub) Close() error { return nil }

func (s *sub) Begin(name string, send, recv []Part) Pending {
	if err := CheckParts(s, name, send, recv); err != nil {
		return &done{err}
	}
	return s.Engine.Begin(name, s.outside(send), s.outside(recv))
}

// outside are parts with the ranks of the whole engine.
func (s *sub) outside(parts []Part) []Part {
	all := slices.Clone(parts)
	for i, p := range all {
		all[i].Rank = s.ranks[p.Rank]
	}
	return all
}
