package nn

import (
	"fmt"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/tensor"
)

// Params is the weights of a model, in the order in which they were made. Names are stable: they depend on the
// configuration alone, and weights are drawn by seed and name, so that what one layer draws does not change with the others.
type Params struct {
	pool   *tensor.Pool
	seed   uint64
	train  bool
	list   []*tensor.Param
	byName map[string]*tensor.Param
	err    error // the first mistake
}

// NewParams returns an empty registry whose weights come from pool; a dry pool gives weights that only count. With train,
// each gets room for a gradient.
func NewParams(pool *tensor.Pool, seed uint64, train bool) *Params {
	return &Params{pool: pool, seed: seed, train: train, byName: map[string]*tensor.Param{}}
}

// Add makes a rows × cols weight. A name that is taken, under which two layers would share weights unknowingly, or a shape without
// elements is a mistake that Err tells; the weight returned is then of no use.
func (p *Params) Add(name string, rows, cols int, init Init) *tensor.Param {
	switch {
	case p.byName[name] != nil:
		return p.fail(fmt.Errorf("nn: found two weights named %q, expected names of their own; give the layers different names", name))
	case rows < 1 || cols < 1:
		return p.fail(fmt.Errorf("nn: found a weight %q of %d×%d, expected at least one element", name, rows, cols))
	}
	w := &tensor.Param{Name: name, Value: p.pool.GetZero(tensor.F32, rows, cols)}
	if p.train {
		w.Grad = p.pool.GetZero(tensor.F32, rows, cols)
	}
	if !w.Value.Dry() {
		init.fill(w.Value.F32, hashName(p.seed, name))
	}
	p.list = append(p.list, w)
	p.byName[name] = w
	return w
}

func (p *Params) fail(err error) *tensor.Param {
	if p.err == nil {
		p.err = err
	}
	return &tensor.Param{Value: tensor.New(tensor.F32, 1, 1)}
}

// Pool is where the weights come from.
func (p *Params) Pool() *tensor.Pool { return p.pool }

// Err is the first mistake made in Add, if any. Ask once, when all layers are made.
func (p *Params) Err() error { return p.err }

// All lists every weight, in the order in which they were made.
func (p *Params) All() []*tensor.Param { return p.list }

// Named returns a weight, or nil.
func (p *Params) Named(name string) *tensor.Param { return p.byName[name] }

// Count is the number of weights, element by element.
func (p *Params) Count() int64 {
	n := int64(0)
	for _, w := range p.list {
		n += int64(w.Value.Rows) * int64(w.Value.Cols)
	}
	return n
}

// ZeroGrads clears every gradient.
func (p *Params) ZeroGrads() {
	for _, w := range p.list {
		clear(w.Grad.F32)
	}
}

// Free gives weights and gradients back to the pool. Nothing may use them afterwards.
func (p *Params) Free() {
	for _, w := range p.list {
		p.pool.Put(w.Value)
		if p.train {
			p.pool.Put(w.Grad)
		}
	}
	p.list, p.byName = nil, map[string]*tensor.Param{}
}

// Leaf is w on the graph of p, with its gradient if the graph trains; nil for nil.
func (p *Pass) Leaf(w *tensor.Param) *autograd.Var {
	switch {
	case w == nil:
		return nil
	case p.G.Train():
		return p.G.Leaf(w.Value, w.Grad)
	}
	return p.G.Input(w.Value)
}

// GradsFinite says whether every gradient is a finite number: after a step in fp16, whether the loss scale was low enough. It
// stops at the first that is not.
func (p *Params) GradsFinite() bool {
	for _, w := range p.list {
		// 0·x is 0 for finite x and NaN otherwise, and a NaN stays one in a sum.
		sum := float32(0)
		for _, v := range w.Grad.F32 {
			sum += 0 * v
		}
		if sum != 0 {
			return false
		}
	}
	return true
}
