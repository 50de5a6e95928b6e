package autograd

import "github.com/longspan/longspan/internal/random"

// dropout is y = m·x/(1 − rate) with m 0 or 1; dx = m·dy/(1 − rate). The mask is not stored: it is a function of the
// seed and of where the element is, so that the backward pass, and a rerun, find it again.
type dropout struct {
	cut   uint16 // a draw of 16 bits below it drops
	scale float32
	seed  uint64
	first int // the row of the whole batch that is row 0 here
}

// Dropout sets each element of x to 0 with probability rate, 0 ≤ rate < 1 in steps of 1/65536, and scales the others
// by 1/(1−rate); in a graph without Train it returns x. What is dropped depends on seed, row and column alone: give each
// place of a model, and each step, its own seed. Srivastava et al. 2014, JMLR 15.
func (g *Graph) Dropout(x *Var, rate float64, seed uint64) *Var {
	return g.DropoutRows(x, rate, seed, 0)
}

// DropoutRows is Dropout of rows first, first+1, … of a larger matrix: what is dropped of them is what Dropout drops of the whole.
func (g *Graph) DropoutRows(x *Var, rate float64, seed uint64, first int) *Var {
	switch {
	case !g.check("Dropout", x):
		return g.nothing()
	case !(rate >= 0 && rate < 1):
		return g.failf("Dropout: found rate %g, expected 0 up to 1", rate)
	case rate == 0 || !g.options.Train:
		return x
	}
	cut := uint16(rate * (1 << 16))
	return g.record(dropout{cut, float32(1 / (1 - float64(cut)/(1<<16))), seed, first}, x.typ, x.rows, x.cols, x)
}

func (dropout) rowInputs() int { return 1 }
func (dropout) savedCols() int { return 0 }
func (o dropout) strip(lo, _ int) operation {
	o.first += lo
	return o
}

func (dropout) reads() (inputs uint64, result bool) { return 0, false }
func (dropout) inPlace()                            {}

func (o dropout) forward(c *call) error {
	n := c.out.Cols
	eachRow(c.x, c.dry, c.out.Rows, n, 2*n, func(i int, s []float32) {
		y := room(c.out, i, s[:n])
		o.mask(y, load(c.in[0], i, s[n:]), i)
		store(c.out, i, y)
	})
	return nil
}

func (o dropout) backward(b *backCall) error {
	d := b.takeDout()
	eachRow(b.x, b.dry, d.Rows, d.Cols, d.Cols, func(i int, s []float32) {
		row := load(d, i, s)
		o.mask(row, row, i)
		store(d, i, row)
	})
	b.give(0, d)
	return nil
}

// mask sets y to x with the mask of row i. They may be the same.
func (o dropout) mask(y, x []float32, i int) {
	row := random.Finalise(o.seed + random.Finalise(uint64(o.first+i)))
	for j := range x {
		if j%4 == 0 { // four draws of 16 bits from each number
			row += random.Gamma
		}
		draw := uint16(random.Finalise(row) >> (16 * (j % 4)))
		if draw < o.cut {
			y[j] = 0
		} else {
			y[j] = x[j] * o.scale
		}
	}
}

func (dropout) cost(out *Var, in []*Var) (forward, backward Cost) {
	c := elementwise(4, out.elements(), 2*out.bytes())
	return c, c
}
