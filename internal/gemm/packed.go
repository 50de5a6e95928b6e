package gemm

import (
	"github.com/longspan/longspan/internal/cpu"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// Packed is a factor B laid out as the kernel of one level reads it, to be used in many products: weights. It takes
// as much memory as B does (in float32, unless B is BF16 and the level multiplies bf16) and stays valid until
// Free; B itself must stay as it was.
type Packed struct {
	b      Operand
	n, k   int
	level  cpu.Level
	panels panels
}

// Pack lays out b. The memory comes from x.Pool.
func Pack(x tensor.Exec, b Operand) *Packed {
	k, n := b.shape()
	p := &Packed{b: b, n: n, k: k, level: kernel.Level()}
	if k == 0 || n == 0 {
		return p
	}
	j := newJob(x, tensor.Mat{}, Operand{Mat: tensor.Mat{Type: b.Type}}, b, 1, n, k, false)
	j.dry = b.Dry()
	j.threads = pool.Threads(x.Threads)
	j.getSquare()
	j.rows, j.cols, j.next = 1, 1, part{j1: n, p1: j.blocks}
	j.getPanels(j.next)
	j.each(multiply, j.next.panels(j.tileCols))
	j.putScratch()
	p.panels = j.b1
	return p
}

// Free gives p's memory back to the pool it came from.
func (p *Packed) Free(x tensor.Exec) { p.panels.free(x.Pool) }

// MulPacked is Mul with a factor packed before; the bits are the same. A Packed made at another level, or of BF16
// for an a that is not, is read from the matrix it was made of.
func MulPacked(x tensor.Exec, c tensor.Mat, a Operand, b *Packed, add bool) {
	if !b.readable(a.Type) {
		Mul(x, c, a, b.b, add)
		return
	}
	b.mul(x, c, a, tensor.Mat{}, add)
}

// MulBiasPacked is MulBias with a factor packed before; the bits are the same.
func MulBiasPacked(x tensor.Exec, c tensor.Mat, a Operand, b *Packed, bias tensor.Mat) {
	if bias.Rows == 0 {
		MulPacked(x, c, a, b, false)
		return
	}
	if !b.readable(a.Type) {
		MulBias(x, c, a, b.b, bias)
		return
	}
	checkBias(bias, b.n)
	b.mul(x, c, a, bias, false)
}

// mul multiplies by the panels. A bias without rows is none.
func (p *Packed) mul(x tensor.Exec, c tensor.Mat, a Operand, bias tensor.Mat, add bool) {
	m, n, k := check(c, a, p.b, add)
	if m == 0 {
		return
	}
	j := newJob(x, c, a, p.b, m, n, k, add)
	j.b0, j.bias, j.dry = p.panels, bias, j.dry || bias.Dry()
	j.run()
}

// readable reports whether a product with an a of a type reads the panels.
func (p *Packed) readable(a tensor.Type) bool {
	return p.panels.ready && p.level == kernel.Level() && pairs(a, p.b.Type) == (p.panels.data.Type == tensor.BF16)
}
