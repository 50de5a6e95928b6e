package autograd

import (
	"math"

	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// HeadWeight is the weight of a norm over heads: a float32 leaf [1, D] that Heads heads in a row share.
type HeadWeight struct {
	Weight *Var
	Heads  int
}

// headNorm is RMS norm over the D columns of each head by itself, y = w·x/√(mean(x²) + ε), for the first heads of a row. The other
// columns are copied. With g = w·dy, r = 1/√(mean(x²) + ε) and x̂ = r·x:
//
//	dx = r·(g − x̂·mean(g·x̂))    dw = Σ_rows Σ_heads dy·x̂
//
// What is saved is r, one number a row and head. Queries and keys that are normalised so have bounded scores (Dehghani et al. 2023,
// arXiv:2302.05442, section 2; there with layer norm).
type headNorm struct {
	eps   float32
	heads []int // of each weight
	dim   int   // D
	total int   // Σ heads
}

// HeadNorm normalises the first heads of x [T, features]: those of weights[0], then those of weights[1] …; the other columns are copied.
// All weights have one D. eps is added to the mean square.
func (g *Graph) HeadNorm(x *Var, eps float64, weights ...HeadWeight) *Var {
	in := []*Var{x}
	for _, w := range weights {
		in = append(in, w.Weight)
	}
	if !g.check("HeadNorm", in...) {
		return g.nothing()
	}
	if len(weights) == 0 {
		return g.failf("HeadNorm: found no weight, expected at least one")
	}
	o := &headNorm{eps: float32(eps), dim: weights[0].Weight.cols}
	for _, w := range weights {
		if v := w.Weight; !v.leaf || v.typ != tensor.F32 || v.rows != 1 || v.cols != o.dim || w.Heads < 1 {
			return g.failf("HeadNorm: found a weight of %s %d×%d for %d heads, expected an f32 leaf of 1×%d for at least one",
				v.typ, v.rows, v.cols, w.Heads, o.dim)
		}
		o.heads, o.total = append(o.heads, w.Heads), o.total+w.Heads
	}
	if o.total*o.dim > x.cols {
		return g.failf("HeadNorm: found %d heads of %d columns in rows of %d, expected at most as many columns", o.total, o.dim, x.cols)
	}
	return g.record(o, x.typ, x.rows, x.cols, in...)
}

func (o *headNorm) reads() (inputs uint64, result bool) { return 1<<(1+len(o.heads)) - 1, false }
func (*headNorm) cheap()                                {}
func (*headNorm) saves()                                {}

// each calls f for every head: which it is, and which weight it has.
func (o *headNorm) each(f func(head, weight int)) {
	head := 0
	for weight, n := range o.heads {
		for range n {
			f(head, weight)
			head++
		}
	}
}

func (o *headNorm) forward(c *call) error {
	x, n, d := c.in[0], c.in[0].Cols, o.dim
	stats := c.x.Pool.Get(tensor.F32, x.Rows, o.total)
	eachRow(c.x, c.dry, x.Rows, n, 2*n, func(i int, s []float32) {
		row, y := load(x, i, s[:n]), room(c.out, i, s[n:])
		copy(y[o.total*d:], row[o.total*d:])
		o.each(func(head, weight int) {
			from, to := row[head*d:(head+1)*d], y[head*d:(head+1)*d]
			r := float32(1 / math.Sqrt(float64(kernel.Dot(from, from)/float32(d)+o.eps)))
			stats.Row(i)[head] = r
			kernel.Standardise(to, from, 0, r)
			kernel.Mul(to, to, c.in[1+weight].Row(0))
		})
		store(c.out, i, y)
	})
	c.save(stats)
	return nil
}

func (o *headNorm) backward(b *backCall) error {
	x, n, d := b.in[0], b.in[0].Cols, o.dim
	dx := b.reuse(0)
	reduceRows(b.x, b.dry, x.Rows, b.partRows(), len(o.heads)*d, 3*n+2*d, func(i int, s, sums []float32) {
		row, dy, to := load(x, i, s[:n]), load(b.dout, i, s[n:2*n]), room(dx, i, s[2*n:3*n])
		copy(to[o.total*d:], dy[o.total*d:])
		xhat, gd := s[3*n:3*n+d], s[3*n+d:3*n+2*d]
		o.each(func(head, weight int) {
			at, r := head*d, b.saved[0].Row(i)[head]
			kernel.Standardise(xhat, row[at:at+d], 0, r)
			kernel.Mul(gd, b.in[1+weight].Row(0), dy[at:at+d])
			kernel.MulAdd(sums[weight*d:(weight+1)*d], dy[at:at+d], xhat)
			along := kernel.Dot(gd, xhat) / float32(d)
			for j := range d {
				to[at+j] = r * (gd[j] - xhat[j]*along)
			}
		})
		store(dx, i, to)
	}, addSums(b, 1))
	b.give(0, dx)
	return nil
}

func (o *headNorm) cost(out *Var, in []*Var) (forward, backward Cost) {
	return elementwise(6, out.elements(), 2*out.bytes()), elementwise(12, out.elements(), 4*out.bytes())
}
