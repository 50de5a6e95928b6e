package sentence_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/sentence"
	"github.com/longspan/longspan/tensor"
)

// folder makes a folder of texts by their paths.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// modules is a modules.json of classes and paths.
func modules(classesAndPaths ...string) string {
	text := "["
	for i := 0; i < len(classesAndPaths); i += 2 {
		if i > 0 {
			text += ","
		}
		n := string(rune('0' + i/2))
		class, path := "sentence_transformers."+classesAndPaths[i], classesAndPaths[i+1]
		text += `{"idx": ` + n + `, "name": "` + n + `", "path": "` + path + `", "type": "` + class + `"}`
	}
	return text + "]"
}

// miniLM is the files of all-MiniLM-L6-v2, which sentence-transformers 2.0 wrote.
func miniLM() map[string]string {
	return map[string]string{
		"modules.json":              modules("models.Transformer", "", "models.Pooling", "1_Pooling", "models.Normalize", "2_Normalize"),
		"sentence_bert_config.json": `{"max_seq_length": 256, "do_lower_case": false}`,
		"1_Pooling/config.json": `{"word_embedding_dimension": 384, "pooling_mode_cls_token": false, "pooling_mode_mean_tokens": true,
			"pooling_mode_max_tokens": false, "pooling_mode_mean_sqrt_len_tokens": false}`,
		"config_sentence_transformers.json": `{"__version__": {"sentence_transformers": "2.0.0", "transformers": "4.6.1", "pytorch": "1.8.1"}}`,
	}
}

// gemma is the files of a model like EmbeddingGemma in the spelling of sentence-transformers 6.2, with two Dense of small sizes.
func gemma() map[string]string {
	return map[string]string{
		"modules.json": modules("base.modules.transformer.Transformer", "", "sentence_transformer.modules.pooling.Pooling", "1_Pooling",
			"base.modules.dense.Dense", "2_Dense", "base.modules.dense.Dense", "3_Dense", "base.modules.normalize.Normalize", "4_Normalize"),
		"sentence_bert_config.json": `{"transformer_task": "feature-extraction", "modality_config":
			{"text": {"method": "forward", "method_output_name": "last_hidden_state"}, "message": {"method": "forward", "format": "flat"}},
			"module_output_name": "token_embeddings", "unpad_inputs": false}`,
		"1_Pooling/config.json": `{"embedding_dimension": 4, "pooling_mode": "mean", "include_prompt": true}`,
		"2_Dense/config.json": `{"in_features": 4, "out_features": 6, "bias": false, "activation_function": "torch.nn.modules.linear.Identity",
			"module_input_name": "sentence_embedding", "module_output_name": "sentence_embedding"}`,
		"3_Dense/config.json":     `{"in_features": 6, "out_features": 4, "bias": true, "activation_function": "torch.nn.Tanh"}`,
		"4_Normalize/config.json": `{"module_input_name": "sentence_embedding", "module_output_name": "sentence_embedding"}`,
		"config_sentence_transformers.json": `{"model_type": "SentenceTransformer", "__version__": {},
			"prompts": {"query": "task: search | query: ", "document": ""}, "default_prompt_name": "document",
			"similarity_fn_name": "cosine", "truncate_dim": 2}`,
	}
}

// dense adds the weights of a linear layer to a folder.
func dense(t *testing.T, dir string, out, in int, bias bool) {
	t.Helper()
	tensors := []safetensors.Tensor{safetensors.Matrix("linear.weight", tensor.New(tensor.F32, out, in))}
	if bias {
		tensors = append(tensors, safetensors.Shaped("linear.bias", tensor.New(tensor.F32, 1, out), out))
	}
	if err := safetensors.Save(filepath.Join(dir, "model.safetensors"), tensors, nil); err != nil {
		t.Fatal(err)
	}
}

// pipeline opens a folder with the weights of gemma's layers.
func pipeline(t *testing.T, files map[string]string) (*sentence.Pipeline, string, error) {
	t.Helper()
	dir := folder(t, files)
	if files["2_Dense/config.json"] != "" {
		dense(t, filepath.Join(dir, "2_Dense"), 6, 4, false)
		dense(t, filepath.Join(dir, "3_Dense"), 4, 6, true)
	}
	p, err := sentence.Open(dir)
	if err == nil {
		t.Cleanup(func() { _ = p.Close() }) // it was only read
	}
	return p, dir, err
}

