package model

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/tokenizer"
)

// Model is a Transformer with its weights. Any number of goroutines may share it, each with a [Session] of its own, as long as nothing trains it.
type Model struct {
	s      settings
	params *nn.Params

	embedding *nn.Embedding
	positions *nn.Embedding // learned ones
	ngrams    []ngrams
	source    []*block // of an encoder-decoder: its encoder
	blocks    []*block
	levels    []*level // hierarchical: what comes behind each block
	sourceEnd *nn.Norm
	end       *nn.Norm // after the last block, with norms inside the branches
	head      *nn.Linear

	tokenizer *tokenizer.Tokenizer // nil: none
	answers   data.Answers
	file      *weightsFile // of a model that was opened

	progress progress
}

// Options says where the weights of a model come from. The zero value draws them, for inference.
type Options struct {
	Pool  *tensor.Pool // of drawn weights and gradients; from a dry pool they have no data, and the model counts
	Train bool         // weights have gradients

	Tokenizer *tokenizer.Tokenizer // turns text into the model's ids; may be nil
	Answers   data.Answers         // turns outputs of the head into the user's words
}

// New makes the model of c with first weights drawn by its seed. Where nothing is trained and the precision is bf16, tables are stored
// in bf16.
func New(c Config, o Options) (*Model, error) {
	m, err := build(c, nn.ParamsOptions{Pool: o.Pool, Train: o.Train})
	if err != nil {
		return nil, err
	}
	m.tokenizer, m.answers = o.Tokenizer, o.Answers
	return m, nil
}

