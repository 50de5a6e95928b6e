// Package safetensors reads and writes the safetensors format: named tensors in one file that holds no code.
//
// A file is 8 bytes with the little-endian length N of the header, N bytes of JSON, and the elements:
//
//	{"__metadata__": {"key": "text"},
//	 "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …}
//
// Offsets count from the end of the header. Tensors fill the rest of the file without gaps or overlaps, which
// this package checks, as it checks every other field: a file may come from anywhere.
// The format is described at https://github.com/huggingface/safetensors.
//
// Files written here carry a SHA-256 of themselves in their metadata, which File.Verify compares; to other
// readers it is one more key that they skip.
package safetensors

import (
	"fmt"
	"math"
	"slices"
)

// DType is the type of a tensor's elements, in the format's own spelling.
type DType string

// The element types of the format whose size is a whole number of bytes.
const (
	F64    DType = "F64"
	F32    DType = "F32"
	F16    DType = "F16"
	BF16   DType = "BF16"
	F8E4M3 DType = "F8_E4M3"
	F8E5M2 DType = "F8_E5M2"
	I64    DType = "I64"
	I32    DType = "I32"
	I16    DType = "I16"
	I8     DType = "I8"
	U64    DType = "U64"
	U32    DType = "U32"
	U16    DType = "U16"
	U8     DType = "U8"
	Bool   DType = "BOOL"
)

// Size is the bytes of one element, or 0 for a type that is not known here.
func (d DType) Size() int {
	switch d {
	case F64, I64, U64:
		return 8
	case F32, I32, U32:
		return 4
	case F16, BF16, I16, U16:
		return 2
	case F8E4M3, F8E5M2, I8, U8, Bool:
		return 1
	}
	return 0
}

// Entry is what the header says of one tensor. A reader of another format may make one from a name, a type and a shape.
type Entry struct {
	Name  string
	DType DType
	Shape []int // empty for a single number

	begin, end int64 // bytes after the header
}

// Elements is the number of elements: the product of the shape.
func (e Entry) Elements() int {
	n, _ := elements(e.Shape)
	return n
}

// Bytes is the size of the tensor's elements.
func (e Entry) Bytes() int64 { return int64(e.Elements()) * int64(e.DType.Size()) }

// Matrix is the shape read as rows and columns: the first dimension, and the product of the others. A vector is
// one row, and so is a single number.
func (e Entry) Matrix() (rows, cols int) {
	if len(e.Shape) < 2 {
		return 1, e.Elements()
	}
	cols, _ = elements(e.Shape[1:])
	return e.Shape[0], cols
}

// String is the entry in one line, such as "embed.weight F32 [256 64]".
func (e Entry) String() string { return fmt.Sprintf("%s %s %v", e.Name, e.DType, e.Shape) }

// elements multiplies a shape's dimensions; ok is false where one is negative or the product, with room for the
// largest element, does not fit an int64.
func elements(shape []int) (n int, ok bool) {
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