func TestPipelines(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  sentence.Pipeline // without folders and weights
	}{
		{"MiniLM", miniLM(), sentence.Pipeline{Dimension: 384, Modules: []sentence.Module{sentence.Transformer{MaxTokens: 256},
			sentence.Pooling{Modes: []sentence.Mode{sentence.Mean}, Dimension: 384, IncludePrompt: true}, sentence.Normalize{}},
			Folders: []string{"", "1_Pooling", "2_Normalize"}}},
		{"Gemma", gemma(), sentence.Pipeline{
			Modules: []sentence.Module{sentence.Transformer{},
				sentence.Pooling{Modes: []sentence.Mode{sentence.Mean}, Dimension: 4, IncludePrompt: true},
				sentence.Dense{In: 4, Out: 6, Activation: sentence.Identity}, sentence.Dense{In: 6, Out: 4, Bias: true, Activation: sentence.Tanh},
				sentence.Normalize{}},
			Dimension: 4, Truncate: 2, Prompts: map[string]string{"query": "task: search | query: ", "document": ""}, DefaultPrompt: "document",
			Similarity: sentence.Cosine, Folders: []string{"", "1_Pooling", "2_Dense", "3_Dense", "4_Normalize"}}},
	} {
		p, dir, err := pipeline(t, c.files)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if diff := cmp.Diff(c.want, *p, cmpopts.IgnoreFields(sentence.Transformer{}, "Dir"), cmpopts.IgnoreFields(sentence.Dense{},
			"Weights")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
		if got := p.Modules[0].(sentence.Transformer).Dir; got != dir {
			t.Errorf("%s: the Transformer is in %s, want %s", c.name, got, dir)
		}
	}
}

// The weights of a Dense can be read until Close.
func TestWeightsOfDense(t *testing.T) {
	p, _, err := pipeline(t, gemma())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Modules[3].(sentence.Dense).Weights.ReadMat(tensor.New(tensor.F32, 4, 6), "linear.weight"); err != nil {
		t.Error(err)
	}
}

