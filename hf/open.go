package hf

import (
	"path/filepath"

	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/tensor"
)

// Open describes the checkpoint of a folder and opens its weights.
func Open(dir string, o Options) (*Checkpoint, error) {
	f, err := safetensors.OpenMapped(filepath.Join(dir, "model.safetensors"))
	if err != nil {
		return nil, err
	}
	return New(dir, files{f}, o)
}

// source is a file, or several, of tensors by name.
type source interface {
	Entries() []safetensors.Entry
	Lookup(name string) (safetensors.Entry, bool)
	View(name string) (tensor.Mat, bool)
	ReadMat(dst tensor.Mat, name string) error
	Close() error
}

// files are [Tensors] of files.
type files struct{ source }

func (f files) Names() []string {
	var all []string
	for _, e := range f.Entries() {
		all = append(all, e.Name)
	}
	return all
}

func (f files) Shape(name string) ([]int, bool) {
	e, ok := f.Lookup(name)
	return e.Shape, ok
}
