package nn

import (
	"math"
	"slices"
	"testing"

	"github.com/longspan/longspan/attention/mechanism"
	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/internal/kerneltest"
	"github.com/longspan/longspan/tensor"
)

// globalLayer is a layer with global tokens, whose biases are not zero.
func globalLayer(t *testing.T, change func(*AttentionConfig)) *Attention {
	t.Helper()
	window, err := mechanism.Parse("window(4)")
	if err != nil {
		t.Fatal(err)
	}
	c := AttentionConfig{Width: 64, Heads: 4, HeadDim: 16, Mechanism: window, Bias: true, Global: []int{0, 2}}
	change(&c)
	params := NewParams(ParamsOptions{Pool: tensor.NewPool(), Seed: 5, Train: true})
	a, err := NewAttention(params, "a", c)
	if err != nil || params.Err() != nil {
		t.Fatal(err, params.Err())
	}
	r := kerneltest.Rand(6)
	for _, l := range []*Linear{a.qkv, a.global.q, a.global.kv} {
		copy(l.Bias.Value.F32, kerneltest.Normal(r, l.Bias.Value.Cols))
	}
	return a
}

// globalBatch is rows of a batch.
func globalBatch(p autograd.Policy, width int, lengths []int) tensor.Mat {
	rows := 0
	for _, n := range lengths {
		rows += n
	}
	m := tensor.New(p.Activations, rows, width)
	r := kerneltest.Rand(7)
	for i := range rows {
		m.WriteRow(i, kerneltest.Normal(r, width))
	}
	return m
}

// applied is the layer's result, and the flops of its products.
func applied(t *testing.T, a *Attention, o autograd.Options, x tensor.Mat, lengths []int) ([]float32, int64) {
	t.Helper()
	p := &Pass{G: autograd.New(tensor.Exec{Threads: 2, Pool: tensor.NewPool()}, o), Lengths: lengths, Compiled: NewCompileCache()}
	defer p.Close()
	y := p.G.Keep(a.Apply(p, p.G.Input(x)))
	if err := p.G.Forward(); err != nil {
		t.Fatal(err)
	}
	var all []float32
	for i := range y.Rows() {
		row := make([]float32, y.Cols())
		y.Value().ReadRow(row, i)
		all = append(all, row...)
	}
	return all, p.G.Cost().Matmul
}

// TestGlobalTokensAtInference compares inference, which makes no keys and values of the second set, with a graph that trains, which makes
// them. In between are sums of width, of D and of n terms. Their roundings come to some √(width + D + n) at random, on either side.
func TestGlobalTokensAtInference(t *testing.T) {
	lengths := []int{50, 1, 2, 90}
	for name, change := range map[string]func(*AttentionConfig){
		"heads":        func(*AttentionConfig) {},
		"shared heads": func(c *AttentionConfig) { c.KVHeads = 2 },
		"scale":        func(c *AttentionConfig) { c.ScoreScale = 0.5 },
		"no bias":      func(*AttentionConfig) {},
	} {
		for p, unit := range map[autograd.Policy]float64{autograd.F32(): 0x1p-24, autograd.BF16(): 0x1p-9, autograd.FP16(): 0x1p-12} {
			a := globalLayer(t, change)
			if name == "no bias" {
				a.global.kv.Bias = nil
			}
			x := globalBatch(p, 64, lengths)
			got, fewer := applied(t, a, autograd.Options{Policy: p}, x, lengths)
			want, more := applied(t, a, autograd.Options{Policy: p, Train: true}, x, lengths)
			scale := float64(0)
			for _, v := range want {
				scale = max(scale, math.Abs(float64(v)))
			}
			limit := unit * math.Sqrt(64+16+90) * scale
			if e := kerneltest.Measure(got, kerneltest.Float64(want)); !(e.Max <= limit) {
				t.Errorf("%s, %s: %v apart, expected at most %.2g", name, p, e, limit)
			}
			if slices.Equal(got, want) || fewer >= more {
				t.Errorf("%s, %s: %d flops of products at inference and %d in training, expected fewer", name, p, fewer, more)
			}
		}
	}
}

// TestGlobalTokensAlone holds that the bits of a sequence do not depend on the others, whichever of them have global tokens.
func TestGlobalTokensAlone(t *testing.T) {
	a, lengths := globalLayer(t, func(c *AttentionConfig) { c.Global = []int{2, 30} }), []int{50, 2, 20}
	x := globalBatch(autograd.F32(), 64, lengths)
	all, _ := applied(t, a, autograd.Options{}, x, lengths)
	start := 0
	for _, n := range lengths {
		alone, _ := applied(t, a, autograd.Options{}, x.SliceRows(start, start+n), []int{n})
		kerneltest.SameBits(t, alone, all[start*64:(start+n)*64])
		start += n
	}
}

// TestWhereGlobalKeysAreMade holds the border of Longformer-base: 12·768 flops a query against 2·768·768 a token, less the 12·64 that
// attending takes.
func TestWhereGlobalKeysAreMade(t *testing.T) {
	for _, c := range []struct {
		AttentionConfig
		globals int
		want    bool
	}{
		{AttentionConfig{KVHeads: 12}, 1, true},
		{AttentionConfig{KVHeads: 12}, 69, true},
		{AttentionConfig{KVHeads: 12}, 70, false},
		{AttentionConfig{KVHeads: 3}, 17, true},
		{AttentionConfig{KVHeads: 3}, 18, false},
		{AttentionConfig{KVHeads: 12, Position: Rotary}, 1, false},
		{AttentionConfig{KVHeads: 12, SoftCap: 30}, 1, false},
	} {
		c.Width, c.Heads, c.HeadDim, c.Global = 768, 12, 64, make([]int, c.globals)
		if got := (&globalQueries{c: c.AttentionConfig}).unprojected(); got != c.want {
			t.Errorf("%d global positions, %d key/value heads, %s, cap %g: %v, want %v", c.globals, c.KVHeads, c.Position, c.SoftCap, got, c.want)
		}
	}
}
