package recipe

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/train"
)

// Run is a run of a recipe.
type Run struct {
	Folder  string
	Weights string // the file of its weights
}

// OpenRun is Open to use the model of a run, and not to train it. The model in the folder of the run takes the place of that of train.init
// where that cannot be opened, such as a folder that is gone. It has the same layers and the same tokenizer.
func (r *Recipe) OpenRun(run Run, budget int64) (*data.Bundle, error) {
	err := r.begin(func(cause error) (*beginning, error) {
		b, err := r.openRun(run)
		if err != nil {
			return nil, fmt.Errorf("%w; and the model of the run cannot take its place: %w", cause, err)
		}
		return b, nil
	})
	if err != nil {
		return nil, err
	}
	return r.openData(budget)
}

// openRun opens the model of a run. It is nil where the recipe has layers.
func (r *Recipe) openRun(run Run) (*beginning, error) {
	if len(layersOf(r.Model)) > 0 {
		return nil, nil
	}
	own, err := Load(filepath.Join(run.Folder, train.ConfigName), nil)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(own.Model.Attention, r.Model.Attention) {
		return nil, fmt.Errorf("model.attention is %q, and the run was trained with %q; leave it out", r.Model.Attention, own.Model.Attention)
	}
	m, err := model.OpenWith(run.Folder, model.OpenOptions{Weights: run.Weights})
	if err != nil {
		return nil, err
	}
	s, err := model.StartOf(m, model.StartOptions{})
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return &beginning{start: s, isRun: true}, nil
}
