package checkpoint

import (
	"github.com/longspan/longspan/checkpoint/torch"
	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/tensor"
)

// Source is named tensors in files: a safetensors.File, a torch.File or [Weights]. An entry's type is that of the file. Methods give
// errors that name the tensor.
type Source interface {
	// Entries lists the tensors. The caller must not change the list.
	Entries() []safetensors.Entry
	// Lookup finds a tensor by name.
	Lookup(name string) (safetensors.Entry, bool)
	// View returns a tensor in place, read only, as a matrix of the entry's Matrix shape. ok is false where it cannot be used so; then
	// ReadMat reads it. The matrix is valid until Close.
	View(name string) (m tensor.Mat, ok bool)
	// ReadMat reads a tensor into dst, whose shape must be the entry's Matrix, or its transpose where the tensor is a vector. F32 takes
	// F64, F32, BF16 and F16.
	ReadMat(dst tensor.Mat, name string) error
	// Bytes reads the elements row by row, little-endian.
	Bytes(name string) ([]byte, error)
	// Ints reads an I64 tensor.
	Ints(name string) ([]int64, error)
	// Close closes the files. It must not be called while a matrix of View is in use.
	Close() error
}

var (
	_ Source = (*safetensors.File)(nil)
	_ Source = (*torch.File)(nil)
	_ Source = (*Weights)(nil)
)
