package autograd

import (
	"github.com/longspan/longspan/internal/gemm"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// headGrads is where the gradients of a cross-entropy go, in whichever pass they are computed.
type headGrads struct {
	x     tensor.Exec
	dry   bool
	node  *node
	in    []tensor.Mat
	dx    tensor.Mat // no rows where none is wanted
	scale float32    // the derivative by the loss, over the rows that count
}

// takeDX takes room for the gradient of x.
func (g *headGrads) takeDX() {
	if v := g.node.in[0]; v.wants {
		g.dx = g.x.Pool.Get(v.typ, v.rows, v.cols)
	}
}

// wantsBias reports whether there is a bias that wants a gradient.
func (g *headGrads) wantsBias() bool { return len(g.node.in) > 2 && g.node.in[2].wants }

// chunkGrads turns the logits z of a chunk that begins at row i0 into their gradient, and adds what that gives to the others.
func (o *crossEntropy) chunkGrads(g headGrads, z, lse, w tensor.Mat, i0 int) {
	dz := o.dlogits(g, z, lse, i0)
	if v := g.node.in[1]; v.wants {
		rows, done := o.affine.operand(g.x, g.in[0].SliceRows(i0, i0+z.Rows))
		gemm.Mul(g.x, v.sink, gemm.T(dz), gemm.N(rows), true)
		done()
	}
	if g.dx.Rows > 0 {
		gemm.Mul(g.x, g.dx.SliceRows(i0, i0+z.Rows), gemm.N(dz), gemm.N(w), false)
	}
}

// gradientTile is the number of classes whose gradients are computed at a time: 8 KiB, so that a step finds the results of the last one in
// the L1 cache.
const gradientTile = 2048

// dlogits turns logits into their gradient as products take it, in their own memory. The gradient of the bias is the sum of what is not
// rounded yet.
func (o *crossEntropy) dlogits(g headGrads, z, lse tensor.Mat, i0 int) tensor.Mat {
	narrow, bias := o.affine.products == tensor.BF16, g.wantsBias()
	dz := z
	if narrow {
		dz = z.Halves(tensor.BF16)
	}
	tile := min(gradientTile, z.Cols)
	eachRow(g.x, g.dry, z.Rows, z.Cols, tile, func(i int, s []float32) {
		var to []uint16
		if narrow && !bias {
			to = dz.Row16(i)
		}
		o.rowGradient(z.Row(i), to, i0+i, lse.F32[i0+i], g.scale, s)
	})
	if !bias {
		return dz
	}
	db := g.node.in[2].sink.F32
	reduceRows(g.x, g.dry, z.Rows, partRows(z.Rows), z.Cols, 0, func(i int, _, sums []float32) { kernel.Add(sums, sums, z.Row(i)) },
		func(sums []float32) { kernel.Add(db, db, sums) })
	if narrow {
		eachRow(g.x, g.dry, z.Rows, z.Cols, tile, func(i int, s []float32) { roundRow(dz.Row16(i), z.Row(i), s) })
	}
	return dz
}

// rowGradient turns the logits of row i into their gradient: in place, or rounded to bf16 where to is not nil. to may lie in the first
// half of z, since a tile is read to s before it is written.
func (o *crossEntropy) rowGradient(z []float32, to []uint16, i int, lse, scale float32, s []float32) {
	k := int(o.targets[i])
	if k == int(Ignore) {
		clear(z)
		clear(to)
		return
	}
	smooth := float32(o.options.Smoothing)
	share := smooth / float32(len(z))
	for j := 0; j < len(z); j += len(s) {
		from := z[j:min(len(z), j+len(s))]
		d := from
		if to != nil {
			d = s[:len(from)]
		}
		kernel.Standardise(d, from, lse, 1)
		kernel.Exp(d, d)
		kernel.Standardise(d, d, share, scale)
		if j <= k && k < j+len(d) {
			d[k-j] -= (1 - smooth) * scale
		}
		if to != nil {
			kernel.F32ToBF16(to[j:j+len(d)], d)
		}
	}
}

// roundRow rounds z to bf16, into to, which may lie in the first half of z.
func roundRow(to []uint16, z, s []float32) {
	for j := 0; j < len(z); j += len(s) {
		d := s[:copy(s, z[j:])]
		kernel.F32ToBF16(to[j:j+len(d)], d)
	}
}
