package hf_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/attention/mechanism"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/tensor"
)

// golden is golden.json of a folder; testdata/golden/README.md describes it.
type golden struct {
	SameAs string `json:"same_as"`
	Class  string
	Hidden []string
	Source []string `json:"source_hidden"` // of encoder-decoders: the states of the encoder
	Cases  []goldenCase
	Sees   []struct {
		Layer, Tokens, Query int
		Globals              []int
		Keys                 [][2]int
	}
	Generate *struct {
		Prompt, Tokens []int32
		Source         []int32
		Margin         float64
	}
	Written []struct {
		Source, Tokens []int32
		Most           int
	}
	Score *struct {
		Case      string
		Nats      float64
		Predicted int
	}
	tensors *safetensors.File
}

type goldenCase struct {
	Name    string
	Lengths []int
	Rows    [][]int
	Inputs  []string

	SourceLengths []int   `json:"source_lengths"` // of encoder-decoders
	SourceRows    [][]int `json:"source_rows"`
}

const goldenDir = "testdata/golden"

// folders lists the checkpoints.
func folders(t *testing.T) (names []string) {
	t.Helper()
	paths, err := filepath.Glob(goldenDir + "/*/golden.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no goldens: %v", err)
	}
	for _, p := range paths {
		names = append(names, filepath.Base(filepath.Dir(p)))
	}
	return names
}

func readGolden(t *testing.T, name string) *golden {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(goldenDir, name, "golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	g := &golden{}
	if err := json.Unmarshal(text, g); err != nil {
		t.Fatal(name, err)
	}
	if g.SameAs != "" {
		return readGolden(t, g.SameAs)
	}
	if g.tensors, err = safetensors.Open(filepath.Join(goldenDir, name, "golden.safetensors")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.tensors.Close() })
	return g
}

// ints reads an integer tensor of a case; nil: absent.
func (g *golden) ints(t *testing.T, c goldenCase, name string) []int64 {
	t.Helper()
	if _, ok := g.tensors.Lookup(c.Name + "." + name); !ok {
		return nil
	}
	v, err := g.tensors.Ints(c.Name + "." + name)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// mat reads a float tensor of a case.
func (g *golden) mat(t *testing.T, c goldenCase, name string) (m tensor.Mat, ok bool) {
	t.Helper()
	e, ok := g.tensors.Lookup(c.Name + "." + name)
	if !ok {
		return m, false
	}
	m = tensor.New(tensor.F32, e.Shape[0], e.Shape[1])
	if err := g.tensors.ReadMat(m, e.Name); err != nil {
		t.Fatal(err)
	}
	return m, true
}

// sequence is a batch of sequence i of a case, and its global tokens.
func (g *golden) sequence(t *testing.T, c goldenCase, i int) (b *data.Batch, globals []int) {
	t.Helper()
	if c.SourceLengths != nil {
		return g.pair(t, c, i)
	}
	width := slices.Max(c.Lengths)
	ids, types, global := g.ints(t, c, "ids"), g.ints(t, c, "types"), g.ints(t, c, "globals")
	b = &data.Batch{Lengths: []int{c.Lengths[i]}}
	for j := i * width; j < i*width+c.Lengths[i]; j++ {
		b.Tokens = append(b.Tokens, int32(ids[j]))
		if types != nil {
			b.Types = append(b.Types, int32(types[j]))
		}
		if global != nil && global[j] != 0 {
			globals = append(globals, j-i*width)
		}
	}
	return b, globals
}

// tolerance is the largest difference that is allowed, as a share of the largest element.
const tolerance = 3e-5

// near compares rows of got, all or those listed, with rows of want from row at on.
func near(t *testing.T, what string, got tensor.Mat, rows []int, want tensor.Mat, at int) {
	t.Helper()
	top, worst := 0.0, 0.0
	for _, v := range want.F32 {
		top = max(top, math.Abs(float64(v)))
	}
	row := make([]float32, got.Cols)
	for k, i := range rows {
		got.ReadRow(row, i)
		for j, v := range want.Row(at + k) {
			worst = max(worst, math.Abs(float64(row[j]-v)))
		}
	}
	if !(worst <= tolerance*top) {
		t.Errorf("%s: differs by %.3g of %.3g", what, worst, top)
	}
}

// Every checkpoint has the hidden states and the logits that transformers has, each sequence alone and in the same order.
func TestGolden(t *testing.T) {
	for _, name := range folders(t) {
		t.Run(name, func(t *testing.T) {
			g := readGolden(t, name)
			checkCases(t, g, filepath.Join(goldenDir, name))
		})
	}
}

// Configurations that transformers 5 and older releases of 4 saved describe the same model.
func TestGoldenOtherVersions(t *testing.T) {
	configs, err := filepath.Glob(goldenDir + "/*/config_v*.json")
	if err != nil || len(configs) < 20 {
		t.Fatalf("%d configurations, %v", len(configs), err)
	}
	for _, config := range configs {
		folder := filepath.Dir(config)
		t.Run(strings.TrimPrefix(config, goldenDir), func(t *testing.T) {
			dir := t.TempDir()
			link(t, config, filepath.Join(dir, "config.json"))
			link(t, filepath.Join(folder, "model.safetensors"), filepath.Join(dir, "model.safetensors"))
			checkCases(t, readGolden(t, filepath.Base(folder)), dir)
		})
	}
}

// GGUF files of the same weights have the same outputs.
func TestGoldenGGUF(t *testing.T) {
	paths, err := filepath.Glob(goldenDir + "/gguf/*.gguf")
	if err != nil || len(paths) < 7 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".gguf")
		t.Run(name, func(t *testing.T) { checkCases(t, readGolden(t, name), path) })
	}
}

