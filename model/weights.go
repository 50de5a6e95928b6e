package model

import (
	"fmt"
	"strings"

	"github.com/longspan/longspan/internal/filename"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/tensor"
)

// weightsFile loads the weights of a file: in place if their type is the needed one, else as a copy in a pool.
type weightsFile struct {
	f     *safetensors.File
	path  string
	pool  *tensor.Pool
	table tensor.Type // type of products: for bf16 products, f32 tables are rounded once
	used  map[string]bool
	read  []tensor.Mat // from pool
}

// load is an nn.Loader.
func (w *weightsFile) load(name string, rows, cols int, kind nn.Kind) (tensor.Mat, error) {
	saved, base := filename.Weight(func(name string) bool { _, ok := w.f.Lookup(name); return ok }, name)
	e, ok := w.f.Lookup(saved)
	if !ok {
		return tensor.Mat{}, fmt.Errorf("model: %s has no weight %q: the file is of another model", w.path, name)
	}
	w.used[base] = true
	if r, c := e.Matrix(); r != rows || c != cols {
		return tensor.Mat{}, fmt.Errorf("model: %s: the weight %q has the shape %v, expected %d×%d", w.path, saved, e.Shape, rows, cols)
	}
	view, ok := w.f.View(saved)
	narrow := kind == nn.Table && w.table == tensor.BF16
	switch {
	case ok && view.Type == tensor.F32 && !narrow, ok && view.Type != tensor.F32 && kind == nn.Table:
		return view, nil
	case ok && narrow:
		m := w.take(tensor.BF16, rows, cols)
		return m, tensor.Convert(tensor.Exec{Pool: w.pool}, m, view)
	}
	m := w.take(tensor.F32, rows, cols)
	if err := w.f.ReadMat(m, saved); err != nil {
		return tensor.Mat{}, fmt.Errorf("model: %s: %w", w.path, err)
	}
	return m, nil
}

func (w *weightsFile) take(t tensor.Type, rows, cols int) tensor.Mat {
	m := w.pool.Get(t, rows, cols)
	w.read = append(w.read, m)
	return m
}

// unused finds a weight of the file that the model does not have. Names with a slash are states of training.
func (w *weightsFile) unused() (name string, found bool) {
	for _, e := range w.f.Entries() {
		if !w.used[e.Name] && !strings.Contains(e.Name, "/") {
			return e.Name, true
		}
	}
	return "", false
}

// Close returns copies to the pool, and closes the file.
func (w *weightsFile) Close() error {
	for _, m := range w.read {
		w.pool.Put(m)
	}
	w.read = nil
	return w.f.Close()
}
