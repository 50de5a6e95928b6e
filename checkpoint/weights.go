package checkpoint

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/tensor"
)

// Weights is the tensors of one or several files. It is safe for concurrent use until Close.
type Weights struct {
	files   []file
	entries []safetensors.Entry
	in      map[string]int // the file of a tensor
	notes   []string
}

// file is an open file and its path.
type file struct {
	Source
	path string
}

// add enters an open file. Its names must be new.
func (w *Weights) add(f file) error {
	w.files = append(w.files, f)
	for _, e := range f.Entries() {
		if other, twice := w.in[e.Name]; twice {
			return fmt.Errorf("found tensor %q in %s and in %s, expected it in one file", e.Name, w.files[other].path, f.path)
		}
		w.in[e.Name] = len(w.files) - 1
		w.entries = append(w.entries, e)
	}
	return nil
}

// Files lists the paths of the files with tensors, in the order of Entries.
func (w *Weights) Files() []string {
	paths := make([]string, len(w.files))
	for i, f := range w.files {
		paths[i] = f.path
	}
	return paths
}

// Notes lists what was odd about the files and does not matter to the tensors, in sentences that name the file.
func (w *Weights) Notes() []string { return slices.Clone(w.notes) }

// Entries lists the tensors, file by file. The caller must not change the list.
func (w *Weights) Entries() []safetensors.Entry { return w.entries }

// Lookup finds a tensor by name.
func (w *Weights) Lookup(name string) (safetensors.Entry, bool) {
	i, ok := w.in[name]
	if !ok {
		return safetensors.Entry{}, false
	}
	return w.files[i].Lookup(name)
}

// find returns the file of a tensor.
func (w *Weights) find(name string) (file, error) {
	i, ok := w.in[name]
	if !ok {
		return file{}, fmt.Errorf("no tensor is named %q among the %d of %s", name, len(w.entries), strings.Join(w.Files(), ", "))
	}
	return w.files[i], nil
}

// wrap names the file in an error.
func (f file) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", f.path, err)
}

// View returns a tensor in place, in the file's type, read only, until Close; see [Source]. F32, BF16 and F16 can be used so, where the
// system maps files and where the elements are aligned and in order: all tensors of most files are.
func (w *Weights) View(name string) (m tensor.Mat, ok bool) {
	f, err := w.find(name)
	if err != nil {
		return tensor.Mat{}, false
	}
	return f.View(name)
}

// ReadMat reads a tensor into dst, whose shape must be the entry's Matrix, or its transpose where the tensor is a vector. The tensor may
// be F64, F32, BF16 or F16, and dst of any type: widening is exact, narrowing rounds to nearest as [tensor.Convert] does, and F64 narrows
// to F32 first. Where the types differ, dst is of 16 bits and the tensor has no view, it holds a copy in F32 meanwhile.
func (w *Weights) ReadMat(dst tensor.Mat, name string) error {
	f, err := w.find(name)
	if err != nil {
		return err
	}
	e, _ := f.Lookup(name)
	sameType := e.DType == safetensors.BF16 && dst.Type == tensor.BF16 || e.DType == safetensors.F16 && dst.Type == tensor.F16
	if dst.Type == tensor.F32 || sameType {
		return f.wrap(f.ReadMat(dst, name))
	}
	src, ok := f.View(name)
	if !ok || src.Rows != dst.Rows || src.Cols != dst.Cols {
		rows, cols := e.Matrix()
		if dst.Rows*dst.Cols != rows*cols { // before as much memory is taken
			return f.wrap(fmt.Errorf("tensor %q has the shape %v; %d×%d was expected", name, e.Shape, dst.Rows, dst.Cols))
		}
		src = tensor.New(tensor.F32, dst.Rows, dst.Cols)
		if err := f.ReadMat(src, name); err != nil {
			return f.wrap(err)
		}
	}
	return f.wrap(tensor.Convert(tensor.Exec{}, dst, src))
}

// Bytes reads the elements of a tensor row by row, little-endian.
func (w *Weights) Bytes(name string) ([]byte, error) {
	f, err := w.find(name)
	if err != nil {
		return nil, err
	}
	b, err := f.Bytes(name)
	return b, f.wrap(err)
}

// Ints reads an I64 tensor.
func (w *Weights) Ints(name string) ([]int64, error) {
	f, err := w.find(name)
	if err != nil {
		return nil, err
	}
	ints, err := f.Ints(name)
	return ints, f.wrap(err)
}

// Close closes the files; matrices that View gave are no longer valid.
func (w *Weights) Close() error {
	var err error
	for _, f := range w.files {
		err = errors.Join(err, f.Close())
	}
	return err
}
