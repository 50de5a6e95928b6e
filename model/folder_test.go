package model

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/internal/filename"
	"github.com/longspan/longspan/sampling"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/tokenizer"
)

// saved is a small language model of DNA in a folder, and the folder.
func saved(t *testing.T, c Config, stored tensor.Type) (*Model, string) {
	t.Helper()
	c.Vocab, c.Width, c.Layers, c.Heads, c.Seed = 5, 16, 2, 2, 3
	m, err := New(c, Options{Tokenizer: tokenizer.DNA(), Answers: data.Answers{Mean: 2, Deviation: 3}})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := m.Save(dir, stored); err != nil {
		t.Fatal(err)
	}
	return m, dir
}

func opened(t *testing.T, dir string, o OpenOptions) *Model {
	t.Helper()
	m, err := OpenWith(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func logitsOf(t *testing.T, m *Model, tokens []int32) []float32 {
	t.Helper()
	d, err := m.NewSession(tensor.Exec{}).Decode(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	logits, err := d.Step(tokens)
	if err != nil {
		t.Fatal(err)
	}
	return logits
}

// A folder that was moved gives the model that was saved, with its tokenizer and answers, to the bit where no type was changed.
func TestAFolderIsTheModel(t *testing.T) {
	for _, c := range []struct {
		name, precision string
		stored          tensor.Type
		exact           bool
	}{{"f32", "f32", tensor.F32, true}, {"bf16 computed, f32 stored", "bf16", tensor.F32, true}, {"bf16", "bf16", tensor.BF16, true},
		{"f32 computed, bf16 stored", "f32", tensor.BF16, false}, {"fp16 stored", "f32", tensor.F16, false}} {
		m, dir := saved(t, Config{Precision: c.precision, Attention: []string{"window(4)"}}, c.stored)
		moved := filepath.Join(t.TempDir(), "moved")
		if err := os.Rename(dir, moved); err != nil {
			t.Fatal(err)
		}
		again := opened(t, moved, OpenOptions{Verify: true})
		if again.Answers().Value(1) != 5 || again.Tokenizer().Vocab() != 5 {
			t.Errorf("%s: the answers are %v, the tokenizer has %d tokens", c.name, again.Answers(), again.Tokenizer().Vocab())
		}
		got, want := logitsOf(t, again, []int32{0, 1, 2, 3}), logitsOf(t, m, []int32{0, 1, 2, 3})
		if c.exact && !slices.Equal(got, want) {
			t.Errorf("%s: logits %v, want %v", c.name, got, want)
		}
		for i := range got {
			if math.Abs(float64(got[i]-want[i])) > 0.02 {
				t.Errorf("%s: logits %v, want about %v", c.name, got, want)
			}
		}
	}
}

// Weights that need no change are used where they lie in the file.
func TestOpeningCopiesNoTable(t *testing.T) {
	_, dir := saved(t, Config{Precision: "bf16"}, tensor.BF16)
	pool := tensor.NewPool()
	m := opened(t, dir, OpenOptions{Pool: pool})
	if m.file.(*weightsFile).f.Signed(); len(m.file.(*weightsFile).read) == 0 {
		t.Skip("no weight was read: files are not mapped here")
	}
	for _, p := range m.Params() {
		if m.params.IsTable(p) && p.Value.Type != tensor.BF16 {
			t.Errorf("%s is %s", p.Name, p.Value.Type)
		}
	}
	if got := pool.InUse(); got > 0 {
		t.Errorf("opening copied %d bytes; the file has every weight in a usable type", got)
	}
}

// layers is a card of a layer more or less.
func layers(text string, change int) string {
	var c card
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		panic(err)
	}
	c.Spec.Layers = append(c.Spec.Layers, c.Spec.Layers[0])[:len(c.Spec.Layers)+change]
	out, _ := json.Marshal(c)
	return string(out)
}

func TestWhatOpenRefuses(t *testing.T) {
	change := func(name string, edit func(text string) string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			path := filepath.Join(dir, name)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(edit(string(text))), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	folder := func(name string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			if err := errors.Join(os.Remove(filepath.Join(dir, name)), os.Mkdir(filepath.Join(dir, name), 0o755)); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove := func(name string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) { _ = os.Remove(filepath.Join(dir, name)) }
	}
	for name, c := range map[string]struct {
		spoil func(t *testing.T, dir string)
		want  string
	}{
		"a folder as card":      {folder(filename.Model), "model.json of type d"},
		"a folder as tokenizer": {folder(filename.Tokenizer), "tokenizer.json of type d"},
		"a folder as weights":   {folder(filename.Weights), "model.safetensors of type d"},
		"no card":               {remove(filename.Model), "is no model folder"},
		"no weights":            {remove(filename.Weights), "has no model.safetensors"},
		"newer": {change(filename.Model, func(s string) string { return strings.Replace(s, `"longspan": 1`, `"longspan": 9`, 1) }),
			"found format 9, expected 1 to"},
		"unknown key": {change(filename.Model, func(s string) string { return strings.Replace(s, `"width"`, `"breadth"`, 1) }),
			`unknown field "breadth"`},
		"wider": {change(filename.Model, func(s string) string { return strings.Replace(s, `"width": 16`, `"width": 32`, 1) }),
			"has the shape"},
		"deeper":    {change(filename.Model, func(s string) string { return layers(s, +1) }), "has no weight \"blocks.2"},
		"shallower": {change(filename.Model, func(s string) string { return layers(s, -1) }), "which the model does not have"},
		"tokenizer": {change(filename.Tokenizer, func(string) string { return "{" }), "tokenizer"},
		"two models": {change(filename.Model, func(s string) string { return strings.Replace(s, `"vocab": 5`, `"vocab": 4`, 1) }),
			"found a tokenizer of 5 tokens for a model of 4"},
		"weights": {change(filename.Weights, func(s string) string { return s[:len(s)-1] }), "model.safetensors"},
	} {
		_, dir := saved(t, Config{}, tensor.F32)
		c.spoil(t, dir)
		if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want an error with %q", name, err, c.want)
		}
	}
	_, dir := saved(t, Config{}, tensor.F32)
	_ = os.Remove(filepath.Join(dir, filename.Model))
	if err := os.WriteFile(filepath.Join(dir, filename.Config), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "longspan train ") {
		t.Errorf("a run of an older version: %v; want what to do", err)
	}
}

// Eight sessions at once on one model give the bits that they give one by one: forward, scores and generated text.
func TestSessionsShareAModel(t *testing.T) {
	_, dir := saved(t, Config{Precision: "bf16", Attention: []string{"window(8)", "performer(features=16)"}}, tensor.BF16)
	m := opened(t, dir, OpenOptions{})
	type outcome struct {
		loss   float64
		losses []float32
		logits []float32
		text   string
	}
	work := func(i int) (o outcome, err error) {
		s := m.NewSession(tensor.Exec{Threads: 1 + i%3, Pool: tensor.NewPool()})
		r := data.NewRandom(uint64(i), 0)
		b := &data.Batch{Lengths: []int{20 + i, 9}}
		for range 29 + i {
			b.Tokens, b.Targets = append(b.Tokens, int32(r.IntN(4))), append(b.Targets, int32(r.IntN(4)))
		}
		o.losses = make([]float32, len(b.Tokens))
		result, err := s.Step(b, StepOptions{Losses: o.losses})
		if err != nil {
			return o, err
		}
		logits, err := s.Predict(b, StepOptions{})
		if err != nil {
			return o, err
		}
		g, err := s.Generate(context.Background(), "ACGT"[i%4:], GenerateOptions{Tokens: 30, Sampling: sampling.Config{Seed: uint64(i)}})
		o.loss, o.logits, o.text = result.Loss, logits.F32, g.Text
		return o, err
	}
	const sessions = 8
	var alone, together [sessions]outcome
	for i := range alone {
		var err error
		if alone[i], err = work(i); err != nil {
			t.Fatal(err)
		}
	}
	var group sync.WaitGroup
	for i := range together {
		group.Go(func() {
			var err error
			if together[i], err = work(i); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for i, a := range alone {
		b := together[i]
		if a.loss != b.loss || a.text != b.text || len(a.text) != 30 || !slices.Equal(a.losses, b.losses) || !slices.Equal(a.logits, b.logits) {
			t.Errorf("session %d gives %g and %q beside others, %g and %q alone", i, b.loss, b.text, a.loss, a.text)
		}
	}
}

func TestGenerateRefuses(t *testing.T) {
	dna, err := New(Config{Vocab: 5, Width: 16, Layers: 1, Heads: 2}, Options{Tokenizer: tokenizer.DNA()})
	if err != nil {
		t.Fatal(err)
	}
	without, err := New(Config{Vocab: 5, Width: 16, Layers: 1, Heads: 2}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	encoder, err := New(Config{Kind: Encoder, Vocab: 5, Width: 16, Layers: 1, Heads: 2}, Options{Tokenizer: tokenizer.DNA()})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		m      *Model
		prompt string
		o      GenerateOptions
		want   string
	}{
		"empty":        {dna, "", GenerateOptions{}, "the text is empty"},
		"no base":      {dna, "ACX", GenerateOptions{}, "the text: "},
		"no tokenizer": {without, "A", GenerateOptions{}, "without a tokenizer"},
		"encoder":      {encoder, "A", GenerateOptions{}, "found the head mlm, expected lm"},
		"tokens":       {dna, "A", GenerateOptions{Tokens: -1}, "found -1 tokens"},
		"sampling":     {dna, "A", GenerateOptions{Sampling: sampling.Config{TopK: -1}}, "top-k"},
	} {
		if _, err := c.m.Generate(context.Background(), c.prompt, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want an error with %q", name, err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	got, err := dna.Generate(ctx, "A", GenerateOptions{Tokens: 9, Token: func(int32, string) error { cancel(); return nil }})
	if err != context.Canceled || len(got.Tokens) != 1 {
		t.Errorf("a cancelled generation gives %v, %v; want one token and the context's error", got, err)
	}
}

// A card is read back as it was written, or refused; nothing else happens.
func FuzzParseCard(f *testing.F) {
	m, err := New(Config{Vocab: 5, Width: 16, Layers: 1, Heads: 2}, Options{})
	if err != nil {
		f.Fatal(err)
	}
	files, err := m.Files()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(files[filename.Model]))
	f.Add(`{"longspan": 1, "spec": {"vocab": 1e99}}`)
	f.Fuzz(func(t *testing.T, text string) {
		var c card
		if err := parseCard([]byte(text), &c); err == nil && c.Spec.Check() != nil {
			t.Error("a card with a configuration that Check refuses was taken")
		}
	})
}
