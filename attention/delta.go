package attention

import (
	"github.com/longspan/longspan/attention/internal/check"
	"github.com/longspan/longspan/internal/ceil"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// Deltas writes dO·O of every row and head to delta [H, Tq] F32: what the gradient of a softmax subtracts. [Attention.Backward] does it
// itself, unless its caller has them. They are H numbers a row, where O has H·D.
func (a *Attention) Deltas(x tensor.Exec, delta, do, o tensor.Mat) error {
	if delta.Type != tensor.F32 {
		return wrongType("Delta", delta)
	}
	dry, err := check.Mats("attention", x.Pool, check.Of("Delta", delta, a.c.Heads, a.tq), check.Of("DO", do, a.tq, a.qWidth()),
		check.Of("O", o, a.tq, a.qWidth()))
	if err == nil && !dry {
		a.deltas(x, delta, do, o)
	}
	return err
}

// deltaRows is the number of rows one piece of deltas takes.
const deltaRows = 256

func (a *Attention) deltas(x tensor.Exec, delta, do, out tensor.Mat) {
	d := a.c.HeadDim
	pool.Run(x.Threads, ceil.Div(a.tq, deltaRows), func(_, piece int) {
		o, g := make([]float32, a.qWidth()), make([]float32, a.qWidth())
		for i := piece * deltaRows; i < min(a.tq, (piece+1)*deltaRows); i++ {
			out.ReadRow(o, i)
			do.ReadRow(g, i)
			for h := range a.c.Heads {
				delta.Row(h)[i] = kernel.Dot(o[h*d:(h+1)*d], g[h*d:(h+1)*d])
			}
		}
	})
}
