package model

import (
	"errors"
	"fmt"
	"math"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
)

// StepOptions sets how a batch is run. The zero value computes the loss alone.
type StepOptions struct {
	Backward bool    // compute gradients too, with dropout; the model must be made with Options.Train
	Scale    float64 // factor of the gradients, which are added to those of the weights; 0: 1
	Seed     uint64  // of dropout and of masked language modelling; training takes another for each step

	// First is the index, in an evaluation, of the first sequence. A masked language model then hides the same tokens of a sequence in
	// batches of any size. Nil: hidden tokens depend on the batch.
	First *uint64

	// Share says which rows of the batch this rank has, where several ranks run a step together; nil: all. Every rank is given the whole
	// batch and runs it with the same options. The loss and the gradients are this rank's share of those of the batch: they add up to them.
	// Losses and Best are filled for the rows of this rank.
	Share *parallel.Share

	// Tensor, where not nil, are ranks that have the same rows and share the features of every layer and the targets.
	Tensor parallel.Engine

	// Grads, where not nil, are added to in place of the gradients of the weights, by the name of the weight.
	Grads map[string]tensor.Mat

	// Memory is read by a Transformer-XL, and advanced to the end of the batch. It is emptied where the loss is not finite. Nil: none.
	Memory *Memory

	// When not nil, these are filled with one element for each target: a token, a sequence for classify, or a pair.
	Losses []float32 // −log p of the target, in nats; 0 where there is none
	Best   []int32   // the most probable class; autograd.Ignore where there is no target
	Ranks  []int32   // of a model that pairs train: of each query, the rank of its passage among those of the batch, from 1
}

// derivative is the gradient at the loss. It is 0 without a backward pass, and where r.Scale underflows in float32.
func (r StepOptions) derivative() float32 {
	switch {
	case !r.Backward:
		return 0
	case r.Scale == 0:
		return 1
	}
	return float32(r.Scale)
}

// clear fills Losses and Best with the values of rows without a target.
func (r StepOptions) clear() {
	clear(r.Losses)
	for i := range r.Best {
		r.Best[i] = autograd.Ignore
	}
}

// checkRoom refuses Losses and Best of another length than the number of targets.
func (r StepOptions) checkRoom(targets int) error {
	if r.Losses != nil && len(r.Losses) != targets || r.Best != nil && len(r.Best) != targets {
		return fmt.Errorf("model: found room for %d losses and %d classes, expected none or %d: one for each target",
			len(r.Losses), len(r.Best), targets)
	}
	return nil
}

// Result is the outcome of a step.
type Result struct {
	Loss            float64       // mean over the targets: nats, or for regress the square of the error
	Targets         int           // number of targets
	Cost            autograd.Cost // work done
	ActivationBytes int64         // peak bytes of the pool between operations, without the scratch of an operation
}

// step is Step over whole sequences.
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
	m.keepOwn(p, in, t)
	t.keepPart(p.Tensor)
	if t.counted == 0 {
		return s.withoutTargets(p, in, r)
	}
	loss := p.G.Keep(m.loss(p, in, m.hidden(p, in), t))
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
	case r.Memory == nil:
	case math.IsNaN(result.Loss) || math.IsInf(result.Loss, 0):
		r.Memory.Free() // every later batch that reads the overflow would overflow too
	default:
		in.memory.remember(r.Memory, s.x) // only now: recomputed layers read the old memory until the backward pass ends
	}
	result.Cost, result.ActivationBytes = p.G.Cost(), p.G.PeakBetween()
	return result, nil
}

