package model

import (
	"errors"
	"fmt"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/tensor"
)

// Generation decodes one sequence, token by token. A decoder carries its layers' keys and values, or the constant-size state
// of linear attention; a Transformer-XL its memory; a hierarchical model, whose summaries change with each token,
// runs all tokens again.
type Generation struct {
	m      *Model
	pool   *tensor.Pool
	tokens []int32
	caches []*nn.Cache
	memory *Memory
	source tensor.Mat // of an encoder-decoder: what its encoder made
}

// Generate begins a sequence. The model must have the head lm; an encoder-decoder needs the sequence to read as source, others
// none. State that grows comes from x.Pool until Close.
func (m *Model) Generate(x tensor.Exec, source []int32) (*Generation, error) {
	if m.s.Head != LM {
		return nil, fmt.Errorf("model: found the head %s, expected lm: only a language model can generate", m.s.Head)
	}
	if (m.s.Kind == EncoderDecoder) != (len(source) > 0) {
		return nil, fmt.Errorf("model: found a source of %d tokens for a model of kind %s, expected one for encoder-decoders only", len(source), m.s.Kind)
	}
	g := &Generation{m: m, pool: x.Pool}
	switch m.s.Kind {
	case TransformerXL:
		g.memory = &Memory{}
		return g, nil
	case Hierarchical:
		return g, nil
	case EncoderDecoder:
		if err := g.read(x, source); err != nil {
			return nil, err
		}
	}
	for _, b := range m.blocks {
		c, err := b.attention.NewCache(x.Pool)
		if err != nil {
			g.Close()
			return nil, err
		}
		g.caches = append(g.caches, c)
	}
	return g, nil
}

// Close gives the state back to the pool.
func (g *Generation) Close() {
	for _, c := range g.caches {
		c.Free()
	}
	g.pool.Put(g.source)
	if g.memory != nil {
		g.memory.Free()
	}
	g.caches, g.source, g.memory = nil, tensor.Mat{}, nil
}

// Tokens is how many tokens the sequence has.
func (g *Generation) Tokens() int { return len(g.tokens) }

// Step appends tokens, one or many, and returns the logits [vocab] of the one after them.
func (g *Generation) Step(x tensor.Exec, tokens []int32) ([]float32, error) {
	if len(tokens) == 0 {
		return nil, errors.New("model: found no tokens to append, expected at least one")
	}
	b := &data.Batch{Tokens: tokens, Lengths: []int{len(tokens)}, Follows: []int{0}}
	if err := g.m.checkBatch(b); err != nil {
		return nil, err
	}
	if g.m.positions != nil && len(g.tokens)+len(tokens) > g.m.s.MaxTokens {
		return nil, fmt.Errorf("model: found %d tokens, the model has %d learned positions", len(g.tokens)+len(tokens), g.m.s.MaxTokens)
	}
	start := len(g.tokens)
	g.tokens = append(g.tokens, tokens...)
	logits, err := g.logits(x, b, start)
	if err != nil {
		return nil, err
	}
	defer x.Pool.Put(logits)
	return append([]float32(nil), logits.F32...), nil
}

// logits runs the last tokens, which begin at start, with what is carried: [1, vocab].
func (g *Generation) logits(x tensor.Exec, b *data.Batch, start int) (tensor.Mat, error) {
	switch g.m.s.Kind {
	case TransformerXL:
		return g.m.compute(x, b, Run{Memory: g.memory}, g.m.lastLogits)
	case Hierarchical:
		whole := &data.Batch{Tokens: g.tokens, Lengths: []int{len(g.tokens)}}
		return g.m.compute(x, whole, Run{}, g.m.lastLogits)
	}
	p := &nn.Pass{G: autograd.New(x, autograd.Options{Policy: g.m.s.policy}), Lengths: b.Lengths, Starts: []int{start}, Shapes: g.m.shapes}
	defer p.Close()
	h := g.m.embed(p, g.tokens[:start], b.Tokens)
	for i, block := range g.m.blocks {
		r := branches{attend: func(h *autograd.Var) *autograd.Var { return block.attention.ApplyCached(p, h, g.caches[i]) }}
		if g.source.Rows > 0 {
			r.cross = func(h *autograd.Var) *autograd.Var {
				return block.cross.ApplyOver(p, h, p.G.Input(g.source), []int{g.source.Rows}, nil)
			}
		}
		h = block.apply(p, h, r)
	}
	return result(x, p, g.m.lastLogits(p, finish(p, g.m.end, h)))
}

// lastLogits are those of the last row of h.
func (m *Model) lastLogits(p *nn.Pass, h *autograd.Var) *autograd.Var {
	w, bias := m.projection(p)
	return p.G.LinearF32(p.G.Take(h, []int32{int32(h.Rows() - 1)}), w, bias)
}

// read runs the encoder over the source.
func (g *Generation) read(x tensor.Exec, source []int32) error {
	b := &data.Batch{Tokens: source, Lengths: []int{len(source)}}
	if err := g.m.checkBatch(b); err != nil {
		return err
	}
	p := &nn.Pass{G: autograd.New(x, autograd.Options{Policy: g.m.s.policy}), Lengths: b.Lengths, Shapes: g.m.shapes}
	defer p.Close()
	var err error
	g.source, err = result(x, p, g.m.encode(p, source))
	return err
}
