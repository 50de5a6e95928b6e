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

// numbered is a text of n different tokens.
func numbered(n int) *data.Batch {
	b := &data.Batch{Lengths: []int{n}, Tokens: make([]int32, n)}
	for i := range b.Tokens {
		b.Tokens[i] = int32(5 + (i*i+7*i)%80)
	}
	return b
}

// openNystrom opens a golden with other mechanisms.
func openNystrom(t *testing.T, name string, attention ...string) *model.Model {
	t.Helper()
	m, err := model.OpenWith(filepath.Join(goldenDir, name), model.OpenOptions{Attention: attention})
	if err != nil {
		t.Fatal(name, err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// Landmarks read texts of any length. A text of no more tokens than landmarks is seen whole, and a longer one is not.
func TestNystromformerReadsAnyLength(t *testing.T) {
	landmarks := openNystrom(t, "nystromformer_landmarks")
	whole := openNystrom(t, "nystromformer_landmarks", "nystrom(exact=1, conv=65)")
	for _, n := range []int{777, 65, 64, 7} {
		got, want := outputs(t, landmarks, numbered(n)), outputs(t, whole, numbered(n))
		if same := slices.EqualFunc(got, want, near32); same != (n <= 64) {
			t.Errorf("%d tokens: seen whole is %t, want %t", n, same, n <= 64)
		}
	}
}

// The bits of a text do not depend on its neighbours in a batch, though the heads share a norm.
func TestNystromformerOfABatch(t *testing.T) {
	m := openNystrom(t, "nystromformer_landmarks")
	want := outputs(t, m, numbered(100))
	both := &data.Batch{Lengths: []int{300, 100}, Tokens: append(numbered(300).Tokens, numbered(100).Tokens...)}
	if got := outputs(t, m, both); !slices.Equal(got[len(got)-len(want):], want) {
		t.Error("a text gives other outputs beside a longer one")
	}
}

// Another mechanism has no convolution of the values, or one of its own size.
func TestNystromformerWithoutConvolution(t *testing.T) {
	m := openNystrom(t, "nystromformer", "window(4)")
	if m.Spec().Layers[0].Attention.Mechanism != "window(4)" || len(outputs(t, m, numbered(20))) != 20*89 {
		t.Errorf("mechanism %s", m.Spec().Layers[0].Attention.Mechanism)
	}
	_, err := model.OpenWith(filepath.Join(goldenDir, "nystromformer"), model.OpenOptions{Attention: []string{"nystrom(landmarks=8, conv=5)"}})
	if err == nil || !strings.Contains(err.Error(), "self.conv.weight") {
		t.Errorf("five taps of weights that have nine: error %v", err)
	}
}

// The notes say which reading was chosen, and how to choose the other.
func TestNystromformerNotes(t *testing.T) {
	for _, c := range []struct {
		golden    string
		edits     map[string]any
		mechanism string
		note      string
	}{
		{"nystromformer", nil, "nystrom(exact=1, conv=9)", "--attention 'nystrom(landmarks=64, one_norm=1, conv=9)'"},
		{"nystromformer", map[string]any{"inv_coeff_init_option": true}, "nystrom(exact=1, conv=9)", "inv_coeff_init_option has no effect"},
		{"nystromformer", map[string]any{"num_landmarks": absent{}, "segment_means_seq_len": absent{}, "hidden_act": absent{}},
			"nystrom(exact=1, conv=9)", "attend to all tokens"},
		{"nystromformer_tag", nil, "nystrom(exact=1)", "--attention 'nystrom(landmarks=64, one_norm=1)'"},
		{"nystromformer_landmarks", nil, "nystrom(landmarks=64, conv=65, one_norm=1)", "reads texts of 1024 tokens alone"},
		{"nystromformer_landmarks", map[string]any{"inv_coeff_init_option": true}, "nystrom(landmarks=64, conv=65)",
			"each head begins with its own norm"},
	} {
		m, err := model.Open(edited(t, c.golden, c.edits))
		if err != nil {
			t.Errorf("%s with %v: %v", c.golden, c.edits, err)
			continue
		}
		if got := m.Spec().Layers[0].Attention.Mechanism; got != c.mechanism {
			t.Errorf("%s with %v: mechanism %s, want %s", c.golden, c.edits, got, c.mechanism)
		}
		if notes := strings.Join(m.Notes(), "\n"); !strings.Contains(notes, c.note) {
			t.Errorf("%s with %v: notes %q, want one with %q", c.golden, c.edits, notes, c.note)
		}
		if up := m.Spec().Layers[0].FeedForward.Activation; c.golden == "nystromformer" && up != "gelu_tanh" {
			t.Errorf("%s with %v: activation %s", c.golden, c.edits, up)
		}
		m.Close()
	}
}

// The body of a classifier gives vectors.
func TestNystromformerOpensAsABody(t *testing.T) {
	m, err := model.OpenWith(filepath.Join(goldenDir, "nystromformer_classify"), model.OpenOptions{BodyOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	states, err := m.NewSession(tensor.Exec{}).HiddenStates(numbered(90), model.StepOptions{})
	if err != nil || len(states) != 3 || m.Spec().Head.Kind != model.Embed {
		t.Errorf("%d states, head %s: %v", len(states), m.Spec().Head.Kind, err)
	}
}
