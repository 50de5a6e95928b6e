package model_test

import (
	"math"
	"strings"
	"testing"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/tensor"
)

// A head of the caller's trains its own weights and the model's: gradients are those of central differences.
func TestStepWith(t *testing.T) {
	m, err := model.New(model.Config{Kind: "encoder", Vocab: 11, Width: 16, Layers: 1, Heads: 2, Attention: []string{"window(2)"}},
		model.Options{Train: true})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	own := nn.NewParams(nn.ParamsOptions{Pool: tensor.NewPool(), Seed: 4, Train: true})
	layer := nn.NewLinear(own, "own", nn.LinearConfig{In: 16, Out: 1, Bias: true})
	batch := &data.Batch{Tokens: []int32{1, 5, 2, 7, 7, 3, 0}, Lengths: []int{4, 3}}
	targets := tensor.FromF32([]float32{1, -2}, 2, 1)
	s := m.NewSession(tensor.Exec{Pool: tensor.NewPool()})
	run := func(o model.StepOptions) float64 {
		t.Helper()
		r, err := s.StepWith(batch, o, func(p *nn.Pass, x *autograd.Var) *autograd.Var {
			return p.G.MeanSquare(layer.Apply(p, p.G.MeanPool(x, batch.Lengths)), targets)
		})
		if err != nil {
			t.Fatal(err)
		}
		return r.Loss
	}
	run(model.StepOptions{Backward: true, Scale: 2})
	for _, p := range []*tensor.Param{own.Named("own.weight"), m.Params()[0], m.Params()[3]} {
		for _, i := range []int{1, 5} {
			const h = 1e-3
			at := &p.Value.F32[i]
			was := *at
			*at = was + h
			high := run(model.StepOptions{})
			*at = was - h
			low := run(model.StepOptions{})
			*at = was
			want := 2 * (high - low) / (2 * h)
			if got := float64(p.Grad.F32[i]); math.Abs(got-want) > 1e-2*(1+math.Abs(want)) {
				t.Errorf("%s[%d]: found the gradient %g, expected %g", p.Name, i, got, want)
			}
		}
	}
	_, err = s.StepWith(batch, model.StepOptions{Losses: make([]float32, 7)}, nil)
	if err == nil || !strings.Contains(err.Error(), "room for losses") {
		t.Errorf("with room for losses: %v", err)
	}
	if _, err = s.StepWith(batch, model.StepOptions{}, nil); err == nil || !strings.Contains(err.Error(), "found no head") {
		t.Errorf("without a head: %v", err)
	}
	none := func(*nn.Pass, *autograd.Var) *autograd.Var { return nil }
	if _, err = s.StepWith(&data.Batch{}, model.StepOptions{}, none); err == nil || !strings.Contains(err.Error(), "no tokens") {
		t.Errorf("of an empty batch: %v", err)
	}
}
