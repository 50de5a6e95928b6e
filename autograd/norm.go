package autograd

import (
	"math"

	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// norm is layer norm, y = γ·x̂ + β with x̂ = (x − μ)/√(σ² + ε) over the features of a row (Ba et al. 2016,
// arXiv:1607.06450), or RMS norm, where μ is 0, σ² the mean of squares, and there is no β (Zhang and Sennrich 2019,
// arXiv:1910.07467). With g = γ·dy and r = 1/√(σ² + ε):
//
//	dx = r·(g − mean(g) − x̂·mean(g·x̂))    dγ = Σ_rows dy·x̂    dβ = Σ_rows dy
//
// where RMS norm has no mean(g). What is saved is μ and r, two numbers a row.
type norm struct {
	rms bool
	eps float32
}

// LayerNorm normalises every row of x [T, features] to mean 0 and variance 1, times gamma plus beta, float32 leaves
// [1, features]; beta may be nil. eps is added to the variance.
func (g *Graph) LayerNorm(x, gamma, beta *Var, eps float64) *Var {
	return g.norm("LayerNorm", norm{eps: float32(eps)}, x, gamma, beta)
}

// RMSNorm divides every row of x [T, features] by the root of its mean square, times gamma, a float32 leaf [1, features]. eps
// is added to the mean square.
func (g *Graph) RMSNorm(x, gamma *Var, eps float64) *Var {
	return g.norm("RMSNorm", norm{rms: true, eps: float32(eps)}, x, gamma, nil)
}

func (g *Graph) norm(name string, o norm, x, gamma, beta *Var) *Var {
	in := []*Var{x, gamma}
	if beta != nil {
		in = append(in, beta)
	}
	if !g.check(name, in...) {
		return g.nothing()
	}
	for _, p := range in[1:] {
		if !p.leaf || p.typ != tensor.F32 || p.rows != 1 || p.cols != x.cols {
			return g.failf("%s: found a parameter of %s %d×%d, expected an f32 leaf of 1×%d", name, p.typ, p.rows, p.cols, x.cols)
		}
	}
	return g.record(o, g.options.Policy.Activations, x.rows, x.cols, in...)
}

func (norm) rowInputs() int                      { return 1 }
func (o norm) strip(int, int) operation          { return o }
func (norm) savedCols() int                      { return 2 }
func (norm) reads() (inputs uint64, result bool) { return 1<<0 | 1<<1, false }
func (norm) cheap()                              {}
func (norm) saves()                              {}

func (o norm) forward(c *call) error {
	x, n := c.in[0], c.in[0].Cols
	stats := c.x.Pool.Get(tensor.F32, x.Rows, 2)
	eachRow(c.x, c.dry, x.Rows, n, 2*n, func(i int, s []float32) {
		row := load(x, i, s[:n])
		mean, r := o.stats(row)
		stats.F32[2*i], stats.F32[2*i+1] = mean, r
		y, gamma := room(c.out, i, s[n:]), c.in[1].Row(0)
		kernel.Normalise(y, row, gamma, mean, r)
		if len(c.in) > 2 {
			kernel.Add(y, y, c.in[2].Row(0))
		}
		store(c.out, i, y)
	})
	c.save(stats)
	return nil
}

// stats returns the mean to take away and the factor to multiply with.
func (o norm) stats(row []float32) (mean, r float32) {
	n := float32(len(row))
	if o.rms {
		return 0, float32(1 / math.Sqrt(float64(kernel.Dot(row, row)/n+o.eps)))
	}
	mean = kernel.Sum(row) / n
	// The deviations are squared from the mean found, not as E[x²] − E[x]², which cancels.
	return mean, float32(1 / math.Sqrt(float64(kernel.SumSquares(row, mean)/n+o.eps)))
}

// backward adds what has come in of the gradient of x already: that of a residual connection around the norm and what reads it. Another
// pass over two matrices would take as long as all of this does.
func (o norm) backward(b *backCall) error {
	x, n := b.in[0], b.in[0].Cols
	before := b.before(0)
	dx := b.reuse(0)
	reduceRows(b.x, b.dry, x.Rows, b.partRows(), 2*n, 4*n, func(i int, s, sums []float32) {
		row, dy := load(x, i, s[:n]), load(b.dout, i, s[n:2*n])
		mean, r := b.saved[0].F32[2*i], b.saved[0].F32[2*i+1]
		gamma := b.in[1].Row(0)
		along, level := kernel.NormSums(sums[:n], sums[n:], row, dy, gamma, mean, r)
		along /= float32(n)
		if level /= float32(n); o.rms {
			level = 0
		}
		d := room(dx, i, s[2*n:3*n])
		kernel.NormGrad(d, row, dy, gamma, mean, r, along, level)
		if before.Rows > 0 {
			kernel.Add(d, load(before, i, s[3*n:]), d)
		}
		store(dx, i, d)
	}, addSums(b, 1))
	if before.Rows > 0 {
		b.replace(0, dx)
	} else {
		b.give(0, dx)
	}
	return nil
}

func (norm) cost(out *Var, in []*Var) (forward, backward Cost) {
	return elementwise(7, out.elements(), 2*out.bytes()), elementwise(14, out.elements(), 4*out.bytes())
}
