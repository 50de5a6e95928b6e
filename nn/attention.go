package nn

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/mechanism"
	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/tensor"
)

// AttentionConfig describes an attention layer.
type AttentionConfig struct {
	Width      int // features of the tokens
	Heads      int // H
	KVHeads    int // Hkv; 0: Heads
	HeadDim    int // D; 0: Width/Heads
	Mechanism  mechanism.Mechanism
	Causal     bool // a token sees itself and earlier tokens
	Position   Position
	Rotary     attention.RotaryConfig // of rotary positions, without HeadDim; the zero value has the base 10000
	ScoreScale float64                // factor of the scores; 0: 1/√D
	SoftCap    float64                // c: scores become c·tanh(score/c); 0: no cap
	Most       int                    // of relative positions: larger distances count as this one; 0: none does
	T5         *tensor.Param          // table [buckets, H] of the T5 bias, usually shared by layers
	T5Bias     attention.T5           // its buckets; the zero value: T5Buckets up to T5MaxDistance
	T5Side     *tensor.Param          // likewise for the summaries of a mechanism that has them (summaries.go)
	Summaries  float64                // ε of the RMS norm of summaries
	Sinks      bool                   // a learned logit for each head, which takes probability and has no value
	Bias       bool                   // in the projections
	NoOutBias  bool                   // with Bias: "name.out" has none
	Cross      bool                   // queries are of other tokens than keys and values: cross-attention, or a memory
	Scale      float64                // of the output projection's initial weights; 0: 1
	QKNorm     float64                // ε of an RMS norm of each query and key over its D columns, before rotation; 0: no norm
	Global     []int                  // positions of the global tokens, which have a second set of projections (global.go)
	CopyNgrams []int                  // n-gram sizes of copy heads, which the key/value heads use in rotation (copyhead.go)
}

// Attention is an attention layer: projections "name.qkv", or "name.q" and "name.kv", or with copy heads "name.v", and "name.out".
type Attention struct {
	c           AttentionConfig
	qkv, q, kv  *Linear
	values      *Linear // of a layer with copy heads
	out, r      *Linear
	sinks, u, v *tensor.Param
	qNorm       *tensor.Param // "name.q_norm.weight" [1, D], and "name.k_norm.weight"
	kNorm       *tensor.Param
	global      *globalQueries  // nil: none
	summaries   *summaries      // nil: none
	learned     []*tensor.Param // weights of the mechanism, such as nystrom's "name.conv" [H, taps]
	layer       mechanism.Layer
}

// NewAttention makes a layer. It returns an error for settings that contradict each other, or that the mechanism does not have.
func NewAttention(p *Params, name string, c AttentionConfig) (*Attention, error) {
	if c.KVHeads == 0 {
		c.KVHeads = c.Heads
	}
	if c.HeadDim == 0 && c.Heads > 0 {
		c.HeadDim = c.Width / c.Heads
	}
	if c.Scale == 0 {
		c.Scale = 1
	}
	a := &Attention{c: c}
	if err := a.configure(); err != nil {
		return nil, err
	}
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	switch {
	case len(c.CopyNgrams) > 0:
		a.values = NewLinear(p, name+".v", LinearConfig{In: c.Width, Out: kv, Bias: c.Bias})
	case c.Cross:
		a.q = NewLinear(p, name+".q", LinearConfig{In: c.Width, Out: q, Bias: c.Bias})
		a.kv = NewLinear(p, name+".kv", LinearConfig{In: c.Width, Out: 2 * kv, Bias: c.Bias})
	default:
		a.qkv = NewLinear(p, name+".qkv", LinearConfig{In: c.Width, Out: q + 2*kv, Bias: c.Bias})
	}
	a.out = NewLinear(p, name+".out", LinearConfig{In: q, Out: c.Width, Bias: c.Bias && !c.NoOutBias, Scale: c.Scale})
	if c.QKNorm > 0 {
		a.qNorm, a.kNorm = p.Add(name+".q_norm.weight", 1, c.HeadDim, Ones()), p.Add(name+".k_norm.weight", 1, c.HeadDim, Ones())
	}
	if len(c.Global) > 0 {
		var err error
		if a.global, err = newGlobalQueries(p, name, c); err != nil {
			return nil, err
		}
	}
	if block, ok := c.Mechanism.Summaries(); ok {
		a.summaries = newSummaries(p, name, c, block)
	}
	if c.Sinks {
		a.sinks = p.Add(name+".sinks", 1, c.Heads, Zeros())
	}
	for _, l := range a.layer.Learned() {
		if !l.Term {
			a.learned = append(a.learned, p.Add(name+"."+l.Name, l.Rows, l.Cols, Normal(1/math.Sqrt(float64(l.Cols)))))
		}
	}
	if c.Position == Relative {
		a.r = NewLinear(p, name+".r", LinearConfig{In: c.Width, Out: q})
		a.u = p.Add(name+".u", 1, q, Normal(embeddingStd))
		a.v = p.Add(name+".v", 1, q, Normal(embeddingStd))
	}
	return a, nil
}

