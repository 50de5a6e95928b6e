package summarize

import (
	"context"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/tensor"
)

// sample is what a network learns from one document.
type sample struct {
	x       []float32 // rows of features
	targets []float32 // 0 or 1 for each row
	scale   float64   // of the mean loss over the rows
}

// networkLearner trains a network by the binary cross-entropy.
type networkLearner struct {
	network *network
	samples []sample
	judged  func(ctx context.Context, e *Epoch) (float64, error) // nil: the last epoch is kept
}

func (l *networkLearner) params() []*tensor.Param { return l.network.params }

func (l *networkLearner) lessons() int { return len(l.samples) }

func (l *networkLearner) judge(ctx context.Context, e *Epoch) (float64, error) {
	if l.judged == nil {
		return float64(e.Number), nil
	}
	return l.judged(ctx, e)
}

// backward adds the gradients of one sample and returns its loss.
func (l *networkLearner) backward(x tensor.Exec, lesson int, seed uint64) (float64, error) {
	s := &l.samples[lesson]
	g := autograd.New(x, autograd.Options{Train: true})
	defer g.Close()
	rows := len(s.targets)
	if rows == 0 {
		return 0, nil
	}
	y := l.network.record(g, g.Input(tensor.FromF32(s.x, rows, len(s.x)/rows)), seed)
	loss := g.Keep(g.BinaryCrossEntropy(y, tensor.FromF32(s.targets, rows, 1)))
	if err := g.Forward(); err != nil {
		return 0, err
	}
	return float64(loss.Scalar()) * s.scale, g.Backward(loss, float32(s.scale))
}
