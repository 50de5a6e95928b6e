package model

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/tensor"
)

// t5Spec is an encoder with T5's bias, of eight buckets up to a distance of 20.
func t5Spec(t *testing.T) Spec {
	t.Helper()
	s, err := Config{Kind: Encoder, Vocab: 11, Width: 16, Layers: 3, Heads: 2, Position: "t5", Seed: 5}.Spec()
	if err != nil {
		t.Fatal(err)
	}
	for i := range s.Layers {
		s.Layers[i].Attention.T5Buckets, s.Layers[i].Attention.T5MaxDistance = 8, 20
	}
	return s
}

func TestT5TablesAreRefused(t *testing.T) {
	for want, change := range map[string]func(a *Attention){
		"layers: 1: attention: found 6 T5 buckets up to distance 20": func(a *Attention) { a.T5Buckets = 6 },
		"layers: 1: attention: found 8 T5 buckets up to distance 2,": func(a *Attention) { a.T5MaxDistance = 2 },
		"found 8 up to distance 70000, expected at most 65536":       func(a *Attention) { a.T5MaxDistance = 70000 },
		"found -4 T5 buckets":                                         func(a *Attention) { a.T5Buckets = -4 },
		"heads: found 2 after 2, with 12 buckets after 8":             func(a *Attention) { a.T5Buckets = 12 },
		"t5_buckets: found 8 up to distance 20 with the position non": func(a *Attention) { a.Position = "none" },
	} {
		s := t5Spec(t)
		change(&s.Layers[1].Attention)
		if err := s.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// Layers share a table of the given buckets, or have tables of their own, whose gradients are their own.
func TestT5Tables(t *testing.T) {
	s := t5Spec(t)
	s.Layers[1].Attention.T5Own, s.Layers[1].Attention.T5Buckets = true, 12
	m := newOf(t, s, Options{Train: true})
	if r := step(t, m, tensor.Exec{}); !(r.Loss > 0) {
		t.Errorf("loss %g", r.Loss)
	}
	rows := map[string]int{}
	for _, p := range m.Params() {
		if strings.HasSuffix(p.Name, ".t5") {
			rows[p.Name] = p.Value.Rows
			if !slices.ContainsFunc(p.Grad.F32, func(x float32) bool { return x != 0 }) {
				t.Errorf("%s has no gradient", p.Name)
			}
		}
	}
	if len(rows) != 2 || rows["blocks.t5"] != 8 || rows["blocks.1.attention.t5"] != 12 {
		t.Errorf("tables %v", rows)
	}
}

// The gradient of every weight of a model with summaries is the slope of its loss: for whole blocks, tokens after them, and a sequence
// shorter than a block.
func TestGradientsWithSummaries(t *testing.T) {
	m := newModel(t, zoo()["encoder transient"], nil)
	for i, p := range m.Params() {
		r := data.NewRandom(uint64(i), 7)
		for j := range p.Value.F32 {
			p.Value.F32[j] += float32(r.IntN(200)-100) / 400 // tables begin as zeros
		}
	}
	b := batch(1, 37, 5, 16)
	loss := func(o StepOptions) float64 {
		result, err := m.NewSession(tensor.Exec{}).Step(b, o)
		if err != nil {
			t.Fatal(err)
		}
		return result.Loss
	}
	loss(StepOptions{Backward: true})
	for _, p := range m.Params() {
		square := 0.0
		for _, g := range p.Grad.F32 {
			square += float64(g) * float64(g)
		}
		before := slices.Clone(p.Value.F32)
		along := func(step float64) float64 {
			for j, g := range p.Grad.F32 {
				p.Value.F32[j] = before[j] + float32(step*float64(g))
			}
			defer copy(p.Value.F32, before)
			return loss(StepOptions{})
		}
		// A change of the loss by 0.002 is 10⁴ times the rounding of a loss near 3, and so small that its curvature is below a hundredth.
		h := 0.001 / square
		if slope := (along(h) - along(-h)) / (2 * h * square); !(math.Abs(slope-1) < 0.01) {
			t.Errorf("%s: the loss changes by %.4f times the gradient", p.Name, slope)
		}
	}
}

// A sequence has the bits that it has alone, whatever others are in the batch.
func TestSummariesAreOfASequence(t *testing.T) {
	m := newModel(t, zoo()["encoder transient"], nil)
	predict := func(b *data.Batch) []float32 {
		out, err := m.NewSession(tensor.Exec{}).Predict(b, StepOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return out.F32
	}
	lengths := []int{5, 37, 8, 3, 100}
	all, at := batch(4, lengths...), 0
	want := predict(all)
	for _, n := range lengths {
		got := predict(&data.Batch{Tokens: all.Tokens[at : at+n], Lengths: []int{n}})
		if !slices.Equal(got, want[11*at:11*(at+n)]) {
			t.Errorf("a sequence of %d tokens differs", n)
		}
		at += n
	}
}

func TestSummariesAreRefused(t *testing.T) {
	for want, change := range map[string]func(s *Spec){
		"found transient without the position t5":         func(s *Spec) { s.Layers[0].Attention.Position = "none" },
		"summary_norm: found 2":                           func(s *Spec) { s.Layers[0].Attention.SummaryNorm = 2 },
		"summary_norm: found with the mechanism window(4": func(s *Spec) { s.Layers[1].Attention.SummaryNorm = 1e-6 },
	} {
		s, err := zoo()["encoder transient"].Spec()
		if err != nil {
			t.Fatal(err)
		}
		change(&s)
		if _, err := NewOf(s, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	c := zoo()["encoder transient"]
	c.Kind, c.Head, c.Classes = Decoder, LM, 0
	if _, err := New(c, Options{}); err == nil || !strings.Contains(err.Error(), "found a causal mask") {
		t.Errorf("a decoder with summaries: %v", err)
	}
	if err := CanShare(newModel(t, zoo()["encoder transient"], nil).Spec()); err == nil || !strings.Contains(err.Error(), "has summaries") {
		t.Errorf("ranks that share a sequence with summaries: %v", err)
	}
}

// A head multiplies what it reads, in one pass and token by token. A half changes no digit.
func TestScaledHead(t *testing.T) {
	s, err := zoo()["encoder-decoder"].Spec()
	if err != nil {
		t.Fatal(err)
	}
	b := batch(2, 9)
	b.Source = batch(3, 12)
	run := func(s Spec) (all, stepped []float32) {
		m := newOf(t, s, Options{})
		out, err := m.NewSession(tensor.Exec{}).Predict(b, StepOptions{})
		if err != nil {
			t.Fatal(err)
		}
		d, err := m.NewSession(tensor.Exec{}).Decode(b.Source.Tokens)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		logits, err := d.Step(b.Tokens)
		if err != nil {
			t.Fatal(err)
		}
		return out.F32, slices.Clone(logits)
	}
	whole, wholeStepped := run(s)
	s.Head.Scale = 0.5
	half, halfStepped := run(s)
	for i := range whole {
		if half[i] != whole[i]/2 {
			t.Fatalf("logit %d is %g, want half of %g", i, half[i], whole[i])
		}
	}
	for i := range wholeStepped {
		if halfStepped[i] != wholeStepped[i]/2 {
			t.Fatalf("logit %d of a step is %g, want half of %g", i, halfStepped[i], wholeStepped[i])
		}
	}
	for _, scale := range []float64{-1, math.NaN(), math.Inf(1)} {
		s.Head.Scale = scale
		if err := s.Check(); err == nil || !strings.Contains(err.Error(), "scale: found") {
			t.Errorf("a scale of %g: %v", scale, err)
		}
	}
	s = t5Spec(t)
	s.Head = Head{Kind: Embed, Pooling: "mean", Scale: 2}
	if err := s.Check(); err == nil || !strings.Contains(err.Error(), "scale: found 2 with the head embed") {
		t.Errorf("a scale of the head embed: %v", err)
	}
}
