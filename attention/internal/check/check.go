// Package check checks the matrices of a call of attention before anything is read or written: shapes, types, and whether the data
// are as long as the shapes require.
package check

import (
	"cmp"
	"fmt"

	"github.com/longspan/longspan/tensor"
)

// Mat is a matrix that a caller passed, what errors call it, and the shape it must have.
type Mat struct {
	Name       string
	M          tensor.Mat
	Rows, Cols int
}

// Of is the matrix m, called name, which must be rows × cols.
func Of(name string, m tensor.Mat, rows, cols int) Mat { return Mat{name, m, rows, cols} }

// Mats refuses a matrix of the wrong shape or with too little data, dry matrices beside matrices with data, and a dry
// pool beside matrices with data. It returns whether the call is dry. pkg is the package that errors come from.
func Mats(pkg string, mem *tensor.Pool, mats ...Mat) (dry bool, err error) {
	var with, without string // the first matrix of each kind
	for _, m := range mats {
		if err := Shape(pkg, m); err != nil {
			return false, err
		}
		switch {
		case m.M.Dry():
			without = cmp.Or(without, m.Name)
		case m.Rows > 0 && m.Cols > 0:
			with = cmp.Or(with, m.Name)
		}
	}
	switch {
	case with != "" && without != "":
		return false, fmt.Errorf("%s: found data in only one of %s and %s, expected all matrices with data, or none", pkg, with, without)
	case with != "" && mem.Dry():
		return false, fmt.Errorf("%s: found a dry pool and matrices with data, expected both with data or both without; use tensor.NewPool", pkg)
	}
	return without != "" || mem.Dry(), nil
}

// Shape is Data, and refuses a matrix of another shape than is wanted.
func Shape(pkg string, m Mat) error {
	got := m.M
	if got.Rows != m.Rows || got.Cols != m.Cols || m.Rows < 0 || m.Cols < 0 {
		return fmt.Errorf("%s: found %s of %d×%d, expected %d×%d; check the lengths given to New, and the heads, which lie side by side",
			pkg, m.Name, got.Rows, got.Cols, m.Rows, m.Cols)
	}
	return Data(pkg, m.Name, got)
}

// Data refuses a matrix of a type that is none, or whose data do not reach its last element. A matrix without any data
// is dry, and passes.
func Data(pkg, name string, m tensor.Mat) error {
	if m.Type > tensor.F16 {
		return fmt.Errorf("%s: found %s of %s, expected f32, bf16 or f16", pkg, name, m.Type)
	}
	if m.Rows <= 0 || m.Cols <= 0 || m.Dry() {
		return nil
	}
	have := len(m.U16)
	if m.Type == tensor.F32 {
		have = len(m.F32)
	}
	// Divided, since a product of rows and stride may overflow.
	if m.Stride < m.Cols || have < m.Cols || m.Rows > 1 && m.Stride > (have-m.Cols)/(m.Rows-1) {
		return fmt.Errorf("%s: found %d elements of %s in %s with rows %d apart, expected rows %d or more apart and elements up to the last "+
			"of %d rows; "+
			"view it with Slice", pkg, have, m.Type, name, m.Stride, m.Cols, m.Rows)
	}
	return nil
}
