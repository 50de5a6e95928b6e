package model

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/tokenizer"
)

// Losses of a stream, in steps of any sizes, are those of the whole.
func TestScoreEqualsTheWhole(t *testing.T) {
	seed := uint64(0)
	for name, c := range generators() {
		seed++
		if c.Kind == EncoderDecoder {
			continue
		}
		m, b := newModel(t, c, nil), batch(seed, 330)
		b.Targets = append(slices.Clone(b.Tokens[1:]), data.Ignore)
		want := make([]float32, 330)
		if _, err := m.NewSession(tensor.Exec{}).step(b, StepOptions{Losses: want}); err != nil {
			t.Fatal(name, err)
		}
		g, err := m.NewSession(tensor.Exec{}).Decode(nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []float32
		for i, n := range splits(seed, 330) {
			part := b.Tokens[len(got) : len(got)+n]
			losses := make([]float32, n)
			switch {
			case i > 0 && i%5 == 2: // what was not scored, or asked for logits, still predicts what comes
				err = g.Append(part)
				copy(losses, want[len(got)-1:])
			case i > 0 && i%5 == 3:
				_, err = g.Step(part)
				copy(losses, want[len(got)-1:])
			default:
				losses, err = g.Score(part)
			}
			if err != nil {
				t.Fatal(name, err)
			}
			got = append(got, losses...)
		}
		g.Close()
		if got[0] != 0 {
			t.Errorf("%s: the first token has the loss %g, expected 0", name, got[0])
		}
		if memory := c.Kind == TransformerXL; !memory { // the whole has no memory between segments
			near(t, name, got[1:], want[:329], 2e-5)
		}
	}
}

// scored is a byte model with a text, and learned positions or none.
func scored(t *testing.T, positions, length int) (*Model, string) {
	t.Helper()
	c := Config{Kind: Decoder, Vocab: 257, Width: 16, Layers: 2, Heads: 1, Attention: []string{"window(100)", "full"}}
	if positions > 0 {
		c.Position, c.MaxTokens = "learned", positions
	}
	m, err := New(c, Options{Tokenizer: tokenizer.Bytes()})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for i := range length {
		fmt.Fprintf(&text, "%d ", i*i%97)
	}
	return m, text.String()[:length]
}

// A score that stopped at any state and goes on has the bits of one that never stopped.
func TestScoreGoesOn(t *testing.T) {
	for name, c := range map[string]struct {
		positions, length int
		o                 ScoreOptions
	}{
		"stream":    {0, 2*scoreStep + 100, ScoreOptions{}},
		"windows":   {0, 2500, ScoreOptions{Context: 1000, Stride: 600}},
		"positions": {512, 1300, ScoreOptions{}},
		"long":      {0, scoreStep + 1500, ScoreOptions{Context: scoreStep + 500}},
	} {
		m, text := scored(t, c.positions, c.length)
		read, err := m.ReadScored(text)
		if err != nil {
			t.Fatal(err)
		}
		var states []ScoreState
		var losses []float32
		o := c.o
		o.Saved = func(s ScoreState) error { states = append(states, s); return nil }
		o.Losses = func(from int, some []float32) error {
			if from != len(losses) {
				t.Errorf("%s: losses from %d, expected %d", name, from, len(losses))
			}
			losses = append(losses, some...)
			return nil
		}
		s := m.NewSession(tensor.Exec{Threads: 2})
		want, err := s.Score(t.Context(), read, o)
		if err != nil {
			t.Fatal(name, err)
		}
		if want.Tokens != c.length || want.Scored != c.length || len(losses) != c.length || want.Bytes != c.length || len(states) < 2 {
			t.Errorf("%s: found %+v, %d losses and %d states", name, want, len(losses), len(states))
		}
		for _, state := range states {
			o := c.o
			o.From = state
			o.Losses = func(from int, some []float32) error {
				if !slices.Equal(some, losses[from:from+len(some)]) {
					t.Errorf("%s: from %+v the losses at %d have other bits", name, state, from)
				}
				return nil
			}
			got, err := m.NewSession(tensor.Exec{Threads: 1}).Score(t.Context(), read, o)
			if err != nil || got != want {
				t.Errorf("%s: from %+v found %+v, %v, expected %+v", name, state, got, err, want)
			}
		}
		o = c.o
		o.From = ScoreState{Tokens: 7}
		if _, err := s.Score(t.Context(), read, o); err == nil || !strings.Contains(err.Error(), "within a step") {
			t.Errorf("%s: a state of other options gives %v", name, err)
		}
	}
}

// Windows give each token the loss of a sequence of its window.
func TestScoreInWindows(t *testing.T) {
	m, text := scored(t, 0, 700)
	read, err := m.ReadScored(text)
	if err != nil {
		t.Fatal(err)
	}
	var got []float32
	o := ScoreOptions{Context: 257, Stride: 100, Losses: func(_ int, some []float32) error { got = append(got, some...); return nil }}
	s := m.NewSession(tensor.Exec{})
	score, err := s.Score(t.Context(), read, o)
	if err != nil {
		t.Fatal(err)
	}
	if score.Windows != 6 || score.Window != 257 || score.Stride != 100 || !strings.Contains(score.How, "6 windows of 257 tokens") {
		t.Errorf("found %+v", score)
	}
	sum := 0.0
	for place, window := range map[int]int{0: 0, 255: 0, 256: 1, 355: 1, 356: 2, 699: 5} {
		from := window * 100
		g, err := s.Decode(nil)
		if err != nil {
			t.Fatal(err)
		}
		losses, err := g.Score(append([]int32{256}, read.IDs[from:place+1]...))
		if err != nil {
			t.Fatal(err)
		}
		g.Close()
		near(t, fmt.Sprintf("token %d in window %d", place, window), got[place:place+1], losses[len(losses)-1:], 2e-5)
	}
	for _, v := range got {
		sum += float64(v)
	}
	if sum != score.Nats {
		t.Errorf("the losses have the sum %g, the score has %g", sum, score.Nats)
	}
}

func TestScoreWithoutABeginning(t *testing.T) {
	m, err := New(Config{Kind: Decoder, Vocab: 5, Width: 16, Layers: 1, Heads: 1}, Options{Tokenizer: tokenizer.DNA()})
	if err != nil {
		t.Fatal(err)
	}
	score, err := m.Score(t.Context(), "ACGTACGT", ScoreOptions{})
	if err != nil || score.Scored != 7 || score.Tokens != 8 || score.Bytes != 7 || math.Abs(score.Nats/7-math.Log(5)) > 0.5 {
		t.Errorf("found %+v, %v, expected 7 of 8 tokens", score, err)
	}
}

func TestScoreRefuses(t *testing.T) {
	m, text := scored(t, 64, 500)
	masked := newModel(t, Config{Kind: Encoder, Vocab: 9, Width: 16, Layers: 1, Heads: 1, Head: "mlm"}, nil)
	for part, c := range map[string]struct {
		m    *Model
		text string
		o    ScoreOptions
	}{
		"at most 64":       {m, text, ScoreOptions{Context: 65}},
		"at least 3":       {m, text, ScoreOptions{Context: 2}},
		"a context of -1":  {m, text, ScoreOptions{Context: -1}},
		"a stride of 64":   {m, text, ScoreOptions{Stride: 64}},
		"a state after":    {m, text, ScoreOptions{From: ScoreState{Tokens: 501}}},
		"is empty":         {m, "", ScoreOptions{}},
		"without a tokeni": {masked, text, ScoreOptions{}},
	} {
		if _, err := c.m.Score(t.Context(), c.text, c.o); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%s: found the error %v", part, err)
		}
	}
	if _, err := masked.NewSession(tensor.Exec{}).Score(t.Context(), ScoreText{}, ScoreOptions{}); err == nil ||
		!strings.Contains(err.Error(), "fill or embed") {
		t.Errorf("a masked model gives %v", err)
	}
	m, text = scored(t, 0, 100)
	if _, err := m.Score(t.Context(), text, ScoreOptions{Stride: 5}); err == nil || !strings.Contains(err.Error(), "no context") {
		t.Errorf("a stride alone gives %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Score(ctx, text, ScoreOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled score gives %v", err)
	}
}
