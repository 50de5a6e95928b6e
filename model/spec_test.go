package model

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/tensor"
)

// specs are models that no Config makes: each uses fields of layers that differ, or that families outside of this package have.
func specs(t *testing.T) map[string]Spec {
	t.Helper()
	make := func(c Config, change func(s *Spec)) Spec {
		c.Vocab, c.Width, c.Layers, c.Heads, c.Seed = 11, 16, 3, 2, 5
		s, err := c.Spec()
		if err != nil {
			t.Fatal(err)
		}
		change(&s)
		return s
	}
	norm := func() *Norm { return &Norm{Kind: "rms", Eps: 1e-6} }
	return map[string]Spec{
		"qk norms": make(Config{KVHeads: 1}, func(s *Spec) {
			for i := range s.Layers {
				s.Layers[i].Attention.QKNorm = 1e-6
			}
		}),
		"qk norms of a memory": make(Config{Kind: TransformerXL, Position: "rotary"}, func(s *Spec) { s.Layers[1].Attention.QKNorm = 1e-6 }),
		"sandwich norms": make(Config{Norm: "rms"}, func(s *Spec) {
			for i := range s.Layers {
				s.Layers[i].Norms = Norms{Input: norm(), Output: norm()}
			}
		}),
		"layers that differ": make(Config{}, func(s *Spec) {
			s.Layers[0].Attention.Mechanism, s.Layers[0].Attention.RotaryBase = "window(4)", 100
			s.Layers[1].Attention.Position, s.Layers[1].FeedForward = "alibi", FeedForward{Hidden: 24, Activation: "swiglu"}
			s.Layers[2].Norms = Norms{Sum: &Norm{Kind: "layer"}}
		}),
		"embedding": make(Config{Kind: Encoder}, func(s *Spec) {
			s.Embed = Embedding{Scale: 4, Positions: 64, TokenTypes: 2, Norm: &Norm{Kind: "layer", Eps: 1e-12}}
		}),
		"score scale, cap and scaled rotation": make(Config{KVHeads: 1, Bias: true}, func(s *Spec) {
			for i := range s.Layers {
				a := &s.Layers[i].Attention
				a.Scale, a.SoftCap, a.NoOutBias = 0.5, 3, true
			}
			s.Layers[0].Attention.RotaryScaling = &RotaryScaling{Kind: "linear", Factor: 4}
			s.Layers[1].Attention.RotaryScaling = &RotaryScaling{Kind: "llama3", Factor: 8, Low: 1, High: 4, Original: 16}
			s.Layers[2].Attention.RotaryScaling = &RotaryScaling{Kind: "yarn", Factor: 4, Fast: 32, Slow: 1, Original: 16}
		}),
		"heads of BERT": make(Config{Kind: Encoder, Tied: true, NormPlace: "post"}, func(s *Spec) {
			mask := int32(3)
			s.Head.Transform = &Transform{Activation: "gelu", Bias: true, Norm: &Norm{Kind: "layer"}}
			s.Head.TiedBias, s.Head.MaskToken = true, &mask
		}),
		"heads of ModernBERT": make(Config{Kind: Encoder, Head: Classify, Classes: 3}, func(s *Spec) {
			s.Head.Transform = &Transform{Activation: "tanh", Norm: &Norm{Kind: "layer", NoBias: true}}
			s.Layers[0].AttentionNorms = &Norms{}
			s.Layers[0].FeedForward.Activation = "geglu_tanh"
		}),
		"gates of gte": make(Config{Kind: Encoder, Bias: true, NormPlace: "post"}, func(s *Spec) {
			for i := range s.Layers {
				s.Layers[i].FeedForward = FeedForward{Hidden: 24, Activation: "geglu", Bias: true, NoUpBias: true}
			}
		}),
		"positions of RoBERTa": make(Config{Kind: Encoder, Head: Tag, Classes: 11}, func(s *Spec) {
			padding := int32(1)
			s.Embed = Embedding{Positions: 64, FirstPosition: 2, Padding: &padding}
		}),
		"token dropout": make(Config{Kind: Encoder}, func(s *Spec) {
			mask := int32(3)
			s.Head.MaskToken, s.Embed.TokenDropout = &mask, &TokenDropout{Mask: mask, Trained: 0.12}
		}),
		"last token": make(Config{Head: Classify, Classes: 3}, func(s *Spec) { s.Head.Pooling = "last" }),
		"global queries": make(Config{Kind: Encoder, Attention: []string{"window(4) | global(0, 3)"}}, func(s *Spec) {
			for i := range s.Layers {
				s.Layers[i].Attention.Global = []int{0, 3}
			}
		}),
		"global queries, learned positions": make(Config{Kind: Encoder, Position: "learned", MaxTokens: 64,
			Attention: []string{"window(4) | global(0)"}},
			func(s *Spec) { s.Layers[1].Attention.Global = []int{0} }),
		"adaptive softmax": make(Config{Kind: TransformerXL, Position: "relative", Tied: true}, func(s *Spec) {
			s.Embed.Adaptive = &Adaptive{Ends: []int{4, 6, 11}, Width: 16, Divisor: 2}
			s.Head.TiedBias, s.Head.TiedProjections = true, []int{2, 1}
		}),
		"adaptive softmax of its own": make(Config{Kind: TransformerXL, Position: "relative", Bias: true}, func(s *Spec) {
			s.Embed.Adaptive = &Adaptive{Ends: []int{5, 7, 11}, Width: 12, Divisor: 1}
			s.Head.TiedProjections = []int{1}
		}),
		"clusters without projections": make(Config{Kind: TransformerXL, Position: "relative"}, func(s *Spec) {
			s.Embed.Adaptive = &Adaptive{Ends: []int{1, 11}, Width: 16, Divisor: 1}
		}),
		"adaptive embedding": make(Config{Kind: TransformerXL, Position: "relative", Head: Classify, Classes: 11, Pooling: "last"},
			func(s *Spec) {
				s.Embed.Adaptive = &Adaptive{Ends: []int{2, 5, 11}, Width: 16, Divisor: 4}
			}),
	}
}

