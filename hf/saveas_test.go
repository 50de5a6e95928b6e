package hf_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/checkpoint"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/hf"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/safetensors"
)

// saveAs opens a checkpoint and saves it again, in Hugging Face's form.
func saveAs(t *testing.T, from string, open model.OpenOptions, o hf.SaveOptions) (dir string, saved model.Saved, err error) {
	t.Helper()
	m, err := model.OpenWith(from, open)
	if err != nil {
		t.Fatal(from, err)
	}
	defer m.Close()
	dir = filepath.Join(t.TempDir(), "saved")
	if keep := os.Getenv("LONGSPAN_SAVED"); keep != "" && t.Name() == "TestSavedInItsForm" {
		dir = filepath.Join(keep, filepath.Base(from)) // for testdata/golden/saved.py
	}
	saved, err = m.SaveAs(dir, model.SaveOptions{Form: model.HuggingFaceForm, SaveOptions: o})
	return dir, saved, err
}

// tensorsOf are the tensors of a folder: their types, shapes and bytes, by name.
func tensorsOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	w, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	all := map[string]string{}
	for _, e := range w.Entries() {
		b, err := w.Bytes(e.Name)
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name] = e.String() + "\n" + string(b)
	}
	return all
}

// secondNames are tied heads that files of torch.save have twice.
var secondNames = []string{"lm_head.decoder.weight", "cls.predictions.decoder.weight", "crit.out_layers.0.weight"}

// A checkpoint that is opened and saved in its form has the same tensors, byte for byte, and the same configuration.
func TestSavedInItsForm(t *testing.T) {
	for _, name := range folders(t) {
		from := filepath.Join(goldenDir, name)
		dir, saved, err := saveAs(t, from, model.OpenOptions{}, hf.SaveOptions{})
		if err != nil {
			t.Error(name, err)
			continue
		}
		want, got := tensorsOf(t, from), tensorsOf(t, dir)
		if _, err := os.Stat(filepath.Join(from, "pytorch_model.bin")); err == nil {
			for _, second := range secondNames {
				delete(want, second)
			}
		}
		if wrong := differing(got, want); len(wrong) > 0 {
			t.Errorf("%s: other tensors: %q", name, wrong)
		}
		if saved.Form != model.HuggingFaceForm || saved.Tensors != len(got) {
			t.Errorf("%s: %+v, want %d tensors", name, saved, len(got))
		}
		for _, file := range []string{"config.json", "generation_config.json"} {
			a, errA := os.ReadFile(filepath.Join(from, file))
			b, errB := os.ReadFile(filepath.Join(dir, file))
			if !bytes.Equal(a, b) || errors.Is(errA, os.ErrNotExist) != errors.Is(errB, os.ErrNotExist) {
				t.Errorf("%s: another %s: %v, %v", name, file, errA, errB)
			}
		}
		checkSameOutputs(t, name, from, dir)
	}
}

// differing are the names of tensors that two folders do not have alike.
func differing(a, b map[string]string) (names []string) {
	all := maps.Clone(a)
	maps.Copy(all, b)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if a[name] != b[name] {
			names = append(names, name)
		}
	}
	return names
}

func checkSameOutputs(t *testing.T, name, from, dir string) {
	t.Helper()
	b := &data.Batch{Tokens: []int32{4, 8, 15, 16, 23, 42, 11, 7, 30, 5, 61, 2}, Lengths: []int{9, 3}}
	var all [2][]float32
	for i, path := range []string{from, dir} {
		m, err := model.Open(path)
		if err != nil {
			t.Fatal(name, err)
		}
		all[i] = outputs(t, m, b)
		m.Close()
	}
	if !slices.Equal(all[0], all[1]) {
		t.Errorf("%s: the saved model gives %v, want %v", name, all[1][:3], all[0][:3])
	}
}

// Weights in other types and in several files.
func TestSavedInOtherTypesAndShards(t *testing.T) {
	for _, c := range []struct {
		folder, kind string
		dtype        safetensors.DType
		config       string
	}{
		{"bert", "bf16", safetensors.BF16, `"dtype": "bfloat16"`},
		{"gpt2", "fp16", safetensors.F16, `"dtype": "float16"`},
		{"llama_bf16", "f32", safetensors.F32, `"dtype": "float32"`},
		{"llama_bf16", "", safetensors.BF16, `"dtype": "bfloat16"`},
	} {
		from := filepath.Join(goldenDir, c.folder)
		dir, saved, err := saveAs(t, from, model.OpenOptions{}, hf.SaveOptions{Type: c.kind, Shard: 40000})
		if err != nil {
			t.Fatal(err)
		}
		w, err := checkpoint.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		var size int64
		for _, e := range w.Entries() {
			size += e.Bytes()
			if e.DType != c.dtype {
				t.Errorf("%s as %s: %s", c.folder, c.kind, e)
			}
		}
		if n := len(w.Files()); int64(n) < size/40000 || n < 2 || size != saved.Bytes {
			t.Errorf("%s: %d files of %d bytes", c.folder, n, size)
		}
		for _, path := range w.Files() {
			if info, err := os.Stat(path); err != nil || info.Size() > 48000 {
				t.Errorf("%s: %d bytes, want up to 40,000 and a header", path, info.Size())
			}
		}
		w.Close()
		text, err := os.ReadFile(filepath.Join(dir, "config.json"))
		if err != nil || !strings.Contains(string(text), c.config) {
			t.Errorf("%s: %s, want %s", c.folder, text, c.config)
		}
	}
}

