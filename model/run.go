package model

import (
	"errors"
	"fmt"
	"math"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/nn"
)

// StepOptions says how a batch is run. The zero value computes the loss alone.
type StepOptions struct {
	Backward bool        // compute gradients too, with dropout
	Scale    float64     // what the gradients are multiplied by before they are added up; 0: 1
	Seed     uint64      // of dropout and of what a masked language model hides: another for each step
	Source   *data.Batch // of an encoder-decoder: the sequences to read, one for each of the batch
	First    *uint64     // index of the first sequence in an evaluation, by which a masked language model hides; nil: by the batch
	Memory   *Memory     // of a Transformer-XL: read, and moved on to the end of this batch, or emptied where the loss is not finite; nil: none

	// When not nil, filled with one element for each target: a token, or a sequence for classify.
	Losses []float32 // −log p of the target, in nats; 0 where there is none
	Best   []int32   // the most probable class; autograd.Ignore where there is no target
}

// derivative is what the backward pass begins with: that by the loss. It is 0 where there is no backward pass, and where r.Scale is so small
// that it is 0 in float32.
func (r StepOptions) derivative() float32 {
	switch {
	case !r.Backward:
		return 0
	case r.Scale == 0:
		return 1
	}
	return float32(r.Scale)
}

// clear fills in what there is where there is no target.
func (r StepOptions) clear() {
	clear(r.Losses)
	for i := range r.Best {
		r.Best[i] = autograd.Ignore
	}
}

// checkRoom refuses slices that do not have an element for each target.
func (r StepOptions) checkRoom(targets int) error {
	if r.Losses != nil && len(r.Losses) != targets || r.Best != nil && len(r.Best) != targets {
		return fmt.Errorf("model: found room for %d losses and %d classes, expected none or %d: one for each target", len(r.Losses), len(r.Best), targets)
	}
	return nil
}

// Result is what a run gives.
type Result struct {
	Loss            float64       // mean over the targets: nats, or for regress the square of the error
	Targets         int           // how many there were
	Cost            autograd.Cost // work done
	ActivationBytes int64         // peak bytes of the pool between operations: without the scratch of an operation
}

// Run computes the mean loss of a batch, and with r.Backward adds r.Scale times its gradients to those of the weights. The
// targets are those of the batch: Targets for lm and tag, Labels for classify, Values or else Labels for regress. A masked language
// model hides tokens of its own choice, unless the batch has targets. Values and gradients come from x.Pool, and what is kept is back in it on return.
//
// It returns an error for tokens or targets out of range, and whatever the model's mechanisms refuse.
func (s *Session) step(b *data.Batch, r StepOptions) (Result, error) {
	m := s.m
	if err := m.acquire(); err != nil {
		return Result{}, err
	}
	defer m.release()
	p, in, err := s.begin(b, r)
	if err != nil {
		return Result{}, err
	}
	defer p.Close()
	t, err := m.targets(b, &in, r)
	if err != nil {
		return Result{}, err
	}
	if t.counted == 0 {
		return s.pass(p, in, r)
	}
	loss := p.G.Keep(m.loss(p, m.hidden(p, in), t))
	if err := p.G.Forward(); err != nil {
		return Result{}, err
	}
	result := Result{Loss: float64(loss.Scalar()), Targets: t.counted}
	t.deliver(r)
	if r.Backward {
		if err := p.G.Backward(loss, r.derivative()); err != nil {
			return Result{}, err
		}
	}
	switch {
	case r.Memory == nil || in.memory == nil:
	case math.IsNaN(result.Loss) || math.IsInf(result.Loss, 0):
		r.Memory.Free() // what overflowed would do so again with every batch that reads it, and the sequences begin anew
	default:
		in.memory.remember(r.Memory, s.x) // recomputed layers read the memory before until the backward pass is over
	}
	result.Cost, result.ActivationBytes = p.G.Cost(), p.G.PeakBetween()
	return result, nil
}

