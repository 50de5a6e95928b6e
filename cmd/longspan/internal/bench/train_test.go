package bench

import (
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/plan"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train"
)

func TestTrainRow(t *testing.T) {
	if testing.Short() {
		t.Skip("the models have tens of millions of weights")
	}
	const T, layers, width = 64, 1, 768
	row, err := Train{Model: "longformer", Layers: layers, Tokens: T, Sequences: 2, Threads: 2, Runs: 1}.Run(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	// Tables, the four and eight width² of a layer with their biases and norms, and the classifier.
	weights := int64((50265+4096)*width + 12*width*width + 13*width + 2*width + 2)
	// A product has 2 flops a weight and token, forward and twice backward; all pairs are within the window: 2 and 5 products over them.
	flops := int64(6*(2*T*12*width*width+2*2*width) + 2*14*T*T*width)
	if row.Weights != weights || row.Flops != flops {
		t.Errorf("found %d weights and %d flops, expected %d and %d", row.Weights, row.Flops, weights, flops)
	}
	// Weights, gradients and two moments are 4 bytes each.
	if row.PeakBytes < 16*weights || runtime.GOOS == "linux" && row.GrowthBytes <= 0 {
		t.Errorf("found a peak of %d bytes, growth of %d", row.PeakBytes, row.GrowthBytes)
	}
	if row.Runs != 1 || math.Abs(row.TokensPerSecond*row.Seconds-2*T) > 1e-6 {
		t.Errorf("found %+v", row)
	}
}

// A model of one's own sizes: the settings count, a prediction has a third of the flops, and needs no gradients.
func TestTrainSets(t *testing.T) {
	const T, width = 96, 16
	var peaks []int64
	for _, c := range []struct {
		pass  Pass
		times int64 // of the products
		pairs int64 // products over visible pairs
	}{{Step, 3, 2 + 5}, {Forward, 1, 2}} {
		r := Train{Model: "encoder", Pass: c.pass, Tokens: T, Sequences: 1, Threads: 1, Runs: 1,
			Set: []string{"width=16", "heads=2", "layers=1", "vocab=32", "attention=[full]"}}
		row, err := r.Run(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		weights := int64(32*width + 12*width*width + 3*2*width + 2*width)
		flops := c.times*2*T*(12*width*width+2*width) + c.pairs*2*T*T*width
		if row.Weights != weights || row.Flops != flops || row.Pass != c.pass || row.Layers != 1 {
			t.Errorf("%s: found %d weights and %d flops of %d layers, expected %d and %d of 1", row.Pass, row.Weights, row.Flops, row.Layers,
				weights, flops)
		}
		peaks = append(peaks, row.PeakBytes)
	}
	if peaks[0] < 2*peaks[1] {
		t.Errorf("found a peak of %d bytes in training and of %d in prediction, expected less than half of it", peaks[0], peaks[1])
	}
}

// Each head has targets in the random batch.
func TestTrainHeads(t *testing.T) {
	for _, set := range [][]string{
		{"head=mlm", "classes=0"}, {"head=classify", "classes=3"}, {"kind=decoder", "head=lm", "classes=0"},
		{"kind=hierarchical", "head=lm", "classes=0", "segment=4"}, {"kind=transformer-xl", "head=lm", "classes=0"},
	} {
		for _, pass := range []Pass{Step, Forward} {
			r := Train{Model: "encoder", Pass: pass, Tokens: 16, Sequences: 2, Threads: 1, Runs: 1,
				Set: append([]string{"width=16", "heads=2", "layers=1", "vocab=32", "attention=[full]"}, set...)}
			if row, err := r.Run(t.Context(), nil); err != nil || row.Flops <= 0 {
				t.Errorf("%s %v: %+v, %v", pass, set, row, err)
			}
		}
	}
}

// What is timed is training: the loss of a batch that is always the same falls.
func TestStepLearns(t *testing.T) {
	for _, precision := range []string{"f32", "bf16", "fp16"} {
		c := model.Config{Vocab: 17, Width: 32, Layers: 1, Heads: 2, Precision: precision}
		spec, err := c.Spec()
		if err != nil {
			t.Fatal(err)
		}
		s, err := newStep(plan.Job{Model: spec, Train: train.DefaultConfig(), Lengths: []int{12}, Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		loss := func() float64 {
			r, err := s.session.Step(&s.batch, model.StepOptions{})
			if err != nil {
				t.Fatal(err)
			}
			return r.Loss
		}
		before := loss()
		for range 20 {
			if err := s.run(); err != nil {
				t.Fatal(err)
			}
		}
		if after := loss(); !(after < before-0.1) {
			t.Errorf("%s: the loss was %g and is %g after 20 steps, expected it to fall", precision, before, after)
		}
		s.close()
		if held := s.x.Pool.InUse(); held != 0 {
			t.Errorf("%s: %d bytes were not given back", precision, held)
		}
	}
}

func TestRandomBatchFits(t *testing.T) {
	b := randomBatch(model.Spec{Vocab: 5, Head: model.Head{Classes: 2}}, []int{3, 4})
	if err := b.Check(5); err != nil || len(b.Tokens) != 7 || len(b.Targets) != 7 || len(b.Labels) != 2 {
		t.Errorf("found %+v, %v", b, err)
	}
	for _, target := range b.Targets {
		if target == autograd.Ignore {
			t.Error("found a token without a target")
		}
	}
	again := randomBatch(model.Spec{Vocab: 5, Head: model.Head{Classes: 2}}, []int{3, 4})
	for i := range b.Tokens {
		if b.Tokens[i] != again.Tokens[i] {
			t.Fatal("the batch is another each time")
		}
	}
}

func TestTrainRefuses(t *testing.T) {
	for _, c := range []struct {
		change func(r *Train)
		says   string
	}{
		{func(r *Train) { r.Model = "gpt3" }, "use one of gpt2, encoder, longformer"},
		{func(r *Train) { r.Tokens = 0 }, "found 0 tokens"},
		{func(r *Train) { r.Tokens = 2049 }, "no more positions"},
		{func(r *Train) { r.Model, r.Tokens = "encoder", 0 }, "found 0 tokens, expected 1 or more"},
		{func(r *Train) { r.Model, r.Tokens = "encoder", 1<<40 }, "plan: found 1099511627776 tokens"},
		{func(r *Train) { r.Pass = Backward }, `found pass "backward", expected step or forward`},
		{func(r *Train) { r.Set = []string{"wdth=3"} }, `--set wdth=3: the key "wdth" is not known; did you mean "width"?`},
		{func(r *Train) { r.Set = []string{"layers=-1"} }, "layers: found -1"},
		{func(r *Train) { r.Set = []string{"precision=bf16"} }, "--dtype bf16 sets it"},
		{func(r *Train) { r.Set = []string{"kind=encoder-decoder"} }, "found a model of kind encoder-decoder"},
		{func(r *Train) { r.Set = []string{"head=regress"} }, "with the head regress"},
		{func(r *Train) { r.Layers = 13 }, "found 13 layers"},
		{func(r *Train) { r.Sequences = 0 }, "found 0 sequences"},
		{func(r *Train) { r.Runs = 0 }, "found 0 runs"},
		{func(r *Train) { r.Threads = -1 }, "found -1 threads"},
	} {
		r := Train{Model: "gpt2", Tokens: 8, Sequences: 1, Type: tensor.F32, Runs: 1}
		c.change(&r)
		if _, err := r.Run(t.Context(), nil); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("found the error %v, expected one that says %q", err, c.says)
		}
	}
	if memory.Read().Available == 0 {
		return // the system does not tell
	}
	var full *memory.Error
	if _, err := (Train{Model: "gpt2", Tokens: 2048, Sequences: 4096, Runs: 1}).Run(t.Context(), nil); !errors.As(err, &full) {
		t.Errorf("found the error %v for 8 million tokens, expected one of memory", err)
	}
}
