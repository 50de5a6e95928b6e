package hf_test

import (
	"strings"
	"testing"

	"github.com/longspan/longspan/model"
)

func TestALiBiSettings(t *testing.T) {
	refuse(t, []refusal{
		{"jina2", map[string]any{"feed_forward_type": "reglu"}, `feed_forward_type: found "reglu"`},
		{"jina2", map[string]any{"feed_forward_type": absent{}}, `feed_forward_type: found "original"`},
		{"jina2", map[string]any{"emb_pooler": "cls"}, `emb_pooler: found "cls"`},
		{"jina2", map[string]any{"hidden_act": "relu"}, `hidden_act: found the activation "relu"`},
		{"jina2", map[string]any{"is_decoder": true}, "is_decoder: found true"},
		{"jina2", map[string]any{"alibi_starting_size": 512}, "bert.encoder.layer.0.attention.self.Wqkv.weight"},
		{"jina2", map[string]any{"position_embedding_type": "absolute"}, "bert.embeddings.position_embeddings.weight"},
		{"bert", map[string]any{"alibi_starting_size": 512}, "position_embedding_type: found alibi, and learned positions"},
		{"dnabert2", map[string]any{"alibi_starting_size": absent{}}, "bert.embeddings.position_embeddings.weight"},
	})
}

// Keys that choose between programs of the same result are no reason for a note.
func TestALiBiKeysWithoutEffect(t *testing.T) {
	m, err := model.Open(edited(t, "jina2", map[string]any{"attn_implementation": "torch", "flash_attn": false}))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if n := m.Notes(); len(n) != 1 || !strings.Contains(n[0], "auto_map") {
		t.Errorf("notes %q, want one about auto_map", n)
	}
}