// pass runs a batch that has no target: there is no loss, but a memory moves on.
func (s *Session) pass(p *nn.Pass, in inputs, r StepOptions) (Result, error) {
	r.clear()
	if r.Memory == nil || in.memory == nil {
		return Result{}, nil
	}
	s.m.hidden(p, in)
	if err := p.G.Forward(); err != nil {
		return Result{}, err
	}
	in.memory.remember(r.Memory, s.x)
	return Result{Cost: p.G.Cost()}, nil
}

// begin checks a batch and makes the pass that runs it.
func (s *Session) begin(b *data.Batch, r StepOptions) (*nn.Pass, inputs, error) {
	m := s.m
	if err := errors.Join(m.checkOptions(r), m.checkBatch(b)); err != nil {
		return nil, inputs{}, err
	}
	in := inputs{tokens: b.Tokens}
	if len(b.Types) > 0 {
		in.types = b.Types
	}
	p := &nn.Pass{
		G:       autograd.New(s.x, autograd.Options{Policy: m.policy, Train: r.Backward}),
		Lengths: b.Lengths, Compiled: s.compiled, Rate: m.spec.Dropout, Seed: r.Seed,
	}
	switch {
	case m.spec.Kind == EncoderDecoder:
		if r.Source == nil || len(r.Source.Lengths) != len(b.Lengths) {
			return nil, in, fmt.Errorf("model: an encoder-decoder needs a source for each of the %d sequences of the batch; set StepOptions.Source", len(b.Lengths))
		}
		if err := m.checkBatch(r.Source); err != nil {
			return nil, in, fmt.Errorf("%w: of the sources", err)
		}
		in.source, in.sourceLengths = r.Source.Tokens, r.Source.Lengths
	case m.spec.Kind == TransformerXL:
		room := m.spec.Memory
		if r.Memory == nil {
			room = 0
		}
		in.memory = newRecurrence(r.Memory, room, b.Lengths, b.Follows)
	}
	return p, in, nil
}

// checkOptions refuses options that this model would not follow.
func (m *Model) checkOptions(r StepOptions) error {
	switch {
	case r.Source != nil && r.Source.Sequences() > 0 && m.spec.Kind != EncoderDecoder:
		return fmt.Errorf("model: found a source for a model of kind %s, expected none: only an encoder-decoder reads one", m.spec.Kind)
	case r.Memory != nil && m.spec.Kind != TransformerXL:
		return fmt.Errorf("model: found a memory for a model of kind %s, expected none: only a transformer-xl has one", m.spec.Kind)
	case r.Backward && !m.params.Trains():
		return errors.New("model: found a backward pass of a model without gradients, expected one that was made with Options.Train")
	case math.IsNaN(r.Scale) || math.IsInf(r.Scale, 0):
		return fmt.Errorf("model: found gradients scaled by %g, expected a finite number", r.Scale)
	case r.Memory != nil:
		return r.Memory.check(m)
	}
	return nil
}

func (m *Model) checkBatch(b *data.Batch) error {
	if b == nil || len(b.Tokens) == 0 {
		return errors.New("model: the batch has no tokens")
	}
	for i, t := range b.Tokens {
		if t < 0 || int(t) >= m.spec.Vocab {
			return fmt.Errorf("model: token %d of the batch is %d, the model knows 0 … %d", i, t, m.spec.Vocab-1)
		}
	}
	if err := b.Check(0); err != nil {
		return err
	}
	for i, n := range b.Lengths {
		if n > len(b.Tokens) { // the sum overflowed
			return fmt.Errorf("model: sequence %d has %d tokens, the batch has %d", i, n, len(b.Tokens))
		}
	}
	for i, t := range b.Types {
		if t < 0 || int(t) >= m.spec.Embed.TokenTypes {
			return fmt.Errorf("model: token %d of the batch has the type %d, the model has %d token types", i, t, m.spec.Embed.TokenTypes)
		}
	}
	if m.positions == nil {
		return nil
	}
	for i, n := range b.Lengths {
		if n > m.spec.Embed.Positions {
			return fmt.Errorf("model: sequence %d has %d tokens, the model has %d learned positions; cut it, or use rotary positions", i, n, m.spec.Embed.Positions)
		}
	}
	return nil
}
