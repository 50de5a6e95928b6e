package safetensors

import (
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

// View returns the elements of a tensor as a matrix of the mapped file, read only, in the file's own type. ok is false where the
// file is not mapped, where the type is none of F32, BF16 and F16, where elements are not aligned, and on big-endian processors.
// The matrix is valid until Close.
func (f *File) View(name string) (m tensor.Mat, ok bool) {
	e, found := f.Lookup(name)
	if !found || f.mapped == nil || e.Elements() == 0 || binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		return tensor.Mat{}, false
	}
	begin := 8 + int64(len(f.header)) + e.begin
	data := f.mapped[begin : begin+e.Bytes()]
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
