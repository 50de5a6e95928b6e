package gguf

import (
	"fmt"
	"math"
	"slices"
)

// Entry is what the file says of one tensor.
type Entry struct {
	Name  string
	DType DType
	Shape []int // outermost dimension first; empty for a single number

	shard      int   // the number of the file that holds it
	begin, end int64 // bytes of that file
}

// Elements is the number of elements: the product of the shape.
func (e Entry) Elements() int {
	n, _ := product(e.Shape)
	return n
}

// Bytes is the size of the tensor's elements as they are stored.
func (e Entry) Bytes() int64 { return e.end - e.begin }

// Matrix is the shape read as rows and columns: the first dimension, and the product of the others. A vector is one row, and so is a
// single number.
func (e Entry) Matrix() (rows, cols int) {
	if len(e.Shape) < 2 {
		return 1, e.Elements()
	}
	cols, _ = product(e.Shape[1:])
	return e.Shape[0], cols
}

// String is the entry in one line, such as "token_embd.weight Q8_0 [49152 576]".
func (e Entry) String() string { return fmt.Sprintf("%s %s %v", e.Name, e.DType, e.Shape) }

// rowBytes is the size of a row of the entry's Matrix.
func (e Entry) rowBytes() int {
	elements, bytes := e.DType.BlockSize()
	_, cols := e.Matrix()
	return cols / elements * bytes
}

// product multiplies a shape's dimensions; ok is false where the result, with room for the largest element, does not fit an int.
func product(shape []int) (n int, ok bool) {
	if slices.Contains(shape, 0) {
		return 0, slices.Min(shape) >= 0
	}
	n = 1
	for _, d := range shape {
		if d < 0 || n > math.MaxInt/8/d {
			return 0, false
		}
		n *= d
	}
	return n, true
}
