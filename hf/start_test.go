package hf_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/hf"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tensor"
)

// begun is a model that begins with a checkpoint, with weights that training could have changed.
func begun(t *testing.T, path string, o model.StartOptions) (*model.Start, *model.Model) {
	t.Helper()
	s, err := model.OpenStart(path, o)
	if err != nil {
		t.Fatal(path, err)
	}
	t.Cleanup(func() { s.Close() })
	m, err := s.New(s.Spec(), model.Options{Train: true, Answers: s.Answers()})
	if err != nil {
		t.Fatal(path, err)
	}
	if err := s.Fill(m); err != nil {
		t.Fatal(path, err)
	}
	return s, m
}

// weightsOf are the elements of all weights, by name.
func weightsOf(m *model.Model) map[string][]float32 {
	all := map[string][]float32{}
	for _, p := range m.Params() {
		row := make([]float32, p.Value.Cols)
		for i := range p.Value.Rows {
			p.Value.ReadRow(row, i)
			all[p.Name] = append(all[p.Name], row...)
		}
	}
	return all
}

func checkWeights(t *testing.T, what string, got, want map[string][]float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d weights, want %d", what, len(got), len(want))
	}
	for name, w := range want {
		if !slices.Equal(got[name], w) {
			t.Errorf("%s: other weights %q", what, name)
		}
	}
}

// A model that begins with a checkpoint has its weights, and with others it is saved with these: every weight has its place in the files.
func TestChangedWeightsAreSaved(t *testing.T) {
	paths, err := filepath.Glob(goldenDir + "/gguf/*.gguf")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range folders(t) {
		paths = append(paths, filepath.Join(goldenDir, name))
	}
	for _, path := range paths {
		opened, err := model.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		s, m := begun(t, path, model.StartOptions{})
		if len(s.Drawn()) > 0 {
			t.Errorf("%s: drawn %q", path, s.Drawn())
		}
		checkWeights(t, path, weightsOf(m), weightsOf(opened))
		opened.Close()
		if m.CameAs() == "gguf" {
			continue
		}
		checkSavedAgain(t, path, m)
	}
}

// checkSavedAgain changes all weights of a model, saves it and opens what was saved.
func checkSavedAgain(t *testing.T, what string, m *model.Model) {
	t.Helper()
	for _, p := range m.Params() {
		for i := range p.Value.F32 {
			p.Value.F32[i] += float32(i%7) / 64
		}
	}
	dir := filepath.Join(t.TempDir(), "saved")
	if _, err := m.SaveAs(dir, model.SaveOptions{SaveOptions: hf.SaveOptions{Type: "f32"}}); err != nil {
		t.Error(what, err)
		return
	}
	again, err := model.Open(dir)
	if err != nil {
		t.Error(what, err)
		return
	}
	defer again.Close()
	checkWeights(t, what, weightsOf(again), weightsOf(m))
	if got, want := again.Answers(), m.Answers(); !slices.Equal(got.Classes, want.Classes) {
		t.Errorf("%s: classes %q, want %q", what, got.Classes, want.Classes)
	}
}

// Every family takes the heads that its classes have, and is saved and opened with them.
func TestOtherHeads(t *testing.T) {
	classes := []string{"no", "über", "yes"}
	for _, c := range []struct {
		folder, head string
		drawn        string // beginning with
		class        string
	}{
		{"bert", model.Classify, "[head.transform.weight head.transform.bias head.weight head.bias]", "BertForSequenceClassification"},
		{"bert_old", model.Classify, "[head.weight head.bias]", "BertForSequenceClassification"}, // which has a pooler
		{"bert_plain", model.MaskedLM, "[head.transform.weight head.transform.bias head.norm.weight head.norm.bias head.bias]", "BertForMaskedLM"},
		{"bert_plain", model.Classify, "[head.weight head.bias]", "BertForSequenceClassification"},
		{"bert_classify", model.Classify, "[head.weight head.bias]", "BertForSequenceClassification"}, // three other classes
		{"bert_classify", model.Tag, "[head.weight head.bias]", "BertForTokenClassification"},
		{"bert_tag", model.Regress, "[head.transform.weight head.transform.bias head.weight head.bias]", "BertForSequenceClassification"},
		{"xlmr", model.Tag, "[head.weight head.bias]", "XLMRobertaForTokenClassification"},
		{"roberta", model.Classify, "[head.transform.weight head.transform.bias head.weight head.bias]", "RobertaForSequenceClassification"},
		{"longformer_bin", model.Classify, "[head.transform.weight head.transform.bias head.weight head.bias]",
			"LongformerForSequenceClassification"},
		{"longformer_classify", model.MaskedLM, "[head.transform.weight", "LongformerForMaskedLM"},
		{"modernbert", model.Classify, "[head.weight head.bias]", "ModernBertForSequenceClassification"},
		{"modernbert_plain", model.MaskedLM, "[head.transform.weight head.norm.weight head.bias]", "ModernBertForMaskedLM"},
		{"llama", model.Classify, "[head.weight]", "LlamaForSequenceClassification"},
		{"llama_classify", model.LM, "[head.weight]", "LlamaForCausalLM"},
		{"qwen3", model.Regress, "[head.weight]", "Qwen3ForSequenceClassification"},
		{"gemma3", model.Classify, "[head.weight]", "Gemma3TextForSequenceClassification"},
		{"gpt2", model.Classify, "[head.weight]", "GPT2ForSequenceClassification"},
		{"gpt2", model.Tag, "[head.weight head.bias]", "GPT2ForTokenClassification"},
	} {
		path, what := filepath.Join(goldenDir, c.folder), c.folder+" "+c.head
		s, m := begun(t, path, model.StartOptions{Head: c.head, Classes: classes})
		if got := fmt.Sprint(s.Drawn()); !strings.HasPrefix(got, c.drawn) {
			t.Errorf("%s: drawn %s, want %s", what, got, c.drawn)
		}
		if got := s.Origin().Class; got != c.class {
			t.Errorf("%s: the class is %s, want %s", what, got, c.class)
		}
		checkSavedAgain(t, what, m)
	}
}

