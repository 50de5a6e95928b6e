package model_test

import (
	"math"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tensor"
)

// withPrior is a small decoder that reads a prior, a session with it, and a batch of two sequences with a random prior.
func withPrior(t *testing.T) (*model.Model, *model.Session, *data.Batch) {
	t.Helper()
	m, err := model.New(model.Config{Vocab: 5, Width: 16, Layers: 2, Heads: 2, Prior: true}, model.Options{Train: true})
	if err != nil {
		t.Fatal(err)
	}
	r := data.NewRandom(7, 0)
	b := &data.Batch{Lengths: []int{11, 6}}
	for range 17 {
		b.Tokens = append(b.Tokens, int32(r.IntN(5)))
		b.Targets = append(b.Targets, int32(r.IntN(5)))
		for range 5 {
			b.Prior = append(b.Prior, -3*float32(r.Float64()))
		}
	}
	b.Targets[3] = data.Ignore
	return m, m.NewSession(tensor.Exec{}), b
}

// With a head of zeros the loss is that of the prior.
func TestPriorIsTheFirstPrediction(t *testing.T) {
	m, s, b := withPrior(t)
	for _, p := range m.Params() {
		if strings.HasPrefix(p.Name, model.HeadPrefix) {
			clear(p.Value.F32)
		}
	}
	losses := make([]float32, len(b.Tokens))
	if _, err := s.Step(b, model.StepOptions{Losses: losses}); err != nil {
		t.Fatal(err)
	}
	for i, target := range b.Targets {
		want := 0.0
		if target != data.Ignore {
			row := b.Prior[5*i : 5*i+5]
			sum := 0.0
			for _, v := range row {
				sum += math.Exp(float64(v))
			}
			want = math.Log(sum) - float64(row[target])
		}
		if math.Abs(float64(losses[i])-want) > 1e-5 {
			t.Errorf("token %d has the loss %g, want that of the prior, %g", i, losses[i], want)
		}
	}
}

// The logits that Predict returns give the losses of Step.
func TestPriorInOutputs(t *testing.T) {
	_, s, b := withPrior(t)
	losses := make([]float32, len(b.Tokens))
	if _, err := s.Step(b, model.StepOptions{Losses: losses}); err != nil {
		t.Fatal(err)
	}
	out, err := s.Predict(b, model.StepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i, target := range b.Targets {
		if target == data.Ignore {
			continue
		}
		sum := 0.0
		for _, v := range out.Row(i) {
			sum += math.Exp(float64(v))
		}
		if want := math.Log(sum) - float64(out.Row(i)[target]); math.Abs(float64(losses[i])-want) > 1e-5 {
			t.Errorf("token %d has the loss %g, its logits say %g", i, losses[i], want)
		}
	}
}

func TestPriorIsChecked(t *testing.T) {
	_, s, b := withPrior(t)
	for _, c := range []struct {
		name, want string
		change     func(b *data.Batch)
	}{
		{"none", "found no prior for a model that reads one", func(b *data.Batch) { b.Prior = nil }},
		{"short", "found a prior of 80 numbers for 17 tokens of a vocabulary of 5, expected 85", func(b *data.Batch) { b.Prior = b.Prior[:80] }},
		{"NaN", "found the log-probability NaN in the prior of token 1", func(b *data.Batch) {
			b.Prior = append([]float32(nil), b.Prior...)
			b.Prior[7] = float32(math.NaN())
		}},
	} {
		bad := *b
		c.change(&bad)
		if _, err := s.Step(&bad, model.StepOptions{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := s.Decode(nil); err == nil || !strings.Contains(err.Error(), "found no prior") {
		t.Errorf("generation: %v", err)
	}
	plain, err := model.New(model.Config{Vocab: 5, Width: 16, Layers: 1, Heads: 2}, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plain.NewSession(tensor.Exec{}).Step(b, model.StepOptions{}); err == nil || !strings.Contains(err.Error(), "was made without") {
		t.Errorf("a model without: %v", err)
	}
	if err := (model.Config{Kind: model.Encoder, Vocab: 5, Prior: true}).Check(); err == nil || !strings.Contains(err.Error(), "expected a decoder") {
		t.Errorf("an encoder: %v", err)
	}
}
