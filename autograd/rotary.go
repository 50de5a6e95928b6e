package autograd

import (
	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/tensor"
)

// rotary rotates the first columns of each row by its position and copies the others; the gradient is rotated back.
type rotary struct {
	r         *attention.Rotary
	columns   int
	positions []int32
}

// Rotary rotates the heads in the first columns of x by the position of each row, and leaves the other columns as they are:
// queries and keys that have values behind them. positions has one element a row, each prepared in r, and must
// stay unchanged until Close.
func (g *Graph) Rotary(r *attention.Rotary, x *Var, columns int, positions []int32) *Var {
	switch {
	case !g.check("Rotary", x):
		return g.nothing()
	case columns < 1 || columns > x.cols:
		return g.failf("Rotary: found %d columns to rotate of %d, expected 1 up to all", columns, x.cols)
	case len(positions) != x.rows:
		return g.failf("Rotary: found %d positions for %d rows, expected one each", len(positions), x.rows)
	}
	return g.record(&rotary{r, columns, positions}, x.typ, x.rows, x.cols, x)
}

func (*rotary) rowInputs() int { return 1 }
func (o *rotary) strip(lo, hi int) operation {
	return &rotary{o.r, o.columns, o.positions[lo:hi]}
}
func (*rotary) savedCols() int                      { return 0 }
func (*rotary) reads() (inputs uint64, result bool) { return 0, false }
func (*rotary) inPlace()                            {}

func (o *rotary) forward(c *call) error {
	from := c.in[0]
	if err := o.r.Rotate(c.x, o.rotated(c.out), o.rotated(from), o.positions); err != nil {
		return err
	}
	if !c.dry && o.columns < from.Cols && !sameBuffer(c.out, from) {
		c.out.SliceCols(o.columns, from.Cols).CopyFrom(from.SliceCols(o.columns, from.Cols))
	}
	return nil
}

func (o *rotary) backward(b *backCall) error {
	d := b.takeDout()
	if err := o.r.RotateBack(b.x, o.rotated(d), o.rotated(d), o.positions); err != nil {
		return err
	}
	b.give(0, d)
	return nil
}

// check returns the error of a row that cannot be rotated.
func (o *rotary) check(rows int) error {
	m := tensor.Mat{Rows: rows, Cols: o.columns, Stride: o.columns} // without data nothing is rotated
	return o.r.Rotate(tensor.Exec{Threads: 1}, m, m, o.positions)
}

// rotated views the columns that are rotated.
func (o *rotary) rotated(m tensor.Mat) tensor.Mat { return m.SliceCols(0, o.columns) }

// sameBuffer reports whether a and b, of the same shape, are the same elements.
func sameBuffer(a, b tensor.Mat) bool {
	if a.Type == tensor.F32 {
		return len(a.F32) > 0 && &a.F32[0] == &b.F32[0]
	}
	return len(a.U16) > 0 && &a.U16[0] == &b.U16[0]
}

func (*rotary) cost(out *Var, in []*Var) (forward, backward Cost) {
	c := elementwise(3, out.elements(), 2*out.bytes())
	return c, c
}
