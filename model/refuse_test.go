package model

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/tensor"
)

func refused(t *testing.T, what string, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: error %v, want one with %q", what, err, want)
	}
}

func TestStepRefuses(t *testing.T) {
	segments := zoo()["transformer-xl"]
	segments.Segment = 4
	follows := batch(1, 5)
	follows.Follows = []int{3}
	sourced := batch(1, 5)
	sourced.Source = batch(2, 5)
	wrapping := &data.Batch{Tokens: []int32{1, 2, 3}, Targets: []int32{1, 2, 3}, Lengths: []int{math.MaxInt, math.MaxInt, 5}}
	other := func(change func(c *Config)) *Memory {
		c := zoo()["transformer-xl"]
		change(&c)
		return newModel(t, c, nil).FullMemory(nil, 2)
	}
	for name, c := range map[string]struct {
		config Config
		batch  *data.Batch
		o      StepOptions
		want   string
	}{
		"no batch":              {zoo()["decoder"], nil, StepOptions{}, "found no batch"},
		"a scale of NaN":        {zoo()["decoder"], batch(1, 5), StepOptions{Backward: true, Scale: math.NaN()}, "the gradient scale NaN"},
		"a memory in a decoder": {zoo()["decoder"], batch(1, 5), StepOptions{Memory: &Memory{}}, "a memory for a model of kind decoder"},
		"sources in a decoder":  {zoo()["decoder"], sourced, StepOptions{}, "1 sources for a model of kind decoder"},
		"lengths that overflow": {zoo()["decoder"], wrapping, StepOptions{}, "add up"},
		"losses of numbers": {zoo()["encoder regress"], batch(1, 5), StepOptions{Losses: make([]float32, 5)},
			"the head regress has neither"},
		"segments, no targets": {segments, &data.Batch{Tokens: make([]int32, 5), Lengths: []int{5}}, StepOptions{}, "found 0 targets for 5"},
		"segments, wrong lengths": {segments, &data.Batch{Tokens: make([]int32, 5), Targets: make([]int32, 5), Lengths: []int{9}},
			StepOptions{}, "add up"},
		"segments, few losses": {segments, batch(1, 5), StepOptions{Losses: make([]float32, 2)}, "found room for 2 losses"},
		"a memory of fewer layers": {zoo()["transformer-xl"], batch(1, 5),
			StepOptions{Memory: other(func(c *Config) { c.Layers = 1 })}, "a memory of 1 layers for a model of 3"},
		"a narrower memory": {zoo()["transformer-xl"], batch(1, 5),
			StepOptions{Memory: other(func(c *Config) { c.Width, c.Heads = 8, 1 })}, "with 8 features, expected f32 with 16"},
		"a batch that continues none": {zoo()["transformer-xl"], follows,
			StepOptions{Memory: other(func(*Config) {})}, "continues sequence 3, but the batch before had 2"},
	} {
		_, err := newModel(t, c.config, nil).NewSession(tensor.Exec{}).Step(c.batch, c.o)
		refused(t, name, err, c.want)
	}
	m, err := New(zoo()["decoder"], Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.NewSession(tensor.Exec{}).Step(batch(1, 5), StepOptions{Backward: true})
	refused(t, "training without gradients", err, "made with Options.Train")
}

// In segments, Best alone may be asked for.
func TestSegmentsGiveClassesAlone(t *testing.T) {
	c := zoo()["transformer-xl"]
	c.Segment = 4
	m := newModel(t, c, nil)
	b := batch(1, 9, 3)
	both := StepOptions{Losses: make([]float32, 12), Best: make([]int32, 12)}
	alone := StepOptions{Best: make([]int32, 12)}
	for _, o := range []StepOptions{both, alone} {
		if _, err := m.NewSession(tensor.Exec{}).Step(b, o); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(alone.Best, both.Best) {
		t.Errorf("classes %v alone, %v with losses", alone.Best, both.Best)
	}
}

// The types of tokens reach the parts of a model that read other tokens than the batch's: segments, and the encoder of a source.
func TestTypesReachSegmentsAndSources(t *testing.T) {
	for name, c := range map[string]Config{
		"segments": {Kind: TransformerXL, Segment: 4, Vocab: 11, Width: 16, Heads: 2, Layers: 1},
		"sources":  {Kind: EncoderDecoder, Vocab: 11, Width: 16, Heads: 2, Layers: 1},
	} {
		s, err := c.Spec()
		if err != nil {
			t.Fatal(err)
		}
		s.Embed.TokenTypes = 2
		session := newOf(t, s, Options{}).NewSession(tensor.Exec{})
		loss := func(typ int32) float64 {
			b := batch(1, 9)
			typed := b
			if s.Kind == EncoderDecoder {
				b.Source = batch(2, 9)
				typed = b.Source
			}
			typed.Types = slices.Repeat([]int32{typ}, 9)
			r, err := session.Step(b, StepOptions{})
			if err != nil {
				t.Fatal(err)
			}
			return r.Loss
		}
		if loss(0) == loss(1) {
			t.Errorf("%s: the types of the tokens have no effect", name)
		}
	}
}

// A saved memory with tokens and without layers would be read past its end.
func TestMemoriesWithoutLayersAreRefused(t *testing.T) {
	m := newModel(t, zoo()["transformer-xl"], nil)
	_, err := m.RestoreMemory(nil, []byte{1, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0})
	refused(t, "a memory of five tokens in no layers", err, "damaged or of another model: found 0 layers")
}

func TestSpecsOfOtherShapesAreRefused(t *testing.T) {
	for want, c := range map[string]struct {
		config Config
		change func(s *Spec)
	}{
		"layers: 1: cross: found none": {Config{Kind: EncoderDecoder}, func(s *Spec) { s.Layers[1].Cross = nil }},
		"source.layers: 0: cross: found": {Config{Kind: EncoderDecoder},
			func(s *Spec) { s.Source.Layers[0].Cross = s.Layers[0].Cross }},
		`cross: found the mechanism "full", causal true`: {Config{Kind: EncoderDecoder}, func(s *Spec) { s.Layers[0].Cross.Causal = true }},
		"layers: 1: causal: found false, expected ":      {Config{}, func(s *Spec) { s.Layers[1].Attention.Causal = false }},
		"layers: 0: causal: found true, expected ":       {Config{Kind: Encoder}, func(s *Spec) { s.Layers[0].Attention.Causal = true }},
		"summaries: 0: causal: found false":              {Config{Kind: Hierarchical}, func(s *Spec) { s.Summaries[0].Attention.Causal = false }},
		"memory: found 0, expected 1 to":                 {Config{Kind: TransformerXL}, func(s *Spec) { s.Memory = 0 }},
		"elements in all weights": {Config{}, func(s *Spec) {
			s.Width, s.Layers[0].FeedForward.Hidden = 1<<28, 1<<28
		}},
	} {
		c.config.Vocab, c.config.Width, c.config.Heads = 11, 16, 2
		s, err := c.config.Spec()
		if err != nil {
			t.Fatal(err)
		}
		c.change(&s)
		_, err = NewOf(s, Options{Pool: tensor.NewDryPool()})
		refused(t, want, err, want)
	}
}
