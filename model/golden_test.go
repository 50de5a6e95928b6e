package model

import (
	"slices"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/internal/golden"
	"github.com/longspan/longspan/tensor"
)

// goldens are the models of testdata/golden, which gen.py made.
var goldens = map[string]func(g *golden.File) Config{
	"gpt2": func(g *golden.File) Config {
		return Config{Bias: true, Tied: true, Position: "learned", MaxTokens: g.Int("max_tokens"), Activation: "gelu_tanh"}
	},
	"llama": func(g *golden.File) Config {
		return Config{Norm: "rms", Activation: "swiglu", KVHeads: g.Int("kv_heads"), Hidden: g.Int("hidden")}
	},
}

// With the weights of another library's model, ours has its logits, its loss and all its gradients.
func TestGolden(t *testing.T) {
	for _, name := range golden.Names(t) {
		t.Run(name, func(t *testing.T) {
			g := golden.Open(t, name)
			c := goldens[name](g)
			c.Vocab, c.Width, c.Layers, c.Heads = g.Int("vocab"), g.Int("width"), g.Int("layers"), g.Int("heads")
			m := newModel(t, c, nil)
			for _, p := range m.Params() {
				w := g.Mat(p.Name)
				if len(w.F32) != len(p.Value.F32) {
					t.Fatalf("%s has %d elements in the file, want %d", p.Name, len(w.F32), len(p.Value.F32))
				}
				copy(p.Value.F32, w.F32)
			}
			b := &data.Batch{Tokens: int32s(g.Int64s("tokens")), Targets: int32s(g.Int64s("targets")), Lengths: g.Ints("lengths")}
			logits, err := m.NewSession(tensor.Exec{}).Predict(b, StepOptions{})
			if err != nil {
				t.Fatal(err)
			}
			golden.Near(t, "logits", golden.Wide(logits), golden.Wide(g.Mat("logits")), g.Tolerance)
			result, err := m.NewSession(tensor.Exec{}).Step(b, StepOptions{Backward: true})
			if err != nil {
				t.Fatal(err)
			}
			golden.Near(t, "loss", []float64{result.Loss}, golden.Wide(g.Mat("loss")), g.Tolerance)
			for _, p := range m.Params() {
				want := golden.Wide(g.Mat("gradient of " + p.Name))
				if !slices.ContainsFunc(want, func(v float64) bool { return v != 0 }) {
					t.Errorf("the file has no gradient of %s", p.Name)
				}
				golden.Near(t, "gradient of "+p.Name, golden.Wide(p.Grad), want, g.Tolerance)
			}
		})
	}
}

func int32s(x []int64) []int32 {
	y := make([]int32, len(x))
	for i, v := range x {
		y[i] = int32(v)
	}
	return y
}
