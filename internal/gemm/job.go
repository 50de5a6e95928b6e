package gemm

import (
	"github.com/longspan/longspan/internal/ceil"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// Sizes, in elements where nothing else is said.
const (
	// depthLimit words of k, in float32: a panel of 16 columns is 32 KiB, one of 32 is 64 KiB. It streams from L2 for every tile of A, at
	// 11 bytes a cycle. Blocks of 256 and 384, whose panel L1 keeps at level avx2, were not faster: C is read and written more often.
	depthLimit = 512
	// pieceRows of A at depthLimit are 192 KiB: less than half of an L2 cache of 512 KiB, beside the panels of B that go by. It is a multiple
	// of every level's tile, or less than it.
	pieceRows = 96
	// pieceColsLimit of B bounds what a piece needs of C to 192 KiB.
	pieceColsLimit = 512
	// packedColsLimit is that where a piece packs its rows of A: for 768 columns that takes 1 % of the time, if a cache has them.
	packedColsLimit = 768
	// fewRows of A make one piece high, so that nobody shares a panel and each is packed where it is used.
	fewRows = 256
	// fewPanels of B do not pay for packing rows of A, which takes half a cycle an element: a panel takes one.
	fewPanels = 8
	// fewPanelsTrans do not pay for packing columns of A, which are read with a line for six elements otherwise.
	fewPanelsTrans = 4
	// serialWork is the multiplications below which waking another goroutine costs more than it saves: some 10 µs.
	serialWork = 1 << 20
)

// job is one product on its way.
type job struct {
	x       tensor.Exec
	threads int
	c       tensor.Mat
	a, b    Operand
	m, n, k int
	add     bool
	bias    tensor.Mat // a row to be added to every row of C, or no row
	pairs   bool       // multiply pairs of bf16; else float32
	dry     bool
	few     bool // rows of A: rows of Bᵀ are read in place

	tileRows, tileCols int // of the kernel
	depth, blocks      int // of K: blocks of depth terms, the last may be shorter

	store tensor.Type // of scratch and panels
	b0    panels      // the packed part of B; without data, panels are made where they are used
	part              // under work
	rows  int         // of a piece
	cols  int         // of a piece, a multiple of tileCols

	next  part   // what is packed beside the work
	b1    panels // of the next part
	packs int    // its panels

	turns *pool.Turns // where pieces are blocks of K

	scratchA, scratchB, scratchC, square, wide, sums tensor.Mat // a row for each worker
}

func newJob(x tensor.Exec, c tensor.Mat, a, b Operand, m, n, k int, add bool) job {
	j := job{x: x, threads: pool.Threads(x.Threads), c: c, a: a, b: b, m: m, n: n, k: k, add: add}
	j.pairs = pairs(a.Type, b.Type)
	j.dry = c.Dry() || a.Dry() || b.Dry()
	j.tileRows, j.tileCols = kernel.GemmTile()
	j.depth, j.blocks = cutDepth(k, j.pairs)
	if j.pairs {
		j.store = tensor.BF16
		j.tileRows, _ = kernel.GemmTileBF16()
	}
	if int64(m)*int64(n)*int64(k) < serialWork {
		j.threads = 1
	}
	return j
}

// cutDepth cuts K into equal blocks: even in pairs, and a multiple of 4 words, which the packing of columns likes.
func cutDepth(k int, pairs bool) (depth, blocks int) {
	limit, unit := depthLimit, 4
	if pairs {
		limit, unit = 2*kernel.GemmDepthBF16(), 2*unit
	}
	blocks = (k + limit - 1) / limit
	depth = ceil.Multiple((k+blocks-1)/blocks, unit)
	return depth, (k + depth - 1) / depth
}

// run chooses how B is packed and does the work.
func (j *job) run() {
	switch {
	case j.isFew():
		j.runFewInPlace()
		return
	case j.isDeep():
		j.runDeep()
		return
	case j.m <= fewRows:
		j.runFew()
		return
	}
	j.runParts()
}

// runFew is for few rows: a piece has them all, so that it alone needs its panels and packs them itself.
func (j *job) runFew() {
	j.rows = j.m
	j.cols = j.pieceCols(j.n)
	j.part = part{j1: j.n, p1: j.blocks}
	j.getScratch()
	j.each(multiply, j.pieces())
	j.putScratch()
}

// pieceCols cuts n columns evenly so that there are some 16 pieces, enough for a dozen threads, if they do not become so narrow that
// reading A again for each piece counts: 8 panels where A has to be moved, 4 where there are several pieces to
// a column, else 1.
func (j *job) pieceCols(n int) int {
	high, least := (j.m+j.rows-1)/j.rows, 1
	switch {
	case !j.aDirect():
		least = 8
	case high > 1:
		least = 4
	}
	panels := (n + j.tileCols - 1) / j.tileCols
	want := (panels*high + 15) / 16
	limit := pieceColsLimit
	if j.packsA() {
		limit = packedColsLimit
	}
	return even(n, min(limit, max(least, want)*j.tileCols), j.tileCols)
}

// even cuts n into equal parts of at most limit, a multiple of unit.
func even(n, limit, unit int) int {
	count := ceil.Div(n, max(unit, limit/unit*unit))
	return ceil.Multiple(ceil.Div(n, count), unit)
}

func (j *job) pieces() int { return (j.m + j.rows - 1) / j.rows * j.pieceCount() }

func (j *job) pieceCount() int { return (j.j1 - j.j0 + j.cols - 1) / j.cols }

// getScratch takes the memory of every worker.
func (j *job) getScratch() {
	p := j.x.Pool
	switch {
	case j.aDirect():
	case j.packsA():
		j.scratchA = p.Get(j.store, j.threads, j.sliverSize(j.rows))
	default:
		j.scratchA = p.Get(j.store, j.threads, j.rows*j.scratchLd())
	}
	if !j.b0.ready && j.m <= fewRows {
		j.scratchB = p.Get(j.store, j.threads, j.depth*j.tileCols)
	}
	if j.c.Type != tensor.F32 {
		j.scratchC = p.Get(tensor.F32, j.threads, j.rows*j.cols)
	}
	if j.few {
		j.sums = p.Get(tensor.F32, j.threads, kernel.GemmFewRows*j.fewCols())
	}
	j.getSquare()
}

// sliverSize is the elements that rows of A take as slivers.
func (j *job) sliverSize(rows int) int {
	return ceil.Multiple(rows, j.tileRows)*j.depth + kernel.SliverSlack
}

// getSquare takes scratch for pairs that are transposed, and for rows that are widened before they are.
func (j *job) getSquare() {
	p, packsB := j.x.Pool, !j.b0.ready && j.b.Trans
	switch {
	case j.pairs && j.a.Trans:
		j.square = p.Get(j.store, j.threads, kernel.TransposeScratch)
	case !j.pairs && (j.packsA() && !j.a.Trans && j.a.Type != j.store || packsB && j.b.Type != j.store):
		j.wide = p.Get(j.store, j.threads, j.tileCols*j.wideLd())
	}
}

// wideLd is the length of a row of wide: one line more than it has terms, so that rows are not a power of two apart.
func (j *job) wideLd() int { return j.depth + 16 }

func (j *job) putScratch() {
	for _, m := range [...]tensor.Mat{j.scratchA, j.scratchB, j.scratchC, j.square, j.wide, j.sums} {
		if m.Rows > 0 {
			j.x.Pool.Put(m)
		}
	}
}

// step is what workers do between two barriers.
type step uint8

const (
	multiply step = iota
	deep
)

// each runs a step over its pieces. One thread stays free of the closure, and so of allocation.
func (j *job) each(s step, pieces int) {
	if j.dry {
		return
	}
	if j.threads == 1 {
		for i := range pieces {
			j.do(s, 0, i)
		}
		return
	}
	shared := *j
	pool.Run(j.threads, pieces, func(worker, piece int) { shared.do(s, worker, piece) })
}

func (j *job) do(s step, worker, piece int) {
	switch s {
	case multiply:
		if own := j.pieces(); piece >= own {
			j.packNext(worker, piece-own)
			return
		}
		j.multiplyPiece(worker, piece)
	default:
		j.multiplyBlock(worker, piece)
	}
}
