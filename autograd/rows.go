package autograd

import (
	"github.com/longspan/longspan/internal/gemm"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// pieceElements is the work handed to a thread at a time by operations that go row by row: a few microseconds.
const pieceElements = 1 << 14

// eachRow calls f for every row of rows, with width floats of scratch that are the thread's own. features is the
// length of a row, which sets how rows are cut among threads.
func eachRow(x tensor.Exec, dry bool, rows, features, width int, f func(i int, s []float32)) {
	perPiece := max(1, pieceElements/max(1, features))
	pieces := (rows + perPiece - 1) / perPiece
	workers := min(pool.Threads(x.Threads), pieces)
	scratch := x.Pool.Get(tensor.F32, workers, width)
	defer x.Pool.Put(scratch)
	if dry {
		return
	}
	pool.Run(workers, pieces, func(worker, piece int) {
		s := scratch.F32[worker*width : (worker+1)*width]
		for i := piece * perPiece; i < min(rows, (piece+1)*perPiece); i++ {
			f(i, s)
		}
	})
}

// reduceParts is the number of partial sums of reduceRows that few rows have: enough for every thread.
const reduceParts = 64

// partRows is the number of rows of a part that reduceRows sums. Where a chain could have the rows it is a strip's.
func partRows(rows int) int {
	if rows >= chainRows {
		return gemm.Block(rows)
	}
	return max(32, (rows+reduceParts-1)/reduceParts)
}

// reduceRows sums what f adds to its accumulator of sumWidth floats, with width floats of scratch, over all rows, and calls add for the
// sum of each part of perPart rows. Rows are cut by their number alone, each part is summed in order from zero, and add is called in the
// order of the parts: the bits do not depend on the threads.
func reduceRows(x tensor.Exec, dry bool, rows, perPart, sumWidth, width int, f func(i int, s, sums []float32), add func(sums []float32)) {
	parts := (rows + perPart - 1) / perPart
	partial := x.Pool.Get(tensor.F32, parts, sumWidth)
	workers := min(pool.Threads(x.Threads), parts)
	scratch := x.Pool.Get(tensor.F32, workers, width)
	if !dry {
		pool.Run(workers, parts, func(worker, part int) {
			s := scratch.F32[worker*width : (worker+1)*width]
			acc := partial.Row(part)
			clear(acc)
			for i := part * perPart; i < min(rows, (part+1)*perPart); i++ {
				f(i, s, acc)
			}
		})
		for part := range parts {
			add(partial.Row(part))
		}
	}
	x.Pool.Put(scratch)
	x.Pool.Put(partial)
}

// addSums returns what adds parts of sums, one for each input from the first on and as wide as it, to the gradients of those leaves that
// want theirs.
func addSums(b *backCall, first int) func(sums []float32) {
	return func(sums []float32) {
		for k := first; k < len(b.node.in); k++ {
			sink, _ := b.sink(k)
			n := b.node.in[k].cols
			if b.wants(k) {
				kernel.Add(sink.F32, sink.F32, sums[:n])
			}
			sums = sums[n:]
		}
	}
}

// load returns row i of m in float32: the row itself, or converted into buf.
func load(m tensor.Mat, i int, buf []float32) []float32 {
	switch m.Type {
	case tensor.BF16:
		buf = buf[:m.Cols]
		kernel.BF16ToF32(buf, m.Row16(i))
	case tensor.F16:
		buf = buf[:m.Cols]
		kernel.F16ToF32(buf, m.Row16(i))
	default:
		return m.Row(i)
	}
	return buf
}

// room returns where to write row i of m in float32: the row itself, or buf, from where store takes it.
func room(m tensor.Mat, i int, buf []float32) []float32 {
	if m.Type == tensor.F32 {
		return m.Row(i)
	}
	return buf[:m.Cols]
}

// store puts into row i of m what was written to the room made for it.
func store(m tensor.Mat, i int, row []float32) {
	switch m.Type {
	case tensor.BF16:
		kernel.F32ToBF16(m.Row16(i), row)
	case tensor.F16:
		kernel.F32ToF16(m.Row16(i), row)
	}
}

// addTo adds src to dst, rounding once to dst's type.
func addTo(x tensor.Exec, dst, src tensor.Mat) {
	width := dst.Cols
	eachRow(x, dst.Dry() || src.Dry(), dst.Rows, width, 2*width, func(i int, s []float32) {
		a := load(dst, i, s[:width])
		kernel.Add(a, a, load(src, i, s[width:]))
		store(dst, i, a)
	})
}

// convert copies src to dst, rounding to dst's type.
func convert(x tensor.Exec, dst, src tensor.Mat) {
	width := dst.Cols
	eachRow(x, dst.Dry() || src.Dry(), dst.Rows, width, width, func(i int, s []float32) {
		if dst.Type == src.Type && dst.Type != tensor.F32 {
			copy(dst.Row16(i), src.Row16(i))
			return
		}
		row := load(src, i, s)
		if dst.Type == tensor.F32 {
			copy(dst.Row(i), row)
			return
		}
		store(dst, i, row)
	})
}
