package model

import (
	"errors"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/nn"
)

// HeadFunc records what a caller computes from the hidden states x [T, width] of a batch, and returns the loss, a 1×1 float32. Its layers
// are those of package nn, recorded on p, and their weights collect gradients.
type HeadFunc func(p *nn.Pass, x *autograd.Var) (loss *autograd.Var)

// StepWith is [Session.Step] with a head of the caller's in place of the model's. With o.Backward it adds o.Scale times the gradients to
// those of the model's weights below its head, and of the weights that head uses. The batch needs no targets. The result has no number of
// targets. It returns the errors of Step, and one for o.Share, o.Tensor, o.Memory, o.Losses and o.Best, which belong to the model's own
// head.
func (s *Session) StepWith(b *data.Batch, o StepOptions, head HeadFunc) (Result, error) {
	if o.Share != nil || o.Tensor != nil || o.Memory != nil || o.Losses != nil || o.Best != nil {
		return Result{}, errors.New("model: found a share, a memory, or room for losses with a head of the caller's, expected none")
	}
	if head == nil {
		return Result{}, errors.New("model: found no head, expected a function that records the loss")
	}
	m := s.m
	if err := m.acquire(); err != nil {
		return Result{}, err
	}
	defer m.release()
	p, in, err := s.begin(b, o)
	if err != nil {
		return Result{}, err
	}
	defer p.Close()
	loss := p.G.Keep(head(p, m.hidden(p, in)))
	if err := p.G.Forward(); err != nil {
		return Result{}, err
	}
	result := Result{Loss: float64(loss.Scalar())}
	if o.Backward {
		if err := p.G.Backward(loss, o.derivative()); err != nil {
			return Result{}, err
		}
	}
	result.Cost, result.ActivationBytes = p.G.Cost(), p.G.PeakBetween()
	return result, nil
}
