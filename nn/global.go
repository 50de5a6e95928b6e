package nn

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/mechanism"
	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/parallel"
)

// globalQueries is Longformer's second set of projections: "name.global_q" and "name.global_kv". The global tokens of a sequence attend to
// all its tokens, with the queries, keys and values of this set. Every other query reads the global tokens with the first set
// (Beltagy et al. 2020, arXiv:2004.05150, section 3.1, "Linear Projections for Global Attention").
type globalQueries struct {
	c     AttentionConfig
	q, kv *Linear
	layer mechanism.Layer
}

func newGlobalQueries(p *Params, name string, c AttentionConfig) (*globalQueries, error) {
	switch {
	case c.Causal || c.Cross:
		return nil, errors.New("nn: found global queries in a causal layer or cross-attention, expected none: " +
			"a global token sees all of its sequence")
	case c.Position != NoPosition && c.Position != Rotary || c.Sinks:
		return nil, fmt.Errorf("nn: found global queries with the position encoding %s or sinks, expected rotary or none, without sinks",
			c.Position)
	}
	for i, at := range c.Global {
		if at < 0 || i > 0 && at <= c.Global[i-1] {
			return nil, fmt.Errorf("nn: found global positions %v, expected rising numbers from 0", c.Global)
		}
	}
	full, err := mechanism.Parse("full")
	if err != nil {
		return nil, err
	}
	g := &globalQueries{c: c, q: NewLinear(p, name+".global_q", LinearConfig{In: c.Width, Out: c.Heads * c.HeadDim, Bias: c.Bias}),
		kv: NewLinear(p, name+".global_kv", LinearConfig{In: c.Width, Out: 2 * c.KVHeads * c.HeadDim, Bias: c.Bias})}
	g.layer, err = mechanism.New(mechanism.Config{Mechanism: full, Heads: c.Heads, KVHeads: c.KVHeads, HeadDim: c.HeadDim, Cross: true,
		Scale: c.ScoreScale, SoftCap: c.SoftCap})
	return g, err
}

// globalRows are the rows of the global tokens in a pass.
type globalRows struct {
	rows   []int32 // in the pass
	places []int32 // in their sequences
	counts []int   // of each sequence or piece of the pass
	from   []int32 // the row of each token, where every piece is followed by its global tokens
}

// find lists the global tokens of the pieces of a pass.
func (g *globalQueries) find(p *Pass) (r globalRows) {
	start, joined := 0, 0
	for s, n := range p.Lengths {
		first, count := 0, 0 // position of the piece, and its global tokens
		if p.Starts != nil {
			first = p.Starts[s]
		}
		for t := range n {
			row := joined + t
			if _, global := slices.BinarySearch(g.c.Global, first+t); global {
				r.rows, r.places, row = append(r.rows, int32(start+t)), append(r.places, int32(first+t)), joined+n+count
				count++
			}
			r.from = append(r.from, int32(row))
		}
		r.counts = append(r.counts, count)
		start, joined = start+n, joined+n+count
	}
	return r
}

// seqs are the sequences of the whole batch: their global tokens over all their tokens. queries is the number of global tokens.
func (g *globalQueries) seqs(p *Pass) (seqs []attention.Seq, queries int) {
	for _, n := range p.Whole() {
		count, _ := slices.BinarySearch(g.c.Global, n)
		seqs = append(seqs, attention.Seq{Q: count, K: n})
		queries += count
	}
	return seqs, queries
}

// cuts says which global tokens each rank of a share has, in the order of their rows.
func (g *globalQueries) cuts(s *parallel.Share) []int {
	cuts := make([]int, len(s.Cuts))
	start := 0
	for _, n := range s.Lengths {
		for _, at := range g.c.Global {
			if at < n {
				cuts[s.Owner(start+at)+1]++
			}
		}
		start += n
	}
	for r := 1; r < len(cuts); r++ {
		cuts[r] += cuts[r-1]
	}
	return cuts
}

// wholeRows are the rows of the global tokens in the whole batch.
func (g *globalQueries) wholeRows(p *Pass) (rows []int32) {
	start := 0
	for _, n := range p.Whole() {
		for _, at := range g.c.Global {
			if at < n {
				rows = append(rows, int32(start+at))
			}
		}
		start += n
	}
	return rows
}

// unprojected reports whether the keys and values of the second set are better not made. They take 4·Hkv·D·width flops a token, and 4·H·D
// more for each global query. Without them a query takes 4·H·width flops a token. So Longformer-base, with 12 heads of 64 columns and width
// 768, makes none for up to 69 global positions. Rotations and a cap of scores need keys. The positions of the layer decide, and not how
// many of them a batch has, so that the bits of a sequence do not depend on the others.
func (g *globalQueries) unprojected() bool {
	c, queries := g.c, len(g.c.Global)*g.c.Heads
	return c.Position == NoPosition && c.SoftCap == 0 && queries*(c.Width-c.HeadDim) <= c.KVHeads*c.HeadDim*c.Width
}

// scale is the factor of the scores.
func (g *globalQueries) scale() float64 {
	if g.c.ScoreScale != 0 {
		return g.c.ScoreScale
	}
	return 1 / math.Sqrt(float64(g.c.HeadDim))
}

// compile prepares the attention of the global tokens.
func (g *globalQueries) compile(p *Pass, seqs []attention.Seq) (mechanism.Core, error) {
	if p.Share != nil {
		return p.Compiled.compileCrossOver(g.layer, p.Share, seqs, g.cuts(p.Share))
	}
	return p.Compiled.compile(g.layer, seqs)
}

// replace replaces the rows of the global tokens in attended [T, H·D] by their attention with the second projections. x [T, width] is the
// input of the layer.
func (g *globalQueries) replace(p *Pass, x, attended *autograd.Var) *autograd.Var {
	seqs, queries := g.seqs(p)
	if queries == 0 {
		return attended
	}
	r := g.find(p)
	if !p.G.Train() && g.unprojected() {
		o := autograd.Unprojected{Heads: g.c.Heads, KVHeads: g.c.KVHeads, HeadDim: g.c.HeadDim, Scale: g.scale(), Lengths: p.Whole(),
			Queries: g.wholeRows(p), Share: p.Share}
		return p.G.AttendUnprojected(o, attended, g.q.Apply(p, p.G.Take(x, r.rows)), x, p.Leaf(g.kv.Weight), p.Leaf(g.kv.Bias))
	}
	core, err := g.compile(p, seqs)
	if err != nil {
		return p.G.Fail(err)
	}
	q, kv := g.q.Apply(p, p.G.Take(x, r.rows)), g.kv.Apply(p, x)
	if g.c.Position == Rotary {
		q = rotate(p, g.c, q, g.c.Heads*g.c.HeadDim, r.places)
		kv = rotate(p, g.c, kv, g.c.KVHeads*g.c.HeadDim, p.Positions())
	}
	over := p.G.CrossAttention(core, q, kv)
	return p.G.Take(p.G.Join(attended, p.Lengths, over, r.counts), r.from)
}
