package hub_test

import (
	"strings"
	"testing"

	"github.com/longspan/longspan/hub"
)

func TestChoose(t *testing.T) {
	none := hub.Want{}
	for _, c := range []struct {
		what          string
		want          hub.Want
		files, wanted string
	}{
		{"a sentence encoder", none,
			".gitattributes README.md 1_Pooling/config.json config.json model.safetensors pytorch_model.bin modules.json vocab.txt " +
				"onnx/model.onnx onnx/config.json openvino/openvino_model.xml train_script.py tf_model.h5 rust_model.ot",
			"1_Pooling/config.json config.json model.safetensors modules.json vocab.txt"},
		{"weights as .bin alone", none, "config.json pytorch_model.bin training_args.bin optimizer.bin", "config.json pytorch_model.bin"},
		{"a part as .bin alone", none, "config.json model.safetensors pytorch_model.bin 2_Dense/config.json 2_Dense/pytorch_model.bin",
			"config.json model.safetensors 2_Dense/config.json 2_Dense/pytorch_model.bin"},
		{"shards", none, "model-00001-of-00002.safetensors model-00002-of-00002.safetensors model.safetensors.index.json tokenizer.model",
			"model-00001-of-00002.safetensors model-00002-of-00002.safetensors model.safetensors.index.json tokenizer.model"},
		{"shards of .bin", none, "pytorch_model-00001-of-00001.bin pytorch_model.bin.index.json",
			"pytorch_model-00001-of-00001.bin pytorch_model.bin.index.json"},
		{"an index of .bin without use", none, "model.safetensors pytorch_model.bin.index.json", "model.safetensors"},
		{"Mistral's second copy", none, "consolidated.safetensors model.safetensors params.json", "model.safetensors params.json"},
		{"Mistral's only copy", none, "consolidated.safetensors params.json", "consolidated.safetensors params.json"},
		{"checkpoints", none, "model.safetensors checkpoint-500/model.safetensors original/params.json chat_template.jinja",
			"model.safetensors chat_template.jinja"},
		{"modules by route", none, "query_0_Transformer/model.safetensors document_0_Transformer/config.json x",
			"query_0_Transformer/model.safetensors document_0_Transformer/config.json"},
		{"one GGUF", none, "README.md config.json m.gguf", "config.json m.gguf"},
		{"a GGUF beside weights", none, "model.safetensors m.gguf", "model.safetensors"},
		{"patterns", hub.Want{Include: []string{"*Q4_K_M.gguf", "config.*"}}, "config.json a/m-Q4_K_M.gguf m-Q8_0.gguf",
			"config.json a/m-Q4_K_M.gguf"},
		{"a folder", hub.Want{Include: []string{"onnx/"}, Exclude: []string{"*.xml"}}, "onnx/a.onnx onnx/b/c.xml model.onnx", "onnx/a.onnx"},
		{"an exclusion", hub.Want{Exclude: []string{"vocab.txt"}}, "model.safetensors vocab.txt", "model.safetensors"},
	} {
		files := strings.Fields(c.files)
		wanted, others, err := c.want.Choose(files...)
		if got := strings.Join(wanted, " "); err != nil || got != c.wanted {
			t.Errorf("%s: %q, %v; want %q", c.what, got, err, c.wanted)
		}
		if len(wanted)+len(others) != len(files) {
			t.Errorf("%s: %d wanted and %d others of %d files", c.what, len(wanted), len(others), len(files))
		}
	}
}

func TestChooseRefuses(t *testing.T) {
	for _, c := range []struct {
		want  hub.Want
		files string
		error string
	}{
		{hub.Want{}, "m-Q4_K_M.gguf m-Q8_0.gguf README.md", "2 .gguf files and no other weights; choose one with --include"},
		{hub.Want{}, "m-Q4_K_M.gguf m-Q8_0.gguf README.md", "1.00 MiB  m-Q8_0.gguf"},
		{hub.Want{Include: []string{"*.gguf"}}, "config.json", "no file of the repo matches --include *.gguf"},
		{hub.Want{Include: []string{"*.json"}, Exclude: []string{"*"}}, "config.json", "stays after --exclude"},
		{hub.Want{}, "README.md model.onnx", "no file that a model needs; choose some with --include"},
		{hub.Want{Include: []string{""}}, "config.json", "a pattern of 0 bytes for --include"},
		{hub.Want{Exclude: []string{"[z-a]"}}, "config.json", `found --exclude "[z-a]", expected a pattern`},
	} {
		if _, _, err := c.want.Choose(strings.Fields(c.files)...); err == nil || !strings.Contains(err.Error(), c.error) {
			t.Errorf("%+v of %s: error %v; want one with %q", c.want, c.files, err, c.error)
		}
	}
}

// The expected values are those of Python's fnmatch.
func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"*.json", "a/b.json", true}, {"*.json", "a.jsonl", false}, {"?.json", "é.json", true}, {"?.json", "ab.json", false},
		{"[a-c]1", "b1", true}, {"[!a-c]1", "b1", false}, {"[!a-c]1", "d1", true}, {"[]]", "]", true}, {"[!]]", "x", true},
		{"[a", "[a", true}, {"a.b", "axb", false}, {"a+(b)", "a+(b)", true}, {`a\*`, `a\x`, true}, {"[\\]", `\`, true},
		{"x/", "x/y/z", true}, {"x/", "x", false}, {"*", "a\nb", true}, {"[[]", "[", true}, {"[^a]", "^", true}, {"[^a]", "b", false},
	} {
		if got := hub.Match(c.pattern, c.name); got != c.want {
			t.Errorf("%q matches %q: %v; want %v", c.pattern, c.name, got, c.want)
		}
	}
}