func link(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func checkCases(t *testing.T, g *golden, dir string) {
	t.Helper()
	models := map[string]*model.Model{}
	open := func(globals []int) *model.Model {
		key := strings.Join(strings.Fields(strings.Trim(toText(globals), "[]")), ",")
		if models[key] == nil {
			m, err := model.OpenWith(dir, model.OpenOptions{Global: globals})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { m.Close() })
			models[key] = m
		}
		return models[key]
	}
	for _, c := range g.Cases {
		at := 0 // kept rows of earlier sequences
		for i := range c.Lengths {
			b, globals := g.sequence(t, c, i)
			checkSequence(t, g, c, i, at, open(globals), b)
			checkSource(t, g, c, i, open(globals), b.Source)
			at += len(c.Rows[i])
		}
	}
}

func toText(v any) string {
	text, _ := json.Marshal(v)
	return string(text)
}

// checkSequence compares sequence i of a case.
func checkSequence(t *testing.T, g *golden, c goldenCase, i, at int, m *model.Model, b *data.Batch) {
	t.Helper()
	s := m.NewSession(tensor.Exec{})
	states, err := s.HiddenStates(b, model.StepOptions{})
	if err != nil {
		t.Fatal(c.Name, err)
	}
	if len(states) != len(g.Hidden) {
		t.Errorf("%s: %d hidden states, want %v", c.Name, len(states), g.Hidden)
	}
	for k, what := range g.Hidden {
		if want, ok := g.mat(t, c, "hidden."+string('0'+rune(k))); ok && k < len(states) {
			near(t, c.Name+" "+what, states[k], c.Rows[i], want, at)
		}
	}
	want, ok := g.mat(t, c, "logits")
	if !ok {
		return
	}
	got, err := s.Predict(b, model.StepOptions{})
	if err != nil {
		t.Fatal(c.Name, err)
	}
	if got.Cols != want.Cols {
		t.Fatalf("%s: %d logits, want %d", c.Name, got.Cols, want.Cols)
	}
	if strings.HasSuffix(g.Class, "ForSequenceClassification") {
		near(t, c.Name+" logits", got, []int{0}, want, i)
	} else {
		near(t, c.Name+" logits", got, c.Rows[i], want, at)
	}
}

