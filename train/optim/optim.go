// Package optim updates weights from gradients: AdamW, Adafactor for models whose optimiser state would not fit, learning-rate
// schedules, the global norm, dynamic loss scaling, and the moving average of the weights.
//
// Weights, gradients and states are F32. Everything is cut into pieces by the shapes of the weights, and every
// sum is taken in one order, so the bits do not depend on the number of threads.
package optim

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// Update is what an optimiser needs beside the gradients.
type Update struct {
	Step int64   // 1 for the first update; skipped updates do not count
	LR   float64 // learning rate
	// Scale is multiplied to every gradient first: it undoes the loss scale, takes the mean over accumulated
	// batches, and clips.
	Scale float64
}

// Optimizer changes weights by their gradients. Its only state is the matrices that State lists.
type Optimizer interface {
	// Step changes the weights. Gradients must be finite and are not changed.
	Step(x tensor.Exec, u Update)

	// State lists the matrices to save and to fill again when resuming, named after the weights they belong to.
	State() []*tensor.Param

	// Close gives the state back to the pool it came from.
	Close()
}

// blockSize is the elements of one piece of work: four streams of 32 KiB fit in an L2 cache, and starting a piece
// costs nothing beside it.
const blockSize = 8192

// block is elements lo … hi−1 of a weight matrix read as one row.
type block struct{ param, lo, hi int }

// Weights is all weights of a model.
type Weights struct {
	params  []*tensor.Param
	blocks  []block
	partial []float64 // one sum a block
}

// NewWeights checks that params have distinct names, one shape with their gradients, F32 elements and no gaps.
func NewWeights(params []*tensor.Param) (*Weights, error) {
	w := &Weights{params: params}
	seen := map[string]bool{}
	for i, p := range params {
		v, g := p.Value, p.Grad
		switch {
		case seen[p.Name]:
			return nil, fmt.Errorf("optim: two weights are named %q", p.Name)
		case g.Rows == 0 && v.Rows > 0:
			return nil, fmt.Errorf("optim: %q has no gradient; make the model for training", p.Name)
		case v.Type != tensor.F32 || g.Type != tensor.F32:
			return nil, fmt.Errorf("optim: %q is %s with a gradient in %s; both must be f32", p.Name, v.Type, g.Type)
		case v.Rows != g.Rows || v.Cols != g.Cols:
			return nil, fmt.Errorf("optim: %q is %d×%d and its gradient %d×%d", p.Name, v.Rows, v.Cols, g.Rows, g.Cols)
		case v.Rows <= 0 || v.Cols <= 0:
			return nil, fmt.Errorf("optim: %q is %d×%d: it holds no weights", p.Name, v.Rows, v.Cols)
		case v.Stride != v.Cols || g.Stride != g.Cols:
			return nil, fmt.Errorf("optim: %q is a view of a wider matrix; weights must be contiguous", p.Name)
		case v.Dry() != g.Dry():
			return nil, fmt.Errorf("optim: %q has data for its weights or its gradient, but not for both", p.Name)
		}
		seen[p.Name] = true
		if !v.Dry() {
			n := v.Rows * v.Cols
			for lo := 0; lo < n; lo += blockSize {
				w.blocks = append(w.blocks, block{i, lo, min(lo+blockSize, n)})
			}
		}
	}
	w.partial = make([]float64, len(w.blocks))
	return w, nil
}

// Params lists the weights in the order they were given. The caller must not change the list.
func (w *Weights) Params() []*tensor.Param { return w.params }

// Count is the number of weights.
func (w *Weights) Count() int64 {
	var n int64
	for _, p := range w.params {
		n += int64(p.Value.Rows) * int64(p.Value.Cols)
	}
	return n
}

// ZeroGrad sets every gradient to zero.
func (w *Weights) ZeroGrad(x tensor.Exec) {
	pool.Run(x.Threads, len(w.blocks), func(_, i int) {
		b := w.blocks[i]
		clear(w.params[b.param].Grad.F32[b.lo:b.hi])
	})
}

// GradNorm is the Euclidean norm of all gradients taken as one vector. It is finite if and only if every gradient
// is: squares of float32 cannot overflow the float64 they are summed in.
func (w *Weights) GradNorm(x tensor.Exec) float64 {
	pool.Run(x.Threads, len(w.blocks), func(_, i int) {
		b := w.blocks[i]
		w.partial[i] = sumSquares(w.params[b.param].Grad.F32[b.lo:b.hi])
	})
	var sum float64
	for _, s := range w.partial {
		sum += s
	}
	return math.Sqrt(sum)
}

// NotFinite names the first weights whose gradient holds a NaN or an infinity, or is empty.
func (w *Weights) NotFinite() string {
	for _, b := range w.blocks {
		if sum := sumSquares(w.params[b.param].Grad.F32[b.lo:b.hi]); math.IsNaN(sum) || math.IsInf(sum, 0) {
			return w.params[b.param].Name
		}
	}
	return ""
}

// sumSquares adds the squares of a in four interleaved sums, which hides the latency of the additions.
func sumSquares(a []float32) float64 {
	var s0, s1, s2, s3 float64
	for len(a) >= 4 {
		v0, v1, v2, v3 := float64(a[0]), float64(a[1]), float64(a[2]), float64(a[3])
		s0 += v0 * v0
		s1 += v1 * v1
		s2 += v2 * v2
		s3 += v3 * v3
		a = a[4:]
	}
	for _, v := range a {
		s0 += float64(v) * float64(v)
	}
	return (s0 + s1) + (s2 + s3)
}

// Clip is what gradients of norm norm are multiplied by so that it becomes at most limit: 1 where it already is,
// or where limit is 0, which means no limit. Pascanu, Mikolov and Bengio 2013, arXiv:1211.5063, algorithm 1.
func Clip(norm, limit float64) float64 {
	if limit <= 0 || norm <= limit {
		return 1
	}
	return limit / norm
}
