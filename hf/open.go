package hf

import (
	"errors"

	"github.com/longspan/longspan/checkpoint"
)

// Open describes the checkpoint of a folder and opens its weights, in any form that package checkpoint reads.
func Open(dir string, o Options) (*Checkpoint, error) {
	c, err := readConfig(dir) // first: a folder without it is no model, whatever weights it has
	if err != nil {
		return nil, err
	}
	w, err := checkpoint.Open(dir)
	if err != nil {
		return nil, err
	}
	k, err := c.describe(dir, files{w}, o)
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return k, nil
}

// files are [Tensors] of files.
type files struct{ checkpoint.Source }

// Names lists the tensors.
func (f files) Names() []string {
	var all []string
	for _, e := range f.Entries() {
		all = append(all, e.Name)
	}
	return all
}

// Shape is the shape of a tensor.
func (f files) Shape(name string) ([]int, bool) {
	e, ok := f.Lookup(name)
	return e.Shape, ok
}
