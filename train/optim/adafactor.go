package optim

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// AdafactorConfig holds Adafactor's constants. A zero means the default.
type AdafactorConfig struct {
	DecayPower float64 // β₂ at step t is 1 − t^−DecayPower; default 0.8
	Clip       float64 // largest root mean square of an update; default 1
	MinScale   float64 // ε₂, the smallest root mean square that weights are taken to have; default 1e-3
	Decay      float64 // decoupled weight decay λ, of matrices only; default 0

	// Absolute takes the learning rate as it is; otherwise it is relative, multiplied by the root mean square of
	// the weights it changes, as in the paper: about 1e-2 is usual.
	Absolute bool
}

// Adafactor keeps, of a matrix of n × m weights, n + m numbers where AdamW keeps 2·n·m: the mean squares of the
// gradient by row and by column. T5, LongT5 and PEGASUS-X, models for long documents, were trained with it, which
// is why it is the optimiser of low memory here and not Lion, which keeps n·m.
//
//	β = 1 − t^−0.8
//	r ← β·r + (1−β)·rowMean(g² + ε₁)     c ← β·c + (1−β)·colMean(g² + ε₁)
//	u = g / √(r·cᵀ / mean(r))            u ← u / max(1, RMS(u)/d)
//	w ← w − η·max(ε₂, RMS(w))·u − η·λ·w
//
// A vector keeps the mean square of every element. Shazeer and Stern 2018, arXiv:1804.04235, algorithms 4 and 5, without
// first moment; r and c are means where the paper has sums, which cancels in r·cᵀ/mean(r).
type Adafactor struct {
	config  AdafactorConfig
	weights *Weights
	pool    *tensor.Pool
	factors []factors
	sums    []float64 // scratch: by rowBlock, the column sums of one weight matrix, then two more sums
}

// factors is the state of one weight matrix, and two vectors made from it anew at each step.
type factors struct {
	rows, cols         tensor.Mat // [1, n] and [1, m] mean squares; of a vector cols alone
	rowScale, colScale tensor.Mat // u = g·rowScale·colScale
	block              int        // rows of a piece of work
}

// epsilon1 keeps the mean squares of gradients that are all zero from being zero (the paper's ε₁).
const epsilon1 = 1e-30

// maxPieces bounds the column sums kept apart: 32 pieces keep any processor of a few cores busy, and cost
// 256 bytes a column.
const maxPieces = 32

// NewAdafactor returns an optimiser for w with its state zeroed, taken from p.
func NewAdafactor(p *tensor.Pool, w *Weights, c AdafactorConfig) (*Adafactor, error) {
	setDefault(&c.DecayPower, 0.8)
	setDefault(&c.Clip, 1)
	setDefault(&c.MinScale, 1e-3)
	switch {
	case !(c.DecayPower > 0 && c.DecayPower <= 1):
		return nil, fmt.Errorf("optim: Adafactor's decay power is %g; it must lie between 0 and 1", c.DecayPower)
	case !(c.Clip > 0) || !(c.MinScale > 0):
		return nil, fmt.Errorf("optim: Adafactor's clip is %g and its smallest scale %g; both must be positive", c.Clip, c.MinScale)
	case !(c.Decay >= 0):
		return nil, fmt.Errorf("optim: the weight decay is %g; it cannot be negative", c.Decay)
	}
	o := &Adafactor{config: c, weights: w, pool: p}
	need := 0
	for _, param := range w.params {
		f := factors{}
		n, m := shapeOf(param)
		f.block = max(1, blockSize/m, (n+maxPieces-1)/maxPieces)
		f.cols, f.colScale = p.GetZero(tensor.F32, 1, m), p.Get(tensor.F32, 1, m)
		if n > 1 {
			f.rows, f.rowScale = p.GetZero(tensor.F32, 1, n), p.Get(tensor.F32, 1, n)
		}
		o.factors = append(o.factors, f)
		need = max(need, f.pieces(n)*(m+2))
	}
	o.sums = make([]float64, need)
	return o, nil
}

// shapeOf is the rows and columns that are factored: a column counts as a row.
func shapeOf(p *tensor.Param) (n, m int) {
	if p.Vector() {
		return 1, p.Value.Rows * p.Value.Cols
	}
	return p.Value.Rows, p.Value.Cols
}

func (f *factors) pieces(n int) int { return (n + f.block - 1) / f.block }

// Step is one update of every weight, in three passes over each.
func (o *Adafactor) Step(x tensor.Exec, u Update) {
	beta := 1 - math.Pow(float64(u.Step), -o.config.DecayPower)
	for i, p := range o.weights.params {
		if p.Value.Dry() {
			continue
		}
		f := &o.factors[i]
		o.accumulate(x, p, f, beta, u.Scale)
		f.prepare()
		updateMean, weightMean := o.meanSquares(x, p, f, u.Scale)
		lr := u.LR
		if !o.config.Absolute {
			lr *= max(o.config.MinScale, math.Sqrt(weightMean))
		}
		lr /= max(1, math.Sqrt(updateMean)/o.config.Clip)
		keep := 1 - u.LR*o.config.Decay
		if p.Vector() {
			keep = 1
		}
		o.apply(x, p, f, float32(lr*u.Scale), float32(keep))
	}
}

