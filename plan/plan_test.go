package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train"
	"github.com/longspan/longspan/train/optim"
)

func job(c model.Config, lengths ...int) Job {
	c.Vocab, c.Width, c.Heads = 7, 32, 4
	if c.Layers == 0 {
		c.Layers = 4
	}
	t := train.DefaultConfig()
	t.EMA = 0.99
	s, err := c.Spec()
	if err != nil {
		panic(err)
	}
	return Job{Model: s, Train: t, Lengths: lengths, Threads: 2}
}

func jobs() map[string]Job {
	uneven := job(model.Config{Kind: model.EncoderDecoder}, 30, 50)
	uneven.Sources = []int{150, 20}
	return map[string]Job{
		"uneven sources":  uneven,
		"decoder":         job(model.Config{}, 200, 100),
		"checkpoints":     job(model.Config{Recompute: "every"}, 300),
		"bf16":            job(model.Config{Precision: "bf16", Attention: []string{"window(16)", "performer(features=16)"}}, 300),
		"encoder":         job(model.Config{Kind: model.Encoder, Head: model.Classify, Classes: 3}, 150, 150),
		"masked":          job(model.Config{Kind: model.Encoder}, 150),
		"tokens kept":     job(model.Config{Kind: model.Encoder, NeverMasked: []int{0, 1, 2}}, 150),
		"encoder-decoder": job(model.Config{Kind: model.EncoderDecoder}, 150),
		"transformer-xl":  job(model.Config{Kind: model.TransformerXL, Memory: 96}, 64, 64),
		"hierarchical":    job(model.Config{Kind: model.Hierarchical, Segment: 16}, 200),
	}
}

// run trains for real, for several steps, and returns the pool, in which the given bytes are reserved.
func run(t *testing.T, j Job, reserve int64) *tensor.Pool {
	t.Helper()
	memory := tensor.NewPool()
	memory.Reserve(reserve)
	x := tensor.Exec{Threads: j.Threads, Pool: memory}
	m, err := model.NewOf(j.Model, model.Options{Pool: memory, Train: true})
	if err != nil {
		t.Fatal(err)
	}
	weights, err := optim.NewWeights(m.Params())
	if err != nil {
		t.Fatal(err)
	}
	optimizer, err := train.NewOptimizer(j.Train, x, weights)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := optim.NewEMA(memory, weights, j.Train.EMA); err != nil {
		t.Fatal(err)
	}
	b := batch(m.Spec(), j.Lengths)
	r := model.StepOptions{Backward: true}
	if m.Spec().Kind == model.EncoderDecoder {
		lengths := j.Sources
		if lengths == nil {
			lengths = j.Lengths
		}
		b.Source = &data.Batch{Lengths: lengths}
		for _, n := range lengths {
			b.Source.Tokens = append(b.Source.Tokens, make([]int32, n)...)
		}
	}
	if m.Spec().Kind == model.TransformerXL {
		r.Memory = &model.Memory{}
	}
	for step := range 4 {
		if _, err := m.NewSession(x).Step(b, r); err != nil {
			t.Fatal(err)
		}
		optimizer.Step(x, optim.Update{Step: int64(step + 1), LR: 1e-3, Scale: 1})
	}
	return memory
}

func TestPeakIsThatOfTheRun(t *testing.T) {
	for name, j := range jobs() {
		e, err := Make(j)
		if err != nil {
			t.Fatal(name, err)
		}
		if got := run(t, j, 0).Peak(); got != e.Bytes.Pool() {
			t.Errorf("%s: planned %d bytes, the run took %d", name, e.Bytes.Pool(), got)
		}
		for class, bytes := range map[string]int64{"weights": e.Bytes.Weights, "gradients": e.Bytes.Gradients, "optimizer": e.Bytes.Optimizer,
			"activations": e.Bytes.Activations, "scratch": e.Bytes.Scratch} {
			if bytes <= 0 {
				t.Errorf("%s: %d bytes of %s", name, bytes, class)
			}
		}
	}
}

