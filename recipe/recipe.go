// Package recipe reads recipes: YAML files that state the model, the data and the training of a run.
//
//	model: {width: 256, layers: 4, heads: 4, attention: [window(256)]}
//	data:
//	  batch: 4
//	  genome: {tokens: 8192}
//	train:
//	  steps: 2000
//	  optimizer: {lr: 1e-3}
//
// Every key must be known and no two may contradict each other. What a file leaves out has a default, and YAML
// writes everything out, so that a run can be repeated when the defaults have changed.
package recipe

import (
	"os"

	"go.yaml.in/yaml/v4"

	"github.com/longspan/longspan/internal/strict"
	"github.com/longspan/longspan/internal/strictyaml"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/train"
)

// Recipe is a whole config.
type Recipe struct {
	Model model.Config `yaml:"model"`
	Data  Data         `yaml:"data"`
	Train train.Config `yaml:"train"`

	beginning *beginning // the model of train.init; nil: Model is it
}

// Default is the recipe of an empty file, without data.
func Default() *Recipe {
	return &Recipe{Data: defaultData(), Train: train.DefaultConfig()}
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

// check checks the data and the training. It also copies the precision of the model to the training.
func (r *Recipe) check() error {
	r.Train.Precision = r.Model.WithDefaults().Precision
	if err := r.Data.check(); err != nil {
		return strict.Under("data", err)
	}
	return strict.Under("train", r.Train.Check())
}

// YAML is r with every default written out. Parse reads it back.
func (r *Recipe) YAML() ([]byte, error) { return yaml.Dump(r) }
