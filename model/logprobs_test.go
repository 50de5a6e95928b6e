package model

import (
	"math"
	"strings"
	"testing"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/tensor"
)

// The probabilities of a row have the sum 1, and the losses of a step are those of its targets.
func TestLogProbsAreTheLosses(t *testing.T) {
	for _, name := range []string{"decoder", "decoder ngrams", "encoder mlm", "hierarchical"} {
		m := newModel(t, zoo()[name], nil)
		s := m.NewSession(tensor.Exec{Pool: tensor.NewPool()})
		b := batch(1, 37, 20)
		b.Targets[3] = autograd.Ignore
		losses := make([]float32, len(b.Tokens))
		if _, err := s.Step(b, StepOptions{Losses: losses}); err != nil {
			t.Fatal(name, err)
		}
		logs, err := s.LogProbs(b)
		if err != nil || logs.Rows != len(b.Tokens) || logs.Cols != 11 {
			t.Fatal(name, logs.Rows, logs.Cols, err)
		}
		for i, want := range losses {
			sum := 0.0
			for _, v := range logs.Row(i) {
				sum += math.Exp(float64(v))
			}
			if i != 3 && math.Abs(float64(logs.Row(i)[b.Targets[i]]+want)) > 1e-5 || math.Abs(sum-1) > 1e-5 {
				t.Errorf("%s: row %d: found %v, a sum of %g, want the loss %g", name, i, logs.Row(i), sum, want)
			}
		}
	}
	m := newModel(t, zoo()["encoder tag"], nil)
	if _, err := m.NewSession(tensor.Exec{}).LogProbs(batch(1, 5)); err == nil || !strings.Contains(err.Error(), "found the head tag") {
		t.Errorf("found %v", err)
	}
}

// A token that is farther away than the reach changes nothing; one at the reach does.
func TestReach(t *testing.T) {
	deep := Config{Kind: Decoder, Attention: []string{"window(2)", "dilated(3, 2)"}, Vocab: 11, Width: 16, Layers: 3, Heads: 2, Seed: 5}
	m := newModel(t, deep, nil)
	n, bounded := m.Reach()
	if n != 2+6+2 || !bounded {
		t.Fatalf("found %d, %v", n, bounded)
	}
	s := m.NewSession(tensor.Exec{})
	b := batch(1, 40)
	want, err := s.LogProbs(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{30 - n, 30 - n - 1} {
		changed := *b
		changed.Tokens = append([]int32(nil), b.Tokens...)
		changed.Tokens[at] = (changed.Tokens[at] + 1) % 11
		got, err := s.LogProbs(&changed)
		if err != nil {
			t.Fatal(err)
		}
		if same := got.Row(30)[0] == want.Row(30)[0]; same != (at < 30-n) {
			t.Errorf("token %d: the output of token 30 is the same: %v", at, same)
		}
	}
	for name, want := range map[string]int{"decoder": -1, "decoder performer": -1, "decoder ngrams": 4 + 3*8, "decoder copy": -1,
		"encoder mlm": -1, "transformer-xl": -1, "hierarchical": -1} {
		n, bounded := newModel(t, zoo()[name], nil).Reach()
		if bounded != (want >= 0) || bounded && n != want {
			t.Errorf("%s: found %d, %v, want %d", name, n, bounded, want)
		}
	}
}
