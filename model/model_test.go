package model

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/tensor"
)

// zoo is one small model of each kind, head, position encoding and mechanism. Heads of 8 are the smallest that attention takes.
func zoo() map[string]Config {
	small := func(c Config) Config {
		c.Vocab, c.Width, c.Layers, c.Heads, c.Seed = 11, 16, 3, 2, 5
		return c
	}
	return map[string]Config{
		"decoder":           small(Config{Attention: []string{"window(8)", "full"}}),
		"decoder grouped":   small(Config{KVHeads: 1, Position: "alibi", Norm: "rms", Activation: "swiglu", Tied: true, Sinks: true}),
		"decoder performer": small(Config{Attention: []string{"performer(features=16)"}, Position: "none", Bias: true}),
		"decoder without":   small(Config{Position: "t5", NoPosition: []int{0, 2}, Attention: []string{"window(8)", "full"}}),
		"decoder ngrams":    small(Config{HashedNgrams: []int{2, 5}, HashedNgramRows: 13, Attention: []string{"window(8)"}}),
		"decoder copy":      small(Config{CopyNgrams: []int{1, 3}, NoPosition: []int{0, 2}}),
		"copy grouped":      small(Config{CopyNgrams: []int{2}, NoPosition: []int{1}, KVHeads: 1, Norm: "rms", Position: "alibi"}),
		"decoder relative":  small(Config{Position: "relative"}),
		"encoder mlm":       small(Config{Kind: Encoder, Position: "t5", Attention: []string{"window(4) | global(0)"}}),
		"encoder transient": small(Config{Kind: Encoder, Head: Tag, Classes: 11, Position: "t5",
			Attention: []string{"transient(radius=3, block=8)", "window(4)"}}),
		"encoder classify": small(Config{Kind: Encoder, Head: Classify, Classes: 3, Position: "learned", MaxTokens: 64, NormPlace: "post",
			LabelSmoothing: 0.1}),
		"encoder first":    small(Config{Kind: Encoder, Head: Classify, Classes: 3, Pooling: "first", Attention: []string{"elu"}}),
		"encoder nystrom":  small(Config{Kind: Encoder, Attention: []string{"nystrom(landmarks=8, conv=3)"}}),
		"encoder bigbird":  small(Config{Kind: Encoder, Head: Tag, Classes: 11, Attention: []string{"bigbird_eval(block=3, random=1)"}}),
		"encoder tag":      small(Config{Kind: Encoder, Head: Tag, Classes: 11, Position: "relative"}),
		"encoder words":    small(Config{Kind: Encoder, CopyNgrams: []int{1, 2}, NoPosition: []int{0}}),
		"encoder regress":  small(Config{Kind: Encoder, Head: Regress, Activation: "geglu"}),
		"encoder-decoder":  small(Config{Kind: EncoderDecoder, Position: "t5", Bias: true}),
		"transformer-xl":   small(Config{Kind: TransformerXL, Memory: 20}),
		"xl rotary":        small(Config{Kind: TransformerXL, Memory: 20, Position: "rotary", NormPlace: "post"}),
		"hierarchical":     small(Config{Kind: Hierarchical, Segment: 8}),
		"hierarchical tag": small(Config{Kind: Hierarchical, Head: Tag, Classes: 11, Segment: 8, Position: "learned", MaxTokens: 64}),
	}
}

// batch is two sequences of random tokens with targets and labels.
func batch(seed uint64, lengths ...int) *data.Batch {
	r := data.NewRandom(seed, 1)
	b := &data.Batch{Lengths: lengths}
	for _, n := range lengths {
		for range n {
			b.Tokens = append(b.Tokens, int32(r.IntN(11)))
			b.Targets = append(b.Targets, int32(r.IntN(11)))
		}
		b.Labels = append(b.Labels, int32(r.IntN(3)))
	}
	return b
}

