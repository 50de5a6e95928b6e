package autograd

import "github.com/longspan/longspan/internal/kernel"

// meanPool is y_s = 1/n_s · Σ x_i over the n_s rows of sequence s; dx_i = dy_s/n_s. A sum has no 1/n_s.
type meanPool struct {
	sum     bool
	lengths []int
	starts  []int
	rowOf   []int32 // sequence of each row
}

// MeanPool returns the mean row of each sequence: [len(lengths), features] of x [T, features], the lengths adding up to T.
func (g *Graph) MeanPool(x *Var, lengths []int) *Var {
	return g.pool("MeanPool", &meanPool{lengths: lengths}, x)
}

// SumPool is MeanPool with the sum of the rows of each sequence.
func (g *Graph) SumPool(x *Var, lengths []int) *Var {
	return g.pool("SumPool", &meanPool{lengths: lengths, sum: true}, x)
}

func (g *Graph) pool(name string, o *meanPool, x *Var) *Var {
	if !g.check(name, x) {
		return g.nothing()
	}
	total := 0
	for s, n := range o.lengths {
		if n < 1 {
			return g.failf("%s: found length %d of sequence %d, expected at least 1", name, n, s)
		}
		o.starts = append(o.starts, total)
		total += n
		for len(o.rowOf) < min(total, x.rows) {
			o.rowOf = append(o.rowOf, int32(s))
		}
	}
	if total != x.rows {
		return g.failf("%s: found lengths that add up to %d for %d rows, expected the same", name, total, x.rows)
	}
	return g.record(o, x.typ, len(o.lengths), x.cols, x)
}

// factor is what the sum of the rows of a sequence is multiplied by.
func (o *meanPool) factor(sequence int) float32 {
	if o.sum {
		return 1
	}
	return 1 / float32(o.lengths[sequence])
}

func (*meanPool) reads() (inputs uint64, result bool) { return 0, false }

func (o *meanPool) forward(c *call) error {
	x, n := c.in[0], c.out.Cols
	eachRow(c.x, c.dry, c.out.Rows, n*max(1, x.Rows/c.out.Rows), 3*n, func(s int, buf []float32) {
		total, part, end := buf[:n], buf[n:2*n], o.starts[s]+o.lengths[s]
		clear(total)
		for i := o.starts[s]; i < end; i += takeRun {
			clear(part)
			for k := i; k < min(end, i+takeRun); k++ {
				kernel.Add(part, part, load(x, k, buf[2*n:]))
			}
			kernel.Add(total, total, part)
		}
		y := room(c.out, s, part)
		kernel.Scale(y, o.factor(s), total)
		store(c.out, s, y)
	})
	return nil
}

func (o *meanPool) backward(b *backCall) error {
	dx := b.fresh(0)
	n := dx.Cols
	eachRow(b.x, b.dry, dx.Rows, n, 2*n, func(i int, buf []float32) {
		s := int(o.rowOf[i])
		dy, d := load(b.dout, s, buf[:n]), room(dx, i, buf[n:])
		kernel.Scale(d, o.factor(s), dy)
		store(dx, i, d)
	})
	b.give(0, dx)
	return nil
}

func (*meanPool) cost(out *Var, in []*Var) (forward, backward Cost) {
	c := elementwise(1, in[0].elements(), in[0].bytes(), out.bytes())
	return c, c
}
