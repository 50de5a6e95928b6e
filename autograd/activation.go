package autograd

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/internal/kernel"
)

// Activation is what a feed-forward layer puts between its products.
type Activation uint8

// The activations. The gated ones halve the features: the first half goes through the function and multiplies the
// second (Shazeer 2020, arXiv:2002.05202).
const (
	GELU      Activation = iota // x·Φ(x), Φ the normal distribution (Hendrycks and Gimpel 2016, arXiv:1606.08415)
	GELUTanh                    // x·σ(√(8/π)·(x + 0.044715·x³)), their approximation of it
	ReLU                        // max(x, 0)
	SiLU                        // x·σ(x)
	GeGLU                       // GELU(a)·b
	SwiGLU                      // SiLU(a)·b
	GeGLUTanh                   // GELUTanh(a)·b
	Tanh                        // tanh(x)
)

var activationNames = [...]string{"gelu", "gelu_tanh", "relu", "silu", "geglu", "swiglu", "geglu_tanh", "tanh"}

// String is the name that ParseActivation reads.
func (a Activation) String() string {
	if int(a) < len(activationNames) {
		return activationNames[a]
	}
	return fmt.Sprintf("activation(%d)", uint8(a))
}

// ParseActivation reads gelu, gelu_tanh, relu, silu, geglu, swiglu, geglu_tanh or tanh.
func ParseActivation(name string) (Activation, error) {
	for i, n := range activationNames {
		if n == name {
			return Activation(i), nil
		}
	}
	return 0, fmt.Errorf("autograd: activation %q is not known; use one of %v", name, activationNames)
}

// Gated reports whether a halves the features.
func (a Activation) Gated() bool { return a == GeGLU || a == SwiGLU || a == GeGLUTanh }

// activation is y = f(x), or y = f(a)·b for x = [a b]:
//
//	dx = f'(x)·dy    da = f'(a)·b·dy    db = f(a)·dy
type activation struct{ kind Activation }

// Activate applies the activation to x [T, F]: [T, F], or [T, F/2] for a gated one.
func (g *Graph) Activate(x *Var, kind Activation) *Var {
	cols := x.cols
	switch {
	case !g.check("Activate", x):
		return g.nothing()
	case int(kind) >= len(activationNames):
		return g.failf("Activate: found %s, expected one of %v", kind, activationNames)
	case kind.Gated() && cols%2 != 0:
		return g.failf("Activate: %s of %d features, expected an even number: a gate and a value", kind, cols)
	case kind.Gated():
		cols /= 2
	}
	return g.record(activation{kind}, x.typ, x.rows, cols, x)
}

func (activation) rowInputs() int                      { return 1 }
func (o activation) strip(int, int) operation          { return o }
func (activation) savedCols() int                      { return 0 }
func (activation) reads() (inputs uint64, result bool) { return 1 << 0, false }
func (activation) cheap()                              {}

func (o activation) forward(c *call) error {
	x, out := c.in[0], c.out
	n := out.Cols
	eachRow(c.x, c.dry, x.Rows, x.Cols, x.Cols+n, func(i int, s []float32) {
		row := load(x, i, s[:x.Cols])
		y := room(out, i, s[x.Cols:])
		switch {
		case o.kind == SwiGLU:
			kernel.SiluMul(y, row[:n], row[n:])
		case o.kind.Gated():
			o.kind.value(y, row[:n])
			kernel.Mul(y, y, row[n:])
		default:
			o.kind.value(y, row)
		}
		store(out, i, y)
	})
	return nil
}

func (o activation) backward(b *backCall) error {
	x, n := b.in[0], b.dout.Cols
	dx := b.reuse(0)
	eachRow(b.x, b.dry, x.Rows, x.Cols, 2*x.Cols+2*n, func(i int, s []float32) {
		row, d := load(x, i, s[:x.Cols]), room(dx, i, s[x.Cols:2*x.Cols])
		s = s[2*x.Cols:]
		dy := load(b.dout, i, s[:n])
		switch {
		case o.kind == SwiGLU:
			kernel.SiluMulGrad(d[:n], d[n:], dy, row[:n], row[n:])
		case o.kind.Gated():
			value, gate := s[n:], row[n:]
			o.kind.value(value, row[:n])
			kernel.Mul(d[n:], dy, value)
			kernel.Mul(value, dy, gate)
			o.kind.gradient(d[:n], value, row[:n])
		default:
			o.kind.gradient(d, dy, row)
		}
		store(dx, i, d)
	})
	b.give(0, dx)
	return nil
}

func (o activation) cost(out *Var, in []*Var) (forward, backward Cost) {
	return elementwise(20, out.elements(), in[0].bytes(), out.bytes()),
		elementwise(40, out.elements(), 2*in[0].bytes(), out.bytes())
}

// curve is the scalar function of a kind, gates aside.
func (a Activation) curve() Activation {
	switch a {
	case GeGLU:
		return GELU
	case SwiGLU:
		return SiLU
	case GeGLUTanh:
		return GELUTanh
	}
	return a
}

// value sets y to f(x).
func (a Activation) value(y, x []float32) {
	switch a.curve() {
	case GELU:
		kernel.Gelu(y, x)
	case GELUTanh:
		kernel.GeluTanh(y, x)
	case SiLU:
		kernel.Silu(y, x)
	case Tanh:
		kernel.Tanh(y, x)
	default:
		for j, v := range x {
			y[j] = max(v, 0)
		}
	}
}

// gradient sets dx to f'(x)·dy.
func (a Activation) gradient(dx, dy, x []float32) {
	switch a.curve() {
	case GELU:
		kernel.GeluGrad(dx, dy, x)
	case GELUTanh:
		kernel.GeluTanhGrad(dx, dy, x)
	case SiLU:
		kernel.SiluGrad(dx, dy, x)
	case Tanh:
		for j, v := range x {
			t := float32(math.Tanh(float64(v)))
			dx[j] = dy[j] * (1 - t*t)
		}
	default:
		for j, v := range x {
			if v > 0 {
				dx[j] = dy[j]
			} else {
				dx[j] = 0
			}
		}
	}
}
