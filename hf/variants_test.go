package hf_test

import (
	"encoding/json"
	"errors"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/tensor"
)

// edited is a golden's folder with another configuration. A nil value is null; the value absent takes a key away.
func edited(t *testing.T, golden string, edits map[string]any) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(goldenDir, golden, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	config := map[string]any{}
	if err := json.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	maps.Copy(config, edits)
	maps.DeleteFunc(config, func(_ string, v any) bool { return v == absent{} })
	if text, err = json.Marshal(config); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, dir, map[string]string{"config.json": string(text)})
	link(t, filepath.Join(goldenDir, golden, "model.safetensors"), filepath.Join(dir, "model.safetensors"))
	return dir
}

type absent struct{}

// Settings that are wrong, that contradict each other, or that this program does not compute are refused by name.
func TestSettingsAreRefused(t *testing.T) {
	refuse(t, []refusal{
		{"llama", map[string]any{"rms_norm_eps": 0}, "rms_norm_eps: found 0"},
		{"bert", map[string]any{"layer_norm_eps": -1}, "layer_norm_eps: found -1"},
		{"gpt2", map[string]any{"layer_norm_epsilon": 0}, "layer_norm_epsilon: found 0"},
		{"modernbert", map[string]any{"norm_eps": 0}, "norm_eps: found 0"},
		{"llama", map[string]any{"rope_scaling": map[string]any{"type": "default", "rope_type": "yarn", "factor": 8}}, "expected one of them"},
		{"llama", map[string]any{"layer_types": []string{"full_attention", "sliding_attention", "full_attention"}}, "layer_types: found"},
		{"llama", map[string]any{"max_position_embeddings": -5}, "max_position_embeddings: found -5"},
		{"bert", map[string]any{"architectures": []string{"RobertaForMaskedLM"}}, "found the class RobertaForMaskedLM"},
		{"bert", map[string]any{"architectures": []string{"MyOwnModel"}}, "found the class MyOwnModel"},
		{"bert", map[string]any{"architectures": []string{"BertLMHeadModel"}}, "found the class BertLMHeadModel"},
		{"bert_tag", map[string]any{"id2label": map[string]any{"0": "a"}}, "found one label of tokens"},
		{"mistral", map[string]any{"layer_types": []string{"full_attention", "full_attention", "full_attention"}}, "layer_types: found"},
	})
}

// refusal is a golden's folder with settings that must be refused, and words of the error.
type refusal struct {
	golden string
	edits  map[string]any
	want   string
}

func refuse(t *testing.T, all []refusal) {
	t.Helper()
	for _, c := range all {
		m, err := model.Open(edited(t, c.golden, c.edits))
		if err == nil {
			m.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with %v: error %v, want one with %q", c.golden, c.edits, err, c.want)
		}
	}
}

// A key that is absent is not a key that is null: transformers has a default for the one, and not for the other.
func TestAbsentIsNotNull(t *testing.T) {
	for _, c := range []struct {
		golden string
		edits  map[string]any
		want   string // mechanism of layer 1
	}{
		{"mistral", map[string]any{"sliding_window": absent{}, "layer_types": absent{}}, "window(4095)"},
		{"mistral", map[string]any{"sliding_window": nil, "layer_types": absent{}}, "full"},
		{"qwen2_window", map[string]any{"sliding_window": absent{}}, "window(4095)"},
	} {
		m, err := model.Open(edited(t, c.golden, c.edits))
		if err != nil {
			t.Fatal(c.golden, err)
		}
		if got := m.Spec().Layers[1].Attention.Mechanism; got != c.want {
			t.Errorf("%s with %v: mechanism %s, want %s", c.golden, c.edits, got, c.want)
		}
		m.Close()
	}
	m, err := model.Open(edited(t, "modernbert", map[string]any{"local_rope_theta": nil}))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if got := m.Spec().Layers[1].Attention.RotaryBase; got != 160000 {
		t.Errorf("ModernBERT without a local base has %g, want the global one", got)
	}
}

