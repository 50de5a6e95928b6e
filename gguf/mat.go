package gguf

import (
	"fmt"
	"sync"

	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// ReadMat is Widen with all of the machine's threads.
func (f *File) ReadMat(dst tensor.Mat, name string) error { return f.Widen(tensor.Exec{}, dst, name) }

// Widen reads a tensor into dst, whose shape must be the entry's Matrix, or its transpose where the tensor is a vector. An F32 matrix
// takes any readable type, exactly as the format defines its value: a product of scale and integer, and the sum with the minimum, are each
// rounded to float32. A BF16 or F16 matrix takes its own type bit for bit, and any other by way of F32, rounded as tensor.Convert does.
// The result does not depend on the threads.
//
// Cost: e.Bytes() read and dst.Bytes() written; a row of each of them a thread in scratch memory.
func (f *File) Widen(x tensor.Exec, dst tensor.Mat, name string) error {
	e, err := f.find(name)
	if err != nil {
		return err
	}
	rows, cols := e.Matrix()
	vector := rows == 1 && dst.Cols == 1 && dst.Rows == cols
	if !vector && (dst.Rows != rows || dst.Cols != cols) {
		return fmt.Errorf("tensor %q has the shape %v; %d×%d was expected", name, e.Shape, dst.Rows, dst.Cols)
	}
	if !e.DType.Readable() {
		return fmt.Errorf("tensor %q is %s, which is not read; %s are: take the model in one of these", name, e.DType, readableNames())
	}
	if dst.Dry() || e.Elements() == 0 {
		return nil
	}
	if vector && dst.Rows > 1 {
		return f.readVector(dst, e)
	}
	return f.readRows(x, dst, e)
}

// readVector reads a vector into a matrix of one column.
func (f *File) readVector(dst tensor.Mat, e Entry) error {
	row := tensor.New(dst.Type, 1, dst.Rows)
	if err := f.readRows(tensor.Exec{Threads: 1}, row, e); err != nil {
		return err
	}
	for i := range dst.Rows {
		if dst.Type == tensor.F32 {
			dst.Row(i)[0] = row.F32[i]
		} else {
			dst.Row16(i)[0] = row.U16[i]
		}
	}
	return nil
}

// pieceElements is how much a thread takes at a time: some 50 µs of work, many times what waking a thread does.
const pieceElements = 1 << 16

// readRows widens pieces of whole rows, in parallel.
func (f *File) readRows(x tensor.Exec, dst tensor.Mat, e Entry) error {
	rows := max(1, pieceElements/dst.Cols)
	pieces := (dst.Rows + rows - 1) / rows
	scratch := make([]scratch, min(pool.Threads(x.Threads), pieces))
	var once sync.Once
	var failed error
	pool.Run(x.Threads, pieces, func(worker, piece int) {
		if err := f.readPiece(dst, e, piece*rows, min(dst.Rows, (piece+1)*rows), &scratch[worker]); err != nil {
			once.Do(func() { failed = fmt.Errorf("reading tensor %q: %w", e.Name, err) })
		}
	})
	return failed
}

// scratch is what a worker keeps between pieces.
type scratch struct {
	stored []byte    // elements as in the file, where it is not mapped
	wide   []float32 // a row, where dst is not F32
	scales scales
}

// readPiece widens rows i … end−1.
func (f *File) readPiece(dst tensor.Mat, e Entry, i, end int, s *scratch) error {
	rowBytes := e.rowBytes()
	stored, err := f.stored(e, int64(i)*int64(rowBytes), (end-i)*rowBytes, s)
	if err != nil {
		return err
	}
	widen := layouts[e.DType].widen
	same, plain := matType(e.DType)
	for ; i < end; i, stored = i+1, stored[rowBytes:] {
		switch {
		case dst.Type == tensor.F32:
			widen(dst.Row(i), stored[:rowBytes], &s.scales)
		case plain && same == dst.Type:
			words(dst.Row16(i), stored)
		default:
			s.wide = grow(s.wide, dst.Cols)
			widen(s.wide, stored[:rowBytes], &s.scales)
			dst.WriteRow(i, s.wide)
		}
	}
	return nil
}

// stored returns n bytes of a tensor's elements from its byte at on.
func (f *File) stored(e Entry, at int64, n int, s *scratch) ([]byte, error) {
	from := &f.shards[e.shard]
	begin := e.begin + at
	if from.mapped != nil {
		return from.mapped[begin : begin+int64(n)], nil
	}
	s.stored = grow(s.stored, n)
	if got, err := from.r.ReadAt(s.stored, begin); got < n {
		return nil, err
	}
	return s.stored, nil
}

// grow returns a slice of n elements, in the memory of s where it suffices.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
