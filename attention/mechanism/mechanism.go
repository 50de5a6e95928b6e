// Package mechanism gives all ways of attending one interface: softmax over the keys that a pattern shows, linear attention, and
// Nyström's. [Parse] reads their text form, [New] makes a [Layer] of it, and a Layer is compiled for the lengths of a batch into a
// [Core], or decodes token by token with a [State].
//
//	m, err := mechanism.Parse("window(512) | global(0)")
//	layer, err := mechanism.New(mechanism.Config{Mechanism: m, Heads: 12, HeadDim: 64})
//	core, err := layer.Compile(attention.Self(4096))
//	err = core.Forward(x, mechanism.Out{O: out}, mechanism.In{In: attention.In{Q: q, K: k, V: v}})
package mechanism

import (
	"errors"
	"fmt"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/tensor"
)

// Config is a mechanism with the heads of a layer.
type Config struct {
	Mechanism Mechanism
	Heads     int   // H
	KVHeads   int   // Hkv, a divisor of Heads; 0: Heads
	HeadDim   int   // D
	Causal    bool  // a query sees itself and the tokens before it
	Cross     bool  // keys come from other tokens than queries
	Terms     Terms // added to the scores; only softmax has any

	Scale   float64 // factor of the scores; 0: 1/√D; only softmax has another
	SoftCap float64 // c: scores become c·tanh(score/c); 0: no cap; only softmax has one
}

// Terms are added to the scores of a softmax. At most one of ALiBi, T5 and Relative is set.
type Terms struct {
	Sinks    bool          // a learned logit a head
	ALiBi    bool          // the slopes of the paper, which are not learned
	T5       *attention.T5 // a learned bias by bucket of distance; its Table is ignored
	Relative bool          // Transformer-XL's learned biases
}

// any reports whether there is a term, and names it.
func (t Terms) any() (string, bool) {
	switch {
	case t.Sinks:
		return "sinks", true
	case t.ALiBi || t.T5 != nil || t.Relative:
		return "a bias", true
	}
	return "", false
}

// Layer is a mechanism prepared for one Config. It is immutable and safe for concurrent use.
type Layer interface {
	// Learned lists the learned matrices other than the projections, in the order of In.Learned.
	Learned() []Learned
	// Compile prepares a packed batch. It returns an error for lengths that the mechanism refuses.
	Compile(seqs []attention.Seq) (Core, error)
	// NewState returns the state before the first token. A token sees at most memory of the visible tokens before it; 0: all of
	// them. The state is allocated from the pool. Only causal layers decode.
	NewState(pool *tensor.Pool, memory int) (State, error)
	// Key identifies a layer: layers with equal keys compile to equal cores.
	Key() string
}

// Learned is a learned matrix, F32.
type Learned struct {
	Name       string
	Rows, Cols int  // Rows 0: any number
	Term       bool // belongs to Terms, whose matrices layers may share; else to the mechanism
}

// Core is a Layer compiled for the lengths of one packed batch. It holds no activations and is safe for concurrent use.
type Core interface {
	// Queries and Keys are the rows of Q and O, and of K and V.
	Queries() int
	Keys() int
	// Widths are the columns of Q and O, and of K and V.
	Widths() Widths
	// Learned is that of the Layer.
	Learned() []Learned
	// Saved lists the F32 matrices that Forward writes for Backward.
	Saved() []Shape
	// ReadsO reports whether Backward reads O too.
	ReadsO() bool
	// Forward computes out. With dry matrices it allocates the same memory and computes nothing.
	Forward(x tensor.Exec, out Out, in In) error
	// Backward computes the gradients from do [Queries, Q columns], the gradient of O. in and out are those of Forward.
	Backward(x tensor.Exec, g Grads, do tensor.Mat, out Out, in In) error
	// Work counts the operations of both passes.
	Work() Work
}

// State is the state of decoding one sequence. It is used by one goroutine at a time.
type State interface {
	// Widths are those of the Core.
	Widths() Widths
	// Learned is that of the Layer.
	Learned() []Learned
	// Step adds the next tokens, 0 or more, to the state, and writes the outputs of their queries to out.
	Step(x tensor.Exec, out tensor.Mat, in In) error
	// Tokens is the number of tokens so far: the position of the next.
	Tokens() int
	// Oldest is the position of the first token whose key a later query may see; Tokens if there is none.
	Oldest() int
	// Work is the flops of a Step of n queries after the tokens so far, and the bytes that it reads of the state.
	Work(n int) (flops, bytes int64)
	// Reset empties the state, and keeps its memory for another sequence.
	Reset()
	// Free returns the memory to the pool, and empties the state.
	Free()
}

// Shape is the rows and columns of a matrix.
type Shape struct{ Rows, Cols int }

// Widths are the columns of Q and O, H·D, and those of K and V, Hkv·D.
type Widths struct{ Q, KV int }

// In is the input of a pass.
type In struct {
	attention.In
	Learned []tensor.Mat // as Layer.Learned lists them
}

// Out is the output of Forward. Saved has the shapes that Core.Saved lists, or is nil where no Backward follows.
type Out struct {
	O     tensor.Mat
	Saved []tensor.Mat
}

// Grads is the output of Backward.
type Grads struct {
	DQ, DK, DV tensor.Mat   // like Q, K and V
	Learned    []tensor.Mat // F32, like In.Learned
}

// Work is the work of a Core. Flops count a multiplication and an addition as two.
type Work struct {
	Forward, Backward float64 // useful flops
	Recomputed        float64 // flops of the forward pass that Backward repeats
	Reads             int     // the bytes that Backward moves, over those of Forward
}

// New prepares a mechanism for the heads of a layer. It returns an error for settings that cannot go together.
func New(c Config) (Layer, error) {
	if c.KVHeads == 0 {
		c.KVHeads = c.Heads
	}
	if c.Mechanism.kind == nil {
		return nil, errors.New("mechanism: found no mechanism, expected one that Parse returned")
	}
	if _, summaries := c.Mechanism.kind.(*transient); !summaries && !c.Mechanism.Softmax() {
		name := c.Mechanism.String()
		if what, ok := c.Terms.any(); ok {
			return nil, fmt.Errorf("mechanism: found %s beside %s, which has no softmax to add it to; use the position encoding learned, "+
				"rotary or none, and no sinks", what, name)
		}
		if c.Scale != 0 || c.SoftCap != 0 {
			return nil, fmt.Errorf("mechanism: found the score scale %g and soft cap %g with %s, expected 0: only a softmax has scores", c.Scale,
				c.SoftCap, name)
		}
		if c.Cross {
			return nil, fmt.Errorf("mechanism: found cross-attention or a memory with %s, expected a pattern: %[1]s is of a sequence over itself",
				name)
		}
	}
	return c.Mechanism.kind.layer(c)
}

// Widths are the columns of Q and O, and of K and V. KVHeads must be set.
func (c Config) Widths() Widths { return Widths{c.Heads * c.HeadDim, c.KVHeads * c.HeadDim} }

// own returns the lengths of sequences that attend to themselves, and refuses others.
func own(name string, seqs []attention.Seq) ([]int, error) {
	lengths := make([]int, len(seqs))
	for i, s := range seqs {
		if s != (attention.Seq{Q: s.Q, K: s.Q}) {
			return nil, fmt.Errorf("mechanism: found %d queries after %d tokens over %d keys in sequence %d, expected %s over its own tokens; "+
				"use a pattern for memories and cross-attention", s.Q, s.Offset, s.K, i, name)
		}
		lengths[i] = s.Q
	}
	return lengths, nil
}