// The tensors that lie side by side in a weight must each have their own shape, though the sum of their rows is right.
func TestPartsHaveTheirShapes(t *testing.T) {
	for _, c := range []struct {
		golden, first, second string
		rows                  []int
	}{
		{"llama", "model.layers.0.mlp.gate_proj.weight", "model.layers.0.mlp.up_proj.weight", []int{39, 41}},
		{"llama", "model.layers.0.self_attn.q_proj.weight", "model.layers.0.self_attn.k_proj.weight", []int{16, 32}},
		{"bert", "bert.encoder.layer.0.attention.self.query.weight", "bert.encoder.layer.0.attention.self.key.weight", []int{31, 33}},
	} {
		dir := edited(t, c.golden, nil)
		f, err := safetensors.Open(filepath.Join(goldenDir, c.golden, "model.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		var tensors []safetensors.Tensor
		for _, e := range f.Entries() {
			rows, cols := e.Matrix()
			shape := slices.Clone(e.Shape)
			m := tensor.New(tensor.F32, rows, cols)
			if err := f.ReadMat(m, e.Name); err != nil {
				t.Fatal(err)
			}
			if i := slices.Index([]string{c.first, c.second}, e.Name); i >= 0 {
				m, shape = tensor.New(tensor.F32, c.rows[i], cols), []int{c.rows[i], cols}
			}
			tensors = append(tensors, safetensors.Shaped(e.Name, m, shape...))
		}
		f.Close()
		if err := safetensors.Save(filepath.Join(dir, "model.safetensors"), tensors, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := model.Open(dir); err == nil || !strings.Contains(err.Error(), c.first) {
			t.Errorf("%s: error %v, want one about %s", c.golden, err, c.first)
		}
	}
}

// A classifier of a decoder reads the last token that is not the padding token, also at the end of a text.
func TestPaddingAtTheEnd(t *testing.T) {
	m, err := model.Open(filepath.Join(goldenDir, "llama_classify")) // its pad_token_id is 0
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	run := func(tokens ...int32) []float32 {
		return outputs(t, m, &data.Batch{Tokens: tokens, Lengths: []int{len(tokens)}})
	}
	if got, want := run(5, 6, 7, 0, 0), run(5, 6, 7); !slices.EqualFunc(got, want, near32) {
		t.Errorf("with padding at the end the outputs are %v, without %v", got, want)
	}
	if got, want := run(0, 0), run(0); !slices.EqualFunc(got, want, near32) {
		t.Errorf("of padding alone the outputs are %v, want those of its first token, %v", got, want)
	}
}

func near32(a, b float32) bool { return math.Abs(float64(a-b)) < 1e-5 }

// One label of a model with independent labels has a probability of its own and keeps its name.
func TestOneIndependentLabel(t *testing.T) {
	dir := edited(t, "xlmr_classify_cross", map[string]any{"problem_type": "multi_label_classification",
		"id2label": map[string]any{"0": "toxic"}})
	m, err := model.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if h := m.Spec().Head; h.Kind != model.Classify || !h.Independent || !slices.Equal(m.Answers().Classes, []string{"toxic"}) {
		t.Errorf("head %+v with the classes %v", h, m.Answers().Classes)
	}
}

// The body of any class gives vectors, and a note says how they are pooled.
func TestBodyOfAnyClass(t *testing.T) {
	dir := edited(t, "bert", map[string]any{"architectures": []string{"BertForQuestionAnswering"}})
	if _, err := model.Open(dir); err == nil || !strings.Contains(err.Error(), "BertForQuestionAnswering") {
		t.Errorf("error %v, want one about the class", err)
	}
	m, err := model.OpenWith(dir, model.OpenOptions{BodyOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if notes := strings.Join(m.Notes(), "\n"); m.Spec().Head.Kind != model.Embed || !strings.Contains(notes, "pooling mean") {
		t.Errorf("head %+v, notes %q", m.Spec().Head, notes)
	}
}

// Copies of weights that are too large are refused before they are made.
func TestCopiesAreBounded(t *testing.T) {
	_, err := model.OpenWith(filepath.Join(goldenDir, "llama"), model.OpenOptions{MaxMemory: 1000})
	var full *memory.Error
	if !errors.As(err, &full) || full.Need < 10000 || full.Available != 1000 {
		t.Errorf("error %v, want a *memory.Error of 1000 bytes", err)
	}
	m, err := model.OpenWith(filepath.Join(goldenDir, "modernbert"), model.OpenOptions{MaxMemory: 1000}) // each weight is one tensor
	if err != nil {
		t.Fatal(err)
	}
	m.Close()
}

// A mask token that the model does not have is not one; a text with such a token is refused with its place.
func TestTokenizerLargerThanTheModel(t *testing.T) {
	dir := edited(t, "bert", nil)
	write(t, dir, map[string]string{"tokenizer.json": `{"added_tokens": [
		{"id": 200, "content": "[MASK]", "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false}],
		"model": {"type": "WordLevel", "vocab": {"a": 5, "[UNK]": 1, "b": 150, "[MASK]": 200}, "unk_token": "[UNK]"},
		"pre_tokenizer": {"type": "Whitespace"}}`,
		"tokenizer_config.json": `{"mask_token": "[MASK]", "tokenizer_class": "PreTrainedTokenizerFast"}`})
	m, err := model.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if notes := strings.Join(m.Notes(), "\n"); !strings.Contains(notes, "tokens, the model 89") {
		t.Errorf("notes %q", notes)
	}
	_, err = m.NewSession(tensor.Exec{}).Fill(t.Context(), []string{"a b"}, model.FillOptions{Mask: "b"})
	if err == nil {
		t.Error("a text with a token that the model does not have was read")
	}
}