func build(c Config, o nn.ParamsOptions) (*Model, error) {
	s, err := c.resolve()
	if err != nil {
		return nil, err
	}
	if s.Checkpoint == Auto {
		return nil, errors.New("model: checkpoint: found auto, expected what package plan makes of it for a memory budget")
	}
	o.Seed, o.Type = s.Seed, s.policy.Products
	m := &Model{s: s, params: nn.NewParams(o)}
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

// Names of weights, for those who begin with the weights of another model.
const (
	HeadPrefix    = headLayer + "."            // what the names of the head's weights begin with; a tied head has none
	EmbeddingName = embeddingLayer + ".weight" // a row a token; the head mlm adds one, for what is hidden
)

// make makes the layers.
func (m *Model) make() (err error) {
	s := &m.s
	m.embedding = nn.NewEmbedding(m.params, embeddingLayer, s.tokens(), s.Width)
	if s.position == nn.Learned {
		m.positions = nn.NewEmbedding(m.params, "positions", s.MaxTokens, s.Width)
	}
	m.makeNgrams()
	if s.Kind == EncoderDecoder {
		if m.source, err = m.makeBlocks("source", blockConfig{}); err != nil {
			return err
		}
		m.sourceEnd = m.finalNorm("source.norm")
	}
	stack := blockConfig{causal: s.Causal() || s.Kind == EncoderDecoder, memory: s.Kind == TransformerXL, cross: s.Kind == EncoderDecoder}
	if m.blocks, err = m.makeBlocks("blocks", stack); err != nil {
		return err
	}
	if s.Kind == Hierarchical {
		if err := m.makeLevels(); err != nil {
			return err
		}
	}
	m.end = m.finalNorm("norm")
	if !s.Tied {
		m.head = nn.NewLinear(m.params, headLayer, s.Width, s.outputs(), s.Bias, headStd*math.Sqrt(float64(s.Width)))
	}
	return m.params.Err()
}

// tokens is the rows of the embedding: masked language models have a token more, which stands for what is hidden.
func (s *settings) tokens() int {
	if s.Head == MaskedLM {
		return s.Vocab + 1
	}
	return s.Vocab
}

// outputs is how many numbers the head gives.
func (s *settings) outputs() int {
	switch s.Head {
	case Classify, Tag:
		return s.Classes
	case Regress:
		return 1
	}
	return s.Vocab
}

// headStd is the standard deviation of the head's first weights, that of the tables it may be tied to: over rows of norm √width the
// logits begin within a few tenths of each other, and the loss at nearly ln classes.
const headStd = 0.02

func (m *Model) makeBlocks(name string, c blockConfig) ([]*block, error) {
	s := &m.s
	if s.position == nn.T5 {
		c.t5 = m.params.Add(name+".t5", nn.T5Buckets, s.Heads, nn.Zeros())
	}
	var blocks []*block
	for i := range s.Layers {
		c.mechanism = s.mechanisms[i%len(s.mechanisms)]
		c.position, c.words = s.position, nil
		if slices.Contains(s.NoPosition, i) {
			c.position, c.words = nn.NoPosition, s.Words
		}
		b, err := newBlock(m.params, fmt.Sprintf("%s.%d", name, i), s, c)
		if err != nil {
			return nil, fmt.Errorf("model: layer %d: %w", i, err)
		}
		blocks = append(blocks, b)
	}
	return blocks, nil
}

func (m *Model) finalNorm(name string) *nn.Norm {
	if m.s.Placement == "post" {
		return nil
	}
	return nn.NewNorm(m.params, name, m.s.norm, m.s.Width, normEps)
}

// Config is the model's configuration with every default written out.
func (m *Model) Config() Config { return m.s.Config }

// Params lists the weights, in the order in which they were made.
func (m *Model) Params() []*tensor.Param { return m.params.All() }

// Count is the number of weights, element by element.
func (m *Model) Count() int64 { return m.params.Count() }

// Bytes is the size of the weights as they are stored.
func (m *Model) Bytes() int64 { return m.params.Bytes() }

// Tokenizer turns text into the model's ids; nil where the model has none.
func (m *Model) Tokenizer() *tokenizer.Tokenizer { return m.tokenizer }

// Answers turns outputs of the head into the user's words.
func (m *Model) Answers() data.Answers { return m.answers }

// Policy is the model's precision.
func (m *Model) Policy() autograd.Policy { return m.s.policy }

// stack records n blocks one after the other, the first of them in checkpoints.
func (m *Model) stack(p *nn.Pass, x *autograd.Var, n int, apply func(i int, x *autograd.Var) *autograd.Var) *autograd.Var {
	for i := 0; i < n; {
		if i >= m.s.wrapped {
			x = apply(i, x)
			i++
			continue
		}
		from, to := i, min(m.s.wrapped, i+m.s.group)
		x = p.G.Checkpoint(func() *autograd.Var {
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

// embed looks the tokens up and adds what words of them and learned positions have. The tokens before are those that a generation had
// already.
func (m *Model) embed(p *nn.Pass, before, tokens []int32) *autograd.Var {
	p.Read(before, tokens)
	x := m.embedding.Apply(p, tokens)
	for _, g := range m.ngrams {
		x = g.add(p, x, before, tokens)
	}
	if m.positions != nil {
		x = p.G.Add(x, m.positions.Apply(p, p.Positions()))
	}
	return p.Dropout(x)
}

// finish applies the norm after the last block.
func finish(p *nn.Pass, norm *nn.Norm, x *autograd.Var) *autograd.Var {
	if norm == nil {
		return x
	}
	return norm.Apply(p, x)
}

// encode records the encoder of an encoder-decoder.
func (m *Model) encode(p *nn.Pass, tokens []int32) *autograd.Var {
	x := m.stack(p, m.embed(p, nil, tokens), len(m.source), func(i int, x *autograd.Var) *autograd.Var {
		return m.source[i].apply(p, x, m.source[i].self(p))
	})
	return finish(p, m.sourceEnd, x)
}

// hidden records the model up to the head: [T, width].
func (m *Model) hidden(p *nn.Pass, in inputs) *autograd.Var {
	apply := func(i int, x *autograd.Var) *autograd.Var { return m.blocks[i].apply(p, x, m.blocks[i].self(p)) }
	switch m.s.Kind {
	case EncoderDecoder:
		source := m.encode(p.With(in.sourceLengths), in.source)
		apply = func(i int, x *autograd.Var) *autograd.Var {
			b := m.blocks[i]
			r := b.self(p)
			r.cross = func(h *autograd.Var) *autograd.Var { return b.cross.ApplyOver(p, h, source, in.sourceLengths, nil) }
			return b.apply(p, x, r)
		}
	case TransformerXL:
		apply = func(i int, x *autograd.Var) *autograd.Var { return m.recur(p, in.memory, i, x) }
	case Hierarchical:
		h := newHierarchy(p, m.s.Segment, m.s.Causal())
		apply = func(i int, x *autograd.Var) *autograd.Var { return m.ascend(p, h, i, x) }
	}
	x := m.stack(p, m.embed(p, nil, in.tokens), len(m.blocks), apply)
	return finish(p, m.end, x)
}

// inputs is what a pass reads beside the lengths.
type inputs struct {
	tokens        []int32
	source        []int32 // of an encoder-decoder
	sourceLengths []int
	memory        *recurrence // of a transformer-xl
}
