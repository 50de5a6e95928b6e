package model

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/sampling/beam"
	"github.com/longspan/longspan/tensor"
)

// TestBeamsEqualTheWhole gives beams random moves: each ends with the logits of its own sequence, whatever states it took over.
func TestBeamsEqualTheWhole(t *testing.T) {
	const beams, prompt, steps = 3, 160, 25 // windows drop keys of such a prompt
	made := 0
	for name, c := range generators() {
		m := newModel(t, c, nil)
		if m.checkBeams() != nil {
			continue
		}
		made++
		var read []int32
		var source *data.Batch
		if c.Kind == EncoderDecoder {
			source = batch(3, 9)
			read = source.Tokens
		}
		pool := tensor.NewPool()
		sequences, logits := randomBeams(t, m, pool, uint64(made), read, batch(1, prompt).Tokens, beams, steps)
		for i, sequence := range sequences {
			want := whole(t, m, &data.Batch{Tokens: sequence, Targets: make([]int32, len(sequence)), Lengths: []int{len(sequence)}}, source)
			near(t, fmt.Sprintf("%s, beam %d", name, i), logits[i], want.Row(len(sequence)-1), 5e-5)
		}
		if n := pool.InUse(); n != 0 {
			t.Errorf("%s: %d bytes were kept", name, n)
		}
	}
	if made < 40 {
		t.Errorf("only %d models were made", made)
	}
}

// randomBeams takes random steps after a prompt, and returns the sequences of the beams with the logits behind them.
func randomBeams(t *testing.T, m *Model, pool *tensor.Pool, seed uint64, source, prompt []int32, beams, steps int) ([][]int32, [][]float32) {
	t.Helper()
	g, err := m.NewSession(tensor.Exec{Threads: 2, Pool: pool}).Decode(source)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Step(prompt); err != nil {
		t.Fatal(err)
	}
	b, err := g.Fork(beams)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	r, sequences := data.NewRandom(seed, 3), slices.Repeat([][]int32{prompt}, beams)
	var logits [][]float32
	for range steps {
		moves, next := make([]beam.Move, beams), make([][]int32, beams)
		for i := range moves {
			moves[i] = beam.Move{Parent: r.IntN(beams), Token: int32(r.IntN(m.spec.Vocab))}
			next[i] = append(slices.Clone(sequences[moves[i].Parent]), moves[i].Token)
		}
		if logits, err = b.Step(moves); err != nil {
			t.Fatal(err)
		}
		sequences = next
	}
	if b.Tokens() != len(prompt)+steps {
		t.Errorf("found %d tokens, want %d", b.Tokens(), len(prompt)+steps)
	}
	for i := range logits {
		logits[i] = slices.Clone(logits[i])
	}
	return sequences, logits
}

func TestBeamsRefuse(t *testing.T) {
	fork := func(c Config, beams int, prompt ...int32) (*Beams, error) {
		c.Vocab, c.Width, c.Heads = 11, 16, 2
		g, err := newModel(t, c, nil).NewSession(tensor.Exec{}).Decode(nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(prompt) > 0 {
			if _, err := g.Step(prompt); err != nil {
				t.Fatal(err)
			}
		}
		return g.Fork(beams)
	}
	for want, f := range map[string]func() (*Beams, error){
		"found 0 beams, expected 1 to 64":       func() (*Beams, error) { return fork(Config{}, 0, 1) },
		"found an empty generation to fork":     func() (*Beams, error) { return fork(Config{}, 2) },
		"found a hierarchical model for a beam": func() (*Beams, error) { return fork(Config{Kind: Hierarchical, Segment: 10}, 2, 1) },
		"found a model with n-grams or copy heads": func() (*Beams, error) {
			return fork(Config{CopyNgrams: []int{2}, NoPosition: []int{0}}, 2, 1)
		},
	} {
		if _, err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found error %v, want %q", err, want)
		}
	}
	b, err := fork(Config{Position: "learned", MaxTokens: 4}, 2, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	two := []beam.Move{{Parent: 0, Token: 1}, {Parent: 1, Token: 2}}
	for want, moves := range map[string][]beam.Move{
		"found the moves of 1 beams, expected 2":                  {{}},
		"found beam 1 to come of beam 2, expected one of 0 to 1":  {{}, {Parent: 2}},
		"token 0 of the batch is 11, the model knows 0 … 10":      {{Token: 11}, {}},
		"found beam 0 to come of beam -1, expected one of 0 to 1": {{Parent: -1}, {}},
		"token 1 of the batch is -1, outside":                     {{}, {Token: -1}},
	} {
		if _, err := b.Step(moves); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found error %v, want %q", err, want)
		}
	}
	for range 2 {
		if _, err := b.Step(two); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Step(two); err == nil || !strings.Contains(err.Error(), "found 5 tokens, the model has 4 learned positions") {
		t.Errorf("found error %v beyond the positions", err)
	}
	b.Close()
	if _, err := b.Step(two); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("found error %v of closed beams", err)
	}
}

// TestSearchStops ends searches by a context, by an error of step, and by the learned positions.
func TestSearchStops(t *testing.T) {
	m := newModel(t, Config{Vocab: 11, Width: 16, Heads: 2, Position: "learned", MaxTokens: 9}, nil)
	c := beam.Default()
	c.MaxNew = 50
	for _, beams := range []int{1, 3} {
		c.Beams = beams
		s := m.NewSession(tensor.Exec{Pool: tensor.NewPool()})
		p := Prompt{Tokens: []int32{1, 2, 3}}
		found, err := s.Search(context.Background(), p, c, nil)
		if err != nil || len(found) != 1 || len(found[0].Tokens) != 7 || found[0].Ended {
			t.Errorf("%d beams: found %v, %v, want 7 tokens: the last is not read", beams, found, err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		part, err := s.Search(ctx, p, c, func(tokens, longest int) error {
			if longest != 7 {
				t.Errorf("the longest text has %d tokens, want 7", longest)
			}
			if tokens == 3 {
				cancel()
			}
			return nil
		})
		if !errors.Is(err, context.Canceled) || len(part) != 1 || len(part[0].Tokens) != 3 {
			t.Errorf("%d beams: found %v, %v, want 3 tokens", beams, part, err)
		}
		full := errors.New("full")
		if _, err := s.Search(context.Background(), p, c, func(int, int) error { return full }); err != full {
			t.Errorf("found error %v of a step", err)
		}
		if n := s.Exec().Pool.InUse(); n != 0 {
			t.Errorf("%d beams: %d bytes were kept", beams, n)
		}
	}
	c.Suppressed = []int32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	s := m.NewSession(tensor.Exec{})
	if _, err := s.Search(context.Background(), Prompt{Tokens: []int32{1}}, c, nil); err == nil ||
		!strings.Contains(err.Error(), "the settings allow none") {
		t.Errorf("found error %v where nothing may come", err)
	}
	if _, err := s.Search(context.Background(), Prompt{Tokens: make([]int32, 10)}, c, nil); err == nil ||
		!strings.Contains(err.Error(), "found a prompt of 10 tokens, expected fewer: the model has 9 learned positions") {
		t.Errorf("found error %v of a long prompt", err)
	}
	dry := m.NewSession(tensor.Exec{Pool: tensor.NewDryPool()})
	if _, err := dry.Search(context.Background(), Prompt{Tokens: []int32{1}}, c, nil); err == nil || !strings.Contains(err.Error(), "dry") {
		t.Errorf("found error %v with a dry pool", err)
	}
}
