package autograd

import (
	"math"

	"github.com/longspan/longspan/internal/random"
	"github.com/longspan/longspan/tensor"
)

// signs is y = [c·s, x]: random signs s, which are not learned, times a constant, and then the columns of x. dx is dy without the first
// columns. Each list of seeds has a block of equal width. The signs of row i in block b depend on seeds[b][i] alone.
type signs struct {
	scale float32
	width int // of a block
	seeds [][]uint64
}

// Signs returns x with blocks of width columns before its own, a block for each list of seeds. Row i of block b has random signs times
// scale, drawn from seeds[b][i], and zeros where the seed is 0. Equal seeds give equal signs. The product of two rows over a block is
// scale²·width for equal seeds; otherwise its mean is 0 and its standard deviation scale²·√width (signs in random projections: Achlioptas
// 2003, JCSS 66(4)). seeds must stay unchanged until Close.
func (g *Graph) Signs(x *Var, scale float32, width int, seeds [][]uint64) *Var {
	if !g.check("Signs", x) {
		return g.nothing()
	}
	if width < 1 || len(seeds) == 0 {
		return g.failf("Signs: found %d blocks of %d columns, expected at least one of each", len(seeds), width)
	}
	for b, s := range seeds {
		if len(s) != x.rows {
			return g.failf("Signs: found %d seeds in list %d, expected one for each of %d rows", len(s), b, x.rows)
		}
	}
	return g.record(signs{scale, width, seeds}, x.typ, x.rows, len(seeds)*width+x.cols, x)
}

func (signs) reads() (inputs uint64, result bool) { return 0, false }

// draw fills y with ±scale. Each 64 signs are the bits of one number of the sequence that seed begins.
func draw(y []float32, scale float32, seed uint64) {
	bits := uint64(0)
	for j := range y {
		if j%64 == 0 {
			bits = random.Mix(seed)
			seed += random.Gamma
		}
		y[j] = math.Float32frombits(math.Float32bits(scale) ^ uint32(bits&1)<<31)
		bits >>= 1
	}
}

func (o signs) forward(c *call) error {
	n := c.out.Cols
	first := len(o.seeds) * o.width
	eachRow(c.x, c.dry, c.out.Rows, n, 2*n, func(i int, s []float32) {
		y := room(c.out, i, s[:n])
		for b, seeds := range o.seeds {
			block := y[b*o.width : (b+1)*o.width]
			if seeds[i] == 0 {
				clear(block)
				continue
			}
			draw(block, o.scale, seeds[i])
		}
		copy(y[first:], load(c.in[0], i, s[n:]))
		store(c.out, i, y)
	})
	return nil
}

func (o signs) backward(b *backCall) error {
	dx := b.fresh(0)
	var dy tensor.Mat
	if !b.dry {
		dy = b.dout.SliceCols(len(o.seeds)*o.width, b.dout.Cols)
	}
	eachRow(b.x, b.dry, dx.Rows, dx.Cols, dx.Cols, func(i int, s []float32) {
		y := room(dx, i, s)
		copy(y, load(dy, i, s))
		store(dx, i, y)
	})
	b.give(0, dx)
	return nil
}

func (signs) cost(out *Var, in []*Var) (forward, backward Cost) {
	return streamed(in[0].bytes(), out.bytes()), streamed(2 * in[0].bytes())
}
