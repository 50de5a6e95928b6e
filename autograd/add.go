package autograd

import "github.com/longspan/longspan/internal/kernel"

// add is y = a + b; both inputs take dy as it is.
type add struct{}

// Add returns a + b, of the same shape and type: a residual connection.
func (g *Graph) Add(a, b *Var) *Var {
	switch {
	case !g.check("Add", a, b):
		return g.nothing()
	case a.rows != b.rows || a.cols != b.cols || a.typ != b.typ:
		return g.failf("Add: found %s %d×%d and %s %d×%d, expected the same shape and type", a.typ, a.rows, a.cols, b.typ, b.rows, b.cols)
	}
	return g.record(add{}, a.typ, a.rows, a.cols, a, b)
}

func (add) rowInputs() int                      { return 2 }
func (o add) strip(int, int) operation          { return o }
func (add) savedCols() int                      { return 0 }
func (add) reads() (inputs uint64, result bool) { return 0, false }
func (add) inPlace()                            {}

func (add) forward(c *call) error {
	width := c.out.Cols
	eachRow(c.x, c.dry, c.out.Rows, width, 2*width, func(i int, s []float32) {
		a, b := load(c.in[0], i, s[:width]), load(c.in[1], i, s[width:])
		y := room(c.out, i, s[:width])
		kernel.Add(y, a, b)
		store(c.out, i, y)
	})
	return nil
}

func (add) backward(b *backCall) error {
	b.pass(0)
	b.pass(1)
	return nil
}

func (add) cost(out *Var, in []*Var) (forward, backward Cost) {
	return elementwise(1, out.elements(), 3*out.bytes()), Cost{}
}
