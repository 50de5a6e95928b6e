package nn

import (
	"errors"
	"fmt"

	"github.com/longspan/longspan/attention/mechanism"
	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/tensor"
)

// Cache is the state of an attention layer while one sequence is decoded: the keys and values that later tokens may see, or the
// constant-size state of linear attention.
type Cache struct {
	pool  *tensor.Pool
	state mechanism.State
	r     tensor.Mat // of relative positions: the projected distances 0, 1, …, F32
}

// NewCache returns an empty cache. The layer must be causal. A token sees at most memory earlier tokens, of those that the mechanism shows;
// 0: all.
func (a *Attention) NewCache(pool *tensor.Pool, memory int) (*Cache, error) {
	state, err := a.layer.NewState(pool, memory)
	return &Cache{pool: pool, state: state}, err
}

// Reset empties the cache, and keeps its buffers for another sequence.
func (c *Cache) Reset() { c.state.Reset() }

// Free returns the buffers to the pool.
func (c *Cache) Free() {
	c.state.Free()
	c.pool.Put(c.r)
	c.r = tensor.Mat{}
}

// ApplyCached appends n tokens x [n, width] to the sequence of a cache, and returns their attention [n, width] to the tokens of the cache
// and to themselves. p.Starts is their position. Keys and values are projected once.
func (a *Attention) ApplyCached(p *Pass, x *autograd.Var, c *Cache) *autograd.Var {
	q, kv := a.c.Heads*a.c.HeadDim, a.c.KVHeads*a.c.HeadDim
	if !a.c.Cross {
		return a.out.Apply(p, p.G.Decode(c.state, a.project(p, x), a.cachedTerms(p, c, x.Rows())...))
	}
	queries := a.rotate(p, a.queries(p, x), q, p.Positions())
	keys := a.rotate(p, a.keysValues(p, x), kv, p.Positions())
	return a.out.Apply(p, p.G.DecodeCross(c.state, queries, keys, a.cachedTerms(p, c, x.Rows())...))
}

// Fork returns a cache of its own after the same tokens, for another continuation of them.
func (c *Cache) Fork() (*Cache, error) {
	s, ok := c.state.(mechanism.Forker)
	if !ok {
		return nil, fmt.Errorf("nn: found the state %T, expected one that can be continued in several ways", c.state)
	}
	return &Cache{pool: c.pool, state: s.Fork()}, nil
}

// Follow makes c the state of the tokens of other, which began as a fork of the same cache and has as many tokens. The first shared tokens
// of both are the same; of a pattern's keys and values only those of later tokens are copied.
func (c *Cache) Follow(other *Cache, shared int) error {
	s, ok := c.state.(mechanism.Forker)
	if !ok {
		return fmt.Errorf("nn: found the state %T, expected one that can be continued in several ways", c.state)
	}
	return s.Follow(other.state, shared)
}

// Arrange gives cache i the state of cache from[i]; from is a permutation. It moves no data.
func Arrange(caches []*Cache, from []int) {
	states := make([]mechanism.State, len(caches))
	for i, f := range from {
		states[i] = caches[f].state
	}
	for i, s := range states {
		caches[i].state = s
	}
}

// ApplyEach is [Attention.ApplyCached] of one token of each of several sequences of equal length: row i of x [n, width] belongs to
// caches[i]. The projections are one product over all rows.
func (a *Attention) ApplyEach(p *Pass, x *autograd.Var, caches []*Cache) *autograd.Var {
	if len(caches) == 0 {
		return p.G.Fail(errors.New("nn: found no caches, expected one for each sequence"))
	}
	states := make([]mechanism.State, len(caches))
	for i, c := range caches {
		states[i] = c.state
	}
	parts := []*autograd.Var{nil}
	if a.c.Cross {
		q, kv := a.c.Heads*a.c.HeadDim, a.c.KVHeads*a.c.HeadDim
		parts = []*autograd.Var{a.rotate(p, a.queries(p, x), q, p.Positions()), a.rotate(p, a.keysValues(p, x), kv, p.Positions())}
	} else {
		parts[0] = a.project(p, x)
	}
	return a.out.Apply(p, p.G.DecodeEach(states, parts, a.cachedTerms(p, caches[0], 1)...)) // distances are those of all
}

