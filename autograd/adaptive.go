package autograd

import (
	"math"

	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// adaptive joins the logits of an adaptive softmax to log-probabilities of the whole vocabulary. With z the logits of the head, of which
// the first S are of tokens and the last C of clusters, and t those of the tail of cluster c,
//
//	log p(token)      = z_token − lse(z)                          of the first S tokens
//	log p(token)      = z_{S+c} − lse(z) + t_token − lse(t)       of those of cluster c
//
// Grave et al. 2017, arXiv:1609.04309, section 4.
type adaptive struct {
	noBackward
	best []int32
}

// AdaptiveLogProbs returns the log-probabilities, in nats, of the tokens of an adaptive softmax: float32 [T, S + Σ tails]. head is
// [T, S + number of tails], each tail [T, its tokens], all in float32 and without a gradient. best, when not nil, has one element a row,
// and Forward fills it with the most probable token, the lowest of equals.
func (g *Graph) AdaptiveLogProbs(head *Var, tails []*Var, best []int32) *Var {
	in := append([]*Var{head}, tails...)
	if !g.check("AdaptiveLogProbs", in...) {
		return g.nothing()
	}
	cols := head.cols - len(tails)
	for i, v := range in {
		if v.typ != tensor.F32 || v.rows != head.rows || v.wants {
			return g.failf("AdaptiveLogProbs: found logits %d of %s %d×%d, expected f32 of %d rows without a gradient", i, v.typ, v.rows, v.cols,
				head.rows)
		}
		if i > 0 {
			cols += v.cols
		}
	}
	switch {
	case len(tails) >= min(head.cols, maxInputs):
		return g.failf("AdaptiveLogProbs: found %d tails for a head of %d logits, expected fewer, and at most %d", len(tails), head.cols,
			maxInputs-1)
	case best != nil && len(best) != head.rows:
		return g.failf("AdaptiveLogProbs: found room for %d tokens, expected none or one a row: %d", len(best), head.rows)
	}
	return g.record(&adaptive{best: best}, tensor.F32, head.rows, cols, in...)
}

func (o *adaptive) forward(c *call) error {
	widest := 0
	for _, m := range c.in {
		widest = max(widest, m.Cols)
	}
	eachRow(c.x, c.dry, c.out.Rows, c.out.Cols, widest, func(i int, s []float32) {
		y := c.out.Row(i)
		o.row(y, c.in, i, s)
		if o.best != nil {
			_, at := highest(y)
			o.best[i] = int32(at)
		}
	})
	return nil
}

// row writes the log-probabilities of row i to y.
func (o *adaptive) row(y []float32, in []tensor.Mat, i int, s []float32) {
	z := in[0].Row(i)
	tails := in[1:]
	tokens, lse := len(z)-len(tails), logSumExp(z, s)
	shift(y[:tokens], z, -lse)
	at := tokens
	for c, m := range tails {
		t := m.Row(i)
		shift(y[at:at+len(t)], t, z[tokens+c]-lse-logSumExp(t, s))
		at += len(t)
	}
}

// logSumExp is the log of the sum of exponentials of z; s is scratch of as many elements.
func logSumExp(z, s []float32) float32 {
	top := kernel.Max(z)
	if math.IsInf(float64(top), -1) { // nothing is above −Inf, or all that is is NaN, which must not hide
		top, _ = highest(z)
	}
	return top + float32(math.Log(float64(kernel.ExpSum(s[:len(z)], z, top))))
}

// shift sets y to x + by.
func shift(y, x []float32, by float32) {
	for j := range y {
		y[j] = x[j] + by
	}
}

func (*adaptive) cost(out *Var, in []*Var) (forward, backward Cost) {
	bytes := out.bytes()
	for _, v := range in {
		bytes += v.bytes()
	}
	return elementwise(10, out.elements(), bytes), Cost{}
}
