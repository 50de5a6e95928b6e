package safetensors

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/longspan/longspan/tensor"
)

// ReadMat reads a tensor into dst, whose shape must be the entry's Matrix, or its transpose where the tensor is
// a vector. F64, F32, BF16 and F16 are read into an F32 matrix, F64 rounded to the nearest; a BF16 or F16 matrix
// takes its own type only. Nothing else changes a bit.
func (f *File) ReadMat(dst tensor.Mat, name string) error {
	e, err := f.find(name)
	if err != nil {
		return err
	}
	return e.Decode(dst, f.section(e))
}

// Decode reads the elements of e from src, which has them row by row, little-endian and without gaps, into dst. [File.ReadMat] says which
// shapes and types dst may have. A reader of another format whose elements are stored so can use it.
func (e Entry) Decode(dst tensor.Mat, src io.Reader) error {
	rows, cols := e.Matrix()
	vector := rows == 1 && dst.Cols == 1 && dst.Rows == cols
	if !vector && (dst.Rows != rows || dst.Cols != cols) {
		return fmt.Errorf("tensor %q has the shape %v; %d×%d was expected", e.Name, e.Shape, dst.Rows, dst.Cols)
	}
	decode, err := decoder(dst.Type, e)
	if err != nil {
		return err
	}
	row := make([]byte, dst.Cols*e.DType.Size())
	for i := range dst.Rows {
		if _, err := io.ReadFull(src, row); err != nil {
			return fmt.Errorf("reading tensor %q: %w", e.Name, err)
		}
		decode(dst, i, row)
	}
	return nil
}

// Ints is the elements of an I64 tensor, of which data are the bytes.
func (e Entry) Ints(data []byte) ([]int64, error) {
	if e.DType != I64 {
		return nil, fmt.Errorf("tensor %q is %s; I64 was expected", e.Name, e.DType)
	}
	ints := make([]int64, len(data)/8)
	for i := range ints {
		ints[i] = int64(binary.LittleEndian.Uint64(data[8*i:]))
	}
	return ints, nil
}

// decoder returns what puts one row of e's bytes into row i of a matrix of type to.
func decoder(to tensor.Type, e Entry) (func(dst tensor.Mat, i int, src []byte), error) {
	if to != tensor.F32 {
		if e.DType != matDType(to) {
			return nil, fmt.Errorf("tensor %q is %s; %s was expected", e.Name, e.DType, matDType(to))
		}
		return func(dst tensor.Mat, i int, src []byte) {
			row := dst.Row16(i)
			for j := range row {
				row[j] = binary.LittleEndian.Uint16(src[2*j:])
			}
		}, nil
	}
	switch e.DType {
	case F64, F32, BF16, F16:
		return func(dst tensor.Mat, i int, src []byte) { decodeF32(dst.Row(i), src, e.DType) }, nil
	}
	return nil, fmt.Errorf("tensor %q is %s; F64, F32, BF16 or F16 was expected", e.Name, e.DType)
}

func decodeF32(dst []float32, src []byte, from DType) {
	switch from {
	case F64:
		for j := range dst {
			dst[j] = float32(math.Float64frombits(binary.LittleEndian.Uint64(src[8*j:])))
		}
	case F32:
		for j := range dst {
			dst[j] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*j:]))
		}
	case BF16:
		for j := range dst {
			dst[j] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(src[2*j:])) << 16)
		}
	case F16:
		for j := range dst {
			dst[j] = fromF16(binary.LittleEndian.Uint16(src[2*j:]))
		}
	}
}

// fromF16 widens a binary16, which every binary32 can hold.
func fromF16(h uint16) float32 {
	sign, exponent, fraction := uint32(h>>15)<<31, uint32(h>>10&31), uint32(h&1023)
	switch exponent {
	case 0: // zero and the subnormals: fraction · 2⁻²⁴
		value := float32(fraction) * 0x1p-24
		return math.Float32frombits(sign | math.Float32bits(value))
	case 31: // infinity and NaN
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}

// matDType is how elements of a matrix type are called in a file.
func matDType(t tensor.Type) DType {
	switch t {
	case tensor.BF16:
		return BF16
	case tensor.F16:
		return F16
	}
	return F32
}
