package model

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/hf"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/tokenizer"
)

// Model is a Transformer with its weights. Any number of goroutines may share it, each with a [Session] of its own, while nothing trains
// it.
type Model struct {
	spec           Spec
	policy         autograd.Policy
	wrapped, group int // number of layers, from the first, that are recomputed, and of those in a group
	params         *nn.Params

	target    tables     // what the first of blocks reads
	reads     tables     // of an encoder-decoder: what the first of source reads
	prior     *nn.Linear // of log-probabilities; nil: none
	source    []*block   // of an encoder-decoder: its encoder
	blocks    []*block
	levels    []*level // hierarchical: one after each block
	sourceEnd *nn.Norm
	end       *nn.Norm // after the last block
	transform *transform
	project   []projector // of the head embed
	head      *nn.Linear  // nil: the embedding's table, with headBias
	headBias  *tensor.Param
	softmax   *adaptiveHead // of clusters of the vocabulary; nil: of all of it

	tokenizer   *tokenizer.Tokenizer // nil: none
	noTokenizer error                // why, where that is known
	roles       tokenizer.Roles
	answers     data.Answers
	file        io.Closer       // weights of an opened model
	notes       []string        // about an opened model, for people
	generation  generationFiles // of an opened model
	settings    searchFiles     // of an opened folder
	origin      Origin          // of an opened model
	checkpoint  *hf.Checkpoint  // from which the model came; nil: none
	train       bool            // weights have gradients

	progress progress
	shares   shares

	work   sync.RWMutex // read-locked while a session computes, so that Close waits
	closed bool
}

// Options are the storage of a model's weights, and its folder. The zero value is for inference.
type Options struct {
	Pool  *tensor.Pool // of weights and gradients; with a dry pool they have no data, and the model only counts
	Train bool         // weights have gradients

	Tokenizer *tokenizer.Tokenizer // turns text into the model's ids; may be nil
	Answers   data.Answers         // names and units of the outputs
}

// New makes the model of c: see [NewOf].
func New(c Config, o Options) (*Model, error) {
	s, err := c.Spec()
	if err != nil {
		return nil, err
	}
	return NewOf(s, o)
}

// NewOf makes the model of s with initial weights drawn by its seed. Without o.Train, and in the precision bf16, tables are stored in bf16.
func NewOf(s Spec, o Options) (*Model, error) {
	m, err := build(s, nn.ParamsOptions{Pool: o.Pool, Train: o.Train})
	if err != nil {
		return nil, err
	}
	m.tokenizer, m.roles, m.answers = o.Tokenizer, rolesOf(o.Tokenizer), o.Answers
	return m, nil
}

func build(s Spec, o nn.ParamsOptions) (*Model, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	if s.Recompute == Auto {
		return nil, errors.New("model: recompute: found auto, expected a policy; plan.Choose finds it for a memory budget")
	}
	policy, err := s.Policy()
	if err != nil {
		return nil, err
	}
	o.Seed, o.Type = s.Seed, policy.Products
	m := &Model{spec: s, policy: policy, params: nn.NewParams(o), train: o.Train}
	m.wrapped, m.group, _ = s.Recomputed()
	if err := m.make(); err != nil {
		m.params.Free()
		return nil, err
	}
	return m, nil
}

const (
	embeddingLayer = "embedding"
	headLayer      = "head"
)

// Names of weights, to start from the weights of another model.
const (
	HeadPrefix    = headLayer + "."            // of the head's weights; a tied head has none
	EmbeddingName = embeddingLayer + ".weight" // one row for each token; the head mlm adds a row for hidden tokens
)

// make makes the layers.
func (m *Model) make() (err error) {
	s, p := &m.spec, m.params
	m.target = m.makeTables("", s.Embed, nil, s.Rows())
	m.makePrior()
	if s.Source != nil {
		m.reads = m.makeSourceTables()
		if m.source, err = m.makeBlocks("source", s.Source.Layers); err != nil {
			return err
		}
		m.sourceEnd = m.norm("source.norm", s.Source.Final)
	}
	if m.blocks, err = m.makeBlocks("blocks", s.Layers); err != nil {
		return err
	}
	if err := m.makeLevels(); err != nil {
		return err
	}
	m.end = m.norm("norm", s.Final)
	m.makeHead()
	return p.Err()
}

// makeBlocks makes the layers of a stack. All its layers with T5's bias share its tables, but for those that have their own.
func (m *Model) makeBlocks(name string, layers []Layer) ([]*block, error) {
	var t5 t5Tables
	for _, l := range layers {
		if l.Attention.Position == nn.T5.String() && !l.Attention.T5Own {
			t5.add(m, name, l.Attention)
		}
	}
	var blocks []*block
	for i, l := range layers {
		b, err := m.newBlock(fmt.Sprintf("%s.%d", name, i), l, t5, len(layers))
		if err != nil {
			return nil, fmt.Errorf("model: %s: layer %d: %w", name, i, err)
		}
		blocks = append(blocks, b)
	}
	return blocks, nil
}

