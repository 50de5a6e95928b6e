package model

import (
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/tensor"
)

// t5Tables are the tables of T5's bias, a row for each bucket and a column for each head; nil: no layer needs them.
type t5Tables struct {
	tokens *tensor.Param // "name.t5"
	side   *tensor.Param // "name.t5_side", of summaries
}

// add makes the tables that a layer needs and that are not there yet. A layer with tables of its own has none yet.
func (t *t5Tables) add(m *Model, name string, a Attention) {
	if a.T5Own {
		*t = t5Tables{}
	}
	if t.tokens == nil {
		t.tokens = m.params.Add(name+".t5", a.T5().Buckets, a.Heads, nn.Zeros())
	}
	if t.side == nil && a.HasSummaries() {
		t.side = m.params.Add(name+".t5_side", a.T5().Buckets, a.Heads, nn.Zeros())
	}
}