// What the pool takes of the system, after several steps with the plan and a fourth reserved, is what was planned and little more.
func TestMemoryTouchedIsNearThePlan(t *testing.T) {
	for name, j := range jobs() {
		for i := range j.Lengths {
			j.Lengths[i] *= 12
		}
		for i := range j.Model.Layers {
			j.Model.Layers[i].Attention.Mechanism = "window(32)"
		}
		e, err := Make(j)
		if err != nil {
			t.Fatal(name, err)
		}
		pool := e.Bytes.Pool()
		touched := float64(run(t, j, pool*5/4).Touched())
		t.Logf("%s: touched %.3f of the plan", name, touched/float64(pool))
		if touched > 1.15*float64(pool) {
			t.Errorf("%s: the run took %.0f bytes, %d were planned", name, touched, pool)
		}
	}
}

func TestChooseTakesAsFewAsItMust(t *testing.T) {
	j := job(model.Config{Recompute: model.Auto, Layers: 6}, 400)
	bytes := func(policy string) int64 {
		with := j
		with.Model.Recompute = policy
		e, err := Make(with)
		if err != nil {
			t.Fatal(err)
		}
		return e.Bytes.Total()
	}
	for _, want := range []string{"0", "2", "5"} {
		c, err := Choose(j, bytes(want))
		if err != nil || c != want {
			t.Errorf("with the bytes of %s layers: chose %q, %v", want, c, err)
		}
	}
	if c, err := Choose(j, 1000); err != nil || c != "every" && c != "sqrt" {
		t.Errorf("with too little: chose %q, %v", c, err)
	}
	j.Model.Recompute = "none"
	if c, err := Choose(j, 1000); err != nil || c != "none" {
		t.Errorf("none became %q, %v", c, err)
	}
}

func TestChangesTakeLess(t *testing.T) {
	j := job(model.Config{}, 1000)
	whole, err := Make(j)
	if err != nil {
		t.Fatal(err)
	}
	changes, err := Changes(j, whole.Bytes.Total()/2)
	if err != nil {
		t.Fatal(err)
	}
	var sets []string
	for _, c := range changes {
		sets = append(sets, strings.Join(c.Set, " "))
		if c.Estimate.Bytes.Total() >= whole.Bytes.Total() {
			t.Errorf("%v takes %d bytes, without it %d", c.Set, c.Estimate.Bytes.Total(), whole.Bytes.Total())
		}
		if c.Fits != (c.Estimate.Bytes.Total() <= whole.Bytes.Total()/2) {
			t.Errorf("%v: fits is %t", c.Set, c.Fits)
		}
	}
	if len(sets) != 4 || sets[0] != "model.recompute=every" || !strings.HasSuffix(sets[3], "train.optimizer.name=adafactor") {
		t.Errorf("changes %q", sets)
	}
}

