package hf_test

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
)

func TestESMSettings(t *testing.T) {
	refuse(t, []refusal{
		{"esm", map[string]any{"position_embedding_type": "relative_key"}, "position_embedding_type: found \"relative_key\""},
		{"esm", map[string]any{"pad_token_id": nil}, "pad_token_id: found none"},
		{"esm", map[string]any{"mask_token_id": nil}, "mask_token_id: found none with token_dropout"},
		{"esm", map[string]any{"mask_token_id": 89}, "mask_token_id: found 89, expected 0 to 88"},
		{"esm", map[string]any{"is_folding_model": true}, "is_folding_model: found true"},
		{"esm", map[string]any{"num_hidden_layers": 2_000_000_000}, "num_hidden_layers: found"},
		{"esm", map[string]any{"emb_layer_norm_before": true}, "esm.embeddings.layer_norm.weight"},
		{"esm", map[string]any{"position_embedding_type": "absolute"}, "esm.embeddings.position_embeddings.weight"},
		{"esm", map[string]any{"add_bias_fnn": true}, "esm.encoder.layer.0.intermediate.dense.weight"},
		{"esm", map[string]any{"tie_word_embeddings": false}, "lm_head.decoder.weight"},
		{"esm_learned", map[string]any{"position_embedding_type": "rotary", "emb_layer_norm_before": false}, "esm.embeddings.layer_norm.bias"},
		{"nucleotide2", map[string]any{"add_bias_fnn": absent{}}, "esm.encoder.layer.0.intermediate.dense.weight"},
	})
}

// What transformers 4 and 5 read in different ways is noted.
func TestESMRotaryBase(t *testing.T) {
	m, err := model.Open(edited(t, "esm", map[string]any{"rope_theta": 20000}))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if notes := strings.Join(m.Notes(), "\n"); !strings.Contains(notes, "rope_theta is 20000") {
		t.Errorf("notes %q", notes)
	}
	if base := m.Spec().Layers[0].Attention.RotaryBase; base != 20000 {
		t.Errorf("base %g, want 20000", base)
	}
}

// A text of mask tokens alone, whose share of other tokens is 0, has finite logits.
func TestESMOfMasksAlone(t *testing.T) {
	m, err := model.Open(filepath.Join(goldenDir, "esm"))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for _, v := range outputs(t, m, &data.Batch{Tokens: []int32{4, 4, 4}, Lengths: []int{3}}) {
		if v != v || math.IsInf(float64(v), 0) {
			t.Fatal("logits that are not finite")
		}
	}
}
