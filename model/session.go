package model

import (
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/tensor"
)

// Session computes with a model. It holds what changes meanwhile: compiled attention, buffers and the random state. One goroutine
// uses a session at a time; any number of sessions share a model, and each gives the bits that it gives alone.
type Session struct {
	m        *Model
	x        tensor.Exec
	compiled *nn.CompileCache
}

// NewSession makes a session that computes on the threads of x, with buffers from its pool. Sessions at work at the same time must
// not share a pool whose peak matters; the zero Exec uses all processors and no pool.
func (m *Model) NewSession(x tensor.Exec) *Session {
	return &Session{m: m, x: x, compiled: nn.NewCompileCache()}
}

// Step computes the mean loss of a batch, and with o.Backward adds o.Scale times its gradients to those of the weights. The
// targets are those of the batch: Targets for lm and tag, Labels for classify, Values or else Labels for regress. A masked language
// model hides tokens of its own choice, unless the batch has targets. A Transformer-XL with segments reads each sequence segment by
// segment, with a memory of its own unless o has one.
//
// It returns an error for tokens or targets out of range, and for what the model's mechanisms refuse.
func (s *Session) Step(b *data.Batch, o StepOptions) (Result, error) {
	if s.m.spec.Kind == TransformerXL && s.m.spec.Segment > 0 && o.Memory == nil {
		return s.stepSegments(b, o)
	}
	return s.step(b, o)
}
