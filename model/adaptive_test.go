package model

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/tensor"
)

// adaptiveSpecs are the language models among specs whose softmax is adaptive.
func adaptiveSpecs(t *testing.T) map[string]Spec {
	all := specs(t)
	for name, s := range all {
		if s.Clusters() == 0 {
			delete(all, name)
		}
	}
	return all
}

// The losses, the most probable tokens and the scores, which compute the tails of the targets alone, are those of the log-probabilities of
// the whole vocabulary. Rows without a target change nothing.
func TestAdaptiveLosses(t *testing.T) {
	for name, s := range adaptiveSpecs(t) {
		m, b := newOf(t, s, Options{}), batch(1, 37, 5, 50)
		session := m.NewSession(tensor.Exec{Pool: tensor.NewPool()})
		b.Targets[3], b.Targets[40] = data.Ignore, data.Ignore
		logits, err := session.Predict(b, StepOptions{})
		if err != nil {
			t.Fatal(name, err)
		}
		losses, best := make([]float32, len(b.Tokens)), make([]int32, len(b.Tokens))
		if _, err := session.Step(b, StepOptions{Losses: losses, Best: best}); err != nil {
			t.Fatal(name, err)
		}
		for i, target := range b.Targets {
			row, sum := logits.Row(i), 0.0
			for _, v := range row {
				sum += math.Exp(float64(v))
			}
			if math.Abs(sum-1) > 1e-5 {
				t.Errorf("%s: the probabilities of row %d add up to %g", name, i, sum)
			}
			want, top := float32(0), data.Ignore
			if target != data.Ignore {
				want, top = -row[target], int32(slices.Index(row, slices.Max(row)))
			}
			if math.Abs(float64(losses[i]-want)) > 1e-5 || best[i] != top {
				t.Errorf("%s: row %d has the loss %g and the best token %d, want %g and %d", name, i, losses[i], best[i], want, top)
			}
		}
	}
}

// A text has the same scores token by token, in pieces, and by its log-probabilities.
func TestAdaptiveScores(t *testing.T) {
	for name, s := range adaptiveSpecs(t) {
		m, b := newOf(t, s, Options{}), batch(1, 40)
		session := m.NewSession(tensor.Exec{Pool: tensor.NewPool()})
		logits, err := session.Predict(b, StepOptions{})
		if err != nil {
			t.Fatal(name, err)
		}
		want := make([]float32, len(b.Tokens))
		for i, token := range b.Tokens[1:] {
			want[i+1] = -logits.Row(i)[token]
		}
		g, err := session.Decode(nil)
		if err != nil {
			t.Fatal(name, err)
		}
		var got []float32
		for _, piece := range [][]int32{b.Tokens[:17], b.Tokens[17:18], b.Tokens[18:]} {
			losses, err := g.Score(piece)
			if err != nil {
				t.Fatal(name, err)
			}
			got = append(got, losses...)
		}
		near(t, name, got, want, 2e-5)
		g.Close()
	}
}

// A plan, which has no tokens, takes at least the memory of any tokens, in a forward pass, in training and in generation.
func TestAdaptivePlans(t *testing.T) {
	for name, s := range adaptiveSpecs(t) {
		peak := func(dry bool, token int32, train bool) int64 {
			pool := tensor.NewPool()
			if dry {
				pool = tensor.NewDryPool()
			}
			m := newOf(t, s, Options{Pool: pool, Train: train})
			b := batch(1, 61)
			for i := range b.Tokens {
				if token >= 0 {
					b.Tokens[i], b.Targets[i] = token, token
				}
			}
			session := m.NewSession(tensor.Exec{Pool: pool, Threads: 1})
			if _, err := session.Step(b, StepOptions{Backward: train}); err != nil {
				t.Fatal(name, err)
			}
			g, err := session.Decode(nil)
			if err == nil {
				_, err = g.Step(b.Tokens)
			}
			if err != nil {
				t.Fatal(name, err)
			}
			g.Close()
			return pool.Peak()
		}
		for _, train := range []bool{false, true} {
			plan := peak(true, 0, train)
			for _, token := range []int32{-1, 0, 5, 10} { // −1: of all clusters
				if got := peak(false, token, train); got > plan {
					t.Errorf("%s: training %t, token %d: %d bytes, the plan says %d", name, train, token, got, plan)
				}
			}
		}
	}
}

func TestAdaptiveIsRefused(t *testing.T) {
	for want, change := range map[string]func(s *Spec){
		"embed.adaptive: found in a model of kind decoder": func(s *Spec) { s.Kind, s.Memory = Decoder, 0 },
		"found 0 clusters, expected 1 to 16":               func(s *Spec) { s.Embed.Adaptive.Ends = nil },
		"found 17 clusters":                                func(s *Spec) { s.Embed.Adaptive.Ends = make([]int, 17) },
		"found [4 4 11], expected ascending":               func(s *Spec) { s.Embed.Adaptive.Ends = []int{4, 4, 11} },
		"found [0 11], expected ascending":                 func(s *Spec) { s.Embed.Adaptive.Ends = []int{0, 11} },
		"ends with token 10, expected the vocabulary, 11":  func(s *Spec) { s.Embed.Adaptive.Ends = []int{4, 10} },
		"embed.adaptive.width: found 0":                    func(s *Spec) { s.Embed.Adaptive.Width = 0 },
		"embed.adaptive.divisor: found 0":                  func(s *Spec) { s.Embed.Adaptive.Divisor = 0 },
		"divisor: found 5, by which 16 features":           func(s *Spec) { s.Embed.Adaptive.Divisor = 5 },
		"tied_projections: found [3], expected clusters":   func(s *Spec) { s.Head.TiedProjections = []int{3} },
		"tied_projections: found [1 1], expected clusters": func(s *Spec) { s.Head.TiedProjections = []int{1, 1} },
		"there is no projection to tie":                    func(s *Spec) { s.Embed.Adaptive.Divisor = 1 },
		"tied_projections: found [2 1] without":            func(s *Spec) { s.Embed.Adaptive = nil },
		"label_smoothing: found 0.1 with embed.adaptive":   func(s *Spec) { s.LabelSmoothing = 0.1 },
		"fixed_bias: found with embed.adaptive":            func(s *Spec) { s.Head.FixedBias = true },
	} {
		s := specs(t)["adaptive softmax"]
		change(&s)
		if _, err := NewOf(s, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