// Other spellings of the same thing.
func TestSpellings(t *testing.T) {
	for _, c := range []struct{ name, file, text string }{
		{"a config of RoBERTa", "sentence_roberta_config.json", `{"max_seq_length": 256}`},
		{"no config of the Transformer", "sentence_bert_config.json", ""},
		{"no config of the pipeline", "config_sentence_transformers.json", ""},
		{"arguments that change nothing", "sentence_bert_config.json", `{"max_seq_length": null, "model_args": {"torch_dtype": "bfloat16"}}`},
		{"both spellings", "1_Pooling/config.json", `{"embedding_dimension": 384, "word_embedding_dimension": 384, "pooling_mode": ["mean"],
			"pooling_mode_mean_tokens": true}`},
		{"the default mode", "1_Pooling/config.json", `{"word_embedding_dimension": 384}`},
	} {
		files := miniLM()
		files[c.file] = c.text
		if c.text == "" {
			delete(files, c.file)
		}
		if p, _, err := pipeline(t, files); err != nil || p.Dimension != 384 {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// Several modes stand end to end, in the order of sentence-transformers.
func TestSeveralModes(t *testing.T) {
	for text, want := range map[string][]sentence.Mode{
		`{"word_embedding_dimension": 5, "pooling_mode_mean_tokens": true, "pooling_mode_lasttoken": true, "pooling_mode_cls_token": true,
			"pooling_mode_weightedmean_tokens": true,
				"include_prompt": false}`: {sentence.First, sentence.Mean, sentence.PositionWeighed, sentence.Last},
		`{"embedding_dimension": 5, "pooling_mode": ["max", "cls", "mean_sqrt_len_tokens"], "include_prompt": false}`: {
			sentence.Max, sentence.First, sentence.MeanSqrt},
	} {
		files := miniLM()
		files["1_Pooling/config.json"] = text
		p, _, err := pipeline(t, files)
		if err != nil {
			t.Error(err)
			continue
		}
		if diff := cmp.Diff(sentence.Pooling{Modes: want, Dimension: 5}, p.Modules[1]); diff != "" || p.Dimension != 5*len(want) {
			t.Errorf("dimension %d (-want +got):\n%s", p.Dimension, diff)
		}
	}
}

func TestWhatIsRefused(t *testing.T) {
	const pooling, bert, all = "1_Pooling/config.json", "sentence_bert_config.json", "config_sentence_transformers.json"
	for _, c := range []struct{ name, file, text, want string }{
		{"no list", "modules.json", "{}", "cannot unmarshal object"},
		{"many modules", "modules.json", "[" + strings.Repeat("{},", 64) + "{}]", "found 65 modules, expected at most 64"},
		{"one module", "modules.json", modules("models.Transformer", ""), "found 1 modules, expected a Transformer and a Pooling"},
		{"no module", "modules.json", "[]", "found 0 modules"},
		{"another module", "modules.json", modules("models.Transformer", "", "models.LSTM", "1_LSTM"),
			`module 1: found the type "sentence_transformers.models.LSTM", expected one of`},
		{"code of the model's own", "modules.json", `[{"idx": 0, "name": "0", "path": "", "type": "custom_st.Transformer"}]`,
			`found the type "custom_st.Transformer"`},
		{"modules out of order", "modules.json", `[{"idx": 1, "type": "sentence_transformers.models.Transformer"}]`, "found idx 1, expected 0"},
		{"a module that takes more", "modules.json", `[{"type": "sentence_transformers.models.Transformer", "kwargs": ["task"]}]`,
			`found kwargs ["task"], expected none`},
		{"a key of the future", "modules.json", `[{"device": 1}]`, `found the key "device", which is not known here; expected idx, kwargs`},
		{"a path outside", "modules.json", modules("models.Transformer", "../other"), `found the path "../other", expected one inside`},
		{"an absolute path", "modules.json", modules("models.Transformer", "/etc"), `found the path "/etc"`},
		{"a path of Windows", "modules.json", modules("models.Transformer", `..\\other`), "expected one inside the model folder"},
		{"no path", "modules.json", modules("models.Transformer", "", "models.Pooling", ""), "found no path for"},
		{"Pooling first", "modules.json", modules("models.Pooling", "1_Pooling", "models.Transformer", ""), "found a Pooling as module 0"},
		{"two Transformers", "modules.json", modules("models.Transformer", "", "models.Transformer", ""), "found a Transformer as module 1"},
		{"Normalize before Pooling", "modules.json", modules("models.Transformer", "", "models.Normalize", ""), "found a Normalize as module 1"},
		{"no Pooling there", "modules.json", modules("models.Transformer", "", "models.Pooling", "2_Pooling"), "2_Pooling"},
		{"a large file", "modules.json", strings.Repeat(" ", 2<<20), "expected a regular file of at most"},

		{"an unknown mode", pooling, `{"embedding_dimension": 4, "pooling_mode": "median"}`,
			`found the pooling_mode "median", expected one of cls, max`},
		{"a mode that is a number", pooling, `{"embedding_dimension": 4, "pooling_mode": 1}`, "expected a word or a list"},
		{"no mode", pooling, `{"embedding_dimension": 4, "pooling_mode": []}`, "found 0 pooling modes"},
		{"all booleans false", pooling, `{"embedding_dimension": 4, "pooling_mode_mean_tokens": false}`,
			"all booleans of pooling modes are false"},
		{"booleans without the mean", pooling, `{"embedding_dimension": 4, "pooling_mode_cls_token": true}`, "whose default differs by version"},
		{"two modes", pooling, `{"embedding_dimension": 4, "pooling_mode": "cls", "pooling_mode_mean_tokens": true}`, "expected the same"},
		{"two dimensions", pooling, `{"embedding_dimension": 4, "word_embedding_dimension": 5}`, "expected one of them"},
		{"no dimension", pooling, `{}`, "found embedding_dimension 0"},
		{"a negative dimension", pooling, `{"word_embedding_dimension": -4}`, "found embedding_dimension -4"},
		{"an unknown key", pooling, `{"embedding_dimension": 4, "pooling_layers": [1]}`, `found the key "pooling_layers"`},

		{"another task", bert, `{"transformer_task": "fill-mask"}`, `found the transformer_task "fill-mask"`},
		{"several vectors", bert, `{"query_length": 32}`, "found query_length 32, expected none"},
		{"images", bert, `{"modality_config": {"image": {}, "text": {}}}`, `found the input "image"`},
		{"an output", bert, `{"modality_config": {"text": {"method": "encode"}}}`, "of the method encode"},
		{"arguments", bert, `{"config_args": {"num_hidden_layers": 2}}`, `found the argument "num_hidden_layers": 2`},
		{"processing", bert, `{"processing_kwargs": {"text": {}}}`, "found processing_kwargs"},
		{"negative tokens", bert, `{"max_seq_length": -1}`, "found max_seq_length -1"},
		{"text for a number", bert, `{"max_seq_length": "many"}`, `"max_seq_length": json: cannot unmarshal string`},

		{"another kind", all, `{"model_type": "SparseEncoder"}`, `found the model_type "SparseEncoder"`},
		{"a prompt that is not there", all, `{"prompts": {"a": "b"}, "default_prompt_name": "c"}`,
			`found the default_prompt_name "c", expected one of the prompts a`},
		{"a similarity", all, `{"similarity_fn_name": "maxsim"}`, `found the similarity_fn_name "maxsim", expected cosine, dot`},
		{"a negative length", all, `{"truncate_dim": -1}`, "found truncate_dim -1"},
		{"a large length", all, `{"truncate_dim": 385}`, "found a truncate_dim of 385, expected at most the vector's length, 384"},
	} {
		files := miniLM()
		files[c.file] = c.text
		check(t, c.name, files, c.want)
	}
}

func check(t *testing.T, name string, files map[string]string, want string) {
	t.Helper()
	if _, _, err := pipeline(t, files); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "sentence: ") {
		t.Errorf("%s: found the error %v, expected one with %q", name, err, want)
	}
}

func TestDenseThatIsRefused(t *testing.T) {
	const config = "2_Dense/config.json"
	for _, c := range []struct{ name, file, text, want string }{
		{"no sizes", config, `{}`, "found in_features 0 and out_features 0"},
		{"another input", config, `{"in_features": 5, "out_features": 6}`, `found tensor "linear.weight" of shape [6 4], expected [6 5]`},
		{"an input of another module", "1_Pooling/config.json", `{"embedding_dimension": 5}`,
			"found a Dense of 4 inputs as module 2, after a module of 5 outputs"},
		{"no bias", config, `{"in_features": 4, "out_features": 6}`, `found no tensor "linear.bias", expected one of shape [6]`},
		{"a bias too many", "3_Dense/config.json", `{"in_features": 6, "out_features": 4, "bias": false}`,
			`found tensor "linear.bias", which a Dense of this config`},
		{"an activation", config, `{"in_features": 4, "out_features": 6, "activation_function": "os.system"}`,
			`found the activation_function "os.system"`},
		{"a residual", config, `{"in_features": 4, "out_features": 6, "use_residual": true}`, "found use_residual true"},
		{"vectors of tokens", config, `{"in_features": 4, "out_features": 6, "module_input_name": "token_embeddings"}`,
			`found module_input_name "token_embeddings"`},
		{"Normalize of tokens", "4_Normalize/config.json", `{"module_input_name": "token_embeddings"}`,
			`found module_input_name "token_embeddings"`},
	} {
		files := gemma()
		files[c.file] = c.text
		check(t, c.name, files, c.want)
	}
	dir := folder(t, gemma())
	if _, err := sentence.Open(dir); err == nil || !strings.Contains(err.Error(), "found none of model.safetensors") {
		t.Errorf("found the error %v, expected one about the weights of 2_Dense", err)
	}
}

// A folder without modules.json can be told from one with a file missing.
func TestFolderOfAnotherKind(t *testing.T) {
	files := miniLM()
	delete(files, "modules.json")
	if _, _, err := pipeline(t, files); !errors.Is(err, sentence.ErrNoModules) {
		t.Errorf("found the error %v, expected ErrNoModules", err)
	}
	files = miniLM()
	delete(files, "1_Pooling/config.json")
	if _, _, err := pipeline(t, files); err == nil || errors.Is(err, sentence.ErrNoModules) {
		t.Errorf("found the error %v, expected one about 1_Pooling", err)
	}
}
