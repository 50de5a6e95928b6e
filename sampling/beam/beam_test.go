package beam

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

// golden is testdata/golden.json, which gen.py made with transformers: searches over logits that are the sum of a row of each table, by the
// last token and by its position.
type golden struct {
	Token, Position [][]float32
	Searches        []struct {
		Prompt    []int32
		Settings  json.RawMessage
		Sequences [][]int32
		Scores    []float64
	}
}

func readGolden(t *testing.T) (g golden) {
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// logits are those after a sequence.
func (g golden) logits(sequence []int32) []float32 {
	last := len(sequence) - 1
	row := slices.Clone(g.Token[sequence[last]])
	for i, v := range g.Position[last%len(g.Position)] {
		row[i] += v
	}
	return row
}

// search runs a search to its end.
func (g golden) search(s *Search, prompt []int32) error {
	beams := [][]int32{prompt}
	for !s.Done() {
		var logits [][]float32
		for _, b := range beams {
			logits = append(logits, g.logits(b))
		}
		moves, err := s.Next(logits)
		if err != nil {
			return err
		}
		var next [][]int32
		for _, m := range moves {
			parent := beams[min(m.Parent, len(beams)-1)] // those of the first step begin alike
			next = append(next, append(slices.Clone(parent), m.Token))
		}
		beams = next
	}
	return nil
}

func TestGolden(t *testing.T) {
	g := readGolden(t)
	for _, want := range g.Searches {
		t.Run(string(want.Settings), func(t *testing.T) {
			settings := DefaultSettings()
			if err := settings.Read(want.Settings); err != nil || len(settings.Notes) > 0 {
				t.Fatal(err, settings.Notes)
			}
			s, err := New(settings.Config, len(g.Token), want.Prompt, want.Prompt)
			if err != nil {
				t.Fatal(err)
			}
			if err := g.search(s, want.Prompt); err != nil {
				t.Fatal(err)
			}
			best := s.Best()
			if len(best) != len(want.Sequences) {
				t.Fatalf("found %d sequences, want %d", len(best), len(want.Sequences))
			}
			for i, b := range best {
				if !slices.Equal(b.Tokens, want.Sequences[i]) {
					t.Errorf("sequence %d is %v, want %v", i, b.Tokens, want.Sequences[i])
				}
				// A score is a sum of at most 30 terms below 10, in float32 on both sides, over at least 1: 30·10·2⁻²⁴.
				if want.Scores != nil && math.Abs(b.Score-want.Scores[i]) > 2e-5*max(1, math.Abs(want.Scores[i])) {
					t.Errorf("score %d is %g, want %g", i, b.Score, want.Scores[i])
				}
			}
		})
	}
}

func TestRefuses(t *testing.T) {
	for want, change := range map[string]func(c *Config){
		"found 0 beams, expected 1 to 64":                                 func(c *Config) { c.Beams = 0 },
		"found 65 beams":                                                  func(c *Config) { c.Beams = 65 },
		"found 3 sequences to return of 2 beams, expected 1 to 2":         func(c *Config) { c.Sequences = 3 },
		"found the length penalty NaN":                                    func(c *Config) { c.LengthPenalty = math.NaN() },
		`found early stopping "always", expected false, true or never`:    func(c *Config) { c.Early = "always" },
		"found the longest length 0 and 0 new tokens":                     func(c *Config) { c.MaxNew = 0 },
		"found the longest length 2 for a prompt of 2 tokens":             func(c *Config) { c.MaxNew, c.MaxLength = 0, 2 },
		"found the size of n-grams that must not repeat -1":               func(c *Config) { c.NoRepeatNgram = -1 },
		"found the largest number of new tokens 536870913, expected 0 to": func(c *Config) { c.MaxNew = MaxTokens + 1 },
		"found the smallest number of new tokens 2147483647, expected 0":  func(c *Config) { c.MinNew = math.MaxInt32 },
		"found the longest length 2147483647, expected 0":                 func(c *Config) { c.MaxLength = math.MaxInt32 },
		"found the repetition penalty 0":                                  func(c *Config) { c.RepetitionPenalty = 0 },
		"found 9 among the ends, expected ids of the model, 0 to 8":       func(c *Config) { c.Ends = []int32{1, 9} },
		"found -1 among the forced first tokens":                          func(c *Config) { c.ForcedFirst = new(int32); *c.ForcedFirst = -1 },
		"found 12 among the tokens of bad words":                          func(c *Config) { c.BadWords = [][]int32{{1}, {2, 12}} },
		"found a bad word of no tokens":                                   func(c *Config) { c.BadWords = [][]int32{{}} },
		"found the decay factor 0 after 3 tokens":                         func(c *Config) { c.Decay = &Decay{After: 3} },
	} {
		c := Default()
		c.Beams, c.MaxNew = 2, 5
		change(&c)
		if _, err := New(c, 9, []int32{1, 2}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found error %v, want %q", err, want)
		}
	}
}

func TestNewRefusesPrompts(t *testing.T) {
	c := Default()
	c.MaxNew = 1
	for want, prompt := range map[string][]int32{
		"found an empty prompt, expected at least one token": nil,
		"found the token 3 in the prompt, expected 0 to 2":   {1, 3},
		"found the token -1 in the prompt, expected 0 to 2":  {-1},
	} {
		if _, err := New(c, 3, prompt, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found error %v, want %q", err, want)
		}
	}
}

func TestNextRefuses(t *testing.T) {
	c := Default()
	c.Beams, c.MaxNew = 2, 2
	row, nan := []float32{1, 2, 3}, []float32{1, float32(math.NaN()), 3}
	for want, logits := range map[string][][]float32{
		"found logits of 3 beams, expected 2": {row, row, row},
		"found 2 logits, expected 3":          {row, row[:2]},
		"the logit of token 1 is NaN":         {row, nan},
	} {
		s, err := New(c, 3, []int32{1}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Next(logits); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found error %v, want %q", err, want)
		}
	}
}

// TestNothingMayCome bans every token: a search ends without a panic, and returns what is left.
func TestNothingMayCome(t *testing.T) {
	for beams := 1; beams < 4; beams++ {
		c := Default()
		c.Beams, c.Sequences, c.MaxNew, c.Suppressed, c.NoRepeatNgram, c.Renormalise = beams, beams, 4, []int32{0, 1, 2}, 1, true
		s, err := New(c, 3, []int32{1}, []int32{7, -1})
		if err != nil {
			t.Fatal(err)
		}
		for !s.Done() {
			if _, err := s.Next(slices.Repeat([][]float32{{1, 2, 3}}, beams)); err != nil {
				t.Fatal(err)
			}
		}
		if beams > 1 && len(s.Best()) > 0 {
			t.Errorf("%d beams: found %v, want nothing", beams, s.Best())
		}
		if _, err := s.Next([][]float32{{1, 2, 3}}); err == nil || !strings.Contains(err.Error(), "search that is done") {
			t.Errorf("found error %v of a step after the end", err)
		}
	}
}

func TestSettings(t *testing.T) {
	s := DefaultSettings()
	text := `{"num_beams": 4, "early_stopping": "never", "eos_token_id": [2, 3], "forced_eos_token_id": 2, "decoder_start_token_id": 2,
		"forced_bos_token_id": null, "do_sample": true, "top_k": 5, "diversity_penalty": 0.0, "num_beam_groups": 2, "novelty": [1, 2],
		"exponential_decay_length_penalty": [5, 1.01], "transformers_version": "4.57.6"}`
	if err := s.Read([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if s.Beams != 4 || s.Early != EarlyNever || !slices.Equal(s.Ends, []int32{2, 3}) || !slices.Equal(s.ForcedLast, []int32{2}) ||
		*s.Start != 2 || s.ForcedFirst != nil || *s.Decay != (Decay{5, 1.01}) || s.LengthPenalty != 1 {
		t.Errorf("found %+v", s)
	}
	want := []string{"do_sample: true", "novelty: [1, 2]", "num_beam_groups: 2"}
	if !slices.Equal(s.Notes, want) {
		t.Errorf("found the notes %q, want %q", s.Notes, want)
	}
	old := DefaultSettings()
	if err := old.ReadOld([]byte(`{"d_model": 16, "max_length": 142, "num_beam_groups": 2}`)); err != nil || old.MaxLength != 142 ||
		!old.LengthOf || len(old.Notes) != 1 {
		t.Errorf("found %+v, %v", old, err)
	}
}

func TestSettingsRefuse(t *testing.T) {
	for text, want := range map[string]string{
		`[1]`:                                       "cannot unmarshal array",
		`{"num_beams": "four"}`:                     `num_beams: found "four"`,
		`{"early_stopping": "always"}`:              `early_stopping: found "always": expected true, false or "never"`,
		`{"decoder_start_token_id": [1, 2]}`:        "decoder_start_token_id: found [1, 2]: found 2 ids, expected one",
		`{"eos_token_id": {}}`:                      "eos_token_id: found {}",
		`{"eos_token_id": 99999999999}`:             "eos_token_id: found 99999999999",
		`{"exponential_decay_length_penalty": [1]}`: "expected a number of tokens and a factor",
	} {
		s := DefaultSettings()
		if err := s.Read([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: found error %v, want %q", text, err, want)
		}
	}
}

func ExampleSearch() {
	c := Default()
	c.Beams, c.MaxNew = 2, 2
	s, err := New(c, 3, []int32{0}, nil)
	if err != nil {
		panic(err)
	}
	// A greedy choice takes token 1 (0.6 · 0.4); the beams find 2, 2 (0.4 · 0.9).
	logits := map[int32][]float32{0: {-9, -0.51, -0.92}, 1: {-1.1, -1.2, -0.92}, 2: {-3, -3, -0.1}}
	last := [][]float32{logits[0]}
	for !s.Done() {
		moves, err := s.Next(last)
		if err != nil {
			panic(err)
		}
		last = nil
		for _, m := range moves {
			last = append(last, logits[m.Token])
		}
	}
	fmt.Println(s.Best()[0].Tokens)
	// Output: [2 2]
}
