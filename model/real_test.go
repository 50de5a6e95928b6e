package model

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/longspan/longspan/chat"
	"github.com/longspan/longspan/sampling"
	"github.com/longspan/longspan/tensor"
)

// real is a file of the folder that `make real` fills.
func real(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("LONGSPAN_REAL")
	if dir == "" {
		t.Skip("LONGSPAN_REAL is not set: make real runs this test")
	}
	return filepath.Join(dir, name)
}

// Nats a token of the first 2,048 tokens of the General Public License, from text, are those of transformers for the same ids.
// (transformers makes another tokenizer of SmolLM2's file, by whose ids it has 2.9786.)
func TestRealScore(t *testing.T) {
	for path, want := range map[string]float64{
		"SmolLM2-135M-Instruct.Q4_1.gguf":       2.9814,
		"gemma-3-270m/gemma-3-270m-q4_k_m.gguf": 2.7640,
	} {
		path = real(t, path)
		license, err := os.ReadFile("/usr/share/common-licenses/GPL-3")
		if err != nil {
			t.Skip(err)
		}
		m, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := m.ReadScored(string(license))
		if err != nil {
			t.Fatal(err)
		}
		text.IDs = text.IDs[:2048-len(text.Before)]
		score, err := m.NewSession(tensor.Exec{Pool: tensor.NewPool()}).Score(t.Context(), text, ScoreOptions{})
		if err != nil {
			t.Fatal(err)
		}
		got := score.Nats / float64(score.Scored)
		t.Logf("%s: %.5f nats of %d tokens, expected %.4f", path, got, score.Scored, want)
		if !(math.Abs(got-want) < 1e-3) || score.Scored != 2047 {
			t.Errorf("%s: found %.5f nats of %d tokens, expected %.4f of 2047", path, got, score.Scored, want)
		}
		m.Close()
	}
}

// A conversation with SmolLM2 is the one that transformers has, by the template inside the file, greedily.
func TestRealChat(t *testing.T) {
	m, err := Open(real(t, "SmolLM2-135M-Instruct.Q4_1.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	o := GenerateOptions{Messages: []chat.Message{{Role: "user", Content: "What is the capital of France?"}}, Tokens: 40,
		Sampling: sampling.Config{Greedy: true}}
	p, err := m.Prompt("", o)
	if err != nil {
		t.Fatal(err)
	}
	const prompt = "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n" +
		"<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n"
	if p.Text != prompt || len(p.Tokens) != 37 {
		t.Errorf("found a prompt of %d tokens, %q, expected 37, %q", len(p.Tokens), p.Text, prompt)
	}
	got, err := m.Generate(t.Context(), "", o)
	if want := "The capital of France is Paris."; err != nil || got.Text != want || got.StoppedBy != StoppedByEnd {
		t.Errorf("found %q, %s, %v, expected %q", got.Text, got.StoppedBy, err, want)
	}
}
