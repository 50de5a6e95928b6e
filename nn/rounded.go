package nn

import (
	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/tensor"
)

// Rounded keeps the weights of linear layers as bf16 products take them, for passes that follow each other closely over weights that stay the same:
// to round them takes longer than a product with few rows. Nothing changes but the time, and half the bytes of the weights
// more.
type Rounded struct {
	pool *tensor.Pool
	of   map[*tensor.Param]tensor.Mat
}

// NewRounded returns an empty store. Passes fill it as they use weights.
func NewRounded(pool *tensor.Pool) *Rounded { return &Rounded{pool, map[*tensor.Param]tensor.Mat{}} }

// Free gives its memory back. A nil store has none.
func (r *Rounded) Free() {
	if r == nil {
		return
	}
	for _, m := range r.of {
		r.pool.Put(m)
	}
	clear(r.of)
}

// weight is w on the graph of p, as products take it.
func (p *Pass) weight(w *tensor.Param) *autograd.Var {
	r := p.first().Rounded
	if r == nil || p.G.Train() || p.G.Policy().Products != tensor.BF16 {
		return p.Leaf(w)
	}
	m, ok := r.of[w]
	if !ok {
		m = r.pool.Get(tensor.BF16, w.Value.Rows, w.Value.Cols)
		for i := 0; i < m.Rows && !m.Dry(); i++ {
			m.WriteRow(i, w.Value.Row(i))
		}
		r.of[w] = m
	}
	return p.G.Input(m)
}
