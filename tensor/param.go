package tensor

// Param is one matrix of weights and the gradient of the loss by it, of the same shape. A vector is a matrix of one row.
type Param struct {
	Name  string
	Value Mat
	Grad  Mat // F32; no rows in a model made for inference

	Fixed bool // training leaves it: its gradient stays 0
}

// Vector reports whether p has one row or one column: a bias, or the weight of a norm.
func (p *Param) Vector() bool { return p.Value.Rows == 1 || p.Value.Cols == 1 }
