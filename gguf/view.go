package gguf

import (
	"encoding/binary"
	"unsafe"

	"github.com/longspan/longspan/tensor"
)

// View returns the elements of a tensor as a matrix of the mapped file, read only, in the file's own type. ok is false where the file is
// not mapped, where the type is none of F32, BF16 and F16, where elements are not aligned, and on big-endian processors. The matrix is
// valid until Close.
func (f *File) View(name string) (m tensor.Mat, ok bool) {
	e, found := f.Lookup(name)
	if !found || e.Elements() == 0 || binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		return tensor.Mat{}, false
	}
	mapped := f.shards[e.shard].mapped
	to, plain := matType(e.DType)
	if mapped == nil || !plain {
		return tensor.Mat{}, false
	}
	at := unsafe.Pointer(&mapped[e.begin])
	if uintptr(at)%uintptr(to.Size()) != 0 {
		return tensor.Mat{}, false
	}
	rows, cols := e.Matrix()
	m = tensor.Mat{Type: to, Rows: rows, Cols: cols, Stride: cols}
	if to == tensor.F32 {
		m.F32 = unsafe.Slice((*float32)(at), rows*cols)
	} else {
		m.U16 = unsafe.Slice((*uint16)(at), rows*cols)
	}
	return m, true
}

// matType is the matrix type that holds elements of t as they are; ok is false for blocks and integers.
func matType(t DType) (to tensor.Type, ok bool) {
	switch t {
	case F32:
		return tensor.F32, true
	case BF16:
		return tensor.BF16, true
	case F16:
		return tensor.F16, true
	}
	return 0, false
}