// Layer is the mechanism of the layer, without the second projections of global tokens.
func (a *Attention) Layer() mechanism.Layer { return a.layer }

// With returns a layer with the weights of a and another mechanism, which has the same learned weights of its own: none, for a pattern. It
// is for mechanisms that depend on the shape of a batch, such as windows over pictures.
func (a *Attention) With(m mechanism.Mechanism) (*Attention, error) {
	other := *a
	other.c.Mechanism = m
	if err := other.configure(); err != nil {
		return nil, err
	}
	if !slices.Equal(other.layer.Learned(), a.layer.Learned()) {
		return nil, fmt.Errorf("nn: found the mechanism %s for a layer of %s, expected one with the same learned weights", m, a.c.Mechanism)
	}
	return &other, nil
}

// configure checks the settings, and makes the mechanism.
func (a *Attention) configure() error {
	c := a.c
	if err := a.checkCopyNgrams(); err != nil {
		return err
	}
	terms := mechanism.Terms{Sinks: c.Sinks, ALiBi: c.Position == ALiBi, Relative: c.Position == Relative}
	if c.Position == T5 {
		terms.T5 = &attention.T5{Buckets: cmp.Or(c.T5Bias.Buckets, T5Buckets), MaxDistance: cmp.Or(c.T5Bias.MaxDistance, T5MaxDistance),
			Bidirectional: !c.Causal}
	}
	layer, err := mechanism.New(mechanism.Config{Mechanism: c.Mechanism, Heads: c.Heads, KVHeads: c.KVHeads, HeadDim: c.HeadDim,
		Causal: c.Causal, Cross: c.Cross, Scale: c.ScoreScale, SoftCap: c.SoftCap, Terms: terms})
	a.layer = layer
	return err
}

// Apply returns the attention of each sequence of x [T, width] to itself: [T, width].
func (a *Attention) Apply(p *Pass, x *autograd.Var) *autograd.Var {
	if p.Tensor != nil {
		return a.applyTensor(p, x)
	}
	if a.summaries != nil {
		return a.out.Apply(p, a.summaries.attend(p, a, x))
	}
	core, err := p.compile(a.layer)
	if err != nil {
		return p.G.Fail(err)
	}
	attended := p.G.Attention(core, a.project(p, x), a.terms(p, p.selfSeqs())...)
	if a.global != nil {
		attended = a.global.replace(p, x, attended)
	}
	return a.out.Apply(p, attended)
}

// queries projects x [T, width] to queries [T, H·D] of a layer with Cross.
func (a *Attention) queries(p *Pass, x *autograd.Var) *autograd.Var {
	q := a.q.Apply(p, x)
	if a.qNorm == nil {
		return q
	}
	return p.G.HeadNorm(q, a.c.QKNorm, autograd.HeadWeight{Weight: p.Leaf(a.qNorm), Heads: a.c.Heads})
}

