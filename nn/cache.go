package nn

import (
	"errors"

	"github.com/longspan/longspan/attention/linear"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/tensor"
)

// Cache is what an attention layer carries from token to token of one sequence that is being decoded: keys and values, as many as tokens to
// come may see, or the constant-size state of linear attention.
type Cache struct {
	pool  *tensor.Pool
	keys  *autograd.Cache
	state *linear.State
	r     tensor.Mat // of relative positions: the projected distances 0, 1 …, F32
}

// NewCache returns the cache before the first token. The layer must be causal. memory is how many tokens before it each token sees, of
// those that the mechanism shows; 0: all.
func (a *Attention) NewCache(pool *tensor.Pool, memory int) (*Cache, error) {
	c := &Cache{pool: pool}
	if !a.c.Causal {
		return nil, errors.New("nn: a layer that sees what comes later cannot be decoded token by token; use a causal model")
	}
	if a.c.Mechanism.Softmax() {
		p := a.softmax.Pattern
		if memory > 0 {
			p = pattern.And(p, pattern.Memory(memory))
		}
		c.keys = autograd.NewCache(pool, p)
		return c, nil
	}
	if memory > 0 {
		return nil, errors.New("nn: " + a.c.Mechanism.String() + " sums up all that came before; use a pattern for a memory of so many tokens")
	}
	l, err := linear.New(a.linearConfig, nil)
	if err != nil {
		return nil, err
	}
	c.state, err = l.NewState()
	return c, err
}

// Reset goes back to before the first token, and keeps the memory for another sequence.
func (c *Cache) Reset() {
	if c.keys != nil {
		c.keys.Reset()
	}
	if c.state != nil {
		c.state.Reset()
	}
}

// Free gives the cache's memory back.
func (c *Cache) Free() {
	if c.keys != nil {
		c.keys.Free()
	}
	c.pool.Put(c.r)
	c.r = tensor.Mat{}
}

// ApplyCached attends the tokens x [n, width] of one sequence to those before them, which are in the cache, and to themselves. The
// pass says where they start. Keys and values are projected once, when their tokens come.
func (a *Attention) ApplyCached(p *Pass, x *autograd.Var, c *Cache) *autograd.Var {
	q, kv := a.c.Heads*a.c.HeadDim, a.c.KVHeads*a.c.HeadDim
	if !a.c.Apart {
		qkv := a.project(p, x)
		if c.state != nil {
			return a.out.Apply(p, p.G.DecodeLinear(c.state, a.linearConfig, qkv))
		}
		return a.out.Apply(p, p.G.DecodeAttention(a.softmax, c.keys, qkv, a.cachedTerms(p, c, x.Rows())))
	}
	queries := a.turn(p, a.q.Apply(p, x), q, p.Positions())
	keys := a.turn(p, a.kv.Apply(p, x), kv, p.Positions())
	return a.out.Apply(p, p.G.DecodeCrossAttention(a.softmax, c.keys, queries, keys, a.cachedTerms(p, c, x.Rows())))
}

// cachedTerms is terms for n more tokens.
func (a *Attention) cachedTerms(p *Pass, c *Cache, n int) autograd.Terms {
	if a.c.Position != Relative {
		return a.terms(p, nil)
	}
	if err := a.projectDistances(p, c, c.keys.Tokens()+n-c.keys.Oldest()); err != nil {
		p.G.Fail(err)
		return autograd.Terms{}
	}
	return autograd.Terms{Sinks: p.Leaf(a.sinks), Relative: &autograd.Relative{U: p.Leaf(a.u), V: p.Leaf(a.v), R: p.G.Input(c.r)}}
}

// projectDistances makes sure that the cache has the projections of the given number of distances. It makes half as many more, so that few of the tokens
// of a sequence that grows pay for it, and lets go of what only a prompt needed.
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
	of := &Pass{G: autograd.New(p.G.Exec(), autograd.Options{Policy: p.G.Policy()}), Shapes: p.Shapes}
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
	of := &Pass{G: autograd.New(p.G.Exec(), autograd.Options{Policy: p.G.Policy()}), Shapes: p.Shapes}
	defer of.Close()
	kv := of.G.Keep(a.kv.Apply(of, of.G.Input(source)))
	if err := of.G.Forward(); err != nil {
		return nil, err
	}
	pool := p.G.Exec().Pool
	c := &Cache{pool: pool, keys: autograd.NewCache(pool, nil)}
	c.keys.Fill(kv)
	return c, nil
}

// ApplySource attends x [n, width] to a source that CacheSource read.
func (a *Attention) ApplySource(p *Pass, x *autograd.Var, c *Cache) *autograd.Var {
	return a.out.Apply(p, p.G.DecodeOver(a.softmax, c.keys, a.q.Apply(p, x), a.terms(p, nil)))
}