// each runs a function over the pieces of p: rows lo … hi−1 of the n × m weights.
func (f *factors) each(x tensor.Exec, p *tensor.Param, do func(piece, lo, hi int)) {
	n, _ := shapeOf(p)
	pool.Run(x.Threads, f.pieces(n), func(_, piece int) {
		do(piece, piece*f.block, min((piece+1)*f.block, n))
	})
}

// accumulate takes the squares of this step's gradients into the means.
func (o *Adafactor) accumulate(x tensor.Exec, p *tensor.Param, f *factors, beta, scale float64) {
	n, m := shapeOf(p)
	keep, square := beta, scale*scale
	f.each(x, p, func(piece, lo, hi int) {
		columns := o.sums[piece*m : (piece+1)*m]
		clear(columns)
		for i := lo; i < hi; i++ {
			var row float64
			for j, g := range p.Grad.F32[i*m : (i+1)*m] {
				v := float64(g) * float64(g)
				columns[j] += v
				row += v
			}
			if n > 1 {
				f.rows.F32[i] = mix(f.rows.F32[i], keep, row*square/float64(m))
			}
		}
	})
	for j := range m {
		var column float64
		for piece := range f.pieces(n) {
			column += o.sums[piece*m+j]
		}
		f.cols.F32[j] = mix(f.cols.F32[j], keep, column*square/float64(n))
	}
}

func mix(old float32, keep, mean float64) float32 {
	return float32(keep*float64(old) + (1-keep)*(mean+epsilon1))
}

// prepare makes the scales of rows and columns from the means.
func (f *factors) prepare() {
	for j, c := range f.cols.F32 {
		f.colScale.F32[j] = float32(1 / math.Sqrt(float64(c)))
	}
	var mean float64
	for _, r := range f.rows.F32 {
		mean += float64(r)
	}
	mean /= float64(max(1, len(f.rows.F32)))
	for i, r := range f.rows.F32 {
		f.rowScale.F32[i] = float32(math.Sqrt(mean / float64(r)))
	}
}

// rowFactor is the part of u that row i has in common.
func (f *factors) rowFactor(i int) float32 {
	if f.rowScale.F32 == nil {
		return 1
	}
	return f.rowScale.F32[i]
}

// meanSquares returns the mean squares of the update u and of the weights.
func (o *Adafactor) meanSquares(x tensor.Exec, p *tensor.Param, f *factors, scale float64) (update, weight float64) {
	n, m := shapeOf(p)
	f.each(x, p, func(piece, lo, hi int) {
		var su, sw float64
		for i := lo; i < hi; i++ {
			r := f.rowFactor(i) * float32(scale)
			g, w := p.Grad.F32[i*m:(i+1)*m], p.Value.F32[i*m:(i+1)*m]
			for j, c := range f.colScale.F32 {
				u := float64(g[j] * r * c)
				su += u * u
				sw += float64(w[j]) * float64(w[j])
			}
		}
		o.sums[2*piece], o.sums[2*piece+1] = su, sw
	})
	for piece := range f.pieces(n) {
		update += o.sums[2*piece]
		weight += o.sums[2*piece+1]
	}
	count := float64(n) * float64(m)
	return update / count, weight / count
}

// apply subtracts the update. lr includes the scale of the gradients.
func (o *Adafactor) apply(x tensor.Exec, p *tensor.Param, f *factors, lr, keep float32) {
	_, m := shapeOf(p)
	f.each(x, p, func(_, lo, hi int) {
		for i := lo; i < hi; i++ {
			r := f.rowFactor(i) * lr
			g, w := p.Grad.F32[i*m:(i+1)*m], p.Value.F32[i*m:(i+1)*m]
			for j, c := range f.colScale.F32 {
				w[j] = w[j]*keep - g[j]*r*c
			}
		}
	})
}

// State lists the mean squares of every weight matrix.
func (o *Adafactor) State() []*tensor.Param {
	var state []*tensor.Param
	for i, p := range o.weights.params {
		if f := o.factors[i]; f.rows.Cols > 0 {
			state = append(state, &tensor.Param{Name: "row." + p.Name, Value: f.rows})
		}
		state = append(state, &tensor.Param{Name: "col." + p.Name, Value: o.factors[i].cols})
	}
	return state
}

// Close gives the state back to the pool.
func (o *Adafactor) Close() {
	for _, f := range o.factors {
		o.pool.Put(f.cols)
		o.pool.Put(f.colScale)
		if f.rows.Cols > 0 {
			o.pool.Put(f.rows)
			o.pool.Put(f.rowScale)
		}
	}
	o.factors = nil
}
