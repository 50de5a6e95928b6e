package gemm

import (
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// Up to fewLimit rows of A, or narrowLimit where B is widened, are multiplied by rows of Bᵀ in place. Packing takes longer where it widens.
const (
	fewLimit    = 4
	narrowLimit = 16
)

// fewSerial is the bytes of B below which waking another goroutine costs more than it saves: some 20 µs of reading.
const fewSerial = 1 << 18

// isFew reports whether there are so few rows that rows of Bᵀ are best read where they lie, widened on the way if they must be.
func (j *job) isFew() bool {
	if j.a.Trans || !j.b.Trans || j.b0.ready || j.k%8 != 0 {
		return false
	}
	return j.m <= fewLimit && j.b.Type == j.store || j.m <= narrowLimit && j.narrow()
}

// narrow reports whether B is widened.
func (j *job) narrow() bool { return j.store == tensor.F32 && j.b.Type != tensor.F32 }

// fewCols is the number of columns that the kernel for few rows makes.
func (j *job) fewCols() int {
	if j.narrow() {
		return kernel.GemmNarrowCols()
	}
	return kernel.GemmLanes()
}

// runFewInPlace multiplies few rows. They are widened first.
func (j *job) runFewInPlace() {
	j.few, j.threads = true, pool.Threads(j.x.Threads)
	if int64(j.n)*int64(j.k)*int64(j.b.Type.Size()) < fewSerial {
		j.threads = 1
	}
	if j.a.Type != j.store {
		wide := j.x.Pool.Get(j.store, j.m, j.k)
		defer j.x.Pool.Put(wide)
		for i := range j.m {
			if !j.dry {
				j.a.ReadRow(wide.Row(i), i)
			}
		}
		j.a = N(wide)
	}
	j.runFew()
}

// multiplyFew computes all columns of a piece that fill the kernel's, and returns the first that it did not. A group of columns takes all
// blocks of K at once, so that memory is read from one end to the other.
func (j *job) multiplyFew(worker int, c tensor.Mat, col0, col1 int) int {
	width, sums := j.fewCols(), j.sums.Row(worker)
	col := col0
	for ; col+width <= col1; col += width {
		for block := range j.blocks {
			for i := 0; i < c.Rows; i += kernel.GemmFewRows {
				j.multiplyFewBlock(c, i, col, col-col0, block, sums)
			}
		}
	}
	return col
}

// multiplyFewBlock adds one block of K to the rows of c from i on: the columns of op(B) from col on, which c has from at on.
func (j *job) multiplyFewBlock(c tensor.Mat, i, col, at, block int, sums []float32) {
	p0, ld := block*j.depth, j.b.Stride
	k, from := min(j.depth, j.k-p0), col*ld+p0
	// What is read next lies behind these rows: as much of it is brought near as the block has of these.
	next := min((col+j.fewCols())*ld+j.fewCols()*p0, (j.n-1)*ld)
	f := kernel.FewRows{Rows: min(kernel.GemmFewRows, c.Rows-i), RS: j.a.Stride, LDB: ld, LDC: c.Stride, Add: j.add || block > 0}
	a, to := i*j.a.Stride+p0, c.F32[i*c.Stride+at:]
	switch {
	case j.pairs:
		kernel.GemmFewBF16(f, k/2, j.a.U16[a:], j.b.U16[from:], j.b.U16[next:], sums, to)
	case j.narrow():
		kernel.GemmFewNarrow(kernel.Element(j.b.Type), f, k, j.a.F32[a:], j.b.U16[from:], j.b.U16[next:], sums, to)
	default:
		kernel.GemmFew(f, k, j.a.F32[a:], j.b.F32[from:], j.b.F32[next:], sums, to)
	}
}
