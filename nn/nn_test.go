package nn

import (
	"math"
	"strings"
	"testing"

	"github.com/longspan/longspan/attention/mechanism"
	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/tensor"
)

func TestInitIsNormalAndStable(t *testing.T) {
	p := NewParams(ParamsOptions{Pool: tensor.NewPool(), Seed: 1})
	w := p.Add("w", 200, 100, Normal(0.5))
	mean, square, top := 0.0, 0.0, 0.0
	for _, v := range w.Value.F32 {
		mean += float64(v) / 20000
		square += float64(v) * float64(v) / 20000
		top = max(top, math.Abs(float64(v)))
	}
	// Standard errors at 20,000 draws: 0.0035 of the mean, 0.0025 of the variance; four of each.
	if math.Abs(mean) > 0.014 || math.Abs(square-0.25) > 0.01 || top > 3 || top < 1.5 {
		t.Errorf("mean %g, mean square %g, largest %g; want 0, 0.25 and about 2", mean, square, top)
	}
	other := NewParams(ParamsOptions{Pool: tensor.NewPool(), Seed: 1})
	other.Add("before", 3, 3, Normal(1))
	if other.Add("w", 200, 100, Normal(0.5)).Value.F32[777] != w.Value.F32[777] {
		t.Error("a weight's first value depends on what was made before it")
	}
	// Bits that must never change: a saved seed would give another model.
	if got, want := math.Float32bits(w.Value.F32[0]), uint32(0xbecdb400); got != want {
		t.Errorf("first weight has bits %#x, want %#x", got, want)
	}
}

func TestParamsRefuse(t *testing.T) {
	for want, add := range map[string]func(p *Params){
		`two weights named "a.weight"`: func(p *Params) { NewLinear(p, "a", LinearConfig{In: 2, Out: 3}); NewEmbedding(p, "a", 4, 4) },
		`"b.weight" of 0×3`:            func(p *Params) { NewEmbedding(p, "b", 0, 3) },
		"elements in all weights":      func(p *Params) { NewEmbedding(p, "c", 1<<40, 1<<40) },
	} {
		p := NewParams(ParamsOptions{Pool: tensor.NewPool(), Seed: 1, Train: true})
		if add(p); p.Err() == nil || !strings.Contains(p.Err().Error(), want) {
			t.Errorf("error %v, want one with %q", p.Err(), want)
		}
	}
}

// Weights that no machine can hold are refused before they are drawn.
func TestWeightsBeyondMemory(t *testing.T) {
	for name, c := range map[string]struct {
		rows, cols int
		o          ParamsOptions
		want       string
	}{
		"drawn":   {1 << 24, 1 << 19, ParamsOptions{}, "this model takes 32.00 TiB"},
		"trained": {1 << 24, 1 << 19, ParamsOptions{Train: true}, "this model takes 64.00 TiB"},
		"counted": {1 << 40, 1 << 40, ParamsOptions{Pool: tensor.NewDryPool()}, "expected at most 70368744177664 elements"},
	} {
		p := NewParams(c.o)
		p.Add("w", c.rows, c.cols, Zeros())
		p.Add("v", 1, 1, Zeros())
		if err := p.Err(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want an error with %q", name, err, c.want)
		}
	}
}

func TestGradsFinite(t *testing.T) {
	p := NewParams(ParamsOptions{Pool: tensor.NewPool(), Seed: 1, Train: true})
	w := p.Add("w", 3, 5, Zeros())
	for _, v := range []float32{float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())} {
		if w.Grad.F32[7] = 1e38; !p.GradsFinite() {
			t.Error("finite gradients were taken for others")
		}
		if w.Grad.F32[7] = v; p.GradsFinite() {
			t.Errorf("%g was taken for finite", v)
		}
	}
	if p.ZeroGrads(); w.Grad.F32[7] != 0 {
		t.Error("a gradient was left")
	}
	p.Free()
}

