package recipe_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/recipe"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train"
)

// evaluated is the score of the run in dir on its validation data.
func evaluated(ctx context.Context, dir string) (score train.Score, err error) {
	r, err := recipe.Load(filepath.Join(dir, train.ConfigName), nil)
	if err != nil {
		return score, err
	}
	weights := filepath.Join(dir, train.ModelName)
	sets, err := r.OpenRun(recipe.Run{Folder: dir, Weights: weights}, 0)
	if err != nil {
		return score, err
	}
	defer r.Close()
	if err := r.Fit(sets); err != nil {
		return score, err
	}
	spec, err := r.Spec()
	if err != nil {
		return score, err
	}
	m, err := model.Load(spec, model.OpenOptions{Weights: weights})
	if err != nil {
		return score, err
	}
	defer m.Close()
	source, err := sets.Validation()
	if err != nil {
		return score, err
	}
	return train.Evaluate(ctx, tensor.Exec{Threads: 1, Pool: tensor.NewPool()}, m, source, 0)
}

// A run is evaluated alike with the model of train.init and without it.
func TestRunIsEvaluatedWithoutItsBeginning(t *testing.T) {
	const (
		text        = "data: {batch: 3, text: {train: [%[2]s], hold_out: 3, tokens: 24}}\n"
		labelled    = "data: {batch: 3, labelled: {train: [%[2]s], hold_out: 3, tokens: 24, too_long: truncate}}\n"
		contrastive = "data: {batch: 3, contrastive: {train: [%[2]s], hold_out: 3, tokens: 64, query: [label], passage: [text]}}\n"
		pairs       = "data: {batch: 3, pairs: {train: [%[2]s], " + fieldsOfPairs + "}}\n"
		end         = "train: {init: %[1]s, steps: 2, optimizer: {lr: 1e-3, warmup: 1}, eval: {every: 0}}\n"
	)
	file, two := texts(t, 24), pairsFile(t, 12)
	for _, c := range []struct{ name, init, file, text string }{
		{"masked tokens", tiny(t), file, text},
		{"another mechanism", tiny(t), file, text + "model: {attention: [window(4)]}\n"},
		{"classes", tiny(t), file, labelled},
		{"vectors", tiny(t), file, contrastive},
		{"BART", seq2seq(t, "bart", []int{0}, []int{2}, nil), two, pairs},
		{"LED", seq2seq(t, "led", []int{0}, []int{2}, nil), two, pairs + "model: {attention: [window(2) | global(0)]}\n"},
		{"T5", seq2seq(t, "t5", nil, []int{1}, nil), two, pairs},
	} {
		run := filepath.Join(t.TempDir(), "run")
		if _, err := tuned(t.Context(), fmt.Sprintf(c.text+end, c.init, c.file), run, false); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		want, err := evaluated(t.Context(), run)
		if err != nil || want.Targets == 0 {
			t.Errorf("%s: %+v, %v", c.name, want, err)
		}
		if err := os.RemoveAll(c.init); err != nil {
			t.Fatal(err)
		}
		if got, err := evaluated(t.Context(), run); got != want || err != nil {
			t.Errorf("%s: without its beginning %+v, %v, want %+v", c.name, got, err, want)
		}
		if err := os.Remove(filepath.Join(run, "model.json")); err != nil {
			t.Fatal(err)
		}
		if _, err := evaluated(t.Context(), run); err == nil || !strings.Contains(err.Error(), c.init) ||
			!strings.Contains(err.Error(), "without model.json") {
			t.Errorf("%s: without either: error %v", c.name, err)
		}
	}
}