// A folder of sentence-transformers keeps its modules, and a projection its folder.
func TestSavedSentenceTransformer(t *testing.T) {
	from := denseFolder(t)
	dir, saved, err := saveAs(t, from, model.OpenOptions{}, hf.SaveOptions{MaxTokens: 4096})
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"", "2_Dense"} {
		if wrong := differing(tensorsOf(t, filepath.Join(dir, folder)), tensorsOf(t, filepath.Join(from, folder))); len(wrong) > 0 {
			t.Errorf("%s: other tensors: %q", folder, wrong)
		}
	}
	checkSameOutputs(t, "sentence", from, dir)
	if want := []string{"1_Pooling/config.json", "2_Dense/config.json", "2_Dense/model.safetensors", "config.json", "model.safetensors",
		"modules.json", "sentence_bert_config.json", "tokenizer_config.json"}; !slices.Equal(saved.Files, want) {
		t.Errorf("files %q, want %q", saved.Files, want)
	}
	for file, key := range map[string]string{"sentence_bert_config.json": "max_seq_length", "tokenizer_config.json": "model_max_length"} {
		var settings map[string]any
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil || json.Unmarshal(text, &settings) != nil || settings[key] != 4096.0 {
			t.Errorf("%s: %s, %v", file, text, err)
		}
	}
	if !slices.Contains(saved.LeftOut, "files: README.md") {
		t.Errorf("left out %q, want the README", saved.LeftOut)
	}
}

// denseFolder is a tiny folder of sentence-transformers.
func denseFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"config.json", "model.safetensors"} {
		link(t, filepath.Join(goldenDir, "bert_plain", name), filepath.Join(dir, name))
	}
	for name, text := range map[string]string{
		"modules.json": `[{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
 {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
 {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"},
 {"idx": 3, "name": "3", "path": "3_Normalize", "type": "sentence_transformers.models.Normalize"}]`,
		"sentence_bert_config.json": `{"max_seq_length": 80, "do_lower_case": false}`,
		"tokenizer_config.json":     `{"model_max_length": 80}`,
		"README.md":                 "a card",
		"1_Pooling/config.json":     `{"word_embedding_dimension": 32, "pooling_mode_mean_tokens": true}`,
		"2_Dense/config.json": `{"in_features": 32, "out_features": 24, "bias": true,
  "activation_function": "torch.nn.modules.activation.Tanh"}`,
	} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	weights := make([]byte, 24*32*4)
	for i := range weights {
		if i%4 < 2 {
			weights[i] = byte(i * 37)
		}
	}
	if err := safetensors.Save(filepath.Join(dir, "2_Dense", "model.safetensors"), []safetensors.Tensor{
		safetensors.Raw("linear.weight", safetensors.F32, []int{24, 32}, weights),
		safetensors.Raw("linear.bias", safetensors.F32, []int{24}, weights[:96])}, map[string]string{"format": "pt"}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// What the form cannot say is refused, and nothing is left behind.
func TestWhatIsNotSavedInTheForm(t *testing.T) {
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "a"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, folder, dir string
		open              model.OpenOptions
		save              hf.SaveOptions
		want              string
		form              bool // the error is hf.ErrForm
	}{
		{"another mechanism", "bert", "", model.OpenOptions{Attention: []string{"window(4)"}}, hf.SaveOptions{},
			`config.json would say "full" of layers.0.attention.mechanism, expected "window(4)"`, true},
		{"a GGUF file", "gguf/llama.gguf", "", model.OpenOptions{}, hf.SaveOptions{}, "it came as a GGUF file", true},
		{"another type", "bert", "", model.OpenOptions{}, hf.SaveOptions{Type: "int8"}, `found the type "int8", expected f32, bf16 or fp16`, false},
		{"a full folder", "bert", full, model.OpenOptions{}, hf.SaveOptions{}, "found a folder with 1 files, expected none", false},
		{"other settings", "bert", "", model.OpenOptions{}, hf.SaveOptions{Settings: map[string]any{"layer_norm_eps": 1e-3}},
			"config.json would say 0.001 of embed.norm.eps, expected 1e-12", true},
		{"bad settings", "bert", "", model.OpenOptions{}, hf.SaveOptions{Settings: map[string]any{"hidden_act": "mish"}}, "mish", false},
	} {
		m, err := model.OpenWith(filepath.Join(goldenDir, c.folder), c.open)
		if err != nil {
			t.Fatal(c.name, err)
		}
		dir := c.dir
		if dir == "" {
			dir = filepath.Join(t.TempDir(), "saved")
		}
		_, err = m.SaveAs(dir, model.SaveOptions{Form: model.HuggingFaceForm, SaveOptions: c.save})
		if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, hf.ErrForm) != c.form {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
		if _, err := os.Stat(dir); c.dir == "" && !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: left something behind: %v", c.name, err)
		}
		m.Close()
	}
}