func newModel(t *testing.T, c Config, pool *tensor.Pool) *Model {
	t.Helper()
	m, err := New(c, Options{Pool: pool, Train: true})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// step runs one batch forward and backward, a Transformer-XL with a memory of the batch before.
func step(t *testing.T, m *Model, x tensor.Exec) Result {
	t.Helper()
	r := StepOptions{Backward: true, Seed: 9}
	b := batch(1, 37, 20)
	if m.spec.Kind == EncoderDecoder {
		b.Source = batch(3, 17, 5)
	}
	if m.spec.Kind == TransformerXL {
		r.Memory = &Memory{}
		defer func() { r.Memory.Free() }()
		if _, err := m.NewSession(x).Step(batch(2, 12, 30), StepOptions{Memory: r.Memory}); err != nil {
			t.Fatal(err)
		}
		b.Follows = []int{1, 0}
	}
	result, err := m.NewSession(x).Step(b, r)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func grads(m *Model) []float32 {
	var all []float32
	for _, p := range m.Params() {
		all = append(all, p.Grad.F32...)
	}
	return all
}

func TestBitsDoNotDependOnThreadsOrCheckpoints(t *testing.T) {
	for name, c := range zoo() {
		c.Dropout = 0.1
		m := newModel(t, c, nil)
		want := step(t, m, tensor.Exec{Threads: 1})
		if math.IsNaN(want.Loss) || want.Loss <= 0 || !m.params.GradsFinite() {
			t.Errorf("%s: loss %g", name, want.Loss)
		}
		for _, recompute := range []string{"none", "every", "sqrt", "2"} {
			c.Recompute = recompute
			x := tensor.Exec{Threads: 3, Pool: tensor.NewPool()} // what is given back too soon is written over
			other := newModel(t, c, x.Pool)
			if got := step(t, other, x); got.Loss != want.Loss {
				t.Errorf("%s, recompute %s on 3 threads: loss %v, want %v", name, recompute, got.Loss, want.Loss)
			}
			if !slices.Equal(grads(other), grads(m)) {
				t.Errorf("%s, recompute %s on 3 threads: the gradients differ", name, recompute)
			}
		}
	}
}

// A model whose every weight takes part in the loss has a gradient for each.
func TestEveryWeightGetsAGradient(t *testing.T) {
	for name, c := range zoo() {
		m := newModel(t, c, nil)
		step(t, m, tensor.Exec{})
		for _, p := range m.Params() {
			if slices.Max(p.Grad.F32) == 0 && slices.Min(p.Grad.F32) == 0 {
				t.Errorf("%s: no gradient reached %s", name, p.Name)
			}
		}
	}
}

func TestDryPeakIsTheRealPeak(t *testing.T) {
	for name, c := range zoo() {
		for _, precision := range []string{"f32", "bf16", "fp16"} {
			for _, recompute := range []string{"none", "every"} {
				c.Precision, c.Recompute = precision, recompute
				real, dry := tensor.NewPool(), tensor.NewDryPool()
				m, planned := newModel(t, c, real), newModel(t, c, dry)
				got := step(t, m, tensor.Exec{Threads: 2, Pool: real})
				want := step(t, planned, tensor.Exec{Threads: 2, Pool: dry})
				if real.Peak() != dry.Peak() || got.Cost != want.Cost {
					t.Errorf("%s, %s, recompute %s: dry peak %d and cost %v, real %d and %v", name, precision, recompute,
						dry.Peak(), want.Cost, real.Peak(), got.Cost)
				}
				m.Close()
				if real.InUse() != 0 {
					t.Errorf("%s: %d bytes did not come back to the pool", name, real.InUse())
				}
			}
		}
	}
}

func TestPackingChangesNothing(t *testing.T) {
	for name, c := range zoo() {
		if c.Kind == EncoderDecoder || c.Head == MaskedLM || c.Head == Regress {
			continue
		}
		m := newModel(t, c, nil)
		both, a, b := batch(1, 37, 20), batch(1, 37), batch(1, 20)
		b.Tokens, b.Targets, b.Labels = both.Tokens[37:], both.Targets[37:], both.Labels[1:]
		a.Labels = both.Labels[:1]
		losses := func(b *data.Batch) []float32 {
			l := make([]float32, len(b.Targets))
			if m.spec.Head.OfSequences() {
				l = l[:len(b.Lengths)]
			}
			if _, err := m.NewSession(tensor.Exec{}).Step(b, StepOptions{Losses: l}); err != nil {
				t.Fatal(name, err)
			}
			return l
		}
		if !slices.Equal(losses(both), append(losses(a), losses(b)...)) {
			t.Errorf("%s: a sequence's loss depends on what else is in its batch", name)
		}
	}
}

func TestNothingLooksAhead(t *testing.T) {
	for name, c := range zoo() {
		if !c.Causal() {
			continue
		}
		m := newModel(t, c, nil)
		b := batch(1, 40)
		before, after := make([]float32, 40), make([]float32, 40)
		const changed = 25
		for _, losses := range [][]float32{before, after} {
			if _, err := m.NewSession(tensor.Exec{}).Step(b, StepOptions{Losses: losses}); err != nil {
				t.Fatal(name, err)
			}
			b.Tokens[changed] = (b.Tokens[changed] + 1) % 11
		}
		if c.Attention != nil && strings.HasPrefix(c.Attention[0], "performer") {
			// What keeps exponentials in range is found over a chunk of keys, some of them later ones. It cancels but for rounding.
			near(t, name, after[:changed], before[:changed], 1e-6)
		} else if !slices.Equal(before[:changed], after[:changed]) {
			t.Errorf("%s: a token changed what came before it", name)
		}
		if slices.Equal(before[changed:], after[changed:]) {
			t.Errorf("%s: a token changed nothing", name)
		}
	}
}

// Plain descent on one batch: whatever the kind, the loss must fall to a fraction.
func TestEveryModelLearns(t *testing.T) {
	for name, c := range zoo() {
		m := newModel(t, c, tensor.NewPool())
		x := tensor.Exec{Pool: tensor.NewPool()}
		first, last := step(t, m, x).Loss, 0.0
		for range 80 { // single steps may jump
			descend(m, 0.01)
			last = step(t, m, x).Loss
		}
		if !(last < 0.6*first) {
			t.Errorf("%s: loss %g after 80 steps, %g at first", name, last, first)
		}
	}
}

// descend takes a step of Adam without its averages: each weight moves by rate against the sign of its gradient, scaled by
// its matrix's mean size.
func descend(m *Model, rate float64) {
	for _, p := range m.Params() {
		square := 0.0
		for _, g := range p.Grad.F32 {
			square += float64(g) * float64(g)
		}
		norm := math.Sqrt(square/float64(len(p.Grad.F32))) + 1e-12
		for i, g := range p.Grad.F32 {
			p.Value.F32[i] -= float32(rate * float64(g) / norm)
		}
	}
	m.params.ZeroGrads()
}

// A rounding to bf16 is 0.2% on average and to fp16 an eighth of that; a loss over a few tokens of a random model sums up several.
func TestHalfPrecisionIsNear(t *testing.T) {
	for name, c := range zoo() {
		want := step(t, newModel(t, c, nil), tensor.Exec{}).Loss
		for precision, tolerance := range map[string]float64{"bf16": 0.02, "fp16": 0.0025} {
			c.Precision = precision
			if got := step(t, newModel(t, c, nil), tensor.Exec{}).Loss; math.Abs(got-want) > tolerance*want {
				t.Errorf("%s in %s: loss %g, in f32 %g", name, precision, got, want)
			}
		}
	}
}

func TestIgnoredTargetsAreLeftOut(t *testing.T) {
	m := newModel(t, zoo()["decoder"], nil)
	b := batch(1, 37, 20)
	all, best := make([]float32, 57), make([]int32, 57)
	if _, err := m.NewSession(tensor.Exec{}).Step(b, StepOptions{Losses: all}); err != nil {
		t.Fatal(err)
	}
	for i := range b.Targets {
		if i%3 != 0 {
			b.Targets[i] = autograd.Ignore
		}
	}
	some := make([]float32, 57)
	result, err := m.NewSession(tensor.Exec{}).Step(b, StepOptions{Losses: some, Best: best})
	if err != nil {
		t.Fatal(err)
	}
	if result.Targets != 19 {
		t.Errorf("%d targets, want 19", result.Targets)
	}
	sum := 0.0
	for i := range some {
		want := float32(0)
		if i%3 == 0 {
			want = all[i]
		}
		if (best[i] == autograd.Ignore) != (i%3 != 0) {
			t.Errorf("the class of token %d is %d", i, best[i])
		}
		if some[i] != want {
			t.Errorf("loss of token %d is %g, want %g", i, some[i], want)
		}
		sum += float64(some[i])
	}
	if math.Abs(sum/19-result.Loss) > 1e-5 {
		t.Errorf("mean loss %g, of the tokens %g", result.Loss, sum/19)
	}
}

func near(t *testing.T, name string, got, want []float32, tolerance float64) {
	t.Helper()
	for i := range want {
		if !(math.Abs(float64(got[i]-want[i])) <= tolerance*max(1, math.Abs(float64(want[i])))) {
			t.Errorf("%s: element %d is %g, want %g", name, i, got[i], want[i])
			return
		}
	}
}

// Label smoothing applies to training alone. An evaluation measures the loss of the true targets.
func TestSmoothingIsForTrainingAlone(t *testing.T) {
	c := zoo()["decoder"]
	c.LabelSmoothing = 0.3
	m := newModel(t, c, nil)
	losses := make([]float32, 57)
	evaluated, err := m.NewSession(tensor.Exec{}).Step(batch(1, 37, 20), StepOptions{Losses: losses})
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, l := range losses {
		sum += float64(l)
	}
	if math.Abs(sum/57-evaluated.Loss) > 1e-5 {
		t.Errorf("evaluated by %g, the targets' losses have the mean %g", evaluated.Loss, sum/57)
	}
	trained, err := m.NewSession(tensor.Exec{}).Step(batch(1, 37, 20), StepOptions{Backward: true})
	if err != nil || trained.Loss == evaluated.Loss {
		t.Errorf("trained by %g, evaluated by %g, %v", trained.Loss, evaluated.Loss, err)
	}
}

// In fp16 a loss scale that is too high overflows, and the gradients are not finite.
func TestOverflowIsSeen(t *testing.T) {
	c := zoo()["decoder"]
	c.Precision = "fp16"
	m := newModel(t, c, nil)
	for scale, finite := range map[float64]bool{1 << 10: true, 1 << 40: false} {
		m.params.ZeroGrads()
		if _, err := m.NewSession(tensor.Exec{}).Step(batch(1, 37, 20), StepOptions{Backward: true, Scale: scale}); err != nil {
			t.Fatal(err)
		}
		if got := m.params.GradsFinite(); got != finite {
			t.Errorf("scale %g: gradients finite is %t", scale, got)
		}
	}
}

func TestSourcesAreChecked(t *testing.T) {
	m := newModel(t, Config{Kind: EncoderDecoder, Vocab: 11, Width: 16, Heads: 2, Position: "learned", MaxTokens: 20}, nil)
	for want, source := range map[string]*data.Batch{
		"want none or 2":              batch(1, 5),
		"21 tokens, the model has 20": batch(1, 5, 21),
		"token 1 of the batch is 11":  {Tokens: []int32{0, 11}, Lengths: []int{1, 1}},
	} {
		b := batch(1, 7, 3)
		b.Source = source
		if _, err := m.NewSession(tensor.Exec{}).Step(b, StepOptions{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
