package recipe_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/plan"
	"github.com/longspan/longspan/recipe"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train"
)

// A tiny model learns that a word belongs to the text with its three letters among others.
func TestContrastiveIsLearned(t *testing.T) {
	random := data.NewRandom(1, 1)
	var all [2][]string
	for i := range 240 {
		word := make([]byte, 3)
		for j := range word {
			word[j] = byte('a' + random.IntN(20))
		}
		passage := fmt.Sprintf("%s%c%c%s%c", strings.Repeat("-", random.IntN(9)), word[2], word[0], strings.Repeat(".", random.IntN(9)), word[1])
		all[i/200] = append(all[i/200], fmt.Sprintf(`{"query":%q,"passage":%q}`, word, passage))
	}
	config := fmt.Sprintf(`
model: {width: 32, layers: 1, heads: 2, attention: [window(8)]}
data: {batch: 20, contrastive: {train: [%s], validation: [%s], tokens: 24}}
`, lines(t, all[0]...), lines(t, all[1]...))
	r, err := recipe.Parse([]byte(config), "words", nil)
	if err != nil {
		t.Fatal(err)
	}
	sets := setsOf(t, &r.Data)
	if err := r.Fit(sets); err != nil {
		t.Fatal(err)
	}
	if r.Model.Kind != model.Encoder || r.Model.Head != model.Embed || r.Model.Temperature != 0.05 {
		t.Fatalf("found a model of kind %s with the head %s and the temperature %g", r.Model.Kind, r.Model.Head, r.Model.Temperature)
	}
	r.Train.Steps, r.Train.Optimizer.LR, r.Train.Optimizer.Warmup, r.Train.Optimizer.Decay = 30, 2e-2, 5, 0
	r.Train.Eval.Every, r.Train.Checkpoint.Every = 0, 0
	x := tensor.Exec{Threads: 1, Pool: tensor.NewPool()}
	job, err := r.Plan(sets, 1)
	if err != nil || slices.Max(job.Lengths) < 15 || len(job.Lengths) != 40 {
		t.Fatalf("planned lengths %v, %v", job.Lengths, err)
	}
	if e, err := plan.Make(job); err != nil || e.Bytes.Activations <= 0 {
		t.Fatalf("found the plan %+v, %v", e, err)
	}
	m, err := r.Build(sets, model.Options{Pool: x.Pool, Train: true})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	run, err := r.Job(sets, m, x)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir() + "/run"
	result, err := train.Run(context.Background(), dir, run)
	if err != nil {
		t.Fatal(err)
	}
	if got := result.Valid; got.Targets != 40 || got.Accuracy() < 0.5 || len(m.Ranks()) != 40 { // by chance one in forty
		t.Errorf("%.1f%% of %d passages are found first, want most of 40", 100*got.Accuracy(), got.Targets)
	}
	opened, err := model.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	e, err := opened.NewSession(x).Embed(context.Background(), []string{"abc", "----ca..b", "xyz"}, model.EmbedOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if own, other := model.Cosine(e[0].Vectors[0].Vector, e[1].Vectors[0].Vector), model.Cosine(e[2].Vectors[0].Vector, e[1].Vectors[0].Vector); own <= other {
		t.Errorf("the own text has the cosine %g, another %g", own, other)
	}
}

func TestContrastiveRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"model: {head: classify, kind: encoder}\ndata: {batch: 4, contrastive: {tokens: 64, too_long: truncate}}": "the data has pairs of texts " +
			"that belong together; use the head embed",
		"model: {head: embed, kind: encoder}\ndata: {batch: 4, text: {tokens: 64}}":  "the head embed learns from pairs of texts",
		"model: {}\ndata: {batch: 1, contrastive: {tokens: 64, too_long: truncate}}": "found a batch of 1 pair",
	} {
		r, err := recipe.Parse([]byte(text), "r", nil)
		if err != nil {
			t.Fatal(err)
		}
		sets, err := r.Data.Open(1)
		if err == nil {
			err = r.Fit(sets)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", text, err, want)
		}
	}
}
