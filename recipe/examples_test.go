package recipe_test

import (
	"os"
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

// The settings that examples/finetune.yaml gives for a model's own task replace its data.
func TestFineTuneExampleOfTheOwnTask(t *testing.T) {
	const path, settings = "../examples/finetune.yaml", "--set data.labelled=null --set 'data.text={tokens: 256}'"
	if text, err := os.ReadFile(path); err != nil || !strings.Contains(string(text), settings+"\n") {
		t.Fatalf("found no %s in it, %v", settings, err)
	}
	r, err := recipe.Load(path, []string{"data.labelled=null", "data.text={tokens: 256}"})
	if err != nil {
		t.Fatal(err)
	}
	if d := r.Data; d.Labelled != nil || d.Text == nil || d.Text.Tokens != 256 || d.Batch != 8 {
		t.Errorf("found the data %+v", d)
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
	if init := r.Train.Init; init != "" && r.Data.Pairs != nil {
		r.Train.Init, r.Data.Pairs.Tokens, r.Data.Pairs.TargetTokens = seq2seq(t, "led", []int{0}, []int{2}, nil), 64, 16
	}
	if s := r.Data.Splice; s != nil && strings.HasPrefix(s.Reference, ".dna/") {
		made := spliceData(t)
		s.Reference, s.Genes, s.HoldOut, s.Margin, s.Validation = made.Reference, made.Genes, made.HoldOut, made.Margin, made.Validation
	}
}
