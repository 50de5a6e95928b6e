package recipe

import (
	"path/filepath"
	"testing"

	"github.com/longspan/longspan/data/labelled"
	"github.com/longspan/longspan/data/pairs"
)

func TestAbsolutePaths(t *testing.T) {
	current, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	paths := func() []string { return []string{"a", filepath.Join(current, "b"), filepath.Join("..", "c")} }
	r := Recipe{Data: Data{
		Genome: &Genome{Paths: paths()}, Genes: &Genes{Paths: paths()},
		Text:     &Text{Train: paths(), Validation: paths(), Test: paths(), Fields: []string{"title"}},
		Labelled: &labelled.Config{Train: paths(), Validation: paths(), Test: paths()},
		Pairs:    &pairs.Config{Train: paths(), Validation: paths(), Test: paths()},
	}}
	r.Data.Splice = &Splice{Reference: "a", Genes: "runs"}
	r.Train.Init = "paths.go" // which is there
	if err := r.AbsolutePaths(); err != nil {
		t.Fatal(err)
	}
	d := r.Data
	lists := [][]string{d.Genome.Paths, d.Genes.Paths, d.Text.Train, d.Text.Validation, d.Text.Test, d.Labelled.Train,
		d.Labelled.Validation, d.Labelled.Test,
		d.Pairs.Train, d.Pairs.Validation, d.Pairs.Test}
	for i, list := range lists {
		for j, want := range []string{filepath.Join(current, "a"), filepath.Join(current, "b"), filepath.Join(filepath.Dir(current), "c")} {
			if list[j] != want {
				t.Errorf("path %d of list %d is %s; want %s", j, i, list[j], want)
			}
		}
	}
	if d.Splice.Reference != filepath.Join(current, "a") || d.Splice.Genes != filepath.Join(current, "runs") {
		t.Errorf("the files are %+v", d.Splice)
	}
	if d.Text.Fields[0] != "title" || r.Train.Init != filepath.Join(current, "paths.go") {
		t.Errorf("fields %q, init %s", d.Text.Fields, r.Train.Init)
	}
	const name = "sentence-transformers/all-MiniLM-L6-v2" // which may yet be downloaded
	r = Recipe{}
	r.Train.Init = name
	if err := r.AbsolutePaths(); err != nil || r.Train.Init != name {
		t.Errorf("the name of a model is now %s, %v", r.Train.Init, err)
	}
	if r = (Recipe{}); r.AbsolutePaths() != nil || r.Train.Init != "" {
		t.Errorf("a recipe without paths now begins with %s", r.Train.Init)
	}
}
