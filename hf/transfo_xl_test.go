package hf_test

import (
	"math"
	"path/filepath"
	"slices"
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
	for _, name := range []string{"transfo_xl", "transfo_xl_whole", "transfo_xl_adaptive", "transfo_xl_clusters", "transfo_xl_softmax"} {
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
	for _, name := range []string{"transfo_xl", "transfo_xl_whole", "transfo_xl_adaptive", "transfo_xl_clusters", "transfo_xl_softmax"} {
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
		{map[string]any{"cutoffs": []int{20, 50}}, `no tensor "crit.cluster_weight"`},
		{map[string]any{"cutoffs": absent{}}, "cutoffs: found [20000 40000 200000], expected ascending tokens from 1 to 88"},
		{map[string]any{"cutoffs": []int{20, 20}}, "cutoffs: found [20 20], expected ascending"},
		{map[string]any{"cutoffs": []int{0}}, "cutoffs: found [0], expected ascending"},
		{map[string]any{"cutoffs": make([]int, 16)}, "cutoffs: found 16, expected at most 15"},
		{map[string]any{"cutoffs": []int{20, 50}, "div_val": 6}, "div_val: found 6, which leaves none of 32 features in cluster 2"},
		{map[string]any{"div_val": 0}, "div_val: found 0"},
		{map[string]any{"div_val": 4}, "word_emb.emb_projs.0"},
		{map[string]any{"d_embed": 16}, "emb_layers.0.weight"},
		{map[string]any{"d_embed": 0}, "d_embed: found 0"},
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

// A folder with words in vocab.txt reads text. One whose words are Python objects takes tokens as ids, and says how they become words.
func TestTransfoXLWords(t *testing.T) {
	dir := edited(t, "transfo_xl", nil)
	open := func() *model.Model {
		t.Helper()
		m, err := model.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		return m
	}
	write(t, dir, map[string]string{"vocab.bin": "PK"})
	const pickled = "vocab.bin, which hold Python objects"
	m := open()
	if notes := strings.Join(m.Notes(), "\n"); !strings.Contains(notes, pickled) {
		t.Errorf("notes %q, want one with %q", notes, pickled)
	}
	if _, err := m.ReadScored("the cat"); err == nil || !strings.Contains(err.Error(), pickled) {
		t.Errorf("a text: error %v, want one with %q", err, pickled)
	}
	write(t, dir, map[string]string{"vocab.txt": "<eos>\nthe\n<unk>\ncat 17\n"})
	e, err := open().Tokenizer().EncodeDocument("the dog,\n the cat <eos> cat")
	if want := []int32{1, 2, 1, 3, 0, 3}; err != nil || !slices.Equal(e.IDs, want) {
		t.Errorf("tokens %v, want %v; %v", e.IDs, want, err)
	}
}
