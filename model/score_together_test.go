package model

import (
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/tokenizer"
)

// Texts that are scored together have the scores that they have by themselves, with special tokens before them or without.
func TestScoreTogether(t *testing.T) {
	m, long := scored(t, 0, DefaultBatch+300)
	for _, before := range [][]int32{nil, {256}, {256, 256}} {
		var err error
		if m.tokenizer, err = tokenizer.Bytes().WithTemplate(tokenizer.Template{Before: before}); err != nil {
			t.Fatal(err)
		}
		var texts []ScoreText
		for _, n := range []int{1, 2, 40, 3, 500, 1, 400} {
			read, err := m.ReadScored(long[n : 2*n])
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, read)
		}
		s := m.NewSession(tensor.Exec{Threads: 2})
		scores, losses, err := s.ScoreTogether(texts)
		if err != nil {
			t.Fatal(err)
		}
		for i, text := range texts {
			var want []float32
			alone, err := s.Score(t.Context(), text, ScoreOptions{Losses: func(_ int, l []float32) error {
				want = append(want, l...)
				return nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			near(t, "losses", losses[i], want, 2e-5)
			got := scores[i]
			if got.Nats-alone.Nats > 1e-3 || alone.Nats-got.Nats > 1e-3 {
				t.Errorf("text %d has %g nats, alone %g", i, got.Nats, alone.Nats)
			}
			if got.Nats = alone.Nats; got != alone {
				t.Errorf("text %d has the score %+v, alone %+v", i, got, alone)
			}
			single, own, err := s.ScoreTogether(texts[i : i+1])
			if err != nil || single[0] != scores[i] || !slices.Equal(own[0], losses[i]) {
				t.Errorf("text %d has other bits beside other texts: %+v and %+v, %v", i, scores[i], single[0], err)
			}
		}
	}
}

// ScoredTogether takes texts up to a batch, and leaves those that are read in windows, or with a memory, to Score.
func TestWhatIsScoredTogether(t *testing.T) {
	m, long := scored(t, 0, DefaultBatch+300)
	read := func(sizes ...int) (texts []ScoreText) {
		for _, n := range sizes {
			text, err := m.ReadScored(long[:n])
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, text)
		}
		return texts
	}
	const before = 1 // special token of each text
	for _, c := range []struct {
		sizes []int
		o     ScoreOptions
		want  int
	}{
		{[]int{5, 6, 7}, ScoreOptions{}, 3},
		{[]int{DefaultBatch - before, 1}, ScoreOptions{}, 1},
		{[]int{DefaultBatch/2 - before, DefaultBatch/2 - before, 1}, ScoreOptions{}, 2},
		{[]int{DefaultBatch + 1, 1}, ScoreOptions{}, 0},
		{[]int{5, 200, 7}, ScoreOptions{Context: 100}, 1},
		{[]int{5}, ScoreOptions{Stride: 3}, 0},
		{nil, ScoreOptions{}, 0},
	} {
		if got := m.ScoredTogether(read(c.sizes...), c.o); got != c.want {
			t.Errorf("texts of %v tokens, %+v: %d together, expected %d", c.sizes, c.o, got, c.want)
		}
	}
	texts := read(5, 6)
	for name, change := range map[string]Config{
		"masked": {Kind: Encoder, Head: MaskedLM, Vocab: 257, Width: 16, Layers: 1, Heads: 1},
		"memory": {Kind: TransformerXL, Vocab: 257, Width: 16, Layers: 1, Heads: 1, Segment: 8, Memory: 8},
	} {
		if got := newModel(t, change, nil).ScoredTogether(texts, ScoreOptions{}); got != 0 {
			t.Errorf("%s: %d together, expected 0", name, got)
		}
	}
	over := m.NewSessionOver(tensor.Exec{}, parallel.Local(2)[0])
	if _, _, err := over.ScoreTogether(texts); err == nil || !strings.Contains(err.Error(), "several ranks") {
		t.Errorf("over ranks: error %v", err)
	}
}
