package model

import (
	"errors"
	"fmt"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/sampling/beam"
	"github.com/longspan/longspan/tensor"
)

// Beams decodes several continuations of one sequence side by side: those of a beam search. A step is one pass over one token of each beam,
// with one product for each weight. The beams share the source of an encoder-decoder, whose keys and values are projected once.
//
// Each beam has the state of its own sequence, with the prompt: as many times the memory of one as there are beams. A beam that goes on
// keeps its state; where two come of one, the second takes the state of a beam that ends, and copies what the two do not share: the keys
// and values since their last common token. A state of linear attention is copied whole.
type Beams struct {
	g      *Generation
	caches [][]*nn.Cache // [block][beam]
	base   int           // tokens that all share
	drawn  [][]int32     // after them, of each beam
	logits [][]float32
}

// Fork begins beams after the tokens of g, 1 or more of them. They take over the state of g, which Close of the beams frees; g itself takes
// no more steps. It returns an error, and leaves g as it is, for models whose tokens depend on earlier ones by more than the layers' state:
// hierarchical models, hashed n-grams and copy heads.
func (g *Generation) Fork(beams int) (*Beams, error) {
	switch {
	case g.err != nil:
		return nil, g.err
	case beams < 1 || beams > beam.MaxBeams:
		return nil, fmt.Errorf("model: found %d beams, expected 1 to %d", beams, beam.MaxBeams)
	case g.tokens == 0:
		return nil, errors.New("model: found an empty generation to fork, expected one with the tokens of a prompt")
	}
	if err := g.m.checkBeams(); err != nil {
		return nil, err
	}
	b := &Beams{g: g, base: g.tokens, drawn: make([][]int32, beams), logits: make([][]float32, beams)}
	for _, c := range g.caches {
		all := []*nn.Cache{c}
		b.caches = append(b.caches, all)
		for len(all) < beams {
			other, err := c.Fork()
			if err != nil {
				b.free()
				return nil, err
			}
			all = append(all, other)
			b.caches[len(b.caches)-1] = all
		}
	}
	g.err = errors.New("model: found a step of a generation that was forked, expected steps of its beams")
	return b, nil
}

// checkBeams refuses models that decode no beams.
func (m *Model) checkBeams() error {
	if m.spec.Kind == Hierarchical {
		return errors.New("model: found a hierarchical model for a beam search, expected a decoder or an encoder-decoder; use one beam")
	}
	copies := len(m.spec.Embed.HashedNgrams) > 0
	for _, l := range m.spec.Layers {
		copies = copies || len(l.Attention.CopyNgrams) > 0
	}
	if copies {
		return errors.New("model: found a model with n-grams or copy heads for a beam search, expected one without; use one beam")
	}
	return nil
}

// free frees the states of all beams but the first, which are g's.
func (b *Beams) free() {
	for _, all := range b.caches {
		for _, c := range all[1:] {
			c.Free()
		}
	}
	b.caches = nil
}

// Close returns the state of the beams to the pool.
func (b *Beams) Close() {
	b.free()
	b.g.Close()
}

// Cost is the work done so far, with that of the tokens before the beams.
func (b *Beams) Cost() autograd.Cost { return b.g.cost }

// Step makes the beams the moves of a search, and returns the logits [beams][vocab] of the next token of each: they are read before the
// next step. It returns an error for other moves than those of the beams, for tokens outside the vocabulary, and beyond the learned
// positions.
func (b *Beams) Step(moves []beam.Move) ([][]float32, error) {
	if b.caches == nil {
		return nil, errors.New("model: found a step of beams that were closed or failed, expected open ones")
	}
	tokens, err := b.check(moves)
	if err != nil {
		return nil, err
	}
	m := b.g.m
	if err := m.acquire(); err != nil {
		return nil, err
	}
	defer m.release()
	if err := errors.Join(b.arrange(moves), b.run(tokens)); err != nil {
		b.free() // some layers have advanced
		return nil, err
	}
	return b.logits, nil
}

