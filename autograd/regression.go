package autograd

import (
	"math"

	"github.com/longspan/longspan/tensor"
)

// pointwise is the mean of a loss w·f(x, t) of single numbers and their targets, w being the weight of the row; dx = w·f'(x, t)·dloss/n.
type pointwise struct {
	targets tensor.Mat
	weights []float32 // of rows; nil: 1
	of      float64   // numbers that the mean is over
	loss    func(x, t float64) (loss, slope float64)
}

// MeanSquare returns the mean of (x − t)², a 1×1 float32. targets is a float32 matrix of x's shape, unchanged until Close.
func (g *Graph) MeanSquare(x *Var, targets tensor.Mat) *Var { return g.MeanSquareOf(x, targets, 0) }

// MeanSquareOf is MeanSquare with the mean over a number of rows, of which those of x are a part; 0: those of x.
func (g *Graph) MeanSquareOf(x *Var, targets tensor.Mat, rows int) *Var {
	return g.pointwise("MeanSquare", x, pointwise{targets: targets, of: float64(rows), loss: square})
}

// WeightedMeanSquare returns the mean of w·(x − t)², a 1×1 float32. weights has the w of each row of x [T, F]; targets is a float32 matrix
// of x's shape. Both are unchanged until Close.
func (g *Graph) WeightedMeanSquare(x *Var, targets tensor.Mat, weights []float32) *Var {
	if !g.check("WeightedMeanSquare", x) {
		return g.nothing()
	}
	if len(weights) != x.rows {
		return g.failf("WeightedMeanSquare: found %d weights, expected %d: one for each row", len(weights), x.rows)
	}
	return g.pointwise("WeightedMeanSquare", x, pointwise{targets: targets, weights: weights, loss: square})
}

func square(x, t float64) (loss, slope float64) { return (x - t) * (x - t), 2 * (x - t) }

// BinaryCrossEntropy returns the mean of −t·log σ(x) − (1−t)·log(1 − σ(x)), in nats, a 1×1 float32: x are logits and targets,
// a float32 matrix of x's shape, probabilities, 0 … 1, unchanged until Close.
func (g *Graph) BinaryCrossEntropy(x *Var, targets tensor.Mat) *Var {
	return g.pointwise("BinaryCrossEntropy", x, pointwise{targets: targets, loss: func(x, t float64) (float64, float64) {
		return max(x, 0) - x*t + math.Log1p(math.Exp(-math.Abs(x))), 1/(1+math.Exp(-x)) - t
	}})
}

// pointwise records o, of which of is a number of rows here; 0: those of x.
func (g *Graph) pointwise(name string, x *Var, o pointwise) *Var {
	if !g.check(name, x) {
		return g.nothing()
	}
	if o.of == 0 {
		o.of = float64(x.rows)
	}
	o.of *= float64(x.cols)
	return g.recordPointwise(name, x, o)
}

// recordPointwise records o.
func (g *Graph) recordPointwise(name string, x *Var, o pointwise) *Var {
	targets := o.targets
	switch {
	case !g.check(name, x):
		return g.nothing()
	case targets.Type != tensor.F32 || targets.Rows != x.rows || targets.Cols != x.cols:
		return g.failf("%s: found targets of %s %d×%d, expected f32 of %d×%d", name, targets.Type, targets.Rows, targets.Cols, x.rows, x.cols)
	}
	return g.record(&o, tensor.F32, 1, 1, x)
}

func (o *pointwise) weight(i int) float64 {
	if o.weights == nil {
		return 1
	}
	return float64(o.weights[i])
}

func (*pointwise) reads() (inputs uint64, result bool) { return 1 << 0, false }

func (o *pointwise) forward(c *call) error {
	x := c.in[0]
	losses := c.x.Pool.Get(tensor.F32, x.Rows, 1)
	eachRow(c.x, c.dry, x.Rows, x.Cols, x.Cols, func(i int, s []float32) {
		total := 0.0
		for j, v := range load(x, i, s) {
			l, _ := o.loss(float64(v), float64(o.targets.Row(i)[j]))
			total += l
		}
		losses.F32[i] = float32(o.weight(i) * total)
	})
	if !c.dry {
		total := 0.0
		for _, l := range losses.F32 {
			total += float64(l)
		}
		c.out.F32[0] = float32(total / o.of)
	}
	c.x.Pool.Put(losses)
	return nil
}

func (o *pointwise) backward(b *backCall) error {
	x, dx := b.in[0], b.fresh(0)
	scale := 0.0
	if !b.dry {
		scale = float64(b.dout.F32[0]) / o.of
	}
	eachRow(b.x, b.dry, x.Rows, x.Cols, 2*x.Cols, func(i int, s []float32) {
		d, scale := room(dx, i, s[:x.Cols]), scale*o.weight(i)
		for j, v := range load(x, i, s[x.Cols:]) {
			_, slope := o.loss(float64(v), float64(o.targets.Row(i)[j]))
			d[j] = float32(slope * scale)
		}
		store(dx, i, d)
	})
	b.give(0, dx)
	return nil
}

func (*pointwise) cost(out *Var, in []*Var) (forward, backward Cost) {
	c := elementwise(10, in[0].elements(), in[0].bytes(), 4*in[0].elements())
	return c, c
}
