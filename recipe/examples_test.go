package recipe_test

import (
	"strings"
	"testing"

	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/recipe"
	"github.com/longspan/longspan/tensor"
)

// Every example is a recipe of which a step can be run: here without data, so in no time.
func TestExamples(t *testing.T) {
	for _, path := range examples(t) {
		r, err := recipe.Load(path, nil)
		if err != nil {
			t.Error(err)
			continue
		}
		withoutDownloads(t, r)
		sets, err := r.OpenAvailable()
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if err := r.Fit(sets); err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if _, err := r.Build(sets, model.Options{Pool: tensor.NewDryPool(), Train: true}); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if r.Model.Head == model.Classify && sets.Classes == 0 {
			t.Errorf("%s: a classifier without classes", path)
		}
		text, err := r.YAML()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := recipe.Parse(text, "again", nil); err != nil {
			t.Errorf("%s: written out it is refused: %v", path, err)
		}
	}
}

// withoutDownloads gives a recipe whose files "make dna" fetches other data: the genome in the program, made genes, or a tiny
// checkpoint.
func withoutDownloads(t *testing.T, r *recipe.Recipe) {
	t.Helper()
	if g := r.Data.Genome; g != nil && len(g.Paths) > 0 && strings.HasPrefix(g.Paths[0], ".dna/") {
		g.Paths, g.HoldOut, g.Validation = nil, nil, nil
	}
	if init := r.Train.Init; init != "" && r.Data.Labelled != nil { // a repo of the hub
		r.Train.Init, r.Data.Labelled.Tokens = tiny(t), 64
	}
	if s := r.Data.Splice; s != nil && strings.HasPrefix(s.Reference, ".dna/") {
		made := spliceData(t)
		s.Reference, s.Genes, s.HoldOut, s.Margin, s.Validation = made.Reference, made.Genes, made.HoldOut, made.Margin, made.Validation
	}
}
