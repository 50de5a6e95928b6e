package recipe_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/recipe"
	"github.com/longspan/longspan/sampling"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train"
)

// lines writes a file of JSON lines.
func lines(t *testing.T, text ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.jsonl")
	if err := os.WriteFile(path, []byte(strings.Join(text, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func setsOf(t *testing.T, d *recipe.Data) *data.Bundle {
	t.Helper()
	sets, err := d.Open(1)
	if err != nil {
		t.Fatal(err)
	}
	return sets
}

// A tiny model learns to write short words backwards: of eight letters one in eight would be right by chance.
func TestPairsAreLearned(t *testing.T) {
	random := data.NewRandom(1, 1)
	var all [2][]string
	for i := range 240 {
		word := make([]byte, 3)
		for j := range word {
			word[j] = byte('a' + random.IntN(8))
		}
		line := fmt.Sprintf(`{"source":%q,"target":"%c%c%c"}`, word, word[2], word[1], word[0])
		all[i/200] = append(all[i/200], line)
	}
	config := fmt.Sprintf(`
model: {width: 32, layers: 1, heads: 2, position: learned}
data: {batch: 16, pairs: {train: [%s], validation: [%s], tokens: 5}}
`, lines(t, all[0]...), lines(t, all[1]...))
	r, err := recipe.Parse([]byte(config), "reversed", nil)
	if err != nil {
		t.Fatal(err)
	}
	sets, err := r.Data.Open(1)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Fit(sets); err != nil {
		t.Fatal(err)
	}
	if r.Model.Kind != model.EncoderDecoder {
		t.Fatalf("the model for pairs is of the kind %s", r.Model.Kind)
	}
	r.Train.Steps, r.Train.Optimizer.LR, r.Train.Optimizer.Warmup, r.Train.Optimizer.Decay = 200, 1e-2, 20, 0
	r.Train.Eval.Every, r.Train.Checkpoint.Every, r.Train.Eval.Batches = 0, 0, 0
	x := tensor.Exec{Threads: 1, Pool: tensor.NewPool()}
	m, err := r.Build(sets, model.Options{Pool: x.Pool, Train: true})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	job, err := r.Job(sets, m, x)
	if err != nil {
		t.Fatal(err)
	}
	result, err := train.Run(context.Background(), t.TempDir()+"/run", job)
	if err != nil {
		t.Fatal(err)
	}
	// Of four targets one is the end, in a place that is always the same; by chance a third of all would be right.
	if result.Valid.Targets != 160 || result.Valid.Accuracy() < 0.8 {
		t.Errorf("%.1f%% of %d targets are right, want nearly all of 160", 100*result.Valid.Accuracy(), result.Valid.Targets)
	}
	got, err := m.NewSession(x).Generate(context.Background(), "cab", model.GenerateOptions{Sampling: sampling.Config{Greedy: true}})
	if err != nil || got.Text != "bac" {
		t.Errorf("cab written backwards is %q, %v", got.Text, err)
	}
}
