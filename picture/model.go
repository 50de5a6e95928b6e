package picture

import (
	"cmp"
	"fmt"
	"os"
	"sync"

	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/picture/patchflow"
	"github.com/longspan/longspan/pretrained"
	"github.com/longspan/longspan/tensor"
)

// Options say how a model computes.
type Options struct {
	Threads  int   // 0: all processors; the result does not depend on them
	MaxBytes int64 // most growth of the process; 0: what the system says is available
}

// Model enlarges and paints. It is safe for concurrent use; calls take turns.
type Model struct {
	name     string
	options  Options
	mu       sync.Mutex // held by the call that computes
	pictures *patchflow.Pictures
}

// Open opens the folder of a run, or a model in the program by its name; "" stands for DefaultModel. The weights of a run that has not
// ended are those of its newest checkpoint.
func Open(path string, o Options) (*Model, error) {
	if o.Threads < 0 || o.MaxBytes < 0 {
		return nil, fmt.Errorf("picture: found %d threads and at most %d bytes, expected positive numbers, or 0", o.Threads, o.MaxBytes)
	}
	x := tensor.Exec{Threads: pool.Threads(o.Threads), Pool: tensor.NewPool()}
	s, err := OpenNetworks(path, x)
	if err != nil {
		return nil, err
	}
	return &Model{name: cmp.Or(path, DefaultModel), options: o, pictures: s}, nil
}

// DefaultModel is the name of the model in the program that is used where none is named.
const DefaultModel = "photos"

// OpenNetworks is Open for those who use package patchflow: the networks and the filters of a model.
func OpenNetworks(name string, x tensor.Exec) (*patchflow.Pictures, error) {
	if name == "" { // a folder of that name is likely to hold photographs
		return inProgram(DefaultModel, x)
	}
	info, err := os.Stat(name)
	switch {
	case err != nil && pretrained.Has(name):
		return inProgram(name, x)
	case err != nil:
		return nil, fmt.Errorf("found no model of pictures: %w; expected the folder of a run, which longspan image train makes, or %s, "+
			"which is in the program", err, DefaultModel)
	case !info.IsDir():
		return nil, fmt.Errorf("%s is a file, expected the folder of a run, which longspan image train makes", name)
	}
	return patchflow.Open(name, x)
}

func inProgram(name string, x tensor.Exec) (*patchflow.Pictures, error) {
	kind, err := pretrained.Kind(name)
	if err != nil {
		return nil, err
	}
	if kind != pretrained.Pictures {
		return nil, fmt.Errorf("%s is a model of %s, expected one of pictures, such as %s", name, kind, DefaultModel)
	}
	files, err := pretrained.Files(name)
	if err != nil {
		return nil, err
	}
	return patchflow.OpenFiles(files, x)
}

// Name is what Open was given.
func (m *Model) Name() string { return m.name }

// reserve makes room for the matrices of work, outside of the Go heap; end gives it back.
func (m *Model) reserve(bytes int64) (end func()) {
	p := m.pictures.Exec.Pool
	p.Reserve(bytes + bytes/4)
	return p.Trim
}

// Close gives the memory of the model back. The model must not be used afterwards.
func (m *Model) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pictures.Exec.Pool.Trim()
}
