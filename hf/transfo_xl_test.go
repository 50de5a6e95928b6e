package hf_test

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tensor"
)

// logProbabilities makes logits log-probabilities, row by row.
func logProbabilities(logits tensor.Mat) tensor.Mat {
	for i := range logits.Rows {
		row, sum := logits.Row(i), 0.0
		for _, v := range row {
			sum += math.Exp(float64(v))
		}
		for j := range row {
			row[j] -= float32(math.Log(sum))
		}
	}
	return logits
}

// The log-probabilities over the vocabulary are transformers', of texts alone.
func TestTransfoXLLogProbabilities(t *testing.T) {
	for _, name := range []string{"transfo_xl", "transfo_xl_whole"} {
		g := readGolden(t, name)
		m, err := model.Open(filepath.Join(goldenDir, name))
		if err != nil {
			t.Fatal(name, err)
		}
		for _, c := range g.Cases {
			b, _ := g.sequence(t, c, 0)
			got, err := m.NewSession(tensor.Exec{}).Predict(b, model.StepOptions{})
			want, ok := g.mat(t, c, "logprobs")
			if err != nil || !ok {
				t.Fatal(name, c.Name, err, ok)
			}
			near(t, name+" "+c.Name, logProbabilities(got), c.Rows[0], want, 0)
		}
		m.Close()
	}
}

// A second segment sees the memory of the first as transformers' does: hidden states of each layer, and log-probabilities.
func TestTransfoXLSegments(t *testing.T) {
	const first = 40
	for _, name := range []string{"transfo_xl", "transfo_xl_whole"} {
		g := readGolden(t, name)
		c := goldenCase{Name: "segments"}
		var tokens []int32
		for _, id := range g.ints(t, c, "ids") {
			tokens = append(tokens, int32(id))
		}
		var rows []int
		for i := 0; i < 32; i += 4 {
			rows = append(rows, i)
		}
		rows = append(rows, 32)
		m, err := model.Open(filepath.Join(goldenDir, name))
		if err != nil {
			t.Fatal(name, err)
		}
		s, memory := m.NewSession(tensor.Exec{Pool: tensor.NewPool()}), &model.Memory{}
		begin := &data.Batch{Tokens: tokens[:first], Lengths: []int{first}, Targets: append([]int32(nil), tokens[1:first+1]...)}
		next := &data.Batch{Tokens: tokens[first:], Lengths: []int{len(tokens) - first}, Follows: []int{0}}
		if _, err := s.Step(begin, model.StepOptions{Memory: memory}); err != nil {
			t.Fatal(name, err)
		}
		if got := memory.Tokens(); len(got) != 1 || got[0] != m.Spec().Memory {
			t.Errorf("%s: a memory of %v tokens, want %d", name, got, m.Spec().Memory)
		}
		states, err := s.HiddenStates(next, model.StepOptions{Memory: memory})
		if err != nil {
			t.Fatal(name, err)
		}
		for k, what := range g.Hidden {
			want, _ := g.mat(t, c, "hidden."+string('0'+rune(k)))
			near(t, name+" "+what, states[k], rows, want, 0)
		}
		if want, ok := g.mat(t, c, "logprobs"); ok {
			got, err := s.Predict(next, model.StepOptions{Memory: memory})
			if err != nil {
				t.Fatal(name, err)
			}
			near(t, name+" log-probabilities", logProbabilities(got), rows, want, 0)
		}
		memory.Free()
		m.Close()
	}
}

// Token by token a text has the log-probabilities that it has as a whole: the cache begins with the memory of zeros.
func TestTransfoXLDecodes(t *testing.T) {
	g := readGolden(t, "transfo_xl")
	m, err := model.Open(filepath.Join(goldenDir, "transfo_xl"))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	c := g.Cases[0]
	b, _ := g.sequence(t, c, 0)
	s := m.NewSession(tensor.Exec{Pool: tensor.NewPool()})
	whole, err := s.Predict(b, model.StepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.Decode(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for i, token := range b.Tokens {
		logits, err := d.Step([]int32{token})
		if err != nil {
			t.Fatal(err)
		}
		got := tensor.FromF32(logits, 1, len(logits))
		near(t, c.Name+" decoded", got, []int{0}, whole, i)
	}
}

// What is not computed is refused by name.
func TestTransfoXLIsRefused(t *testing.T) {
	for _, c := range []struct {
		edits map[string]any
		want  string
	}{
		{map[string]any{"cutoffs": []int{20, 50}}, "cutoffs: found [20 50], expected none"},
		{map[string]any{"cutoffs": absent{}}, "cutoffs: found [20000 40000 200000]"},
		{map[string]any{"div_val": 4}, "div_val: found 4"},
		{map[string]any{"d_embed": 16}, "d_embed: found 16"},
		{map[string]any{"mem_len": 0}, "mem_len: found 0"},
		{map[string]any{"attn_type": 1}, "attn_type: found 1"},
		{map[string]any{"sample_softmax": 5}, "sample_softmax: found 5"},
		{map[string]any{"n_head": 2}, "qkv_net.weight"},
		{map[string]any{"n_layer": 4}, "layers.3"},
		{map[string]any{"n_layer": 2}, "layers.2"},
		{map[string]any{"n_token": 90}, "n_token: found 90"},
		{map[string]any{"d_inner": 0}, "d_inner: found 0"},
	} {
		m, err := model.Open(edited(t, "transfo_xl", c.edits))
		if err == nil {
			m.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v, want one with %q", c.edits, err, c.want)
		}
	}
}
