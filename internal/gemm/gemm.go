// Package gemm multiplies matrices: C = op(A)·op(B), blocked for the caches and spread over threads.
//
// Layers, from the inside: package kernel multiplies a few rows of A by a panel of B, whose sums stay in registers.
// K is cut into blocks of a depth that keeps a panel near the L1 cache. A piece of work is some rows of A by some panels
// of B; panels are packed once and shared by all pieces, and a piece packs its rows of A for itself, into slivers that the L2
// cache holds. Goto and van de Geijn 2008, "Anatomy of high-performance matrix multiplication", has the reasons. Panels are packed a part
// of B at a time, and each part by the threads that are done with the one before. 16-bit elements are widened as they are packed. Few rows
// of A, or few panels, do not pay for packing A, which is then read as it lies; so does plain Go with all rows. A product of up to 12 rows
// with B as it lies, or of up to 4 with Bᵀ (16 where B is widened), is as fast as B comes from memory, so there B is not packed either.
// Where C is small and K long, a piece is a block of K.
//
// Order of sums: K is cut into ⌈K/depth⌉ equal blocks (the last may be shorter; see depthLimit). Within a block the terms are
// added to zero in ascending order, and the blocks' sums are added in ascending order, to what C holds if that is
// asked for; where bf16 is multiplied by AMX the terms of a block are added to the sum of the blocks before, or to C. So an element
// of C depends on its row of A, its column of B and K, and on nothing else: not on M, N, strides, packing or threads. Each level has
// bits of its own.
package gemm

import (
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// Operand is one factor of a product: a matrix, read as it lies or transposed. Its type may be F32, BF16 or F16;
// sums are float32.
//
// Two BF16 factors are multiplied in bf16 where the level has the instruction, which counts denormals as zero; every
// other mix is widened to float32 first, which loses nothing.
type Operand struct {
	tensor.Mat
	Trans bool // read the transpose: rows and columns change places
}

// N is m as it lies; T is its transpose.
func N(m tensor.Mat) Operand { return Operand{Mat: m} }

// T is the transpose of m.
func T(m tensor.Mat) Operand { return Operand{Mat: m, Trans: true} }

// Mul computes c = op(a)·op(b), or adds it to what c holds when add is true. c is [M, N], op(a) [M, K] and op(b)
// [K, N]; it panics if the shapes disagree. c may be BF16 or F16, rounded once, if add is false. c must not overlap a
// or b. The bits of c do not depend on x.Threads. Scratch comes from x.Pool: up to 8 MiB for panels of B (more where c is
// not F32 and K is above 32,768: 256 bytes for each of K), up to 3 MiB for each thread, and up to 16 rows of A in float32. With one
// thread and a warm pool nothing is allocated. If any of the three matrices is dry, only the pool is used. Cost: 2·M·N·K flops.
//
// Many products with one b are faster with Pack and MulPacked, if op(a) has more rows than are multiplied in place.
func Mul(x tensor.Exec, c tensor.Mat, a, b Operand, add bool) {
	m, n, k := check(c, a, b, add)
	if m == 0 || n == 0 {
		return
	}
	if k == 0 {
		if !add && !c.Dry() {
			zero(c)
		}
		return
	}
	j := newJob(x, c, a, b, m, n, k, add)
	j.run()
}

// MulBias computes c = op(a)·op(b) + bias, where bias, [1, N] in F32, is added to every row of the product. A bias without rows is none. A
// piece of c gets its bias while a cache has it, so the addition costs no pass over c. In F32 the bits are those of Mul and of an addition
// after it; c in 16 bits is rounded once, after the addition. It panics if the shapes disagree, and is else as Mul.
func MulBias(x tensor.Exec, c tensor.Mat, a, b Operand, bias tensor.Mat) {
	m, n, k := check(c, a, b, false)
	if bias.Rows == 0 || m == 0 || n == 0 {
		Mul(x, c, a, b, false)
		return
	}
	checkBias(bias, n)
	if k == 0 {
		if !c.Dry() && !bias.Dry() {
			for i := range m {
				c.WriteRow(i, bias.Row(0))
			}
		}
		return
	}
	j := newJob(x, c, a, b, m, n, k, false)
	j.bias, j.dry = bias, j.dry || bias.Dry()
	j.run()
}

func checkBias(bias tensor.Mat, n int) {
	if bias.Type != tensor.F32 || bias.Rows != 1 || bias.Cols != n {
		panic("gemm: a bias is one float32 row of the result's width")
	}
}

// Block is the number of terms of K that are summed from zero before the sum joins those of the blocks before: of a product in float32.
func Block(k int) int {
	depth, _ := cutDepth(k, false)
	return depth
}

// pairs reports whether a and b are multiplied as pairs of bf16.
func pairs(a, b tensor.Type) bool {
	return a == tensor.BF16 && b == tensor.BF16 && kernel.HasBF16()
}

func (o Operand) shape() (rows, cols int) {
	if o.Trans {
		return o.Cols, o.Rows
	}
	return o.Rows, o.Cols
}

func check(c tensor.Mat, a, b Operand, add bool) (m, n, k int) {
	m, k = a.shape()
	kb, n := b.shape()
	if kb != k || c.Rows != m || c.Cols != n {
		panic("gemm: shapes disagree")
	}
	if add && c.Type != tensor.F32 {
		panic("gemm: only an F32 matrix can be added to")
	}
	return m, n, k
}

func zero(c tensor.Mat) {
	for i := range c.Rows {
		if c.Type == tensor.F32 {
			clear(c.Row(i))
		} else {
			clear(c.Row16(i))
		}
	}
}
