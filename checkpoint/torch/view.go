package torch

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/safetensors"
)

// storage is a flat array of elements in the file.
type storage struct {
	key      string
	dtype    safetensors.DType
	elements int64
	begin    int64 // in the file
}

func (s *storage) String() string { return "a storage" }

// bytes is the size of the storage. It fits an int64: newStorage checks it.
func (s *storage) bytes() int64 { return s.elements * int64(s.dtype.Size()) }

// newStorage checks the facts of a storage.
func newStorage(key string, dtype safetensors.DType, elements int64) (*storage, error) {
	if elements < 0 || elements > math.MaxInt64/16 {
		return nil, fmt.Errorf("storage %s would have %d elements; the file is damaged", show(key), elements)
	}
	return &storage{key: key, dtype: dtype, elements: elements}, nil
}

// view is a tensor: element i₀, i₁, … is element offset + Σ iₖ·strides[k] of the storage.
type view struct {
	storage *storage
	offset  int64
	shape   []int
	strides []int64
	last    int64 // the place of the last element after offset; −1 if there are none
}

func (v *view) String() string { return "a tensor" }

// maxDimensions is the largest number of dimensions of a tensor. Weights have at most 5, those of a convolution in space and time. The
// bound keeps a small pickle from making much of the same arguments.
const maxDimensions = 8

// newView checks that the elements of a tensor lie inside its storage.
func newView(s *storage, offset int64, shape []int, strides []int64) (*view, error) {
	v := &view{storage: s, offset: offset, shape: shape, strides: strides}
	if offset < 0 || len(shape) != len(strides) {
		return nil, fmt.Errorf("found a tensor of shape %v, strides %v and offset %d; the file is damaged", shape, strides, offset)
	}
	last, empty := int64(0), false
	for k, n := range shape {
		if n < 0 || strides[k] < 0 {
			return nil, fmt.Errorf("found a tensor of shape %v and strides %v; negative numbers have no meaning here", shape, strides)
		}
		if n == 0 {
			empty = true
		} else if steps := int64(n - 1); steps > 0 && strides[k] > (math.MaxInt64-last)/steps {
			last = math.MaxInt64
		} else {
			last += steps * strides[k]
		}
	}
	if empty {
		v.last = -1
		return v, nil
	}
	if v.last = last; offset >= s.elements || last >= s.elements-offset {
		return nil, fmt.Errorf("found a tensor of shape %v, strides %v and offset %d over a storage of %d elements; it would lie outside",
			shape, strides, offset, s.elements)
	}
	return v, nil
}

// inOrder reports whether the elements lie row by row without gaps. The stride of a dimension of one element does not matter.
func (v *view) inOrder() bool {
	step := int64(1)
	for k := len(v.shape) - 1; k >= 0 && v.last >= 0; k-- {
		if v.shape[k] != 1 && v.strides[k] != step {
			return false
		}
		step *= int64(v.shape[k])
	}
	return true
}

// bytes is the part of the file from the first to the last element.
func (v *view) bytes() (begin, end int64) {
	if v.last < 0 {
		return v.storage.begin, v.storage.begin
	}
	size := int64(v.storage.dtype.Size())
	return v.storage.begin + v.offset*size, v.storage.begin + (v.offset+v.last+1)*size
}

// gather copies the elements, whose first is the first of src, row by row into n bytes of their own.
func (v *view) gather(src []byte, n int) []byte {
	size := int64(v.storage.dtype.Size())
	dst := make([]byte, 0, n)
	inner := len(v.shape) - 1 // a tensor without dimensions lies in order
	at, index := int64(0), make([]int, inner)
	for {
		for i, p := 0, at; i < v.shape[inner]; i, p = i+1, p+v.strides[inner] {
			dst = append(dst, src[p*size:(p+1)*size]...)
		}
		k := inner - 1
		for ; k >= 0; k-- { // the next row, as an odometer counts
			at += v.strides[k]
			if index[k]++; index[k] < v.shape[k] {
				break
			}
			at -= int64(v.shape[k]) * v.strides[k]
			index[k] = 0
		}
		if k < 0 {
			return dst
		}
	}
}
