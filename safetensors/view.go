package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"unsafe"

	"github.com/longspan/longspan/internal/mmap"
	"github.com/longspan/longspan/tensor"
)

// OpenMapped is Open for a file whose elements are used where they lie: View gives matrices of the file's own memory, of which the
// system reads a page when it is first used. The file must not be changed in place until Close; one that is written anew and renamed
// over it does no harm. Where the system cannot map files, OpenMapped is Open, and View gives nothing.
func OpenMapped(path string) (*File, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	if f.mapped, err = mmap.Map(f.closer.(*os.File), f.size); err != nil {
		return nil, fmt.Errorf("%s: mapping the file into memory: %w", path, errors.Join(err, f.Close()))
	}
	return f, nil
}

// OpenBytes is OpenMapped for a file in memory, which must not be changed while it is in use.
func OpenBytes(data []byte) (*File, error) {
	f, err := NewFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	f.mapped = data
	return f, nil
}

// View returns the elements of a tensor as a matrix of the mapped file, read only, in the file's own type. ok is false where the
// file is not mapped, where the type is none of F32, BF16 and F16, where elements are not aligned, and on big-endian processors.
// The matrix is valid until Close.
func (f *File) View(name string) (m tensor.Mat, ok bool) {
	e, found := f.Lookup(name)
	if !found || f.mapped == nil {
		return tensor.Mat{}, false
	}
	begin := 8 + int64(len(f.header)) + e.begin
	return e.View(f.mapped[begin : begin+e.Bytes()])
}

// View returns data, which are the elements of e row by row, little-endian and without gaps, as a matrix in place. ok is false where
// the type is none of F32, BF16 and F16, where data is empty, not aligned or not as long as e.Bytes(), and on big-endian processors.
func (e Entry) View(data []byte) (m tensor.Mat, ok bool) {
	if len(data) == 0 || int64(len(data)) != e.Bytes() || binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		return tensor.Mat{}, false
	}
	at := unsafe.Pointer(&data[0])
	if uintptr(at)%uintptr(e.DType.Size()) != 0 {
		return tensor.Mat{}, false
	}
	rows, cols := e.Matrix()
	m = tensor.Mat{Rows: rows, Cols: cols, Stride: cols}
	switch e.DType {
	case F32:
		m.F32 = unsafe.Slice((*float32)(at), rows*cols)
	case BF16, F16:
		m.Type = tensor.BF16
		if e.DType == F16 {
			m.Type = tensor.F16
		}
		m.U16 = unsafe.Slice((*uint16)(at), rows*cols)
	default:
		return tensor.Mat{}, false
	}
	return m, true
}
