package autograd

import "github.com/longspan/longspan/tensor"

// Dot returns the sum of the products of the elements of x and w, a 1×1 float32. The gradient at x is w: a caller that knows the gradient
// of a loss at x, and not the loss as operations, sends it backward so. w is a float32 matrix of x's shape that takes no gradient itself.
// It may be filled after Forward, whose value then means nothing, and is unchanged from Backward until Close.
func (g *Graph) Dot(x *Var, w tensor.Mat) *Var {
	return g.recordPointwise("Dot", x, pointwise{targets: w, of: 1, loss: func(x, w float64) (loss, slope float64) { return x * w, w }})
}
