package nn

import (
	"github.com/longspan/longspan/attention/mechanism"
	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/tensor"
)

// Cache is what an attention layer carries from token to token of one sequence that is being decoded: keys and values that a later
// token may see, or the constant-size state of linear attention.
type Cache struct {
	pool  *tensor.Pool
	state mechanism.State
	r     tensor.Mat // of relative positions: the projected distances 0, 1 …, F32
}

// NewCache returns the cache before the first token. The layer must be causal. A token sees at most memory tokens before it, of
// those that the mechanism shows; 0: all.
func (a *Attention) NewCache(pool *tensor.Pool, memory int) (*Cache, error) {
	state, err := a.layer.NewState(pool, memory)
	return &Cache{pool: pool, state: state}, err
}

// Reset goes back to before the first token, and keeps the memory for another sequence.
func (c *Cache) Reset() { c.state.Reset() }

// Free gives the cache's memory back.
func (c *Cache) Free() {
	c.state.Free()
	c.pool.Put(c.r)
	c.r = tensor.Mat{}
}

// ApplyCached attends the tokens x [n, width] of one sequence to those before them, which are in the cache, and to themselves. The
// pass says where they start. Keys and values are projected once, when their tokens come.
func (a *Attention) ApplyCached(p *Pass, x *autograd.Var, c *Cache) *autograd.Var {
	q, kv := a.c.Heads*a.c.HeadDim, a.c.KVHeads*a.c.HeadDim
	if !a.c.Apart {
		return a.out.Apply(p, p.G.Decode(c.state, a.project(p, x), a.cachedTerms(p, c, x.Rows())...))
	}
	queries := a.rotate(p, a.queries(p, x), q, p.Positions())
	keys := a.rotate(p, a.keysValues(p, x), kv, p.Positions())
	return a.out.Apply(p, p.G.DecodeCross(c.state, queries, keys, a.cachedTerms(p, c, x.Rows())...))
}

// cachedTerms is terms for n more tokens.
func (a *Attention) cachedTerms(p *Pass, c *Cache, n int) []*autograd.Var {
	return a.termsOver(p, func() *autograd.Var {
		if err := a.projectDistances(p, c, c.state.Tokens()+n-c.state.Oldest()); err != nil {
			return p.G.Fail(err)
		}
		return p.G.Input(c.r)
	})
}

// projectDistances makes sure that the cache has the projections of the given number of distances. It makes half as many more, so
// that few tokens of a growing sequence pay for it, and drops what only a prompt needed.
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
	of := &Pass{G: autograd.New(p.G.Exec(), autograd.Options{Policy: p.G.Policy()}), Compiled: p.Compiled}
	defer of.Close()
	more := of.G.Keep(a.r.ApplyF32(of, of.distances(have, room-have, a.c.Width)))
	if err := of.G.Forward(); err != nil {
		return err
	}
	if !r.Dry() {
		copy(r.SliceRows(have, room).F32, more.Value().F32)
	}
	return nil
}

// CacheSource projects the keys and values of a source [S, width], of which a cross-attention layer reads all whatever the token.
func (a *Attention) CacheSource(p *Pass, source tensor.Mat) (*Cache, error) {
	of := &Pass{G: autograd.New(p.G.Exec(), autograd.Options{Policy: p.G.Policy()}), Compiled: p.Compiled}
	defer of.Close()
	kv := of.G.Keep(a.keysValues(of, of.G.Input(source)))
	if err := of.G.Forward(); err != nil {
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

// ApplySource attends x [n, width] to a source that CacheSource read.
func (a *Attention) ApplySource(p *Pass, x *autograd.Var, c *Cache) *autograd.Var {
	return a.out.Apply(p, p.G.DecodeOver(c.state.(*mechanism.KeyValues), a.queries(p, x), a.terms(p, nil)...))
}
