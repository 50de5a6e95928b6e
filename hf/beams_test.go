package hf_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/sampling/beam"
	"github.com/longspan/longspan/tensor"
)

// beamsGolden is a file of testdata/golden/beams: what transformers' generate finds with the checkpoint of the same name.
type beamsGolden struct {
	Searches []struct {
		Prompt    []int32
		Settings  json.RawMessage
		Sequences [][]int32
		Scores    []float64
	}
}

// TestBeams compares searches with those of transformers: decoders after a prompt, encoder-decoders of a source. The goldens keep their
// sequences under noise of 10⁻³ in the logits, so that rounding cannot change one.
func TestBeams(t *testing.T) {
	paths, err := filepath.Glob(goldenDir + "/beams/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no goldens: %v", err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var g beamsGolden
			if err := json.Unmarshal(text, &g); err != nil {
				t.Fatal(err)
			}
			m, err := model.Open(filepath.Join(goldenDir, name))
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			for _, want := range g.Searches {
				pool := tensor.NewPool()
				s := m.NewSession(tensor.Exec{Threads: 2, Pool: pool})
				p, settings := searchOf(t, m, want.Prompt, want.Settings)
				found, err := s.Search(context.Background(), p, settings, nil)
				if err != nil {
					t.Fatal(err)
				}
				if len(found) != len(want.Sequences) {
					t.Fatalf("%s: found %d sequences, want %d", want.Settings, len(found), len(want.Sequences))
				}
				for i, f := range found {
					if !slices.Equal(f.Tokens, want.Sequences[i]) {
						t.Errorf("%s: sequence %d is %v, want %v", want.Settings, i, f.Tokens, want.Sequences[i])
					}
					// Logits differ by 3·10⁻⁵ of the largest, which is below 30, and a log-probability by twice that. A score is their mean, times the
					// length to the power of 1 − length_penalty.
					scale := math.Pow(float64(len(f.Tokens)), 1-settings.LengthPenalty)
					if want.Scores != nil && math.Abs(f.Score-want.Scores[i]) > 2e-3*scale {
						t.Errorf("%s: score %d is %g, want %g", want.Settings, i, f.Score, want.Scores[i])
					}
				}
				if n := pool.InUse(); n != 0 {
					t.Errorf("%s: %d bytes of the pool are still in use", want.Settings, n)
				}
			}
		})
	}
}

// searchOf is the prompt and the settings of a golden search.
func searchOf(t *testing.T, m *model.Model, prompt []int32, settings []byte) (model.Prompt, beam.Config) {
	t.Helper()
	s, _, err := m.SearchSettings("")
	if err != nil {
		t.Fatal(err)
	}
	s.MaxLength = 0 // its default is no part of the golden
	if err := s.Read(settings); err != nil || len(s.Notes) > 0 {
		t.Fatal(err, s.Notes)
	}
	if m.Spec().Kind != model.EncoderDecoder {
		return model.Prompt{Tokens: prompt}, s.Config
	}
	if s.Start == nil {
		t.Fatal("found no decoder_start_token_id in the folder")
	}
	return model.Prompt{Source: prompt, Tokens: []int32{*s.Start}}, s.Config
}
