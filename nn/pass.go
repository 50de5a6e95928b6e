package nn

import (
	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/mechanism"
	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/internal/random"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
)

// Pass is the state that the layers of one forward pass share.
type Pass struct {
	G       *autograd.Graph
	Lengths []int   // tokens of each sequence of the packed batch
	Starts  []int   // position of the first token of each sequence, after those of a memory or a cache; nil: 0
	Rate    float64 // of dropout
	Seed    uint64  // of dropout

	Compiled *CompileCache // shared by layers and passes; not nil

	// Share, where several ranks have rows of the batch, says which; nil: all rows are here. Lengths and Starts are then those of the pieces
	// of this rank. Attention exchanges with the other ranks, which all run the same layers.
	Share *parallel.Share

	// Tensor, where not nil, are ranks that have the same rows and share the features of every layer (tensor.go).
	Tensor parallel.Engine

	// Grads, where not nil, are added to in place of the gradients of the weights, by the name of the weight.
	Grads map[string]tensor.Mat

	before       []int32 // tokens already generated
	tokens       []int32
	ngrams       map[int]seeds // of the tokens, by the size of the n-grams
	positions    []int32
	zeros        *autograd.Var // shared by layers
	encoded      *autograd.Var // distances, shared by layers
	encodedFirst int
	encodedMost  int                       // distances beyond it count as it; 0: none does
	leaves       map[leafKey]*autograd.Var // of the weights, shared by layers
	root         *Pass                     // of a pass that With made
	dropouts     uint64                    // recorded so far: each has a seed of its own
	borrowed     []tensor.Mat              // inputs of this pass, which Close returns to the pool
}

// Positions is the position of every token in its sequence.
func (p *Pass) Positions() []int32 {
	if p.positions == nil {
		p.positions = positions(p.Lengths, p.Starts)
	}
	return p.positions
}

func positions(lengths, starts []int) []int32 {
	all := []int32{}
	for s, n := range lengths {
		start := 0
		if starts != nil {
			start = starts[s]
		}
		for i := range n {
			all = append(all, int32(start+i))
		}
	}
	return all
}

// With returns a pass over sequences of other lengths, such as the segments of the same tokens. It shares everything else, and is closed
// with p.
func (p *Pass) With(lengths []int) *Pass {
	return &Pass{G: p.G, Lengths: lengths, Compiled: p.Compiled, Rate: p.Rate, Seed: p.Seed, Grads: p.Grads, root: p.first()}
}

// WithoutTensor returns p for layers that this rank computes whole, on rows of its own. It shares everything else, and is closed with p.
func (p *Pass) WithoutTensor() *Pass {
	whole := *p
	whole.Tensor, whole.root = nil, p.first()
	return &whole
}

func (p *Pass) first() *Pass {
	if p.root != nil {
		return p.root
	}
	return p
}

// Dropout drops elements of x at the pass's rate.
func (p *Pass) Dropout(x *autograd.Var) *autograd.Var {
	first := p.first()
	first.dropouts++
	return p.G.DropoutRows(x, p.Rate, random.Finalise(p.Seed+first.dropouts*random.Gamma), p.firstRow())
}

// borrow returns a float32 input that fill fills, and that Close returns to the pool.
func (p *Pass) borrow(rows, cols int, fill func(tensor.Mat)) *autograd.Var {
	m := p.G.Exec().Pool.Get(tensor.F32, rows, cols)
	if !m.Dry() {
		fill(m)
	}
	first := p.first()
	first.borrowed = append(first.borrowed, m)
	return p.G.Input(m)
}

// Zeros is an input of zeros of type t, which is the same for all layers that ask for the same shape.
func (p *Pass) Zeros(t tensor.Type, rows, cols int) *autograd.Var {
	first := p.first()
	if z := first.zeros; z != nil && z.Rows() == rows && z.Cols() == cols {
		return z
	}
	m := p.G.Exec().Pool.GetZero(t, rows, cols)
	first.borrowed = append(first.borrowed, m)
	first.zeros = p.G.Input(m)
	return first.zeros
}

// Close closes the graph and returns the inputs of the pass to the pool.
func (p *Pass) Close() {
	p.G.Close()
	for _, m := range p.borrowed {
		p.G.Exec().Pool.Put(m)
	}
	p.borrowed = nil
}

// selfSeqs are the sequences of the whole batch, each attending to itself.
func (p *Pass) selfSeqs() []attention.Seq { return attention.Self(p.Whole()...) }

// compile prepares self-attention for the sequences of the pass.
func (p *Pass) compile(l mechanism.Layer) (mechanism.Core, error) {
	if p.Share != nil {
		return p.Compiled.compileOver(l, p.Share)
	}
	return p.Compiled.compile(l, p.selfSeqs())
}