// Global tokens in the text of a mechanism have the projections of global tokens too.
func TestGlobalsOfAMechanism(t *testing.T) {
	b := &data.Batch{Lengths: []int{60}, Tokens: make([]int32, 60)}
	for i := range b.Tokens {
		b.Tokens[i] = int32(10 + i%70)
	}
	run := func(o model.OpenOptions) []float32 {
		m, err := model.OpenWith(filepath.Join(goldenDir, "longformer"), o)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		return outputs(t, m, b)
	}
	want := run(model.OpenOptions{Global: []int{30, 0}})
	got := run(model.OpenOptions{Attention: []string{"window(4) | global(0, 30)", "global(30) | window(8) | global(0)",
		"window(4) | global(0, 30)"}})
	if !slices.Equal(got, want) {
		t.Errorf("logits %v, want %v", got[:4], want[:4])
	}
	if other := run(model.OpenOptions{}); slices.Equal(other, want) {
		t.Error("global tokens change nothing")
	}
	_, err := model.OpenWith(filepath.Join(goldenDir, "bert"), model.OpenOptions{Global: []int{0}})
	if err == nil || !strings.Contains(err.Error(), "has no projections for them") {
		t.Errorf("global tokens of BERT: %v", err)
	}
}

// Each layer shows a query the keys from which transformers' layer has a gradient. In layer 0, whose inputs are the embeddings alone, it
// is also measured: another token changes the output at the query if and only if its key is seen.
func TestGoldenSees(t *testing.T) {
	windows := 0
	for _, name := range folders(t) {
		g := readGolden(t, name)
		for _, see := range g.Sees {
			windows++
			m, err := model.OpenWith(filepath.Join(goldenDir, name), model.OpenOptions{Global: see.Globals})
			if err != nil {
				t.Fatal(name, err)
			}
			seen := map[int]bool{}
			for _, k := range see.Keys {
				for i := k[0]; i <= k[1]; i++ {
					seen[i] = true
				}
			}
			checkPattern(t, name, m.Spec().Layers[see.Layer].Attention, see.Tokens, see.Query, seen)
			if see.Layer == 0 {
				checkLayer0(t, name, m, see.Tokens, see.Query, seen)
			}
			m.Close()
		}
	}
	if windows < 12 {
		t.Errorf("only %d layers were compared", windows)
	}
}

func checkPattern(t *testing.T, name string, a model.Attention, tokens, query int, want map[int]bool) {
	t.Helper()
	parsed, err := mechanism.Parse(a.Mechanism)
	if err != nil {
		t.Fatal(name, err)
	}
	p := mechanism.Config{Mechanism: parsed, Causal: a.Causal}.Pattern()
	seen := 0
	for _, s := range p.Spans(nil, query, pattern.Shape{Tq: tokens, Tk: tokens}) {
		for i := s.Lo; i < s.Hi; i++ {
			seen++
			if !want[i] {
				t.Errorf("%s: %s shows key %d to query %d, transformers does not", name, p, i, query)
			}
		}
	}
	if seen != len(want) {
		t.Errorf("%s: %s shows %d keys to query %d, want %d", name, p, seen, query, len(want))
	}
}

func checkLayer0(t *testing.T, name string, m *model.Model, tokens, query int, want map[int]bool) {
	t.Helper()
	b := &data.Batch{Lengths: []int{tokens}, Tokens: make([]int32, tokens)}
	for i := range b.Tokens {
		b.Tokens[i] = int32(10 + i%70)
	}
	session := m.NewSession(tensor.Exec{})
	output := func() []float32 {
		states, err := session.HiddenStates(b, model.StepOptions{})
		if err != nil {
			t.Fatal(name, err)
		}
		return slices.Clone(states[1].Row(query))
	}
	plain := output()
	for key := range tokens {
		near := key > query-20 && key < query+20 // where windows end; beyond, a few are enough
		if key == query || !near && key%37 != 0 && !want[key-1] && !want[key+1] {
			continue
		}
		old := b.Tokens[key]
		b.Tokens[key] = 5
		if changed := !slices.Equal(output(), plain); changed != want[key] {
			t.Errorf("%s: another token %d changes query %d: %t, want %t", name, key, query, changed, want[key])
		}
		b.Tokens[key] = old
	}
}

