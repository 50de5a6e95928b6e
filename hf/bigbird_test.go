package hf_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tensor"
)

// openBigBird opens the golden of BigBird, with another mechanism if one is given.
func openBigBird(t *testing.T, attention ...string) *model.Model {
	t.Helper()
	m, err := model.OpenWith(filepath.Join(goldenDir, "bigbird"), model.OpenOptions{Attention: attention})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// drawn is a batch of drawn tokens.
func drawn(lengths ...int) *data.Batch {
	r, b := data.NewRandom(1, 1), &data.Batch{Lengths: lengths}
	for _, n := range lengths {
		for range n {
			b.Tokens = append(b.Tokens, int32(5+r.IntN(80)))
		}
	}
	return b
}

// part is sequence i of a batch.
func part(b *data.Batch, i int) *data.Batch {
	at := 0
	for _, n := range b.Lengths[:i] {
		at += n
	}
	return &data.Batch{Lengths: b.Lengths[i : i+1], Tokens: b.Tokens[at : at+b.Lengths[i]]}
}

// A short text, which is computed whole, changes nothing for the texts after it and beside it. In transformers it does.
func TestShortTextsFlipNothing(t *testing.T) {
	m, both := openBigBird(t), drawn(777, 100, 390)
	want := [3][]float32{}
	for i := range want {
		want[i] = outputs(t, m, part(both, i))
	}
	s := m.NewSession(tensor.Exec{})
	for _, i := range []int{0, 1, 2, 1, 0} {
		got, err := s.Predict(part(both, i), model.StepOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.F32, want[i]) {
			t.Errorf("%d tokens in the order of a session: other logits than alone", both.Lengths[i])
		}
	}
	if got := outputs(t, m, both); !slices.Equal(got, slices.Concat(want[:]...)) {
		t.Error("in one batch: other logits than alone")
	}
}

// The three readings differ where a text is longer than what is seen whole, and nowhere else.
func TestReadingsOfBigBird(t *testing.T) {
	m := openBigBird(t)
	paper := regexp.MustCompile(`'(bigbird\(.*?)'`).FindStringSubmatch(strings.Join(m.Notes(), "\n"))
	if paper == nil || paper[1] != "bigbird(block=16, random=2) | short(144)" {
		t.Fatalf("notes %q name no random blocks", m.Notes())
	}
	short, long := drawn(144), drawn(145)
	texts := []string{"bigbird_eval(block=16, random=2)", paper[1], "full", "bigbird(block=16, random=2, seed=1) | short(144)"}
	var longs [][]float32
	for _, text := range texts {
		other := openBigBird(t, text)
		if got, want := outputs(t, other, short), outputs(t, m, short); !slices.Equal(got, want) {
			t.Errorf("%s: 144 tokens give other logits", text)
		}
		longs = append(longs, outputs(t, other, long))
	}
	if !slices.Equal(longs[0], outputs(t, m, long)) {
		t.Errorf("the mechanism is not %s", texts[0])
	}
	for i := range longs {
		for j := range i {
			if slices.Equal(longs[i], longs[j]) {
				t.Errorf("%s and %s give the same logits for 145 tokens", texts[i], texts[j])
			}
		}
	}
}

// The encoder of BigBird-Pegasus alone has blocks, and other mechanisms are the encoder's.
func TestBlocksOfBigBirdPegasus(t *testing.T) {
	folder := filepath.Join(goldenDir, "bigbird_pegasus")
	for attention, want := range map[string]string{"": "bigbird_eval(block=4, random=1)", "full": "full"} {
		o := model.OpenOptions{}
		if attention != "" {
			o.Attention = []string{attention}
		}
		m, err := model.OpenWith(folder, o)
		if err != nil {
			t.Fatal(err)
		}
		s := m.Spec()
		if got := s.Source.Layers[1].Attention.Mechanism; got != want || s.Layers[1].Attention.Mechanism != "full" {
			t.Errorf("--attention %q: encoder %s, decoder %s", attention, got, s.Layers[1].Attention.Mechanism)
		}
		m.Close()
	}
}

// Keys that are absent have the values of transformers' classes.
func TestDefaultsOfBigBirdPegasus(t *testing.T) {
	edits := map[string]any{"scale_embedding": absent{}, "activation_function": absent{}, "use_bias": absent{}}
	m, err := model.Open(edited(t, "bigbird_pegasus", edits))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	whole, err := model.Open(filepath.Join(goldenDir, "bigbird_pegasus"))
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Close()
	if got, want := outputs(t, m, drawn(30)), outputs(t, whole, drawn(30)); !slices.Equal(got, want) {
		t.Errorf("logits %v, want %v", got[:4], want[:4])
	}
}

// The settings of the blocks are read, and a model without blocks says nothing of them.
func TestBlocksOfBigBird(t *testing.T) {
	for _, c := range []struct {
		edits map[string]any
		want  string
	}{
		{map[string]any{"block_size": absent{}, "num_random_blocks": absent{}, "attention_type": absent{}}, "bigbird_eval(block=64, random=3)"},
		{map[string]any{"num_random_blocks": 0}, "bigbird_eval(block=16, random=0)"},
		{map[string]any{"attention_type": "original_full"}, "full"},
	} {
		m, err := model.Open(edited(t, "bigbird", c.edits))
		if err != nil {
			t.Fatal(c.edits, err)
		}
		if got := m.Spec().Layers[1].Attention.Mechanism; got != c.want {
			t.Errorf("%v: mechanism %s, want %s", c.edits, got, c.want)
		}
		if noted := strings.Contains(strings.Join(m.Notes(), "\n"), "the first block counts"); noted != strings.HasSuffix(c.want, "random=3)") {
			t.Errorf("%v: notes %q", c.edits, m.Notes())
		}
		m.Close()
	}
}
