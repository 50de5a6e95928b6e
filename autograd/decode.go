package autograd

import (
	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/linear"
)

// decode is attention of new tokens over a cache that they join first.
type decode struct {
	noBackward
	cache *Cache
	c     attention.Config
	dims  headDims
	parts int // matrices that hold q, k and v: 1 or 2
	terms Terms
}

// DecodeAttention appends the keys and values in qkv [n, (H + 2·Hkv)·D] to the cache when it runs, and returns the attention
// of the n queries over what the cache's pattern, which takes the place of c's, then shows them: [n, H·D]. For graphs without Train.
func (g *Graph) DecodeAttention(c attention.Config, cache *Cache, qkv *Var, t Terms) *Var {
	return g.decode("DecodeAttention", c, cache, t, qkv)
}

// DecodeCrossAttention is DecodeAttention with the queries apart: q is [n, H·D] and kv [n, 2·Hkv·D].
func (g *Graph) DecodeCrossAttention(c attention.Config, cache *Cache, q, kv *Var, t Terms) *Var {
	return g.decode("DecodeCrossAttention", c, cache, t, q, kv)
}

func (g *Graph) decode(name string, c attention.Config, cache *Cache, t Terms, in ...*Var) *Var {
	o := newDecode(c, cache, len(in), t)
	if !g.checkInference(name, in...) || !g.checkParts(name, o.dims, in[0].rows, in[0].rows, in) || !g.checkTerms(name, o.dims, c, t) {
		return g.nothing()
	}
	return g.record(o, in[0].typ, in[0].rows, o.dims.q, append(in, t.vars()...)...)
}

func newDecode(c attention.Config, cache *Cache, parts int, t Terms) *decode {
	if c.KVHeads == 0 {
		c.KVHeads = c.Heads
	}
	c.Pattern = cache.pattern
	return &decode{cache: cache, c: c, dims: headDims{c.Heads * c.HeadDim, c.KVHeads * c.HeadDim}, parts: parts, terms: t}
}

func (o *decode) forward(c *call) error {
	q, k, v := o.dims.split(c.in[:o.parts])
	o.cache.append(k, v)
	config, n := o.c, o.cache.rows
	config.Sinks, config.Bias = o.terms.bind(config, c.in[o.parts:])
	return attention.DecodeCached(c.x, config, o.cache.held, attention.Out{O: c.out}, attention.In{Q: q, K: o.cache.k.SliceRows(0, n), V: o.cache.v.SliceRows(0, n)})
}

// cost is read after forward: the new keys are among those held.
func (o *decode) cost(out *Var, in []*Var) (forward, backward Cost) { return o.over(out), Cost{} }

func (o *decode) over(out *Var) Cost {
	keys := int64(o.cache.rows)
	return Cost{Attention: 4 * keys * out.elements(), Moved: keys * int64(2*o.dims.kv*out.typ.Size())}
}

// decodeOver is attention of queries over a cache that they do not join.
type decodeOver struct{ decode }

// Fill appends the keys and values in kv [n, 2·Hkv·D], a kept variable of a graph that has run Forward.
func (c *Cache) Fill(kv *Var) {
	half := kv.cols / 2
	c.append(kv.value.SliceCols(0, half), kv.value.SliceCols(half, kv.cols))
}

// DecodeOver returns the attention [n, H·D] of queries q [n, H·D] over all of a cache that holds everything and stays as it is, such as that of
// a source. For graphs without Train.
func (g *Graph) DecodeOver(c attention.Config, cache *Cache, q *Var, t Terms) *Var {
	o := &decodeOver{*newDecode(c, cache, 1, t)}
	if !g.checkInference("DecodeOver", q) || !g.checkTerms("DecodeOver", o.dims, c, t) {
		return g.nothing()
	}
	if q.cols != o.dims.q {
		return g.failf("DecodeOver: found queries of %d features, expected %d", q.cols, o.dims.q)
	}
	return g.record(o, q.typ, q.rows, o.dims.q, append([]*Var{q}, t.vars()...)...)
}

func (o *decodeOver) forward(c *call) error {
	config, n, q := o.c, o.cache.rows, c.in[0]
	config.Pattern = nil
	config.Sinks, config.Bias = o.terms.bind(config, c.in[1:])
	k, v := o.cache.k.SliceRows(0, n), o.cache.v.SliceRows(0, n)
	if q.Rows <= n {
		return attention.DecodeCached(c.x, config, o.cache.held, attention.Out{O: c.out}, attention.In{Q: q, K: k, V: v})
	}
	// More queries than keys stand on none of them.
	a, err := attention.New(config, []attention.Seq{{Q: q.Rows, K: n}})
	if err != nil {
		return err
	}
	return a.Forward(c.x, attention.Out{O: c.out}, attention.In{Q: q, K: k, V: v})
}

// decodeLinear is linear attention of new tokens after those that a state has seen.
type decodeLinear struct {
	noBackward
	state *linear.State
	dims  headDims
}

// DecodeLinear returns the causal linear attention [n, H·D] of n more tokens, and moves the state past them when it runs. c
// is the configuration that the state was made with. For graphs without Train.
func (g *Graph) DecodeLinear(s *linear.State, c linear.Config, qkv *Var) *Var {
	if c.KVHeads == 0 {
		c.KVHeads = c.Heads
	}
	o := &decodeLinear{state: s, dims: headDims{c.Heads * c.HeadDim, c.KVHeads * c.HeadDim}}
	if !g.checkInference("DecodeLinear", qkv) || !g.checkParts("DecodeLinear", o.dims, qkv.rows, qkv.rows, []*Var{qkv}) {
		return g.nothing()
	}
	return g.record(o, qkv.typ, qkv.rows, o.dims.q, qkv)
}

func (o *decodeLinear) forward(c *call) error {
	q, k, v := o.dims.split(c.in)
	return o.state.Step(c.x, c.out, attention.In{Q: q, K: k, V: v})
}

func (o *decodeLinear) cost(out *Var, in []*Var) (forward, backward Cost) {
	return Cost{Moved: in[0].bytes() + out.bytes()}, Cost{}
}

// checkInference refuses an operation that has no backward pass on a graph that trains.
func (g *Graph) checkInference(name string, in ...*Var) bool {
	if g.options.Train {
		g.failf("%s: found a graph that trains, expected one without Options.Train", name)
		return false
	}
	return g.check(name, in...)
}

// noBackward is part of operations for inference alone.
type noBackward struct{}

func (noBackward) reads() (inputs uint64, result bool) { return 0, false }
func (noBackward) backward(*backCall) error {
	panic("autograd: an operation of inference has no backward pass")
}