// Greedy decoding gives the tokens that transformers' gives, token by token.
func TestGoldenGenerate(t *testing.T) {
	found := 0
	for _, name := range folders(t) {
		g := readGolden(t, name)
		if g.Generate == nil || g.SameAs != "" {
			continue
		}
		found++
		m, err := model.Open(filepath.Join(goldenDir, name))
		if err != nil {
			t.Fatal(name, err)
		}
		d, err := m.NewSession(tensor.Exec{}).Decode(g.Generate.Source)
		if err != nil {
			t.Fatal(name, err)
		}
		next := g.Generate.Prompt
		var got []int32
		for range g.Generate.Tokens {
			logits, err := d.Step(next)
			if err != nil {
				t.Fatal(name, err)
			}
			best := int32(0)
			for i, v := range logits {
				if v > logits[best] {
					best = int32(i)
				}
			}
			got, next = append(got, best), []int32{best}
		}
		if !slices.Equal(got, g.Generate.Tokens) {
			t.Errorf("%s: tokens %v, want %v", name, got, g.Generate.Tokens)
		}
		d.Close()
		m.Close()
	}
	if found < 4 {
		t.Errorf("only %d goldens have generated tokens", found)
	}
}

// The mean loss of a text is transformers'.
func TestGoldenScore(t *testing.T) {
	found := 0
	for _, name := range folders(t) {
		g := readGolden(t, name)
		if g.Score == nil {
			continue
		}
		found++
		i := slices.IndexFunc(g.Cases, func(c goldenCase) bool { return c.Name == g.Score.Case })
		b, _ := g.sequence(t, g.Cases[i], 0)
		b.Targets = append(slices.Clone(b.Tokens[1:]), data.Ignore)
		m, err := model.Open(filepath.Join(goldenDir, name))
		if err != nil {
			t.Fatal(name, err)
		}
		r, err := m.NewSession(tensor.Exec{}).Step(b, model.StepOptions{})
		if err != nil || r.Targets != g.Score.Predicted || math.Abs(r.Loss/g.Score.Nats-1) > 1e-5 {
			t.Errorf("%s: %.6f nats over %d tokens, want %.6f over %d: %v", name, r.Loss, r.Targets, g.Score.Nats, g.Score.Predicted, err)
		}
		m.Close()
	}
	if found < 4 {
		t.Errorf("only %d goldens have a score", found)
	}
}

// Configurations of testdata/golden/bad are refused, or noted, with the name of the field or of the tensor.
func TestBadConfigurations(t *testing.T) {
	// The scores of these two are computed, which the goldens of other programs do not promise.
	computed := []string{"gpt2_inverse_layer", "gpt2_no_scale"}
	// What was meant can only be guessed.
	refused := []string{"gemma3_bidirectional_resaved"}
	var bad struct {
		Cases []struct{ Name, Weights, Field, Must string }
	}
	text, err := os.ReadFile(filepath.Join(goldenDir, "bad", "bad.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &bad); err != nil || len(bad.Cases) < 50 {
		t.Fatal(err, len(bad.Cases))
	}
	for _, c := range bad.Cases {
		dir := t.TempDir()
		link(t, filepath.Join(goldenDir, "bad", c.Name, "config.json"), filepath.Join(dir, "config.json"))
		link(t, filepath.Join(goldenDir, c.Weights, "model.safetensors"), filepath.Join(dir, "model.safetensors"))
		m, err := model.Open(dir)
		must := c.Must
		if slices.Contains(computed, c.Name) {
			must = "open"
		}
		if slices.Contains(refused, c.Name) {
			must = "refuse"
		}
		switch {
		case must == "refuse" && (err == nil || !strings.Contains(err.Error(), c.Field)):
			t.Errorf("%s: error %v, want one about %q", c.Name, err, c.Field)
		case must != "refuse" && err != nil:
			t.Errorf("%s: %v", c.Name, err)
		case must == "report" && !strings.Contains(strings.Join(m.Notes(), "\n"), c.Field):
			t.Errorf("%s: notes %q, want one about %s", c.Name, m.Notes(), c.Field)
		}
		if m != nil {
			m.Close()
		}
	}
}