// cachedTerms is terms for n appended tokens.
func (a *Attention) cachedTerms(p *Pass, c *Cache, n int) []*autograd.Var {
	return a.termsOver(p, func() *autograd.Var {
		if err := a.projectDistances(p, c, c.state.Tokens()+n-c.state.Oldest()); err != nil {
			return p.G.Fail(err)
		}
		return p.G.Input(c.r)
	})
}

// projectDistances makes sure that the cache has the projections of the given number of distances. It makes half as many more, so that a
// growing sequence seldom projects again, and drops the surplus of a long prompt.
func (a *Attention) projectDistances(p *Pass, c *Cache, distances int) error {
	have, room := c.r.Rows, distances+distances/2
	if have >= distances && have <= 4*room {
		return nil
	}
	r := c.pool.Get(tensor.F32, room, a.c.Heads*a.c.HeadDim)
	if !r.Dry() {
		copy(r.F32, c.r.F32)
	}
	c.pool.Put(c.r)
	c.r = r
	if have >= room {
		return nil
	}
	inner := p.separate()
	defer inner.Close()
	more := inner.G.Keep(a.r.ApplyF32(inner, inner.distances(have, room-have, a.c.Width, a.c.Most)))
	if err := inner.G.Forward(); err != nil {
		return err
	}
	if !r.Dry() {
		copy(r.SliceRows(have, room).F32, more.Value().F32)
	}
	return nil
}

// CacheSource returns a cache of the keys and values of a source [S, width], for a cross-attention layer: every token reads all of them.
func (a *Attention) CacheSource(p *Pass, source tensor.Mat) (*Cache, error) {
	inner := p.separate()
	defer inner.Close()
	kv := inner.G.Keep(a.keysValues(inner, inner.G.Input(source)))
	if err := inner.G.Forward(); err != nil {
		return nil, err
	}
	pool := p.G.Exec().Pool
	keys, err := mechanism.NewKeyValues(pool, a.layer)
	if err != nil {
		return nil, err
	}
	half := kv.Cols() / 2
	keys.Append(kv.Value().SliceCols(0, half), kv.Value().SliceCols(half, 2*half))
	return &Cache{pool: pool, state: keys}, nil
}

// AppendKeys appends the keys and values of x [n, width] to a cache of a layer with a memory. Nothing asks for their attention.
func (a *Attention) AppendKeys(p *Pass, x *autograd.Var, c *Cache) error {
	keys, ok := c.state.(*mechanism.KeyValues)
	if !ok || !a.c.Cross {
		return errors.New("nn: found a layer without a memory of keys and values, expected softmax attention with one")
	}
	kv := p.G.Keep(a.keysValues(p, x))
	if err := p.G.Forward(); err != nil {
		return err
	}
	half := kv.Cols() / 2
	keys.Append(kv.Value().SliceCols(0, half), kv.Value().SliceCols(half, 2*half))
	return nil
}

// separate is a pass with a graph of its own.
func (p *Pass) separate() *Pass {
	return &Pass{G: autograd.New(p.G.Exec(), autograd.Options{Policy: p.G.Policy()}), Compiled: p.Compiled}
}

// ApplySource returns the attention [n, width] of x [n, width] to a source. The cache must be one of CacheSource.
func (a *Attention) ApplySource(p *Pass, x *autograd.Var, c *Cache) *autograd.Var {
	keys, ok := c.state.(*mechanism.KeyValues)
	if !ok {
		return p.G.Fail(errors.New("nn: found the cache of a sequence, expected a cache made by CacheSource"))
	}
	return a.out.Apply(p, p.G.DecodeOver(keys, a.queries(p, x), a.terms(p, nil)...))
}