// withoutTargets runs a batch that has no target: there is no loss, but a memory advances.
func (s *Session) withoutTargets(p *nn.Pass, in inputs, r StepOptions) (Result, error) {
	r.clear()
	if r.Memory == nil {
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
	if err := m.checkStep(b, r); err != nil {
		return nil, inputs{}, err
	}
	in := inputs{tokens: b.Tokens, types: b.Types, prior: b.Prior}
	lengths, starts := b.Lengths, []int(nil)
	if r.Share != nil {
		lengths, starts = nn.PassOver(r.Share)
	}
	switch m.spec.Kind {
	case EncoderDecoder:
		in.source = b.Source
	case TransformerXL:
		room := m.spec.Memory
		if r.Memory == nil {
			room = 0
		}
		in.memory = newRecurrence(r.Memory, room, m.zeroMemory(), b.Lengths, b.Follows)
	}
	return &nn.Pass{
		G:       autograd.New(s.x, autograd.Options{Policy: m.policy, Train: r.Backward, Part: r.Share != nil || r.Tensor != nil}),
		Lengths: lengths, Starts: starts, Compiled: s.compiled, Rate: m.spec.Dropout, Seed: r.Seed,
		Share: r.Share, Tensor: r.Tensor, Grads: r.Grads,
	}, in, nil
}

// checkStep refuses a batch and options that do not suit the model.
func (m *Model) checkStep(b *data.Batch, r StepOptions) error {
	switch {
	case b == nil:
		return errors.New("model: found no batch, expected one with tokens")
	case r.Backward && !m.train:
		return errors.New("model: found a backward pass of a model without gradients, expected a model made with Options.Train")
	case math.IsNaN(r.Scale) || math.IsInf(r.Scale, 0):
		return fmt.Errorf("model: found the gradient scale %g, expected a finite number", r.Scale)
	case r.Memory != nil && m.spec.Kind != TransformerXL:
		return fmt.Errorf("model: found a memory for a model of kind %s, expected none; use the kind transformer-xl", m.spec.Kind)
	}
	if err := m.checkBatch(b); err != nil {
		return err
	}
	if err := m.checkShare(b, r.Share); err != nil {
		return err
	}
	if r.Tensor != nil {
		if err := m.checkTensor(r.Tensor.Size()); err != nil {
			return err
		}
	}
	if err := r.Memory.check(m, b.Follows); err != nil {
		return err
	}
	sources := b.Source.Sequences()
	switch {
	case m.spec.Kind != EncoderDecoder && sources > 0:
		return fmt.Errorf("model: found %d sources for a model of kind %s, expected none; use the kind encoder-decoder", sources, m.spec.Kind)
	case m.spec.Kind != EncoderDecoder:
		return nil
	case sources != len(b.Lengths):
		return fmt.Errorf("model: an encoder-decoder needs a source for each of the %d sequences of the batch, found %d; set Batch.Source",
			len(b.Lengths), sources)
	}
	return m.checkSources(b.Source)
}

// checkBatch refuses a batch whose columns disagree, and tokens, types and positions that the model does not have.
func (m *Model) checkBatch(b *data.Batch) error {
	return m.checkRead(b, m.spec.Embed.TokenTypes, m.spec.MaxTokens())
}

// checkSources is checkBatch of the sources of an encoder-decoder.
func (m *Model) checkSources(b *data.Batch) error {
	if err := m.checkRead(b, m.spec.EmbeddingOfSource().TokenTypes, m.spec.MaxSource()); err != nil {
		return fmt.Errorf("%w: of the sources", err)
	}
	return nil
}

// checkRead is checkBatch of a batch that tables of so many token types and positions read; 0 positions: no limit.
func (m *Model) checkRead(b *data.Batch, types, limit int) error {
	if len(b.Tokens) == 0 {
		return errors.New("model: the batch has no tokens")
	}
	if err := b.Check(0); err != nil { // without the vocabulary, which does not bound the targets of the head tag
		return err
	}
	for i, t := range b.Tokens {
		if t < 0 || int(t) >= m.spec.Vocab {
			return fmt.Errorf("model: token %d of the batch is %d, the model knows 0 … %d", i, t, m.spec.Vocab-1)
		}
	}
	for i, t := range b.Types {
		if t < 0 || int(t) >= types {
			return fmt.Errorf("model: token %d of the batch has the type %d, the model has %d token types", i, t, types)
		}
	}
	if err := m.checkPrior(len(b.Tokens), b.Prior); err != nil {
		return err
	}
	for i, n := range b.Lengths {
		if limit > 0 && n > limit {
			return fmt.Errorf("model: sequence %d has %d tokens, the model has %d learned positions; cut it, or use rotary positions",
				i, n, limit)
		}
	}
	return nil
}