// norm makes a norm, or nil of nil.
func (m *Model) norm(name string, n *Norm) *nn.Norm {
	if n == nil {
		return nil
	}
	kind, _ := nn.ParseNorm(n.Kind) // Check has parsed it
	eps := n.Eps
	if eps == 0 {
		eps = normEps
	}
	return nn.NewNorm(m.params, name, nn.NormConfig{Kind: kind, Width: m.spec.Width, Eps: eps, NoBias: n.NoBias})
}

// normEps is the default ε of norms. It matters only for nearly constant rows.
const normEps = 1e-5

// Spec is the model, layer by layer. The caller must not change it.
func (m *Model) Spec() *Spec { return &m.spec }

// Params lists the weights, in the order in which they are made. A closed model has none.
func (m *Model) Params() []*tensor.Param { return m.params.All() }

// Count is the number of weights, element by element.
func (m *Model) Count() int64 { return m.params.Count() }

// Bytes is the size of the weights as they are stored.
func (m *Model) Bytes() int64 { return m.params.Bytes() }

// Tokenizer is the model's tokenizer; nil if it has none.
func (m *Model) Tokenizer() *tokenizer.Tokenizer { return m.tokenizer }

// Answers are the names and units of the head's outputs.
func (m *Model) Answers() data.Answers { return m.answers }

// Policy is the model's precision.
func (m *Model) Policy() autograd.Policy { return m.policy }

// stack records n blocks in order. The first m.wrapped of them are recomputed in the backward pass.
func (m *Model) stack(p *nn.Pass, x *autograd.Var, n int, apply func(i int, x *autograd.Var) *autograd.Var) *autograd.Var {
	for i := 0; i < n; {
		if i >= m.wrapped {
			x = apply(i, x)
			i++
			continue
		}
		from, to := i, min(n, m.wrapped, i+m.group) // a source may have fewer layers
		x = p.G.Recompute(func() *autograd.Var {
			y := x
			for j := from; j < to; j++ {
				y = apply(j, y)
			}
			return y
		})
		i = to
	}
	return x
}

// finish applies a norm, if there is one.
func finish(p *nn.Pass, norm *nn.Norm, x *autograd.Var) *autograd.Var {
	if norm == nil {
		return x
	}
	return norm.Apply(p, x)
}

// encode records the encoder of an encoder-decoder: [S, width]. It shows each state to observe, as hidden does; nil: not called.
func (m *Model) encode(p *nn.Pass, tokens, types []int32, observe func(*autograd.Var) *autograd.Var) *autograd.Var {
	if observe == nil {
		observe = func(x *autograd.Var) *autograd.Var { return x }
	}
	x := m.stack(p, observe(m.reads.apply(p, nil, tokens, types)), len(m.source), func(i int, x *autograd.Var) *autograd.Var {
		return observe(m.source[i].apply(p, x, m.source[i].self(p)))
	})
	if m.sourceEnd == nil {
		return x
	}
	return observe(m.sourceEnd.Apply(p, x))
}

// hidden records the model below the head: [T, width]. It shows each state to in.observe, if that is set: the embeddings, the output of
// each layer, and that of the last norm.
func (m *Model) hidden(p *nn.Pass, in inputs) *autograd.Var {
	apply := func(i int, x *autograd.Var) *autograd.Var { return m.blocks[i].apply(p, x, m.blocks[i].self(p)) }
	switch m.spec.Kind {
	case EncoderDecoder:
		source := m.encode(p.With(in.source.Lengths), in.source.Tokens, in.source.Types, nil)
		apply = func(i int, x *autograd.Var) *autograd.Var {
			b := m.blocks[i]
			r := b.self(p)
			r.cross = func(h *autograd.Var) *autograd.Var { return b.cross.ApplyOver(p, h, source, in.source.Lengths, nil) }
			return b.apply(p, x, r)
		}
	case TransformerXL:
		apply = func(i int, x *autograd.Var) *autograd.Var { return m.recur(p, in.memory, i, x) }
	case Hierarchical:
		h := newHierarchy(p, m.spec.Segment, m.spec.Causal())
		apply = func(i int, x *autograd.Var) *autograd.Var { return m.ascend(p, h, i, x) }
	}
	x := m.addPrior(p, in, m.target.apply(p, nil, in.tokens, in.types))
	if in.observe != nil {
		plain := apply
		apply = func(i int, x *autograd.Var) *autograd.Var { return in.observe(plain(i, x)) }
		x = in.observe(x)
	}
	x = m.stack(p, x, len(m.blocks), apply)
	if in.observe != nil && m.end != nil {
		return in.observe(finish(p, m.end, x))
	}
	return finish(p, m.end, x)
}

// inputs are the inputs of a pass, beside the lengths.
type inputs struct {
	tokens, types []int32
	prior         []float32   // as data.Batch.Prior
	source        *data.Batch // of an encoder-decoder
	memory        *recurrence // of a transformer-xl

	observe func(*autograd.Var) *autograd.Var // nil: not called; returns its argument
}