func TestSettingsThatCannotGoTogether(t *testing.T) {
	for name, c := range map[string]struct {
		text   string
		change func(*AttentionConfig)
		want   string
	}{
		"bias of linear": {"elu", func(c *AttentionConfig) { c.Position = ALiBi },
			"found a bias beside elu, which has no softmax"},
		"sinks of linear": {"performer", func(c *AttentionConfig) { c.Sinks = true },
			"found sinks beside performer, which has no softmax"},
		"causal nystrom":       {"nystrom", func(c *AttentionConfig) { c.Causal = true }, "found a causal mask"},
		"nystrom heads":        {"nystrom", func(c *AttentionConfig) { c.KVHeads = 2 }, "leave them out"},
		"heads":                {"full", func(c *AttentionConfig) { c.KVHeads = 3 }, "positive multiple"},
		"copy heads of linear": {"elu", func(c *AttentionConfig) { c.CopyNgrams = []int{3} }, "no softmax in which equal n-grams"},
		"copy heads with positions": {"full", func(c *AttentionConfig) { c.CopyNgrams, c.Position = []int{3}, Rotary },
			"match at any distance"},
		"copy heads of cross-attention": {"full", func(c *AttentionConfig) { c.CopyNgrams, c.Cross = []int{3}, true },
			"from other tokens than its keys"},
		"cross of nystrom": {"nystrom", func(c *AttentionConfig) { c.Cross = true },
			"found cross-attention or a memory with nystrom"},
		"causal bigbird": {"bigbird_eval", func(c *AttentionConfig) { c.Causal = true }, "its last block sees the whole sequence"},
		"cross of bigbird": {"bigbird_eval", func(c *AttentionConfig) { c.Cross = true },
			"found bigbird_eval in cross-attention"},
		"bias of bigbird":          {"bigbird_eval", func(c *AttentionConfig) { c.Position = T5 }, "found a bias beside bigbird_eval"},
		"blocks of bigbird":        {"bigbird_eval(block=0)", func(c *AttentionConfig) {}, "found blocks of 0 tokens of bigbird_eval"},
		"random blocks of bigbird": {"bigbird_eval(random=257)", func(c *AttentionConfig) {}, "found 257 random blocks of bigbird_eval"},
		"many sizes":               {"full", func(c *AttentionConfig) { c.CopyNgrams, c.KVHeads = []int{3, 4, 5}, 2 }, "at most one each"},
		"long n-grams":             {"full", func(c *AttentionConfig) { c.CopyNgrams = []int{65} }, "expected 1 to 64"},
		"head dimension":           {"full", func(c *AttentionConfig) { c.HeadDim = 12 }, "multiple of 8"},
	} {
		m, err := mechanism.Parse(c.text)
		if err != nil {
			t.Fatal(err)
		}
		config := AttentionConfig{Width: 32, Heads: 4, Mechanism: m}
		c.change(&config)
		if _, err := NewAttention(NewParams(ParamsOptions{Seed: 1}), "a", config); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

func TestApplySourceRefusesTheCacheOfASequence(t *testing.T) {
	elu, err := mechanism.Parse("elu")
	if err != nil {
		t.Fatal(err)
	}
	params := NewParams(ParamsOptions{Pool: tensor.NewPool(), Seed: 1})
	a, err := NewAttention(params, "a", AttentionConfig{Width: 16, Heads: 2, Mechanism: elu, Causal: true})
	if err != nil {
		t.Fatal(err)
	}
	cache, err := a.NewCache(tensor.NewPool(), 0)
	if err != nil {
		t.Fatal(err)
	}
	p := &Pass{G: autograd.New(tensor.Exec{}, autograd.Options{}), Lengths: []int{1}, Compiled: NewCompileCache()}
	defer p.Close()
	p.G.Keep(a.ApplySource(p, p.G.Input(tensor.New(tensor.F32, 1, 16)), cache))
	if err := p.G.Forward(); err == nil || !strings.Contains(err.Error(), "expected a cache made by CacheSource") {
		t.Errorf("error %v, want one about the cache", err)
	}
}

// Another mechanism must have the same learned weights.
func TestAttentionWith(t *testing.T) {
	of := func(text string) mechanism.Mechanism {
		m, err := mechanism.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	a, err := NewAttention(NewParams(ParamsOptions{Seed: 1}), "a", AttentionConfig{Width: 16, Heads: 2, Mechanism: of("window(4)")})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := a.With(of("window(2)")); err != nil || b.c.Mechanism.String() != "window(2)" || b.qkv != a.qkv {
		t.Errorf("found %v, %v, want a layer with the same weights", b, err)
	}
	if _, err := a.With(of("nystrom(landmarks=4, conv=3)")); err == nil || !strings.Contains(err.Error(), "the same learned weights") {
		t.Errorf("found %v for a mechanism with weights of its own", err)
	}
}
