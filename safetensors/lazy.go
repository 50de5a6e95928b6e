package safetensors

import (
	"fmt"
	"io"
	"math"

	"github.com/longspan/longspan/tensor"
)

// Rows is a tensor of the type t and the given shape whose rows of cols elements are made when the file is written, and not before: read
// writes row i into dst. Rows are rounded to t as [tensor.Convert] does. Write asks for each row twice, in order, and must be told the same
// numbers. A finite number that t does not hold is an error.
func Rows(name string, t tensor.Type, shape []int, cols int, read func(dst []float32, i int)) Tensor {
	return Tensor{name, matDType(t), shape, func(w io.Writer, buffer []byte) error {
		n, ok := elements(shape)
		if !ok || cols < 1 || n%cols != 0 {
			return fmt.Errorf("tensor %q of shape %v has no rows of %d elements", name, shape, cols)
		}
		wide, narrow := tensor.New(tensor.F32, 1, cols), tensor.New(t, 1, cols)
		for i := range n / cols {
			read(wide.F32, i)
			if err := tensor.Convert(tensor.Exec{Threads: 1}, narrow, wide); err != nil {
				return err
			}
			if t == tensor.F16 {
				if v, lost := overflown(wide.F32); lost {
					return fmt.Errorf("tensor %q has the number %g, which F16 does not hold; store it as BF16 or F32", name, v)
				}
			}
			if err := encodeRow(w, buffer, narrow, 0); err != nil {
				return err
			}
		}
		return nil
	}}
}

// overflown finds a finite number that becomes an infinity in F16.
func overflown(row []float32) (v float32, found bool) {
	const most = 65520 // from here on the nearest is infinity
	for _, v := range row {
		if (v >= most || v <= -most) && !math.IsInf(float64(v), 0) {
			return v, true
		}
	}
	return 0, false
}

// Later is [Raw] of bytes that are read when the file is written, twice.
func Later(name string, d DType, shape []int, read func() ([]byte, error)) Tensor {
	return Tensor{name, d, shape, func(w io.Writer, _ []byte) error {
		data, err := read()
		if err == nil {
			_, err = w.Write(data)
		}
		return err
	}}
}

// Bytes is the size of the elements of t in a file.
func (t Tensor) Bytes() int64 {
	n, _ := elements(t.Shape)
	return int64(n) * int64(t.DType.Size())
}
