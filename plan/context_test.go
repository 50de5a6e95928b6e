package plan

import (
	"errors"
	"math"
	"testing"

	"github.com/longspan/longspan/model"
)

func TestContextIsTheLongestThatFits(t *testing.T) {
	j := job(model.Config{Attention: []string{"window(16)"}}, 64, 64)
	const budget, step = 16 << 20, 64
	got, err := Context(j, budget, step, 1<<16)
	if err != nil || got.Open {
		t.Fatal(got, err)
	}
	n := got.Tokens
	for tokens, want := range map[int]bool{n: true, n + max(step, n/64/step*step+step): false} {
		j.Lengths = []int{tokens, tokens}
		if e, err := Make(j); err != nil || (e.Bytes.Total() <= budget) != want {
			t.Errorf("of a longest context of %d, %d tokens: %d bytes of %d, %v", n, tokens, e.Bytes.Total(), budget, err)
		}
	}
	for _, c := range []struct {
		budget int64
		want   Longest
	}{{1000, Longest{Shortest: step}}, {1 << 40, Longest{Tokens: 960, Open: true, Shortest: step}}} {
		if got, err := Context(j, c.budget, step, 1000); got != c.want || err != nil {
			t.Errorf("in %d bytes, up to 1,000 tokens: found %+v, %v, expected %+v", c.budget, got, err, c.want)
		}
	}
}

// A learned table of positions is a limit, not an end of the search. It may be shorter than a step, and end within one.
func TestContextWithLearnedPositions(t *testing.T) {
	j := job(model.Config{Position: "learned", MaxTokens: 200}, 64)
	all, err := j.leastBytes(200)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		step   int
		budget int64
		want   Longest
	}{
		{64, 1 << 40, Longest{Tokens: 200, Positions: true, Shortest: 64}},
		{64, all - 1, Longest{Tokens: 192, Shortest: 64}},
		{256, 1 << 40, Longest{Tokens: 200, Positions: true, Shortest: 200}},
		{256, all - 1, Longest{Shortest: 200}},
	} {
		if got, err := Context(j, c.budget, c.step, 1<<16); got != c.want || err != nil {
			t.Errorf("in steps of %d within %d bytes: found %+v, %v, expected %+v", c.step, c.budget, got, err, c.want)
		}
	}
}

// Positions of a target bound the target, and those of a source the search.
func TestContextOfASource(t *testing.T) {
	j := job(model.Config{Kind: model.EncoderDecoder, Position: "learned", MaxTokens: 64}, 64)
	j.Model.SourceEmbed = &model.SourceEmbedding{Embedding: model.Embedding{Positions: 500}}
	if got, err := Context(j, 1<<40, 64, 1<<16); got != (Longest{Tokens: 500, Positions: true, Shortest: 64}) || err != nil {
		t.Errorf("found %+v, %v, expected 500 tokens", got, err)
	}
}

// The search ends at a number of spans, so that its end depends on the pattern alone.
func TestSearchEndsByTheWorkOfThePattern(t *testing.T) {
	const step, limit = 1024, 1 << 24
	for _, c := range []struct {
		attention []string
		want      int
	}{
		{[]string{"window(16)"}, 1 << 20},               // a span and a query
		{[]string{"window(16)", "full"}, 1 << 19},       // twice that
		{[]string{"performer(features=16)"}, 1 << 21},   // no span
		{[]string{"dilated(64, 4)"}, 1 << 17},           // 65 spans before the query
		{[]string{"strided(16)"}, 1 << 14},              // spans grow with the length
		{[]string{"window(16)", "window(16)"}, 1 << 20}, // compiled once
	} {
		j := job(model.Config{Attention: c.attention}, 64)
		if got := j.searchEnd(step, limit); got != c.want {
			t.Errorf("%q: the search ends at %d tokens, expected %d", c.attention, got, c.want)
		}
	}
	if got := job(model.Config{}, 64).searchEnd(step, 1500); got != 1500 {
		t.Errorf("the search ends at %d tokens, expected its limit of 1500", got)
	}
}

// Search finds the largest n within 1/64, whatever the curve, and within few evaluations of a line.
func TestSearch(t *testing.T) {
	const end = 1 << 20
	for name, curve := range map[string]func(n float64) float64{
		"line":     func(n float64) float64 { return 1e6 + 300*n },
		"square":   func(n float64) float64 { return n * n },
		"root":     func(n float64) float64 { return 1e3 * math.Sqrt(n) },
		"steps":    func(n float64) float64 { return 1e4 * math.Floor(n/1000) },
		"constant": func(float64) float64 { return 5 },
		"hump":     func(n float64) float64 { return 100*n + 1e5*math.Sin(n/1e4) + 1e5 },
	} {
		for _, n := range []int{1, 2, 15, 16, 17, 100, 1000, 65537, end - 1, end, 4 * end} {
			calls := 0
			budget := int64(curve(float64(n)))
			s := search{end: end, budget: budget, bytes: func(n int) (int64, error) {
				if calls++; n < 1 || n > end {
					t.Fatalf("%s: evaluates %d", name, n)
				}
				return int64(curve(float64(n))), nil
			}}
			got, err := s.run()
			next := got + max(1, got/64)
			if err != nil || got < 1 || int64(curve(float64(got))) > budget || next <= end && int64(curve(float64(next))) <= budget {
				t.Errorf("%s up to %d: found %d, %v", name, n, got, err)
			}
			if most := map[string]int{"line": 7}[name]; most > 0 && calls > most {
				t.Errorf("%s up to %d: %d evaluations, expected %d at most", name, n, calls, most)
			}
		}
	}
	failure := errors.New("no")
	s := search{end: 9, bytes: func(int) (int64, error) { return 0, failure }}
	if _, err := s.run(); err != failure {
		t.Errorf("found the error %v, expected %v", err, failure)
	}
}
