package model

import (
	"errors"
	"fmt"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/tensor"
)

// Generation decodes one sequence, token by token. Each layer keeps the keys and values that later tokens may see, or the constant-size
// state of linear attention. Under windows, and in a Transformer-XL, memory does not grow with the sequence. A token of a Transformer-XL
// sees Spec.Memory tokens before it, in steps of any size. A hierarchical model keeps the open segment, and the keys and values of the
// summaries of earlier segments.
//
// The logits are those of [Session.Predict] for the whole sequence, up to rounding. The weights must not change until Close.
type Generation struct {
	session  *Session
	m        *Model
	pool     *tensor.Pool
	tokens   int
	before   []int32     // the last tokens: later n-grams may begin there
	err      error       // of a step that advanced some layers only
	caches   []*nn.Cache // of each block
	sources  []*nn.Cache // of an encoder-decoder: keys and values of each block's cross-attention
	segments *segments   // of a hierarchical model
	last     tensor.Mat  // [1, width], what the head read of the last token: it predicts the next
	cost     autograd.Cost
}

// promptTokens is the number of tokens of a prompt that are run at a time. Weights are then read seldom, attention works on tiles, and a
// prompt of any length needs the activations of one of this length.
const promptTokens = 4096

// Decode returns an empty sequence that is decoded token by token. The model must have the head lm. An encoder-decoder needs a source;
// other models have none. The state of the layers is in the session's pool until Close.
func (s *Session) Decode(source []int32) (*Generation, error) {
	m := s.m
	if m.spec.Head.Kind != LM {
		return nil, fmt.Errorf("model: found the head %s, expected lm: only a language model can generate", m.spec.Head.Kind)
	}
	if m.spec.Head.Prior {
		return nil, errPrior
	}
	if (m.spec.Kind == EncoderDecoder) != (len(source) > 0) {
		return nil, fmt.Errorf("model: found a source of %d tokens for a model of kind %s, expected one for encoder-decoders only",
			len(source), m.spec.Kind)
	}
	if err := m.acquire(); err != nil {
		return nil, err
	}
	defer m.release()
	g := &Generation{session: s, m: m, pool: s.x.Pool}
	if err := g.begin(source); err != nil {
		g.Close()
		return nil, err
	}
	return g, nil
}

// begin makes the state of the layers before the first token.
func (g *Generation) begin(source []int32) error {
	if g.m.spec.Kind == EncoderDecoder {
		if err := g.read(source); err != nil {
			return err
		}
	}
	g.last = g.pool.Get(g.m.policy.Activations, 1, g.m.spec.Width)
	memory := 0
	if g.m.spec.Kind == TransformerXL {
		memory = g.m.spec.Memory
	}
	for _, b := range g.m.blocks {
		c, err := b.attention.NewCache(g.pool, memory)
		if err != nil {
			return err
		}
		g.caches = append(g.caches, c)
		if err := g.fillZeros(b, c); err != nil {
			return err
		}
	}
	if g.m.spec.Kind != Hierarchical {
		return nil
	}
	var err error
	g.segments, err = newSegments(g.m, g.pool)
	return err
}

// Close returns the state of the layers to the pool.
func (g *Generation) Close() {
	for _, c := range append(g.caches, g.sources...) {
		c.Free()
	}
	if g.segments != nil {
		g.segments.free(g.pool)
	}
	g.pool.Put(g.last)
	g.last = tensor.Mat{}
	g.caches, g.sources, g.segments = nil, nil, nil
	g.err = errors.New("model: found a generation that was closed, expected an open one; start another with Decode")
}

// Tokens is the number of tokens in the sequence.
func (g *Generation) Tokens() int { return g.tokens }

// Cost is the work done so far, without that of projecting a source to keys and values.
func (g *Generation) Cost() autograd.Cost { return g.cost }

// Step appends one or more tokens, and returns the logits [vocab] of the next token. Tokens are run 4,096 at a time. It returns an error,
// and appends nothing, for tokens outside the vocabulary or beyond the learned positions. Any other error is returned by all later steps.
func (g *Generation) Step(tokens []int32) (logits []float32, err error) {
	err = g.advance(tokens, func(part []int32, _ int, last bool) error {
		logits, err = g.run(part, wanted{logits: last})
		return err
	})
	return logits, err
}

// Append is [Generation.Step] without the logits: the state of the layers is that after the tokens.
func (g *Generation) Append(tokens []int32) error {
	return g.advance(tokens, func(part []int32, _ int, _ bool) error {
		_, err := g.run(part, wanted{})
		return err
	})
}

// Score is [Generation.Append], and returns the loss of each token: −log p, in nats, by the tokens before it. Nothing predicts the first
// token of a sequence, whose loss is 0. The logits of some hundred tokens exist at a time.
//
// Losses have the same bits if a sequence is scored again with the same sizes of steps. Steps of other sizes may differ by rounding, unless
// all but the last are multiples of 4,096.
func (g *Generation) Score(tokens []int32) (losses []float32, err error) {
	losses = make([]float32, len(tokens))
	err = g.advance(tokens, func(part []int32, at int, _ bool) error {
		_, err := g.run(part, wanted{losses: losses[at : at+len(part)]})
		return err
	})
	if err != nil {
		return nil, err
	}
	return losses, nil
}

