package recipe

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/train"
)

// TaskOf reads what a run learned from its config, as YAML has written it; ok is false for what is no such config. Language models
// share their head with those of the same head; classes and numbers mean something in their own kind of data only, and classes with names under
// these names.
func TaskOf(config []byte) (t train.Task, ok bool) {
	// The config may be another version's: no more is read than the task needs.
	var c struct {
		Model struct {
			Head  string `yaml:"head"`
			Vocab int    `yaml:"vocab"`
		} `yaml:"model"`
		Data map[string]any `yaml:"data"`
	}
	if err := yaml.Load(config, &c); err != nil || c.Model.Head == "" {
		return t, false
	}
	t = train.Task{Name: c.Model.Head, Head: model.HeadPrefix, Table: model.EmbeddingName, Rows: c.Model.Vocab}
	if c.Model.Head == model.LM || c.Model.Head == model.MaskedLM {
		return t, true
	}
	var kinds []string
	for kind, settings := range c.Data {
		if kind == "batch" {
			continue
		}
		kinds = append(kinds, kind)
		if s, ok := settings.(map[string]any); ok && s["classes"] != nil {
			kinds = append(kinds, fmt.Sprintf("%s of %q", kind, s["classes"]))
		}
	}
	slices.Sort(kinds)
	t.Name += " " + strings.Join(kinds, ", ")
	return t, true
}

// Fixed says whether a key of a recipe must be as it was for a run to go on: those of the model must that tell what its weights mean.
func Fixed(key string) bool {
	key, ok := strings.CutPrefix(key, "model.")
	return ok && !slices.Contains([]string{"recompute", "dropout", "label_smoothing", "seed"}, key)
}
