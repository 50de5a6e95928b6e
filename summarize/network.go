package summarize

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/internal/random"
	"github.com/longspan/longspan/tensor"
)

// network is a multilayer perceptron from features, of a sentence or a term, to a number: GELU between the layers, one number at the end.
type network struct {
	params  []*tensor.Param // weight [out, in] and bias [1, out] of each layer
	dropout float64
}

// newNetwork draws the weights of layers of some widths; the first is the number of features and the last is 1. Weights are normal with
// the variance 2/(in + out) (Glorot and Bengio 2010).
// Names of tensors start with prefix.
func newNetwork(prefix string, widths []int, dropout float64, seed uint64) *network {
	n := &network{dropout: dropout}
	for k := 1; k < len(widths); k++ {
		in, out := widths[k-1], widths[k]
		w := tensor.New(tensor.F32, out, in)
		draw := random.NewSplitMix(seed, uint64(k))
		for i := range w.F32 {
			w.F32[i] = float32(normal(&draw) * math.Sqrt(2/float64(in+out)))
		}
		n.add(fmt.Sprintf("%slayer%d.weight", prefix, k), w, true)
		n.add(fmt.Sprintf("%slayer%d.bias", prefix, k), tensor.New(tensor.F32, 1, out), true)
	}
	return n
}

// add adds a weight, and room for its gradient.
func (n *network) add(name string, value tensor.Mat, train bool) {
	p := &tensor.Param{Name: name, Value: value}
	if train {
		p.Grad = tensor.New(tensor.F32, value.Rows, value.Cols)
	}
	n.params = append(n.params, p)
}

// normal draws from the normal distribution (Box and Muller 1958).
func normal(r *random.SplitMix) float64 {
	u := (float64(r.Next()>>11) + 0.5) / (1 << 53)
	v := float64(r.Next()>>11) / (1 << 53)
	return math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*v)
}

// record records the scores [rows, 1] of features x.
func (n *network) record(g *autograd.Graph, x *autograd.Var, seed uint64) *autograd.Var {
	for k := 0; k < len(n.params); k += 2 {
		if k > 0 {
			x = g.Dropout(g.Activate(x, autograd.GELU), n.dropout, random.Mix(seed+uint64(k)))
		}
		x = g.Linear(x, g.Leaf(n.params[k].Value, n.params[k].Grad), g.Leaf(n.params[k+1].Value, n.params[k+1].Grad))
	}
	return x
}

// scores computes the scores of rows of features.
func (n *network) scores(features []float32, threads int) ([]float32, error) {
	width := n.params[0].Value.Cols
	rows := len(features) / width
	g := autograd.New(tensor.Exec{Threads: threads, Pool: tensor.NewPool()}, autograd.Options{})
	defer g.Close()
	y := g.Keep(n.record(g, g.Input(tensor.FromF32(features, rows, width)), 0))
	if err := g.Forward(); err != nil {
		return nil, err
	}
	return append([]float32(nil), y.Value().F32[:rows]...), nil
}