// advance checks tokens, and runs parts of them. at is the place of a part.
func (g *Generation) advance(tokens []int32, run func(part []int32, at int, last bool) error) error {
	if g.err != nil {
		return g.err
	}
	if err := g.m.acquire(); err != nil {
		return err
	}
	defer g.m.release()
	if len(tokens) == 0 {
		return errors.New("model: found no tokens to append, expected at least one")
	}
	if err := g.m.checkBatch(&data.Batch{Tokens: tokens, Lengths: []int{len(tokens)}}); err != nil {
		return err
	}
	if limit := g.m.spec.MaxTokens(); limit > 0 && g.tokens+len(tokens) > limit {
		return fmt.Errorf("model: found %d tokens, the model has %d learned positions", g.tokens+len(tokens), limit)
	}
	for at := 0; at < len(tokens); {
		part := tokens[at : at+g.next(len(tokens)-at)]
		if err := run(part, at, at+len(part) == len(tokens)); err != nil {
			g.err = err
			return err
		}
		at += len(part)
		g.tokens += len(part)
		g.remember(part)
	}
	return nil
}

// remember keeps the last tokens, as far back as later n-grams may begin.
func (g *Generation) remember(tokens []int32) {
	longest := 0
	for _, n := range g.m.spec.Embed.HashedNgrams {
		longest = max(longest, n-1)
	}
	for _, l := range g.m.spec.Layers {
		for _, n := range l.Attention.CopyNgrams {
			longest = max(longest, n) // the next key has the n-gram that ends before its token
		}
	}
	all := append(g.before, tokens...)
	g.before = append(g.before[:0], all[max(0, len(all)-longest):]...)
}

// next is the number of tokens in the next pass, of those that are left.
func (g *Generation) next(tokens int) int {
	if g.segments != nil {
		return g.segments.next(g.m.spec.Segment, tokens)
	}
	return min(tokens, promptTokens)
}

// wanted is what a run gives beside the new state.
type wanted struct {
	logits bool      // of the next token
	losses []float32 // one for each token of the run; nil: none
}

// run runs tokens through the layers, and updates their state.
func (g *Generation) run(tokens []int32, w wanted) ([]float32, error) {
	p := g.pass([]int{len(tokens)}, []int{g.tokens})
	defer p.Close()
	h := g.m.target.apply(p, g.before, tokens, nil)
	if g.segments != nil {
		h = g.segments.apply(g, p, h)
	} else {
		h = g.apply(p, h)
	}
	h = finish(p, g.m.end, h)
	last := p.G.Keep(p.G.Take(h, []int32{int32(h.Rows() - 1)}))
	var logits *autograd.Var
	if w.logits {
		logits = p.G.Keep(g.m.logits(p, last))
	}
	if w.losses != nil {
		g.score(p, h, tokens, w.losses)
	}
	if err := p.G.Forward(); err != nil {
		return nil, err
	}
	g.cost.Add(p.G.Cost())
	copyElements(g.last, last.Value())
	if g.segments != nil {
		if err := g.segments.advance(g, len(tokens)); err != nil {
			return nil, err
		}
	}
	if logits == nil {
		return nil, nil
	}
	return append([]float32(nil), logits.Value().F32...), nil
}

// score records the losses of tokens, of which h [n, width] is what the head reads: row i predicts token i+1, and the last row of the run
// before predicts the first.
func (g *Generation) score(p *nn.Pass, h *autograd.Var, tokens []int32, losses []float32) {
	n := len(tokens)
	var x *autograd.Var
	if n > 1 {
		rows := make([]int32, n-1)
		for i := range rows {
			rows[i] = int32(i)
		}
		x = p.G.Take(h, rows)
	}
	switch {
	case g.tokens == 0 && n == 1:
		return
	case g.tokens == 0:
		tokens, losses = tokens[1:], losses[1:]
	case n == 1:
		x = p.G.Input(g.last)
	default:
		x = p.G.Join(p.G.Input(g.last), []int{1}, x, []int{n - 1})
	}
	p.G.Keep(g.m.crossEntropy(p, x, tokens, autograd.CrossEntropyOptions{Losses: losses}))
}

func (g *Generation) pass(lengths, starts []int) *nn.Pass { return g.session.pass(lengths, starts) }

// apply records the blocks on the tokens h.
func (g *Generation) apply(p *nn.Pass, h *autograd.Var) *autograd.Var {
	for i, block := range g.m.blocks {
		r := g.cached(p, i)
		if g.sources != nil {
			r.cross = func(h *autograd.Var) *autograd.Var { return block.cross.ApplySource(p, h, g.sources[i]) }
		}
		h = block.apply(p, h, r)
	}
	return h
}

// cached is the attention of block i to its cache.
func (g *Generation) cached(p *nn.Pass, i int) branches {
	return branches{attend: func(h *autograd.Var) *autograd.Var { return g.m.blocks[i].attention.ApplyCached(p, h, g.caches[i]) }}
}

// read runs the encoder over the source, and projects the keys and values of each block.
func (g *Generation) read(source []int32) error {
	if err := g.m.checkSources(&data.Batch{Tokens: source, Lengths: []int{len(source)}}); err != nil {
		return err
	}
	p := g.pass([]int{len(source)}, nil)
	defer p.Close()
	encoded, err := result(g.session.x, p, g.m.encode(p, source, nil, nil))
	if err != nil {
		return err
	}
	defer g.pool.Put(encoded)
	g.cost.Add(p.G.Cost())
	for _, b := range g.m.blocks {
		c, err := b.cross.CacheSource(p, encoded)
		if err != nil {
			return err
		}
		g.sources = append(g.sources, c)
	}
	return nil
}
