package hf_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tensor"
)

// Settings of T5's families that are wrong, or that the weights contradict, are refused by name.
func TestT5SettingsAreRefused(t *testing.T) {
	for _, c := range []struct {
		golden string
		edits  map[string]any
		want   string
	}{
		{"t5", map[string]any{"relative_attention_num_buckets": 30}, "found 30 T5 buckets up to distance 128, expected a multiple of 4"},
		{"t5", map[string]any{"relative_attention_num_buckets": 0}, "relative_attention_num_buckets: found 0"},
		{"t5", map[string]any{"relative_attention_num_buckets": 28}, "has the shape [32 4], expected all of 28×4"},
		{"t5", map[string]any{"relative_attention_max_distance": 8}, "found 32 T5 buckets up to distance 8"},
		{"t5", map[string]any{"relative_attention_max_distance": 1 << 27}, "t5_buckets: found 32 up to distance 134217728, expected at most"},
		{"t5", map[string]any{"d_kv": 8}, "SelfAttention.q.weight"},
		{"t5", map[string]any{"d_kv": absent{}}, "d_kv: found none"},
		{"t5", map[string]any{"layer_norm_epsilon": 0}, "layer_norm_epsilon: found 0"},
		{"t5", map[string]any{"feed_forward_proj": "wobble-gelu"}, "feed_forward_proj: found"},
		{"t5", map[string]any{"dense_act_fn": "wobble"}, `dense_act_fn: found the activation "wobble"`},
		{"t5", map[string]any{"is_gated_act": true}, `dense_act_fn: found the activation "relu", expected`},
		{"t5", map[string]any{"num_decoder_layers": 2}, "decoder.block.1"},
		{"t5", map[string]any{"num_decoder_layers": 1 << 20}, "num_decoder_layers: found more than"},
		{"t5", map[string]any{"num_layers": 1}, "encoder.block.1"},
		{"t5", map[string]any{"is_decoder": true}, "is_decoder: found true"},
		{"t5", map[string]any{"tie_word_embeddings": false}, `has no tensor "lm_head.weight"`},
		{"t5", map[string]any{"architectures": []string{"T5ForQuestionAnswering"}}, "found the class T5ForQuestionAnswering"},
		{"t5v11", map[string]any{"tie_word_embeddings": true}, `found the tensor "lm_head.weight" unlike "shared.weight"`},
		{"t5v11", map[string]any{"is_gated_act": false}, "wi.weight"},
		{"longt5", map[string]any{"local_radius": 0}, "local_radius: found 0"},
		{"longt5", map[string]any{"encoder_attention_type": "wobble"}, `encoder_attention_type: found "wobble"`},
		{"longt5", map[string]any{"encoder_attention_type": "transient-global"}, "TransientGlobalSelfAttention"},
		{"longt5_summaries", map[string]any{"global_block_size": 0}, "global_block_size: found 0"},
		{"longt5_summaries", map[string]any{"encoder_attention_type": "local"}, "LocalSelfAttention"},
		{"umt5", map[string]any{"model_type": "t5", "architectures": []string{"T5ForConditionalGeneration"}}, "relative_attention_bias"},
	} {
		m, err := model.Open(edited(t, c.golden, c.edits))
		if err == nil {
			m.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with %v: error %v, want one with %q", c.golden, c.edits, err, c.want)
		}
	}
}

