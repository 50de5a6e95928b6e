package model

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/internal/filename"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/tokenizer"
)

// misused makes the model of a test of misuse.
func misused(t *testing.T, c Config) *Model {
	t.Helper()
	c.Vocab, c.Width, c.Heads = 5, 16, 2
	if c.Layers == 0 {
		c.Layers = 2
	}
	m, err := New(c, Options{Train: true})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A step over segments fills losses and classes, each also without the other.
func TestSegmentsFillLossesOrClasses(t *testing.T) {
	s := misused(t, Config{Kind: TransformerXL, Memory: 3, Segment: 2}).NewSession(tensor.Exec{})
	b := &data.Batch{Tokens: []int32{0, 1, 2, 3}, Lengths: []int{3, 1}, Targets: []int32{1, 2, 3, 0}}
	losses, best := make([]float32, 4), []int32{-7, -7, -7, -7}
	if _, err := s.Step(b, StepOptions{Losses: losses}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Step(b, StepOptions{Best: best}); err != nil {
		t.Fatal(err)
	}
	for i := range b.Tokens {
		if losses[i] <= 0 || best[i] < 0 {
			t.Errorf("token %d has the loss %g and the class %d", i, losses[i], best[i])
		}
	}
}

// The memory of another model is refused before it is read.
func TestMemoryOfAnotherModel(t *testing.T) {
	b := &data.Batch{Tokens: []int32{0, 1}, Lengths: []int{2}, Targets: []int32{1, 2}, Follows: []int{0}}
	var memory Memory
	two := misused(t, Config{Kind: TransformerXL, Memory: 3})
	if _, err := two.NewSession(tensor.Exec{}).Step(b, StepOptions{Memory: &memory}); err != nil {
		t.Fatal(err)
	}
	deeper := misused(t, Config{Kind: TransformerXL, Memory: 3, Layers: 3})
	_, err := deeper.NewSession(tensor.Exec{}).Step(b, StepOptions{Memory: &memory})
	refused(t, "step", err, "found a memory of 2 layers for a model of 3")
	_, err = deeper.RestoreMemory(nil, []byte{1, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0}) // a sequence of 3 tokens, no layers
	refused(t, "restore", err, "found 0 layers, expected 3")
}

// After Close, which waits for sessions at work, sessions and generations return errors: the file of the weights is unmapped.
func TestClosedModel(t *testing.T) {
	_, dir := saved(t, Config{}, tensor.F32)
	m, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	b := &data.Batch{Tokens: []int32{0, 1}, Lengths: []int{2}, Targets: []int32{1, 2}}
	working := make(chan struct{})
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			s := m.NewSession(tensor.Exec{Threads: 1})
			for {
				if _, err := s.Step(b, StepOptions{}); err != nil {
					refused(t, "at work", err, "was closed")
					return
				}
				select {
				case working <- struct{}{}:
				default:
				}
			}
		})
	}
	s := m.NewSession(tensor.Exec{})
	g, err := s.Decode(nil)
	if err != nil {
		t.Fatal(err)
	}
	<-working
	for range 2 {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
	group.Wait()
	_, step := s.Step(b, StepOptions{})
	_, predict := s.Predict(b, StepOptions{})
	_, decode := s.Decode(nil)
	_, next := g.Step([]int32{1})
	g.Close()
	for _, err := range []error{step, predict, decode, next, m.Save(t.TempDir(), tensor.F32)} {
		refused(t, "closed", err, "was closed")
	}
}

// Weights that are not numbers give no answer.
func TestAnswersOfDamagedWeights(t *testing.T) {
	for _, c := range []Config{{Head: Classify, Classes: 2}, {Head: Tag, Classes: 2}, {Head: Regress}} {
		c.Kind, c.Vocab, c.Width, c.Layers, c.Heads = Encoder, 5, 16, 1, 2
		m, err := New(c, Options{Tokenizer: tokenizer.DNA()})
		if err != nil {
			t.Fatal(err)
		}
		m.Params()[0].Value.F32[0] = float32(math.NaN())
		_, err = m.Answer("ACGT")
		refused(t, c.Head, err, "found the output NaN")
	}
}

// A prompt of more tokens than learned positions is refused; it gave an empty text.
func TestPromptBeyondPositions(t *testing.T) {
	m, err := New(Config{Vocab: 5, Width: 16, Layers: 1, Heads: 2, Position: "learned", MaxTokens: 4}, Options{Tokenizer: tokenizer.DNA()})
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.Generate(context.Background(), "ACGTA", GenerateOptions{Tokens: 1})
	refused(t, "5 tokens", err, "found a prompt of 5 tokens, expected at most 4")
	if g, err := m.Generate(context.Background(), "ACGT", GenerateOptions{Tokens: 9}); err != nil || len(g.Tokens) != 1 {
		t.Errorf("4 tokens: %v, %v; want the one token after them", g, err)
	}
}

// A model.json of any size costs no more memory than the largest that could be read.
func TestHugeCard(t *testing.T) {
	_, dir := saved(t, Config{}, tensor.F32)
	if err := os.Truncate(filepath.Join(dir, filename.Model), 1<<40); err != nil {
		t.Skip(err)
	}
	_, err := Open(dir)
	refused(t, "a tebibyte", err, "found more than 16777216 bytes")
}
