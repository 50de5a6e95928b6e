package recipe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/internal/strictyaml"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train"
)

// Job returns the run that trains m, the result of [Recipe.Build], on s. Its Meta has the settings that resuming compares. The caller may
// set Report, Scored, Note and RestartData.
func (r *Recipe) Job(s *data.Bundle, m *model.Model, x tensor.Exec) (train.Job, error) {
	meta, err := r.meta()
	job := train.Job{Config: r.Train, Model: m, Train: s.Train, Valid: s.Validation, Exec: x, Meta: meta}
	if err != nil || r.beginning == nil {
		return job, err
	}
	b, name := r.beginning, r.Train.Init
	job.Begin = func() ([]string, error) { return b.fill(m, name) }
	job.Export, err = r.export(m)
	return job, err
}

// Settings are all keys of the recipe with their values, such as train.steps.
func (r *Recipe) Settings() (map[string]string, error) {
	text, err := r.YAML()
	if err != nil {
		return nil, err
	}
	return strictyaml.Flatten(text), nil
}

// meta describes the run of a fitted recipe.
func (r *Recipe) meta() (train.Meta, error) {
	text, err := r.YAML()
	if err != nil {
		return train.Meta{}, err
	}
	meta := train.Meta{Task: r.task(), Frozen: map[string]string{}, Settings: strictyaml.Flatten(text), Config: string(text)}
	for key, value := range meta.Settings {
		if frozen(key) {
			meta.Frozen[key] = value
		}
	}
	if r.beginning == nil {
		return meta, nil
	}
	meta.Frozen["model of train.init"], err = r.beginning.identity()
	return meta, err
}

// task identifies the meaning of the head's outputs. Language models with the same head share it. Classes and numbers have a meaning in one
// kind of data only, and named classes under these names only.
func (r *Recipe) task() train.Task {
	c := r.Model.WithDefaults()
	if r.beginning != nil {
		c.Vocab = r.beginning.spec.Vocab
	}
	t := train.Task{Name: c.Head, Head: model.HeadPrefix, Table: model.EmbeddingName, Rows: c.Vocab}
	if c.Head == model.LM || c.Head == model.MaskedLM {
		return t
	}
	for kind := range r.Data.kinds() { // there is one
		t.Name += " " + kind
	}
	if l := r.Data.Labelled; l != nil && len(l.Classes) > 0 {
		t.Name += fmt.Sprintf(" of %q", l.Classes)
	}
	return t
}

// frozen reports whether a setting must not change on resume: those of the model that its weights depend on.
func frozen(key string) bool {
	key, ok := strings.CutPrefix(key, "model.")
	return ok && !slices.Contains([]string{"recompute", "dropout", "label_smoothing", "seed", "never_masked"}, key)
}
