package nn

import (
	"errors"
	"fmt"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/mechanism"
	"github.com/longspan/longspan/autograd"
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

// replace replaces the rows of the global tokens in attended [T, H·D] by their attention with the second projections. x [T, width] is the
// input of the layer.
func (g *globalQueries) replace(p *Pass, x, attended *autograd.Var) *autograd.Var {
	if p.Share != nil {
		return g.replaceOver(p, x, attended)
	}
	var rows, places []int32 // of the global tokens: in the batch, and in their sequences
	var counts []int
	var seqs []attention.Seq
	var from []int32 // the row of each token, where every sequence is followed by its global tokens
	start, joined := 0, 0
	for _, n := range p.Lengths {
		count := 0
		for t := range n {
			row := joined + t
			if count < len(g.c.Global) && g.c.Global[count] == t {
				rows, places, row = append(rows, int32(start+t)), append(places, int32(t)), joined+n+count
				count++
			}
			from = append(from, int32(row))
		}
		if count > 0 {
			seqs = append(seqs, attention.Seq{Q: count, K: n})
		} else {
			seqs = append(seqs, attention.Seq{K: n})
		}
		counts = append(counts, count)
		start, joined = start+n, joined+n+count
	}
	if len(rows) == 0 {
		return attended
	}
	core, err := p.Compiled.compile(g.layer, seqs)
	if err != nil {
		return p.G.Fail(err)
	}
	q, kv := g.q.Apply(p, p.G.Take(x, rows)), g.kv.Apply(p, x)
	if g.c.Position == Rotary {
		q = rotate(p, g.c, q, g.c.Heads*g.c.HeadDim, places)
		kv = rotate(p, g.c, kv, g.c.KVHeads*g.c.HeadDim, p.Positions())
	}
	over := p.G.CrossAttention(core, q, kv)
	return p.G.Take(p.G.Join(attended, p.Lengths, over, counts), from)
}

// replaceOver is replace for the rows of a share.
func (g *globalQueries) replaceOver(p *Pass, x, attended *autograd.Var) *autograd.Var {
	return p.G.Fail(errors.New("nn: stub"))
}
