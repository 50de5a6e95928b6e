package hf_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/tensor"
)

func TestNomicSettings(t *testing.T) {
	refuse(t, []refusal{
		{"nomic_hub", map[string]any{"rotary_scaling_factor": 2, "max_trained_positions": absent{}}, "max_trained_positions: found none"},
		{"nomic_hub", map[string]any{"rotary_emb_fraction": 0.5}, "rotary_emb_fraction: found 0.5"},
		{"nomic_hub", map[string]any{"rotary_emb_fraction": absent{}}, "rotary_emb_fraction: found 0"},
		{"nomic_hub", map[string]any{"qkv_proj_bias": absent{}}, "qkv_proj_bias: found true"},
		{"nomic_hub", map[string]any{"prenorm": true}, "prenorm: found true"},
		{"nomic_hub", map[string]any{"moe_every_n_layers": 2}, "moe_every_n_layers: found 2"},
		{"nomic_hub", map[string]any{"activation_function": "gelu"}, `activation_function: found "gelu"`},
		{"nomic_hub", map[string]any{"hidden_act": "gelu"}, `activation_function: found "swiglu", and "gelu" under hidden_act`},
		{"nomic_hub", map[string]any{"hidden_size": 64}, "n_embd: found 32, and 64 under hidden_size"},
		{"nomic_hub", map[string]any{"pad_vocab_size_multiple": 0}, "pad_vocab_size_multiple: found 0"},
		{"nomic_hub", map[string]any{"pad_vocab_size_multiple": 64}, "bert.embeddings.word_embeddings.weight"},
		{"nomic", map[string]any{"hidden_act": "relu"}, `hidden_act: found the activation "relu"`},
		{"nomic", map[string]any{"head_dim": 16}, "head_dim: found 16, expected 8"},
		{"nomic", map[string]any{"rope_parameters": map[string]any{"rope_type": "dynamic", "factor": 2, "rope_theta": 1000}},
			`rope_type: found "dynamic"`},
	})
}

// A folder of the authors' names that transformers 5 saved again has the keys of both.
func TestNomicHasKeysOfBoth(t *testing.T) {
	m, err := model.Open(edited(t, "nomic_hub", map[string]any{"hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 3,
		"intermediate_size": 40, "layer_norm_eps": 1e-12, "hidden_act": "silu", "max_position_embeddings": 2048, "rotary_scaling_factor": 2,
		"rope_parameters": map[string]any{"rope_theta": 1000, "rope_type": "default"}}))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if n := m.Notes(); m.Answers().Tokens != 256 || len(n) != 2 || !strings.Contains(n[0], "auto_map") ||
		!strings.Contains(n[1], "texts longer than 256 by other angles") {
		t.Errorf("%d tokens, notes %q", m.Answers().Tokens, m.Notes())
	}
}

// The authors' head of masked tokens has no biases where their other layers have none; a head with biases of zero is the same.
func TestNomicHeadWithoutBiases(t *testing.T) {
	run := func(keep bool) []float32 {
		dir := edited(t, "nomic_hub", nil)
		f, err := safetensors.Open(filepath.Join(goldenDir, "nomic_hub", "model.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		var tensors []safetensors.Tensor
		for _, e := range f.Entries() {
			rows, cols := e.Matrix()
			m := tensor.New(tensor.F32, rows, cols)
			if err := f.ReadMat(m, e.Name); err != nil {
				t.Fatal(err)
			}
			if e.Name == "cls.predictions.bias" || e.Name == "cls.predictions.transform.dense.bias" {
				clear(m.F32)
				if !keep {
					continue
				}
			}
			tensors = append(tensors, safetensors.Shaped(e.Name, m, e.Shape...))
		}
		if err := safetensors.Save(filepath.Join(dir, "model.safetensors"), tensors, nil); err != nil {
			t.Fatal(err)
		}
		m, err := model.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		return outputs(t, m, &data.Batch{Tokens: []int32{7, 8, 9}, Lengths: []int{3}})
	}
	if with, without := run(true), run(false); !slices.Equal(with, without) {
		t.Errorf("logits %v without biases, want %v", without[:3], with[:3])
	}
}

func TestGteSettings(t *testing.T) {
	ntk := func(change string, to any) map[string]any {
		scaling := map[string]any{"type": "ntk", "factor": 8}
		scaling[change] = to
		return map[string]any{"rope_scaling": scaling}
	}
	refuse(t, []refusal{
		{"new", map[string]any{"position_embedding_type": "absolute"}, `position_embedding_type: found "absolute"`},
		{"new", map[string]any{"layer_norm_type": "rms_norm"}, `layer_norm_type: found "rms_norm"`},
		{"new", map[string]any{"logn_attention_scale": true}, "logn_attention_scale: found true"},
		{"new", map[string]any{"pack_qkv": false}, "pack_qkv: found false"},
		{"new", map[string]any{"rope_theta": absent{}}, "rope_theta: found none"},
		{"new", map[string]any{"type_vocab_size": 0}, "new.embeddings.token_type_embeddings.weight"},
		{"new", map[string]any{"type_vocab_size": -1}, "type_vocab_size: found -1"},
		{"new", map[string]any{"hidden_act": "relu"}, "hidden_act: found"},
		{"new_ntk", ntk("mixed_b", 0.6), "mixed_b: found 0.6"},
		{"new_ntk", ntk("factor", nil), "factor: found none"},
		{"new_ntk", ntk("factor", 0), "factor: found 0, expected 1"},
		{"new_ntk", ntk("type", "dynamic"), `rope_type: found "dynamic"`},
		{"gte", map[string]any{"intermediate_size": 20}, "gte.encoder.layer.0.mlp.up_gate_proj.weight"},
	})
}

func TestEuroBERTSettings(t *testing.T) {
	refuse(t, []refusal{
		{"eurobert_classify", map[string]any{"classifier_pooling": "late"}, `classifier_pooling: found "late", expected bos or mean`},
		{"eurobert_classify", map[string]any{"classifier_pooling": absent{}}, `classifier_pooling: found "late"`},
		{"eurobert_classify", map[string]any{"clf_pooling": "bos"}, `clf_pooling: found "bos", and "mean"`},
		{"eurobert", map[string]any{"mask_token_id": 1 << 30}, "mask_token_id: found 1073741824"},
		{"eurobert", map[string]any{"rope_parameters": absent{}}, "rope_theta: found none"},
		{"eurobert", map[string]any{"rms_norm_eps": absent{}}, "rms_norm_eps: found none"},
		{"eurobert", map[string]any{"num_key_value_heads": 3}, "num_key_value_heads: found 3"},
		{"eurobert", map[string]any{"mlp_bias": true}, "model.layers.0.mlp.gate_proj.bias"},
		{"eurobert", map[string]any{"tie_word_embeddings": true}, "lm_head.weight"},
	})
}