// check returns the token of each beam.
func (b *Beams) check(moves []beam.Move) ([]int32, error) {
	m, n := b.g.m, len(b.drawn)
	if len(moves) != n {
		return nil, fmt.Errorf("model: found the moves of %d beams, expected %d", len(moves), n)
	}
	tokens, ones := make([]int32, 0, n), make([]int, 0, n)
	for i, v := range moves {
		if v.Parent < 0 || v.Parent >= n {
			return nil, fmt.Errorf("model: found beam %d to come of beam %d, expected one of 0 to %d", i, v.Parent, n-1)
		}
		tokens, ones = append(tokens, v.Token), append(ones, 1)
	}
	if err := m.checkBatch(&data.Batch{Tokens: tokens, Lengths: ones}); err != nil {
		return nil, err
	}
	if limit := m.spec.MaxTokens(); limit > 0 && b.Tokens() >= limit {
		return nil, fmt.Errorf("model: found %d tokens, the model has %d learned positions", b.Tokens()+1, limit)
	}
	return tokens, nil
}

// Tokens is the number of tokens in each sequence.
func (b *Beams) Tokens() int { return b.base + len(b.drawn[0]) }

// arrange gives each beam the state of its parent.
func (b *Beams) arrange(moves []beam.Move) error {
	from, copies := b.inherit(moves)
	for _, all := range b.caches {
		nn.Arrange(all, from)
		for _, c := range copies {
			if err := all[c.to].Follow(all[c.of], c.shared); err != nil {
				return err
			}
		}
	}
	drawn := make([][]int32, len(moves))
	for i, v := range moves {
		drawn[i] = append(append(make([]int32, 0, len(b.drawn[0])+1), b.drawn[v.Parent]...), v.Token)
	}
	b.drawn = drawn
	return nil
}

// inherited says that beam to, with a state of another sequence, comes of the same parent as beam of. Their sequences share tokens.
type inherited struct{ to, of, shared int }

// inherit returns the beam whose state each beam takes, and the states that must then change. The first beam that comes of a parent takes
// its state; others take those of parents of none, with the longest common beginning.
func (b *Beams) inherit(moves []beam.Move) (from []int, copies []inherited) {
	heir := make([]int, len(moves))
	for i := range heir {
		heir[i] = -1
	}
	from = make([]int, len(moves))
	for i, v := range moves {
		from[i] = -1
		if heir[v.Parent] < 0 {
			heir[v.Parent], from[i] = i, v.Parent
		}
	}
	for i, v := range moves {
		if from[i] >= 0 {
			continue
		}
		best, shared := -1, -1
		for free, h := range heir {
			if n := common(b.drawn[free], b.drawn[v.Parent]); h < 0 && n > shared {
				best, shared = free, n
			}
		}
		heir[best], from[i] = i, best
		copies = append(copies, inherited{i, heir[v.Parent], b.base + shared})
	}
	return from, copies
}

// common is the length of the common beginning of two sequences.
func common(x, y []int32) (n int) {
	for n < len(x) && n < len(y) && x[n] == y[n] {
		n++
	}
	return n
}

// run appends a token to each beam, and computes the logits.
func (b *Beams) run(tokens []int32) error {
	lengths, starts := make([]int, len(tokens)), make([]int, len(tokens))
	for i := range tokens {
		lengths[i], starts[i] = 1, b.Tokens()-1
	}
	m := b.g.m
	p := b.g.pass(lengths, starts)
	defer p.Close()
	h := m.target.apply(p, nil, tokens, nil)
	for i, block := range m.blocks {
		h = block.apply(p, h, b.branches(p, i))
	}
	out := p.G.Keep(m.logits(p, finish(p, m.end, h)))
	if err := p.G.Forward(); err != nil {
		return err
	}
	b.g.cost.Add(p.G.Cost())
	b.read(out.Value())
	return nil
}

// branches is the attention of block i: of each beam to its own cache, and of all to the source.
func (b *Beams) branches(p *nn.Pass, i int) branches {
	block := b.g.m.blocks[i]
	r := branches{attend: func(h *autograd.Var) *autograd.Var { return block.attention.ApplyEach(p, h, b.caches[i]) }}
	if b.g.sources != nil {
		r.cross = func(h *autograd.Var) *autograd.Var { return block.cross.ApplySource(p, h, b.g.sources[i]) }
	}
	return r
}

// read copies the logits.
func (b *Beams) read(out tensor.Mat) {
	for i := range b.logits {
		if out.Dry() {
			return
		}
		b.logits[i] = append(b.logits[i][:0], out.Row(i)...)
	}
}
