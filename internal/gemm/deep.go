package gemm

import (
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// Gradients of weights are small matrices whose sums are long: dW = dYᵀ·X has a term for each token. Pieces of such a C would each read all
// of A or B. So here a piece of work is a block of K. Both factors are read once, from one end to the other, and the block's sums are added
// to C when those of the blocks before it have been: the order of sums stays what the package promises.
const (
	// deepBlocks of K at least, so that several threads have some.
	deepBlocks = 4
	// deepArea bounds C, of which every thread has sums of its own: 768 KiB.
	deepArea = 3 << 16
	// deepRows bounds what every thread packs of A: 2 MiB.
	deepRows = 1 << 10
)

// isDeep reports whether pieces are blocks of K. Pairs are left out: at level amx their sums go on from C. Gradients have no bias.
func (j *job) isDeep() bool {
	return !j.pairs && !j.b0.ready && j.bias.Rows == 0 && j.c.Type == tensor.F32 && j.threads > 1 &&
		j.blocks >= deepBlocks && j.m*j.n <= deepArea && j.m <= deepRows && j.packsA()
}

// runDeep multiplies blocks of K side by side.
func (j *job) runDeep() {
	p := j.x.Pool
	j.j1, j.rows = j.n, j.m
	j.scratchA = p.Get(tensor.F32, j.threads, j.sliverSize(j.m))
	j.scratchB = p.Get(tensor.F32, j.threads, j.depth*j.tileCols)
	j.scratchC = p.Get(tensor.F32, j.threads, j.m*j.n)
	j.getSquare()
	j.turns = new(pool.Turns)
	j.each(deep, j.blocks)
	j.putScratch()
}

// multiplyBlock multiplies one block of K, and adds it to C in its turn.
func (j *job) multiplyBlock(worker, block int) {
	p0, p1 := block*j.depth, min((block+1)*j.depth, j.k)
	a := j.loadA(worker, 0, j.m, p0, p1)
	b := factor{f32: j.scratchB.Row(worker), rs: j.tileCols, packed: true}
	sums := tensor.FromF32(j.scratchC.Row(worker), j.m, j.n)
	for col := 0; col < j.n; col += j.tileCols {
		cols := min(j.tileCols, j.n-col)
		j.packPanel(worker, b, p0, p1, col, cols)
		j.multiplyPanel(sums.F32[col:], j.n, j.m, cols, p1-p0, a, b, false)
	}
	j.turns.Do(block, func() {
		for i := range j.m {
			if j.add || block > 0 {
				kernel.Add(j.c.Row(i), j.c.Row(i), sums.Row(i))
			} else {
				copy(j.c.Row(i), sums.Row(i))
			}
		}
	})
}
