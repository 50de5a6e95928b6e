package optim

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// AdamWConfig holds AdamW's constants. A zero means the default.
type AdamWConfig struct {
	Beta1   float64 // of the mean of gradients; default 0.9
	Beta2   float64 // of the mean of their squares; default 0.999
	Epsilon float64 // default 1e-8
	Decay   float64 // decoupled weight decay λ, of matrices only; default 0
}

// AdamW keeps two numbers a weight: 8 bytes. For weights w with gradient g, at step t with rate η:
//
//	m ← β₁·m + (1−β₁)·g          v ← β₂·v + (1−β₂)·g²
//	w ← w − η·( m/(1−β₁ᵗ) / (√(v/(1−β₂ᵗ)) + ε) + λ·w )
//
// Kingma and Ba 2015, arXiv:1412.6980, algorithm 1; the decay of Loshchilov and Hutter 2019, arXiv:1711.05101,
// algorithm 2, scaled by the learning rate. Vectors (biases, gains of norms) are not decayed.
type AdamW struct {
	config  AdamWConfig
	weights *Weights
	pool    *tensor.Pool
	m, v    []tensor.Mat
}

// NewAdamW returns an optimiser for w with its state zeroed, taken from p.
func NewAdamW(p *tensor.Pool, w *Weights, c AdamWConfig) (*AdamW, error) {
	setDefault(&c.Beta1, 0.9)
	setDefault(&c.Beta2, 0.999)
	setDefault(&c.Epsilon, 1e-8)
	switch {
	case !(c.Beta1 > 0 && c.Beta1 < 1) || !(c.Beta2 > 0 && c.Beta2 < 1):
		return nil, fmt.Errorf("optim: AdamW's betas are %g and %g; both must lie between 0 and 1", c.Beta1, c.Beta2)
	case !(c.Epsilon > 0):
		return nil, fmt.Errorf("optim: AdamW's epsilon is %g; it must be positive", c.Epsilon)
	case !(c.Decay >= 0):
		return nil, fmt.Errorf("optim: the weight decay is %g; it cannot be negative", c.Decay)
	}
	o := &AdamW{config: c, weights: w, pool: p}
	for _, param := range w.params {
		o.m = append(o.m, p.GetZero(tensor.F32, param.Value.Rows, param.Value.Cols))
		o.v = append(o.v, p.GetZero(tensor.F32, param.Value.Rows, param.Value.Cols))
	}
	return o, nil
}

func setDefault(v *float64, value float64) {
	if *v == 0 {
		*v = value
	}
}

// Step is one update of every weight. It moves 28 bytes a weight, and costs about as long as that takes.
func (o *AdamW) Step(x tensor.Exec, u Update) {
	c, t := o.config, float64(u.Step)
	k := kernel.AdamConstants{
		Scale: float32(u.Scale),
		Beta1: float32(c.Beta1), Rest1: float32(1 - c.Beta1),
		Beta2: float32(c.Beta2), Rest2: float32(1 - c.Beta2),
		Rate:  float32(u.LR / (1 - math.Pow(c.Beta1, t))),
		Root2: float32(1 / math.Sqrt(1-math.Pow(c.Beta2, t))),
		Eps:   float32(c.Epsilon),
	}
	keep := float32(1 - u.LR*c.Decay)
	pool.Run(x.Threads, len(o.weights.blocks), func(_, i int) {
		b := o.weights.blocks[i]
		p, piece := o.weights.params[b.param], k
		if piece.Keep = keep; p.Vector() {
			piece.Keep = 1
		}
		kernel.Adam(p.Value.F32[b.lo:b.hi], p.Grad.F32[b.lo:b.hi], o.m[b.param].F32[b.lo:b.hi], o.v[b.param].F32[b.lo:b.hi], &piece)
	})
}

// State lists m and v of every weight.
func (o *AdamW) State() []*tensor.Param {
	var state []*tensor.Param
	for i, p := range o.weights.params {
		state = append(state, &tensor.Param{Name: "m." + p.Name, Value: o.m[i]}, &tensor.Param{Name: "v." + p.Name, Value: o.v[i]})
	}
	return state
}

// Close gives the state back to the pool.
func (o *AdamW) Close() {
	for i := range o.m {
		o.pool.Put(o.m[i])
		o.pool.Put(o.v[i])
	}
	o.m, o.v = nil, nil
}