// A head that the checkpoint has is kept, with its weights.
func TestTheSameHead(t *testing.T) {
	for folder, o := range map[string]model.StartOptions{
		"bert": {Head: model.MaskedLM}, "llama": {Head: model.LM},
		"bert_classify":       {Head: model.Classify, Classes: []string{"negative", "neutral", "positive"}},
		"bert_plain":          {Head: model.Embed},
		"xlmr_classify_cross": {Head: model.Regress},
	} {
		opened, err := model.Open(filepath.Join(goldenDir, folder))
		if err != nil {
			t.Fatal(err)
		}
		if o.Head == model.Classify {
			o.Classes = opened.Answers().Classes
		}
		s, m := begun(t, filepath.Join(goldenDir, folder), o)
		if len(s.Drawn()) > 0 {
			t.Errorf("%s: drawn %q", folder, s.Drawn())
		}
		checkWeights(t, folder, weightsOf(m), weightsOf(opened))
		opened.Close()
	}
}

func TestWhatCannotStart(t *testing.T) {
	for _, c := range []struct {
		folder string
		o      model.StartOptions
		want   string
	}{
		{"bert", model.StartOptions{Head: model.LM}, "the head lm is asked for: hf: testdata/golden/bert/config.json: model_type: " +
			"the family bert has no head of this kind; expected mlm, classify, regress, tag, embed"},
		{"bart", model.StartOptions{Head: model.Classify, Classes: []string{"a", "b"}}, "the family bart has no head of this kind; expected lm"},
		{"llama", model.StartOptions{Head: model.MaskedLM}, "the family llama has no head of this kind; expected lm, classify, regress, tag"},
		{"bert", model.StartOptions{Head: "rank"}, `found the head "rank", expected lm, mlm, classify, tag, regress or embed`},
		{"bert", model.StartOptions{Head: model.Classify, Classes: []string{"one"}}, "found 1 classes for the head classify, expected at least 2"},
		{"none", model.StartOptions{}, "expected a folder in Hugging Face's form or a GGUF file"},
	} {
		_, err := model.OpenStart(filepath.Join(goldenDir, c.folder), c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %+v: error %v, want one with %q", c.folder, c.o, err, c.want)
		}
	}
}

// The settings of a search go with the weights: to a model that begins with a checkpoint, to a longer one, and into their folders.
func TestSettingsOfASearchStay(t *testing.T) {
	from := filepath.Join(t.TempDir(), "gpt2")
	if err := os.CopyFS(from, os.DirFS(filepath.Join(goldenDir, "gpt2"))); err != nil {
		t.Fatal(err)
	}
	settings := []byte(`{"num_beams": 3, "no_repeat_ngram_size": 2, "max_new_tokens": 15, "eos_token_id": 7}`)
	if err := os.WriteFile(filepath.Join(from, "generation_config.json"), settings, 0o600); err != nil {
		t.Fatal(err)
	}
	opened, err := model.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	_, fresh := begun(t, from, model.StartOptions{})
	long, _, err := opened.Lengthen(model.LengthenOptions{Tokens: 2 * opened.Spec().MaxTokens()})
	if err != nil {
		t.Fatal(err)
	}
	defer long.Close()
	for what, m := range map[string]*model.Model{"begun": fresh, "long": long} {
		dir := filepath.Join(t.TempDir(), "saved")
		if err := m.Save(dir, tensor.F32); err != nil {
			t.Fatal(what, err)
		}
		again, err := model.Open(dir)
		if err != nil {
			t.Fatal(what, err)
		}
		for _, m := range []*model.Model{m, again} {
			if s, _, err := m.SearchSettings(""); err != nil || s.Beams != 3 || s.NoRepeatNgram != 2 || s.MaxNew != 15 {
				t.Errorf("%s: found %+v, %v", what, s.Config, err)
			}
		}
		again.Close()
	}
}
