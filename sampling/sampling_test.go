package sampling_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/longspan/longspan/sampling"
)

func logits(p ...float64) []float32 {
	out := make([]float32, len(p))
	for i, v := range p {
		out[i] = float32(math.Log(v)) + 3
	}
	return out
}

// Frequencies of 20,000 draws lie within five standard deviations of what the definition gives.
func TestFrequencies(t *testing.T) {
	p := []float64{0.1, 0.4, 0, 0.3, 0.2}
	for _, c := range []struct {
		config sampling.Config
		want   []float64
	}{
		{sampling.Config{}, p},
		{sampling.Config{Temperature: 1, TopP: 1, TopK: 99}, p},
		{sampling.Config{Temperature: 0.5}, []float64{1 / 30.0, 16 / 30.0, 0, 9 / 30.0, 4 / 30.0}}, // squares
		{sampling.Config{TopK: 2}, []float64{0, 4 / 7.0, 0, 3 / 7.0, 0}},
		{sampling.Config{TopK: 1}, []float64{0, 1, 0, 0, 0}},
		{sampling.Config{TopP: 0.75}, []float64{0, 4 / 9.0, 0, 3 / 9.0, 2 / 9.0}},
		{sampling.Config{TopP: 0.65}, []float64{0, 4 / 7.0, 0, 3 / 7.0, 0}},
		{sampling.Config{TopP: 1e-9}, []float64{0, 1, 0, 0, 0}},
		{sampling.Config{TopK: 3, TopP: 0.7}, []float64{0, 4 / 7.0, 0, 3 / 7.0, 0}}, // 0.7 of what top-k leaves
		{sampling.Config{Greedy: true, Temperature: 9}, []float64{0, 1, 0, 0, 0}},
		{sampling.Config{MinP: 0.6}, []float64{0, 4 / 7.0, 0, 3 / 7.0, 0}},
		{sampling.Config{MinP: 1}, []float64{0, 1, 0, 0, 0}},
		{sampling.Config{MinP: 0.3, TopK: 2}, []float64{0, 4 / 7.0, 0, 3 / 7.0, 0}},
		{sampling.Config{MinP: 0.6, TopP: 0.95, TopK: 4}, []float64{0, 4 / 7.0, 0, 3 / 7.0, 0}},
	} {
		c.config.Seed = 5
		s, err := sampling.New(c.config)
		if err != nil {
			t.Fatal(err)
		}
		const n = 20_000
		counts := make([]float64, len(p))
		for range n {
			token, err := s.Next(logits(p...))
			if err != nil {
				t.Fatal(err)
			}
			counts[token]++
		}
		for i, want := range c.want {
			if got := counts[i] / n; math.Abs(got-want) > 5*math.Sqrt(want*(1-want)/n) {
				t.Errorf("%+v: token %d was drawn with frequency %.4f; want %.4f", c.config, i, got, want)
			}
		}
	}
}

func TestSameSeedSameTokens(t *testing.T) {
	draw := func(seed uint64) (text string) {
		s, err := sampling.New(sampling.Config{Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		for range 50 {
			token, err := s.Next(logits(0.2, 0.3, 0.5))
			if err != nil {
				t.Fatal(err)
			}
			text += fmt.Sprint(token)
		}
		return text
	}
	first, again, other := draw(1), draw(1), draw(2)
	if first != again || first == other {
		t.Error("the tokens do not follow from the seed")
	}
}

func TestTiesGoToTheLowerToken(t *testing.T) {
	s, err := sampling.New(sampling.Config{Greedy: true})
	if err != nil {
		t.Fatal(err)
	}
	if token, err := s.Next([]float32{1, 7, 7, 0}); token != 1 || err != nil {
		t.Errorf("token %d, %v; want 1", token, err)
	}
}

func TestRefusals(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []sampling.Config{{Temperature: -1}, {Temperature: nan}, {Temperature: inf}, {TopK: -1}, {TopP: 1.1}, {TopP: nan},
		{MinP: 2}, {MinP: nan}, {RepetitionPenalty: -1}, {RepetitionPenalty: inf}, {RepetitionPenalty: nan}} {
		if _, err := sampling.New(c); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
	s, err := sampling.New(sampling.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for want, bad := range map[string][]float32{
		"token 1 is NaN":  {0, float32(nan)},
		"token 0 is +Inf": {float32(inf), 1},
		"none of the 1":   {float32(-inf)},
		"none of the 0":   nil,
	} {
		if _, err := s.Next(bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want one with %q", err, want)
		}
	}
}

// The penalty divides positive logits and multiplies negative ones, of tokens seen and drawn.
func TestRepetitionPenalty(t *testing.T) {
	s, err := sampling.New(sampling.Config{Greedy: true, RepetitionPenalty: 2})
	if err != nil {
		t.Fatal(err)
	}
	s.Observe([]int32{0, 7, -1}) // tokens that the logits do not have are no repetitions
	for i, want := range []int{1, 2, 0, 0} {
		if got, err := s.Next([]float32{5, 4, 3, -1}); got != want || err != nil {
			t.Errorf("draw %d: found token %d, %v, expected %d", i, got, err, want)
		}
	}
	for range 2 {
		if got, err := s.Next([]float32{-3, -2.5, -9, -5.5}); got != 1 && got != 3 || err != nil {
			t.Errorf("found token %d, %v, expected 1, then 3", got, err)
		}
	}
}

// A large vocabulary costs no sort.
func BenchmarkNext(b *testing.B) {
	logits := make([]float32, 262144)
	for i := range logits {
		logits[i] = float32(i*2654435761%100003) / 5000
	}
	for name, c := range map[string]sampling.Config{"greedy": {Greedy: true}, "all": {}, "top-k": {TopK: 40}, "top-p": {TopP: 0.9},
		"min-p": {MinP: 0.05}} {
		b.Run(name, func(b *testing.B) {
			s, err := sampling.New(c)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := s.Next(logits); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
