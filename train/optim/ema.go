package optim

import (
	"fmt"

	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// EMA is a moving average of the weights, e ← e + (1−d)·(w − e), which often generalises better than the weights
// (Polyak and Juditsky 1992). It costs 4 bytes a weight.
type EMA struct {
	decay   float64
	weights *Weights
	pool    *tensor.Pool
	average []tensor.Mat
}

// NewEMA returns an average of decay d, 0 < d < 1, that begins at the weights as they are.
func NewEMA(p *tensor.Pool, w *Weights, decay float64) (*EMA, error) {
	if !(decay > 0 && decay < 1) {
		return nil, fmt.Errorf("optim: the decay of the average is %g; it must lie between 0 and 1", decay)
	}
	e := &EMA{decay: decay, weights: w, pool: p}
	for _, param := range w.params {
		m := p.Get(tensor.F32, param.Value.Rows, param.Value.Cols)
		copy(m.F32, param.Value.F32)
		e.average = append(e.average, m)
	}
	return e, nil
}

// Step takes the weights into the average. The decay at step t is min(d, (1+t)/(10+t)), so that the random
// weights of the beginning are soon forgotten.
func (e *EMA) Step(x tensor.Exec, step int64) {
	decay := min(e.decay, float64(1+step)/float64(10+step))
	take := float32(1 - decay)
	e.each(x, func(average, w []float32) {
		for i, v := range w {
			average[i] += take * (v - average[i])
		}
	})
}

// Swap exchanges the weights and their average, to evaluate or to save the average. A second call undoes it,
// bit for bit.
func (e *EMA) Swap(x tensor.Exec) {
	e.each(x, func(average, w []float32) {
		for i := range w {
			w[i], average[i] = average[i], w[i]
		}
	})
}

func (e *EMA) each(x tensor.Exec, f func(average, w []float32)) {
	pool.Run(x.Threads, len(e.weights.blocks), func(_, i int) {
		b := e.weights.blocks[i]
		f(e.average[b.param].F32[b.lo:b.hi], e.weights.params[b.param].Value.F32[b.lo:b.hi])
	})
}

// State lists the averages, by the names of their weights.
func (e *EMA) State() []*tensor.Param {
	var state []*tensor.Param
	for i, p := range e.weights.params {
		state = append(state, &tensor.Param{Name: p.Name, Value: e.average[i]})
	}
	return state
}

// Close gives the averages back to the pool.
func (e *EMA) Close() {
	for _, m := range e.average {
		e.pool.Put(m)
	}
	e.average = nil
}