// keysValues projects a source [S, width] to keys and values, side by side: [S, 2·Hkv·D].
func (a *Attention) keysValues(p *Pass, source *autograd.Var) *autograd.Var {
	kv := a.kv.Apply(p, source)
	if a.kNorm == nil {
		return kv
	}
	return p.G.HeadNorm(kv, a.c.QKNorm, autograd.HeadWeight{Weight: p.Leaf(a.kNorm), Heads: a.c.KVHeads})
}

// ApplyOver returns the attention of each sequence of x [T, width] to its part of the source [Σ lengths, width]: [T, width]. Sequence i has
// lengths[i] rows of the source. For a memory, offsets[i] of them precede its first token; for cross-attention offsets is nil.
func (a *Attention) ApplyOver(p *Pass, x, source *autograd.Var, lengths, offsets []int) *autograd.Var {
	kv := a.keysValues(p, source)
	if a.c.Position == Rotary && offsets != nil {
		kv = a.rotate(p, kv, a.c.KVHeads*a.c.HeadDim, positions(lengths, nil))
	}
	return a.over(p, x, kv, lengths, offsets)
}

// over is ApplyOver with the source projected to keys and values.
func (a *Attention) over(p *Pass, x, kv *autograd.Var, lengths, offsets []int) *autograd.Var {
	seqs := p.selfSeqs()
	for i := range seqs {
		seqs[i].K = lengths[i]
		if offsets != nil {
			seqs[i].Offset = offsets[i]
		}
	}
	q := a.queries(p, x)
	if a.c.Position == Rotary && offsets != nil {
		q = a.rotate(p, q, a.c.Heads*a.c.HeadDim, positions(p.Lengths, offsets))
	}
	core, err := p.Compiled.compile(a.layer, seqs)
	if err != nil {
		return p.G.Fail(err)
	}
	return a.out.Apply(p, p.G.CrossAttention(core, q, kv, a.terms(p, seqs)...))
}

// rotate applies the rotary encoding to the first columns of x, if the layer has that encoding.
func (a *Attention) rotate(p *Pass, x *autograd.Var, columns int, at []int32) *autograd.Var {
	if a.c.Position != Rotary {
		return x
	}
	return rotate(p, a.c, x, columns, at)
}

// rotate applies the rotary encoding of c to the first columns of x.
func rotate(p *Pass, c AttentionConfig, x *autograd.Var, columns int, at []int32) *autograd.Var {
	top := int32(0)
	for _, position := range at {
		top = max(top, position)
	}
	config := c.Rotary
	config.HeadDim = c.HeadDim
	r, err := p.Compiled.rotate(config, int(top)+1)
	if err != nil {
		return p.G.Fail(err)
	}
	return p.G.Rotary(r, x, columns, at)
}

// terms records the learned matrices of the mechanism on the graph.
func (a *Attention) terms(p *Pass, seqs []attention.Seq) []*autograd.Var {
	return a.termsOver(p, func() *autograd.Var {
		first, rows := mechanism.Distances(seqs, a.c.Causal)
		return a.r.ApplyF32(p, p.distances(first, rows, a.c.Width, a.c.Most))
	})
}

// termsOver is terms with the projected distances of relative positions that project returns.
func (a *Attention) termsOver(p *Pass, project func() *autograd.Var) []*autograd.Var {
	var all []*autograd.Var
	if a.sinks != nil {
		all = append(all, p.Leaf(a.sinks))
	}
	switch a.c.Position {
	case T5:
		all = append(all, p.Leaf(a.c.T5))
		if a.summaries != nil {
			all = append(all, p.Leaf(a.c.T5Side))
		}
	case Relative:
		r := project()
		all = append(all, p.Leaf(a.u), p.Leaf(a.v), r)
	}
	for _, w := range a.learned {
		all = append(all, p.Leaf(w))
	}
	return all
}
