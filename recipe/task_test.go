package recipe

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// metaOf is the description of the run of a recipe, fitted to its data.
func metaOf(t *testing.T, text string, set ...string) (task string, frozen map[string]string, all []string) {
	t.Helper()
	r, err := Parse([]byte(text), "r", set)
	if err != nil {
		t.Fatal(err)
	}
	s, err := r.Data.Open(1)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Fit(s); err != nil {
		t.Fatal(err)
	}
	m, err := r.meta()
	if err != nil {
		t.Fatal(err)
	}
	if m.Task.Head != "head." || m.Task.Table != "embedding.weight" || m.Task.Rows != s.Tokenizer.Vocab() {
		t.Errorf("%s: the task is %+v", text, m.Task)
	}
	return m.Task.Name, m.Frozen, slices.Sorted(maps.Keys(m.Settings))
}

func TestTask(t *testing.T) {
	for text, want := range map[string]string{
		"model: {kind: encoder}\ndata: {genome: {tokens: 64}}":  "mlm",
		"data: {text: {hold_out: 4, tokens: 64}}":               "lm",
		"data: {genes: {tokens: 64}}":                           "tag genes",
		"data: {listops: {}}":                                   "classify listops",
		"model: {kind: encoder, head: tag}\ndata: {recall: {}}": "tag recall",
		"data: {labelled: {too_long: truncate, tokens: 64}}":    `classify labelled of ["eip" "pep"]`,
	} {
		if task, _, _ := metaOf(t, text); task != want {
			t.Errorf("%s\nis the task %s; want %s", text, task, want)
		}
	}
}

func TestFrozenSettings(t *testing.T) {
	const text = "model: {width: 32}\ndata: {genome: {tokens: 64}}"
	_, want, all := metaOf(t, text)
	if want["model.width"] != "32" || want["model.kind"] != "decoder" || want["model.vocab"] != "5" {
		t.Errorf("frozen settings: %v", want)
	}
	for _, key := range []string{"data.batch", "data.genome.tokens", "model.width", "train.optimizer.lr", "train.steps"} {
		if !slices.Contains(all, key) {
			t.Errorf("the settings %v do not have %s", all, key)
		}
	}
	for set, same := range map[string]bool{"model.width=64": false, "model.kind=encoder": false, "model.attention=[window(4)]": false,
		"model.dropout=0.1": true, "train.optimizer.lr=1": true, "data.batch=2": true} {
		if _, got, _ := metaOf(t, text, set); cmp.Equal(got, want) != same {
			t.Errorf("%s: the frozen settings are %v, and were %v", set, got, want)
		}
	}
}
