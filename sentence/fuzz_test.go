package sentence

import (
	"path/filepath"
	"testing"
)

// Each reader takes any text. What it accepts can be used.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		`[{"idx": 0, "name": "0", "path": "a/../b", "type": "sentence_transformers.models.Transformer", "kwargs": []}]`,
		`{"embedding_dimension": 4, "pooling_mode": ["mean", "cls"], "include_prompt": false}`,
		`{"word_embedding_dimension": 4, "pooling_mode_mean_tokens": true, "pooling_mode_cls_token": true}`,
		`{"in_features": 4, "out_features": 6, "bias": false, "activation_function": "torch.nn.modules.linear.Identity"}`,
		`{"max_seq_length": 1, "modality_config": {"text": null}, "model_args": {"dtype": 1}, "processing_kwargs": {}}`,
		`{"prompts": {"a": "b"}, "default_prompt_name": "a", "similarity_fn_name": "dot", "truncate_dim": 3}`,
		`{"module_input_name": "sentence_embedding"}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if steps, err := parseModules(text); err == nil {
			for _, s := range steps {
				if s.path != "" && !filepath.IsLocal(s.path) {
					t.Errorf("%q leaves the folder", s.path)
				}
			}
		}
		if p, err := parsePooling(text); err == nil && (len(p.Modes) == 0 || p.Dimension <= 0) {
			t.Errorf("found %+v", p)
		}
		if d, err := parseDense(text); err == nil && (d.In <= 0 || d.Out <= 0 || d.Activation == "") {
			t.Errorf("found %+v", d)
		}
		if m, err := parseTransformer(text); err == nil && m.MaxTokens < 0 {
			t.Errorf("found %+v", m)
		}
		if c, err := parseConfig(text); err == nil && c.truncate < 0 {
			t.Errorf("found %+v", c)
		}
		_, _ = parseNormalize(text) // it has nothing to use
	})
}
