package model

import (
	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
)

// Session computes with a model. It holds the compiled attention and the buffers. One goroutine uses a session at a time. Any number of
// sessions may share a model, and the results of each have the bits that it would give alone. After [Model.Close] a session returns errors.
type Session struct {
	m        *Model
	x        tensor.Exec
	compiled *nn.CompileCache
	ranks    parallel.Engine // which share the rows of Predict and Hidden; nil: none
}

// NewSession makes a session that computes on the threads of x, with buffers from its pool. A pool that several sessions share at the
// same time has the peak of their sum. The zero Exec uses all processors and no pool.
func (m *Model) NewSession(x tensor.Exec) *Session {
	return &Session{m: m, x: x, compiled: nn.NewCompileCache()}
}

// NewSessionOver is NewSession of one of several ranks, which have the same model and make the same calls in the same order. They share
// the rows of each batch and the windows of a score, and each has the whole result. Decoding and Step are not shared, nor are the rows of
// kinds that [CanShare] refuses.
func (m *Model) NewSessionOver(x tensor.Exec, e parallel.Engine) *Session {
	s := m.NewSession(x)
	if e != nil && e.Size() > 1 && CanShare(&m.spec) == nil {
		s.ranks = e
	}
	return s
}

// pass is a forward pass over sequences of the given lengths and first positions; nil: 0.
func (s *Session) pass(lengths, starts []int) *nn.Pass {
	return &nn.Pass{G: autograd.New(s.x, autograd.Options{Policy: s.m.policy}), Lengths: lengths, Starts: starts, Compiled: s.compiled}
}

// Model is the model of the session.
func (s *Session) Model() *Model { return s.m }

// Exec has the threads and the pool of the session.
func (s *Session) Exec() tensor.Exec { return s.x }

// Step computes the mean loss of a batch, and with o.Backward adds o.Scale times its gradients to those of the weights. The targets are
// those of the batch: Targets for lm and tag, Labels for classify, Values or else Labels for regress. A masked language model chooses
// tokens to hide itself, unless the batch has targets. A model that pairs train, with a [Contrast], takes sequences 2i and 2i+1 as a query
// and its passage. An encoder-decoder reads b.Source. A Transformer-XL with segments reads each sequence segment by segment with a memory
// of its own, unless o has a memory. All buffers are back in the pool on return.
//
// It returns an error for a nil batch, for tokens, targets or sources that do not suit the model, for o.Backward without
// [Options].Train, and for lengths that a mechanism refuses.
func (s *Session) Step(b *data.Batch, o StepOptions) (Result, error) {
	if s.m.spec.Kind == TransformerXL && s.m.spec.Segment > 0 && o.Memory == nil {
		return s.stepSegments(b, o)
	}
	if s.m.spec.Head.Contrast != nil {
		return s.contrast(b, o)
	}
	return s.step(b, o)
}
