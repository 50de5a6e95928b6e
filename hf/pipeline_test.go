package hf_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/tensor"
)

// write writes files by name into a folder of their own.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// sentenceFolder is bert_plain as a folder of sentence-transformers, with a projection of 3 outputs.
func sentenceFolder(t *testing.T, pooling string) (dir string, projection tensor.Mat) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range []string{"config.json", "model.safetensors"} {
		link(t, filepath.Join(goldenDir, "bert_plain", name), filepath.Join(dir, name))
	}
	write(t, dir, map[string]string{
		"modules.json": `[{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
			{"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
			{"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"},
			{"idx": 3, "name": "3", "path": "3_Normalize", "type": "sentence_transformers.models.Normalize"}]`,
		"sentence_bert_config.json": `{"max_seq_length": 64, "do_lower_case": false}`,
		"1_Pooling/config.json":     `{"embedding_dimension": 32, "pooling_mode": "` + pooling + `"}`,
		"2_Dense/config.json": `{"in_features": 32, "out_features": 3, "bias": false,
			"activation_function": "torch.nn.modules.activation.Tanh"}`,
		"config_sentence_transformers.json": `{"prompts": {"query": "ask: "}, "default_prompt_name": "query"}`,
	})
	projection = tensor.New(tensor.F32, 3, 32)
	for i := range projection.F32 {
		projection.F32[i] = float32(math.Sin(float64(i)))
	}
	err := safetensors.Save(filepath.Join(dir, "2_Dense", "model.safetensors"),
		[]safetensors.Tensor{safetensors.Matrix("linear.weight", projection)}, map[string]string{"format": "pt"})
	if err != nil {
		t.Fatal(err)
	}
	return dir, projection
}

// A folder of sentence-transformers gives normalised projections of the pooled states.
func TestSentenceFolder(t *testing.T) {
	for pooling, weights := range map[string]func(i, n int) float64{
		"mean":      func(_, n int) float64 { return 1 / float64(n) },
		"cls":       func(i, _ int) float64 { return map[bool]float64{true: 1}[i == 0] },
		"lasttoken": func(i, n int) float64 { return map[bool]float64{true: 1}[i == n-1] },
	} {
		dir, projection := sentenceFolder(t, pooling)
		m, err := model.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if a := m.Answers(); a.Prompts["query"] != "ask: " || a.Prompt != "query" || a.Tokens != 83 {
			t.Errorf("answers %+v", a)
		}
		if notes := strings.Join(m.Notes(), "\n"); !strings.Contains(notes, "after 64 tokens") {
			t.Errorf("notes %q", notes)
		}
		b := &data.Batch{Tokens: []int32{4, 8, 15, 16, 23, 42}, Lengths: []int{6}}
		s := m.NewSession(tensor.Exec{})
		got, err := s.Predict(b, model.StepOptions{})
		if err != nil {
			t.Fatal(err)
		}
		hidden, err := s.Hidden(b, model.StepOptions{})
		if err != nil {
			t.Fatal(err)
		}
		want, length := make([]float64, 3), 0.0
		for o := range want {
			for i := range 6 {
				for j, v := range hidden.Row(i) {
					want[o] += weights(i, 6) * float64(v) * float64(projection.Row(o)[j])
				}
			}
			want[o] = math.Tanh(want[o])
			length += want[o] * want[o]
		}
		for o := range want {
			if w := want[o] / math.Sqrt(length); math.Abs(float64(got.Row(0)[o])-w) > 1e-5 {
				t.Errorf("%s: output %d is %g, want %g", pooling, o, got.Row(0)[o], w)
			}
		}
	}
}

func TestSentenceFolderIsRefused(t *testing.T) {
	for want, files := range map[string]map[string]string{
		"found the pooling [max]": {"1_Pooling/config.json": `{"embedding_dimension": 32, "pooling_mode": "max"}`},
		"found include_prompt false": {"1_Pooling/config.json": `{"embedding_dimension": 32, "pooling_mode": "mean",
			"include_prompt": false}`},
		"found truncate_dim 2":    {"config_sentence_transformers.json": `{"truncate_dim": 2}`},
		"expected Normalize last": {"modules.json": normalizeFirst},
		"config.json: no such file": {"modules.json": `[
			{"idx": 0, "name": "0", "path": "0_T", "type": "sentence_transformers.models.Transformer"},
			{"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}]`},
	} {
		dir, _ := sentenceFolder(t, "mean")
		write(t, dir, files)
		if _, err := model.Open(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

const normalizeFirst = `[{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
	{"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
	{"idx": 2, "name": "2", "path": "3_Normalize", "type": "sentence_transformers.models.Normalize"},
	{"idx": 3, "name": "3", "path": "2_Dense", "type": "sentence_transformers.models.Dense"}]`
