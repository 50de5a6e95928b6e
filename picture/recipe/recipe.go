// Package recipe reads recipes of models of pictures: YAML files that state the model, the photographs and the training of a run.
//
//	model: {precision: bf16}
//	data: {photos: [my/photos], validation: [my/photos/held-out.jpg]}
//	train: {steps: 4000}
//
// Every key must be known. What a file leaves out has a default, and YAML writes everything out.
package recipe

import (
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v4"

	"github.com/longspan/longspan/internal/strict"
	"github.com/longspan/longspan/internal/strictyaml"
	"github.com/longspan/longspan/picture/patchflow"
	"github.com/longspan/longspan/train"
)

// Recipe is a whole config.
type Recipe struct {
	Model patchflow.Config `yaml:"model"`
	Data  Data             `yaml:"data"`
	Train train.Config     `yaml:"train"`
}

// Data are the photographs of a run, and how crops are cut from them.
type Data struct {
	Photos     []string             `yaml:"photos"`               // files and folders of PNG, JPEG, WebP and TIFF
	HoldOut    []string             `yaml:"hold_out,omitempty"`   // files and folders of which nothing is learned, even if photos has them
	Validation []string             `yaml:"validation,omitempty"` // files and folders of which nothing is learned; evaluations read them
	Batches    int                  `yaml:"validation_batches"`   // of an evaluation, for each network
	Crops      patchflow.DataConfig `yaml:"crops"`
}

// Default is the recipe of an empty file, without photographs.
func Default() *Recipe {
	r := &Recipe{Model: patchflow.DefaultConfig(), Data: Data{Batches: 8, Crops: patchflow.DefaultData()}, Train: train.DefaultConfig()}
	r.Train.EMA, r.Train.Optimizer.LR, r.Train.Optimizer.Warmup = 0.999, 3e-3, 100
	return r
}

// Load reads the recipe at path and applies overrides of the form train.steps=100, later ones last.
func Load(path string, overrides []string) (*Recipe, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(text, path, overrides)
}

// Parse is Load for a text. Errors name it by name.
func Parse(text []byte, name string, overrides []string) (*Recipe, error) {
	r := Default()
	if err := strictyaml.Load(text, name, r); err != nil {
		return nil, err
	}
	for _, o := range overrides {
		if err := strictyaml.Set(o, r); err != nil {
			return nil, err
		}
	}
	if err := r.check(); err != nil {
		return nil, strictyaml.Locate(err, text, name, overrides)
	}
	return r, nil
}

// check checks everything but the files. It sets what other settings decide.
func (r *Recipe) check() error {
	r.Train.Precision = r.Model.Precision
	r.Train.Accumulate = r.Data.Crops.Turns(r.Model)
	if err := strict.Under("model", r.Model.Check()); err != nil {
		return err
	}
	switch {
	case len(r.Data.Photos) == 0:
		return strict.Under("data", strict.Wrong("photos", "is missing; name files or folders of photographs"))
	case r.Data.Batches < 1:
		return strict.Under("data", strict.Wrong("validation_batches", "is %d; expected 1 or more", r.Data.Batches))
	}
	if err := strict.Under("data", strict.Under("crops", r.Data.Crops.Check())); err != nil {
		return err
	}
	if err := strict.Under("data", strict.Under("crops", r.Data.Crops.CheckFor(r.Model))); err != nil {
		return err
	}
	if r.Train.AllShards() > 1 {
		return strict.Under("train", strict.Wrong("shards", "is %d; models of pictures train on one rank, expected 1", r.Train.AllShards()))
	}
	return strict.Under("train", r.Train.Check())
}

// YAML is r with every default written out. Parse reads it back.
func (r *Recipe) YAML() ([]byte, error) { return yaml.Dump(r) }

// AbsolutePaths makes every path of r absolute, from the current directory. The config of a run is then valid in any directory.
func (r *Recipe) AbsolutePaths() error {
	for _, list := range [][]string{r.Data.Photos, r.Data.HoldOut, r.Data.Validation} {
		for i, path := range list {
			absolute, err := filepath.Abs(path)
			if err != nil {
				return err
			}
			list[i] = absolute
		}
	}
	return nil
}
