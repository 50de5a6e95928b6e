package autograd

import "github.com/longspan/longspan/internal/kernel"

// scaleRows is y_i = s_i·x_i for each row i; dx_i = s_i·dy_i. The factors are constants.
type scaleRows struct{ factors []float32 }

// ScaleRows returns x with row i multiplied by factors[i], a constant. factors must stay unchanged until Close.
func (g *Graph) ScaleRows(x *Var, factors []float32) *Var {
	if !g.check("ScaleRows", x) {
		return g.nothing()
	}
	if len(factors) != x.rows {
		return g.failf("ScaleRows: found %d factors, expected one for each of %d rows", len(factors), x.rows)
	}
	return g.record(scaleRows{factors}, x.typ, x.rows, x.cols, x)
}

func (scaleRows) reads() (inputs uint64, result bool) { return 0, false }
func (scaleRows) inPlace()                            {}

func (o scaleRows) forward(c *call) error {
	eachRow(c.x, c.dry, c.out.Rows, c.out.Cols, 2*c.out.Cols, func(i int, s []float32) {
		x := load(c.in[0], i, s)
		y := room(c.out, i, s[c.out.Cols:])
		kernel.Scale(y, o.factors[i], x)
		store(c.out, i, y)
	})
	return nil
}

func (o scaleRows) backward(b *backCall) error {
	d := b.takeDout()
	eachRow(b.x, b.dry, d.Rows, d.Cols, d.Cols, func(i int, s []float32) {
		row := load(d, i, s)
		kernel.Scale(row, o.factors[i], row)
		store(d, i, row)
	})
	b.give(0, d)
	return nil
}

func (scaleRows) cost(out *Var, _ []*Var) (forward, backward Cost) {
	c := elementwise(1, out.elements(), 2*out.bytes())
	return c, c
}
