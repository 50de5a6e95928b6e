package nn

import (
	"fmt"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/mechanism"
	"github.com/longspan/longspan/parallel"
)

// CompileCache keeps attention that is compiled for the lengths of a batch. The layers of a model, and batches of the same lengths, then
// compile it once. One goroutine uses a cache at a time.
type CompileCache struct {
	cores  map[string]mechanism.Core
	rotary map[attention.RotaryConfig]rotaryTable
}

type rotaryTable struct {
	r         *attention.Rotary
	positions int
}

// NewCompileCache returns an empty cache.
func NewCompileCache() *CompileCache {
	return &CompileCache{map[string]mechanism.Core{}, map[attention.RotaryConfig]rotaryTable{}}
}

// maxCores is the largest number of cores in a cache; then all are dropped. It is more than a model has mechanisms, and bounds the memory
// of lengths that do not return.
const maxCores = 32

// compile returns the core of l for the sequences.
func (s *CompileCache) compile(l mechanism.Layer, seqs []attention.Seq) (mechanism.Core, error) {
	key := fmt.Sprintf("%T %s %v", l, l.Key(), seqs)
	return s.cached(key, func() (mechanism.Core, error) { return l.Compile(seqs) })
}

// cached returns the core of a key, which make makes at first.
func (s *CompileCache) cached(key string, make func() (mechanism.Core, error)) (mechanism.Core, error) {
	if core, ok := s.cores[key]; ok {
		return core, nil
	}
	core, err := make()
	if err != nil {
		return nil, err
	}
	if len(s.cores) >= maxCores {
		clear(s.cores)
	}
	s.cores[key] = core
	return core, nil
}

// compileOver returns the core of l for the rows of a share.
func (s *CompileCache) compileOver(l mechanism.Layer, share *parallel.Share) (mechanism.Core, error) {
	key := fmt.Sprintf("%T %s over %v of %v", l, l.Key(), share.Cuts, share.Lengths)
	return s.cached(key, func() (mechanism.Core, error) { return mechanism.Over(l, share) })
}

// compileCrossOver returns the core of l for queries that are other rows than the keys of a share.
func (s *CompileCache) compileCrossOver(l mechanism.Layer, share *parallel.Share, seqs []attention.Seq,
	queries []int) (mechanism.Core, error) {
	key := fmt.Sprintf("%T %s over %v of %v, %v", l, l.Key(), share.Cuts, seqs, queries)
	return s.cached(key, func() (mechanism.Core, error) { return mechanism.OverCross(l, share, seqs, queries) })
}

// rotate returns the rotary table of c for at least the given number of positions.
func (s *CompileCache) rotate(c attention.RotaryConfig, positions int) (*attention.Rotary, error) {
	t := s.rotary[c]
	if t.positions < positions || t.r == nil {
		t.positions = 1024
		for t.positions < positions {
			t.positions *= 2
		}
		r, err := attention.NewRotary(c, t.positions)
		if err != nil {
			return nil, err
		}
		t.r = r
		s.rotary[c] = t
	}
	return t.r, nil
}