func TestJobsAreChecked(t *testing.T) {
	for want, lengths := range map[string][]int{"found no sequence": nil, "found 0 tokens": {0}, "found -3 tokens": {4, -3}} {
		if _, err := Make(job(model.Config{}, lengths...)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	if _, err := Make(job(model.Config{Kind: model.TransformerXL, Memory: 1 << 28}, 4)); err == nil || !strings.Contains(err.Error(),
		"memory of 268435456 tokens") {
		t.Errorf("error %v, want one about the memory", err)
	}
	// A memory far longer than what is read at a time is planned full at once.
	if _, err := Make(job(model.Config{Kind: model.TransformerXL, Memory: 1 << 20}, 1)); err != nil {
		t.Error(err)
	}
	j := job(model.Config{Kind: model.EncoderDecoder}, 4, 4)
	for want, sources := range map[string][]int{"found 1 sources of 2 sequences": {4}, "found 0 tokens": {4, 0}} {
		j.Sources = sources
		if _, err := Make(j); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// A batch of several sequences may be read one at a time, with as many sequences an update.
func TestChangesReadSequencesOneByOne(t *testing.T) {
	j := job(model.Config{}, 300, 1000, 200)
	changes, err := Changes(j, 1<<40)
	if err != nil {
		t.Fatal(err)
	}
	before := changes[1].Estimate.Bytes.Total()
	c := changes[2]
	if set := c.Set[len(c.Set)-2:]; !slices.Equal(set, []string{"data.batch=1", "train.accumulate=3"}) {
		t.Errorf("the third change is %q", c.Set)
	}
	if !slices.Equal(c.Job.Lengths, []int{1000}) || c.Job.Train.Accumulate != 3 || c.Estimate.Bytes.Total() >= before {
		t.Errorf("sequences of %v, %d times, take %d bytes; all together %d",
			c.Job.Lengths, c.Job.Train.Accumulate, c.Estimate.Bytes.Total(), before)
	}
}

// An encoder-decoder is planned to generate from a source of any length.
func TestGenerationFromASource(t *testing.T) {
	c := job(model.Config{Kind: model.EncoderDecoder}).Model
	short, err := Generation(c, 10, 5, 1)
	if err != nil {
		t.Fatal(err)
	}
	long, err := Generation(c, 1000, 5, 1)
	if err != nil {
		t.Fatal(err)
	}
	// Each of four layers carries the keys and values of the source: 2·32 numbers a token.
	if got, least := long.Bytes.Activations-short.Bytes.Activations, int64(990*4*2*32*4); got < least {
		t.Errorf("a source of 990 tokens more carries %d bytes more, want %d or more", got, least)
	}
}

// A generation is planned as it runs: the prompt at once, and then token by token.
func TestGenerationPeakIsThatOfTheRun(t *testing.T) {
	for name, c := range map[string]model.Config{
		"full": {}, "window": {Attention: []string{"window(16)"}}, "performer": {Attention: []string{"performer"}, Position: "none"},
		"transformer-xl": {Kind: model.TransformerXL, Memory: 48}, "hierarchical": {Kind: model.Hierarchical, Segment: 16},
		"long segments": {Kind: model.Hierarchical, Segment: 400},
	} {
		spec := job(c).Model
		for _, prompt := range []int{1, 40, 300} {
			const tokens = 70
			e, err := Generation(spec, prompt, tokens, 2)
			if err != nil {
				t.Fatal(name, err)
			}
			x := tensor.Exec{Threads: 2, Pool: tensor.NewPool()}
			m, err := model.NewOf(spec, model.Options{Pool: x.Pool})
			if err != nil {
				t.Fatal(name, err)
			}
			g, err := m.NewSession(x).Decode(nil)
			if err != nil {
				t.Fatal(name, err)
			}
			for n := prompt; n > 0; n = 1 {
				if g.Tokens() == prompt+tokens-1 {
					break
				}
				if _, err := g.Step(make([]int32, n)); err != nil {
					t.Fatal(name, err)
				}
			}
			if got := x.Pool.Peak(); got != e.Bytes.Pool() {
				t.Errorf("%s, prompt %d: planned %d bytes, the generation took %d", name, prompt, e.Bytes.Pool(), got)
			}
			g.Close()
		}
	}
}

// The bytes of the largest batch in the largest model do not fit 64 bits, and are not counted.
func TestBytesThatWouldOverflowAreRefused(t *testing.T) {
	s, err := model.Config{Vocab: 11, Width: 1 << 28, Heads: 1, HeadDim: 8, Hidden: 1, Layers: 4096, Attention: []string{"window(8)"}}.Spec()
	if err != nil {
		t.Fatal(err)
	}
	const want = "67108864 tokens in 4096 layers of width 268435456"
	if _, err := Make(Job{Model: s, Train: train.DefaultConfig(), Lengths: []int{1 << 26}}); err == nil || !strings.Contains(err.Error(),
		want) {
		t.Errorf("error %v, want one with %q", err, want)
	}
}