func newOf(t *testing.T, s Spec, o Options) *Model {
	t.Helper()
	m, err := NewOf(s, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Every weight of a specification learns, and the bits depend neither on threads nor on what is recomputed.
func TestSpecsTrain(t *testing.T) {
	for name, s := range specs(t) {
		m := newOf(t, s, Options{Train: true})
		b := batch(1, 37, 5, 20)
		if s.Embed.TokenTypes > 0 {
			for i := range b.Tokens {
				b.Types = append(b.Types, int32(i/3%2))
			}
		}
		want, err := m.NewSession(tensor.Exec{Threads: 1}).Step(b, StepOptions{Backward: true})
		if err != nil {
			t.Fatal(name, err)
		}
		for _, p := range m.Params() {
			if slices.Max(p.Grad.F32) == 0 && slices.Min(p.Grad.F32) == 0 {
				t.Errorf("%s: no gradient reached %s", name, p.Name)
			}
		}
		s.Recompute = "every"
		x := tensor.Exec{Threads: 3, Pool: tensor.NewPool()}
		other := newOf(t, s, Options{Pool: x.Pool, Train: true})
		got, err := other.NewSession(x).Step(b, StepOptions{Backward: true})
		if err != nil || got.Loss != want.Loss || !slices.Equal(grads(m), grads(other)) {
			t.Errorf("%s: loss %v on 3 threads with recomputation, %v on one; %v", name, got.Loss, want.Loss, err)
		}
	}
}

// The gradient of a specification's loss is its slope: both are measured along a random direction of all weights.
func TestSpecsHaveTheirSlope(t *testing.T) {
	for name, s := range specs(t) {
		m := newOf(t, s, Options{Train: true})
		b, session := batch(1, 21, 9), m.NewSession(tensor.Exec{})
		if _, err := session.Step(b, StepOptions{Backward: true, Seed: 3}); err != nil {
			t.Fatal(name, err)
		}
		r, want := data.NewRandom(7, 0), 0.0
		var direction []float32
		for _, p := range m.Params() {
			size := float32(0) // the direction is in proportion to it: the loss is curved at the scale of the weights
			for _, v := range p.Value.F32 {
				size = max(size, float32(math.Abs(float64(v))))
			}
			for _, g := range p.Grad.F32 {
				d := size * float32(r.Float64()-0.5)
				direction, want = append(direction, d), want+float64(d*g)
			}
		}
		at := func(h float32) float64 {
			i := 0
			for _, p := range m.Params() {
				for j := range p.Value.F32 {
					p.Value.F32[j] += h * direction[i]
					i++
				}
			}
			result, err := session.Step(b, StepOptions{Seed: 3})
			if err != nil {
				t.Fatal(name, err)
			}
			return result.Loss
		}
		const h = 1.0 / 1024 // central differences: the error is of the order h², and of the rounding of float32 over h
		up := at(h)
		slope := (up - at(-2*h)) / (2 * h)
		if math.Abs(slope-want) > 0.01*max(1, math.Abs(want)) {
			t.Errorf("%s: the slope is %g, the gradient says %g", name, slope, want)
		}
	}
}

// Decoding token by token gives what the whole gives, up to rounding.
func TestSpecsDecode(t *testing.T) {
	for name, s := range specs(t) {
		if s.Head.Kind != LM {
			continue
		}
		m := newOf(t, s, Options{})
		b := batch(1, 40)
		session := m.NewSession(tensor.Exec{})
		want, err := session.Predict(b, StepOptions{})
		if err != nil {
			t.Fatal(name, err)
		}
		d, err := session.Decode(nil)
		if err != nil {
			t.Fatal(name, err)
		}
		for i := range b.Tokens {
			got, err := d.Step(b.Tokens[i : i+1])
			if err != nil {
				t.Fatal(name, err)
			}
			near(t, name, got, want.Row(i), 2e-5)
		}
		d.Close()
	}
}

// With equal projections a global query attends as any query does, so that the second projections change nothing but the rounding.
func TestGlobalQueriesWithEqualProjections(t *testing.T) {
	s := specs(t)["global queries"]
	m := newOf(t, s, Options{})
	for i := range s.Layers {
		s.Layers[i].Attention.Global = nil
	}
	plain := newOf(t, s, Options{})
	named := func(name string) tensor.Mat { return m.params.Named(name).Value }
	for i := range s.Layers {
		layer := fmt.Sprintf("blocks.%d.attention.", i)
		qkv := named(layer + "qkv.weight") // 16 rows of queries, 16 of keys and 16 of values
		copy(named(layer+"global_q.weight").F32, qkv.SliceRows(0, 16).F32)
		copy(named(layer+"global_kv.weight").F32, qkv.SliceRows(16, 48).F32)
	}
	b := batch(1, 37, 5, 20)
	got, err := m.NewSession(tensor.Exec{}).Hidden(b, StepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want, err := plain.NewSession(tensor.Exec{}).Hidden(b, StepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "hidden", got.F32, want.F32, 2e-5)
}

// A specification is written to JSON and read back whole; a config written out twice is one specification.
func TestSpecsAreText(t *testing.T) {
	all := specs(t)
	for name, c := range zoo() {
		s, err := c.Spec()
		if err != nil {
			t.Fatal(name, err)
		}
		all["config "+name] = s
	}
	for name, s := range all {
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(name, err)
		}
		var again Spec
		if err := json.Unmarshal(text, &again); err != nil || !reflect.DeepEqual(s, again) {
			t.Errorf("%s: %v: read back\n%+v, wrote\n%+v", name, err, again, s)
		}
	}
}

func TestSpecsAreRefused(t *testing.T) {
	for want, change := range map[string]func(s *Spec){
		"layers: 1: qk_norm: found -1":                  func(s *Spec) { s.Layers[1].Attention.QKNorm = -1 },
		"layers: found 0, expected 1 to":                func(s *Spec) { s.Layers = nil },
		"layers: 2: cross: found in a model of kind":    func(s *Spec) { s.Layers[2].Cross = &s.Layers[0].Attention },
		"embed.scale: found -1":                         func(s *Spec) { s.Embed.Scale = -1 },
		"norm.eps: found 2":                             func(s *Spec) { s.Final = &Norm{Kind: "rms", Eps: 2} },
		"learned positions are of the embedding":        func(s *Spec) { s.Layers[0].Attention.Position = "learned" },
		"found global queries in a causal layer":        func(s *Spec) { s.Layers[0].Attention.Global = []int{0} },
		"found for a model of kind decoder, expected n": func(s *Spec) { s.Summaries = s.Layers },
		"source: found a kind of decoder":               func(s *Spec) { s.Source = &Stack{} },
		"fixed_bias: found without bias":                func(s *Spec) { s.Head.FixedBias = true },
		"tied_bias: found without tied":                 func(s *Spec) { s.Head.TiedBias = true },
		"no_out_bias: found without bias":               func(s *Spec) { s.Layers[0].Attention.NoOutBias = true },
		"no_up_bias: found without bias":                func(s *Spec) { s.Layers[0].FeedForward.NoUpBias = true },
		"project: found with the head lm":               func(s *Spec) { s.Head.Normalise = true },
		"mask_token: found with the head lm":            func(s *Spec) { s.Head.MaskToken = new(int32) },
		"padding: found in a model of kind decoder": func(s *Spec) {
			s.Embed = Embedding{Positions: 9, FirstPosition: 2, Padding: new(int32)}
		},
		"token_dropout: found in a model of kind decoder": func(s *Spec) { s.Embed.TokenDropout = &TokenDropout{} },
		"token_dropout.mask: found the token 11": func(s *Spec) {
			*s = specs(t)["token dropout"]
			s.Embed.TokenDropout.Mask = 11
		},
		"token_dropout.trained: found 1,": func(s *Spec) {
			*s = specs(t)["token dropout"]
			s.Embed.TokenDropout.Trained = 1
		},
		"first_position: found row 9 of 9":         func(s *Spec) { s.Embed = Embedding{Positions: 9, FirstPosition: 9} },
		"norm.no_bias: found with the norm rms":    func(s *Spec) { s.Final = &Norm{Kind: "rms", NoBias: true} },
		"transform.activation: found geglu":        func(s *Spec) { s.Head.Transform = &Transform{Activation: "geglu"} },
		"rotary_scaling.kind: found \"longrope\"":  func(s *Spec) { s.Layers[0].Attention.RotaryScaling = &RotaryScaling{Kind: "longrope"} },
		"rotary_scaling.factor: found 0, expected": func(s *Spec) { s.Layers[0].Attention.RotaryScaling = &RotaryScaling{Kind: "linear"} },
		"found rotary scaling {Factor:0":           func(s *Spec) { s.Layers[0].Attention.RotaryScaling = &RotaryScaling{Kind: "yarn"} },
	} {
		s := specs(t)["qk norms"]
		s.Layers = slices.Clone(s.Layers)
		change(&s)
		if _, err := NewOf(s, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	m := newOf(t, specs(t)["embedding"], Options{})
	b := batch(1, 5)
	b.Types = []int32{0, 1, 2, 0, 0}
	if _, err := m.NewSession(tensor.Exec{}).Step(b, StepOptions{}); err == nil || !strings.Contains(err.Error(), "has the type 2") {
		t.Errorf("a token type out of range: %v", err)
	}
}

// Layers that would be run in another way in training than in generation, or not at all, are refused.
func TestSpecsOfKindsAreRefused(t *testing.T) {
	for want, c := range map[string]struct {
		of     Config
		change func(s *Spec)
	}{
		"layers: 1: cross: found none":           {Config{Kind: EncoderDecoder}, func(s *Spec) { s.Layers[1].Cross = nil }},
		"source.layers: 0: cross: found in":      {Config{Kind: EncoderDecoder}, func(s *Spec) { s.Source.Layers[0].Cross = s.Layers[0].Cross }},
		"source.layers: found 0":                 {Config{Kind: EncoderDecoder}, func(s *Spec) { s.Source.Layers = nil }},
		`cross: found the mechanism "window(2)"`: {Config{Kind: EncoderDecoder}, func(s *Spec) { s.Layers[0].Cross.Mechanism = "window(2)" }},
		"causal true and position none":          {Config{Kind: EncoderDecoder}, func(s *Spec) { s.Layers[0].Cross.Causal = true }},
		"causal false and position t5":           {Config{Kind: EncoderDecoder}, func(s *Spec) { s.Layers[0].Cross.Position = "t5" }},
		"causal: found false, expected true":     {Config{}, func(s *Spec) { s.Layers[1].Attention.Causal = false }},
		"summaries: 1: causal: found false":      {Config{Kind: Hierarchical}, func(s *Spec) { s.Summaries[1].Attention.Causal = false }},
		"causal: found true, expected false": {Config{Kind: Hierarchical, Head: Classify, Classes: 2},
			func(s *Spec) { s.Layers[1].Attention.Causal = true }},
		"heads: found 4 after 2":                {Config{Position: "t5"}, func(s *Spec) { s.Layers[1].Attention.Heads = 4 }},
		"copy_ngrams: found in a model of kind": {Config{Kind: Hierarchical}, func(s *Spec) { s.Summaries[0].Attention.CopyNgrams = []int{2} }},
	} {
		c.of.Vocab, c.of.Width, c.of.Layers, c.of.Heads = 5, 16, 2, 2
		s, err := c.of.Spec()
		if err != nil {
			t.Fatal(err)
		}
		c.change(&s)
		if err := s.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// Groups of recomputed layers end with the encoder, which may have fewer layers than the decoder.
func TestRecomputedSourceOfFewerLayers(t *testing.T) {
	s, err := Config{Kind: EncoderDecoder, Vocab: 5, Width: 16, Layers: 4, Heads: 2}.Spec()
	if err != nil {
		t.Fatal(err)
	}
	s.Source.Layers = s.Source.Layers[:1]
	var losses []float64
	for _, recompute := range []string{"none", "sqrt"} {
		s.Recompute = recompute
		m := newOf(t, s, Options{Train: true})
		b := &data.Batch{Tokens: []int32{0, 1, 2}, Lengths: []int{3}, Targets: []int32{1, 2, 3}}
		b.Source = &data.Batch{Tokens: b.Tokens, Lengths: b.Lengths}
		result, err := m.NewSession(tensor.Exec{}).Step(b, StepOptions{Backward: true})
		if err != nil {
			t.Fatal(err)
		}
		losses = append(losses, result.Loss)
	}
	if losses[0] != losses[1] {
		t.Errorf("the loss is %g recomputed, %g without", losses[1], losses[0])
	}
}

// A padding token takes the row before the first position, and is not counted.
func TestPositionRows(t *testing.T) {
	s := specs(t)["positions of RoBERTa"]
	m := newOf(t, s, Options{})
	p := &nn.Pass{Lengths: []int{5, 3}}
	if got, want := positionRows(m.spec.Embed, p, []int32{4, 1, 5, 1, 6, 7, 1, 8}), []int32{2, 1, 3, 1, 4, 2, 1, 3}; !slices.Equal(got, want) {
		t.Errorf("rows %v, want %v", got, want)
	}
	s.Embed.Padding = nil
	m = newOf(t, s, Options{})
	if got, want := positionRows(m.spec.Embed, p, []int32{4, 1, 5, 1, 6, 7, 1, 8}), []int32{2, 3, 4, 5, 6, 2, 3, 4}; !slices.Equal(got, want) {
		t.Errorf("rows %v, want %v", got, want)
	}
	if got := s.MaxTokens(); got != 62 {
		t.Errorf("MaxTokens is %d, want 62", got)
	}
}

// The vectors of the head embed are the projected means of the hidden states, of length 1.
func TestEmbedHead(t *testing.T) {
	s := specs(t)["embedding"]
	s.Head = Head{Kind: Embed, Pooling: "mean", Project: []Projector{{Out: 5, Activation: "tanh", Bias: true}}, Normalise: true}
	for _, precision := range []string{"f32", "bf16"} {
		s.Precision = precision
		m := newOf(t, s, Options{})
		b, session := batch(1, 7, 4), m.NewSession(tensor.Exec{})
		got, err := session.Predict(b, StepOptions{})
		if err != nil {
			t.Fatal(err)
		}
		hidden, err := session.Hidden(b, StepOptions{})
		if err != nil {
			t.Fatal(err)
		}
		w := m.params.Named("head.project.0.weight").Value
		row, mean, weight := make([]float32, 16), make([]float64, 16), make([]float32, 16)
		for i := range 7 {
			hidden.ReadRow(row, i)
			for j, v := range row {
				mean[j] += float64(v) / 7
			}
		}
		want, sum := make([]float32, 5), 0.0
		for o := range want {
			w.ReadRow(weight, o)
			x := 0.0
			for j := range mean {
				x += mean[j] * float64(weight[j])
			}
			want[o] = float32(math.Tanh(x))
			sum += math.Tanh(x) * math.Tanh(x)
		}
		for o := range want {
			want[o] /= float32(math.Sqrt(sum))
		}
		near(t, precision, got.Row(0), want, map[string]float64{"f32": 1e-5, "bf16": 0.02}[precision])
		if _, err := session.Step(b, StepOptions{}); err == nil || !strings.Contains(err.Error(), "which has no loss") {
			t.Errorf("a step of the head embed: %v", err)
		}
	}
}

// The settings of transformers' Transformer-XL are refused where they have no meaning.
func TestTransformerXLSettings(t *testing.T) {
	make := func(c Config, change func(s *Spec)) error {
		c.Vocab, c.Width, c.Heads = 9, 16, 2
		s, err := c.Spec()
		if err != nil {
			t.Fatal(err)
		}
		change(&s)
		return s.Check()
	}
	xl := Config{Kind: TransformerXL, Memory: 4}
	for want, err := range map[string]error{
		"zero_memory: found in a model of kind decoder":   make(Config{}, func(s *Spec) { s.ZeroMemory = true }),
		"zero_memory: found with the position rotary":     make(Config{Kind: TransformerXL, Position: "rotary"}, func(s *Spec) { s.ZeroMemory = true }),
		"max_distance: found with the position rotary":    make(Config{}, func(s *Spec) { s.Layers[0].Attention.MaxDistance = 3 }),
		"max_distance: found -1, expected 0":              make(xl, func(s *Spec) { s.Layers[0].Attention.MaxDistance = -1 }),
		"head: found mlm for a transformer-xl":            make(xl, func(s *Spec) { s.Head = Head{Kind: MaskedLM} }),
		"head: found embed for a transformer-xl with seg": make(xl, func(s *Spec) { s.Head, s.Segment = Head{Kind: Embed, Pooling: "mean"}, 2 }),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	if err := make(xl, func(s *Spec) { s.ZeroMemory, s.Head = true, Head{Kind: Embed, Pooling: "mean"} }); err != nil {
		t.Error(err)
	}
}