// The head is the table or its own, and its input is scaled or not, as the version that wrote the file means it.
func TestT5Heads(t *testing.T) {
	const scale = 0.17677669529663687 // 32^−½
	five := map[string]any{"transformers_version": "5.24.0", "tie_word_embeddings": true}
	for _, c := range []struct {
		golden string
		edits  map[string]any
		tied   bool
		scale  float64
	}{
		{"t5", nil, true, scale},
		{"t5", map[string]any{"tie_word_embeddings": absent{}}, true, scale},
		{"t5", map[string]any{"architectures": []string{"T5WithLMHeadModel"}}, true, scale},
		{"t5", map[string]any{"scale_decoder_outputs": false}, true, 0},
		{"t5v11", nil, false, 0},
		{"t5v11", map[string]any{"scale_decoder_outputs": false, "tie_word_embeddings": true}, false, 0},
		{"t5v11", map[string]any{"scale_decoder_outputs": true, "tie_word_embeddings": true}, false, scale},
		{"mt5", nil, false, 0},
		{"mt5", five, false, 0},
		{"umt5", nil, true, scale},
	} {
		m, err := model.Open(edited(t, c.golden, c.edits))
		if err != nil {
			t.Errorf("%s with %v: %v", c.golden, c.edits, err)
			continue
		}
		if h := m.Spec().Head; h.Tied != c.tied || h.Scale != c.scale {
			t.Errorf("%s with %v: tied %t, scale %g, want %t and %g", c.golden, c.edits, h.Tied, h.Scale, c.tied, c.scale)
		}
		m.Close()
	}
}

// Of an encoder-decoder the body is the encoder, whose states are those that the decoder reads.
func TestT5Body(t *testing.T) {
	source := &data.Batch{Lengths: []int{30}, Tokens: make([]int32, 30)}
	for i := range source.Tokens {
		source.Tokens[i] = int32(10 + i)
	}
	for _, name := range []string{"t5", "t5v11", "longt5", "longt5_summaries", "umt5"} {
		dir := filepath.Join(goldenDir, name)
		body, err := model.OpenWith(dir, model.OpenOptions{BodyOnly: true})
		if err != nil {
			t.Fatal(name, err)
		}
		whole, err := model.Open(dir)
		if err != nil {
			t.Fatal(name, err)
		}
		got, err1 := body.NewSession(tensor.Exec{}).HiddenStates(source, model.StepOptions{})
		want, err2 := whole.NewSession(tensor.Exec{}).SourceStates(source)
		if err1 != nil || err2 != nil || len(got) != len(want) {
			t.Fatal(name, err1, err2, len(got), len(want))
		}
		for i := range want {
			if !slices.Equal(got[i].F32, want[i].F32) {
				t.Errorf("%s: state %d of the body differs", name, i)
			}
		}
		body.Close()
		whole.Close()
	}
	m, err := model.Open(edited(t, "t5", map[string]any{"architectures": []string{"T5Model"}}))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if notes := strings.Join(m.Notes(), "\n"); m.Spec().Kind != model.Encoder || !strings.Contains(notes, "the class T5Model has a decoder") {
		t.Errorf("kind %s and notes %q of a T5Model", m.Spec().Kind, notes)
	}
}

// Another mechanism than transient has no summaries, nor their norm. Transient may be given other numbers.
func TestLongT5Mechanism(t *testing.T) {
	for _, name := range []string{"longt5_global", "longt5_summaries"} {
		for _, mechanism := range []string{"window(4)", "transient(radius=4, block=4)"} {
			m, err := model.OpenWith(filepath.Join(goldenDir, name), model.OpenOptions{Attention: []string{mechanism}})
			if err != nil {
				t.Errorf("%s with %s: %v", name, mechanism, err)
				continue
			}
			layers := m.Spec().Layers
			if m.Spec().Source != nil {
				layers = m.Spec().Source.Layers
			}
			if a := layers[1].Attention; a.Mechanism != mechanism || (a.SummaryNorm > 0) != a.HasSummaries() {
				t.Errorf("%s: the mechanism %s with the norm %g, want %s", name, a.Mechanism, a.SummaryNorm, mechanism)
			}
			m.Close()
		}
	}
	if _, err := model.OpenWith(filepath.Join(goldenDir, "longt5_local"), model.OpenOptions{Attention: []string{"transient"}}); err == nil ||
		!strings.Contains(err.Error(), "global_relative_attention_bias") {
		t.Errorf("summaries of a checkpoint without them: %v", err)
	}
}
