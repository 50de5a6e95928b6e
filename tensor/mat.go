// Package tensor defines the types that all layers share: element types, matrices as views, parameters, and the buffer pool that
// counts its bytes. It has no graph.
package tensor

import (
	"fmt"
	"unsafe"
)

// Type is how an element is stored. Sums are float32 whatever the storage.
type Type uint8

// The storage types.
const (
	F32  Type = iota // IEEE 754 binary32
	BF16             // the upper half of a binary32: 8 bits of exponent, 8 of precision
	F16              // IEEE 754 binary16: 5 bits of exponent, 11 of precision
)

var typeNames = [...]string{"f32", "bf16", "f16"}

// String returns "f32", "bf16" or "f16".
func (t Type) String() string {
	if int(t) >= len(typeNames) {
		return fmt.Sprintf("type(%d)", uint8(t))
	}
	return typeNames[t]
}

// ParseType reads a type's name; "fp16" and "fp32" are taken too.
func ParseType(name string) (Type, error) {
	switch name {
	case "f32", "fp32", "float32":
		return F32, nil
	case "bf16", "bfloat16":
		return BF16, nil
	case "f16", "fp16", "float16":
		return F16, nil
	}
	return F32, fmt.Errorf("tensor: element type %q is not known; use f32, bf16 or fp16", name)
}

// Size is the bytes of one element.
func (t Type) Size() int {
	if t == F32 {
		return 4
	}
	return 2
}

// Mat is a view of a row-major matrix: element (i, j) is at i·Stride + j. Activations of a sequence are a Mat of
// [T, features], and a head is a view of its columns. Copying a Mat copies the view, not the elements.
//
// F32 holds the elements when Type is F32, U16 the bits of the elements when it is BF16 or F16. A Mat with
// neither is dry: it has a shape and no data, and operations only count on it.
type Mat struct {
	Type               Type
	Rows, Cols, Stride int
	F32                []float32
	U16                []uint16
}

// New returns a zeroed matrix that belongs to no pool.
func New(t Type, rows, cols int) Mat {
	m := Mat{Type: t, Rows: rows, Cols: cols, Stride: cols}
	if t == F32 {
		m.F32 = make([]float32, rows*cols)
	} else {
		m.U16 = make([]uint16, rows*cols)
	}
	return m
}

// FromF32 views data, which must hold rows·cols elements, as a matrix. It panics if the length differs.
func FromF32(data []float32, rows, cols int) Mat {
	if len(data) != rows*cols {
		panic("tensor: data length is not rows·cols")
	}
	return Mat{Type: F32, Rows: rows, Cols: cols, Stride: cols, F32: data}
}

// Dry reports whether m has a shape but no data.
func (m Mat) Dry() bool { return m.F32 == nil && m.U16 == nil && m.Rows > 0 && m.Cols > 0 }

// Bytes is the size of m's elements, without the gaps between rows of a view.
func (m Mat) Bytes() int64 { return int64(m.Rows) * int64(m.Cols) * int64(m.Type.Size()) }

// Slice views rows i0 … i1−1 and columns j0 … j1−1 of m. It panics if they are not inside m.
func (m Mat) Slice(i0, i1, j0, j1 int) Mat {
	if i0 < 0 || i1 < i0 || i1 > m.Rows || j0 < 0 || j1 < j0 || j1 > m.Cols {
		panic(fmt.Sprintf("tensor: slice [%d:%d, %d:%d] of a %d×%d matrix", i0, i1, j0, j1, m.Rows, m.Cols))
	}
	v := Mat{Type: m.Type, Rows: i1 - i0, Cols: j1 - j0, Stride: m.Stride}
	if m.Dry() || v.Rows == 0 || v.Cols == 0 {
		return v
	}
	from, to := i0*m.Stride+j0, (i1-1)*m.Stride+j1
	if m.Type == F32 {
		v.F32 = m.F32[from:to:to]
	} else {
		v.U16 = m.U16[from:to:to]
	}
	return v
}

// SliceRows views rows i0 … i1−1 of m.
func (m Mat) SliceRows(i0, i1 int) Mat { return m.Slice(i0, i1, 0, m.Cols) }

// SliceCols views columns j0 … j1−1 of m.
func (m Mat) SliceCols(j0, j1 int) Mat { return m.Slice(0, m.Rows, j0, j1) }

// Row returns row i of an F32 matrix.
func (m Mat) Row(i int) []float32 { return m.F32[i*m.Stride : i*m.Stride+m.Cols] }

// Row16 returns the bits of row i of a BF16 or F16 matrix.
func (m Mat) Row16(i int) []uint16 { return m.U16[i*m.Stride : i*m.Stride+m.Cols] }

// CopyFrom copies the elements of src, which has the shape and the type of m and may be a view with other gaps.
func (m Mat) CopyFrom(src Mat) {
	for i := range m.Rows {
		if m.Type == F32 {
			copy(m.Row(i), src.Row(i))
		} else {
			copy(m.Row16(i), src.Row16(i))
		}
	}
}

// Halves views the memory of m, which is F32, as a matrix of BF16 or F16 with the same shape: each row takes the first half of its row of
// m. So the rows of m can be rounded in their own memory, if every element is read before its place is written.
func (m Mat) Halves(t Type) Mat {
	if m.Type != F32 || t == F32 {
		panic(fmt.Sprintf("tensor: %s halves of a matrix of %s", t, m.Type))
	}
	v := Mat{Type: t, Rows: m.Rows, Cols: m.Cols, Stride: 2 * m.Stride}
	if len(m.F32) > 0 {
		v.U16 = unsafe.Slice((*uint16)(unsafe.Pointer(&m.F32[0])), 2*len(m.F32))
	}
	return v
}
