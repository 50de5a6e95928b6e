package model

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/tensor"
)

// embedder models that pairs train: one of each pooling.
func contrastive(pooling string, symmetric bool) Config {
	return Config{Kind: Encoder, Head: Embed, Vocab: 11, Width: 16, Layers: 2, Heads: 2, Pooling: pooling, Temperature: 0.2, Symmetric: symmetric,
		Attention: []string{"window(6) | global(0)"}}
}

// pairsOf are queries and passages of unlike lengths.
func pairsOf(n int) *data.Batch {
	var lengths []int
	for i := range n {
		lengths = append(lengths, 2+i%4, 11+(i*7)%23)
	}
	b := batch(5, lengths...)
	b.Targets, b.Labels = nil, nil
	return b
}

// naiveContrast is the mean loss of vectors, straight from the formula.
func naiveContrast(v tensor.Mat, c Contrast) (loss float64) {
	n := v.Rows / 2
	score := func(i, j int) float64 {
		a, b := v.Row(2*i), v.Row(2*j+1)
		return dot(a, b) / math.Sqrt(dot(a, a)*dot(b, b)) / c.Temperature
	}
	for i := range n {
		rows, columns := 0.0, 0.0
		for j := range n {
			rows += math.Exp(score(i, j))
			columns += math.Exp(score(j, i))
		}
		each := math.Log(rows) - score(i, i)
		if c.Symmetric {
			each = (each + math.Log(columns) - score(i, i)) / 2
		}
		loss += each / float64(n)
	}
	return loss
}

// The loss is the formula's, and its gradient at the vectors that of finite differences.
func TestInfoNCE(t *testing.T) {
	for _, symmetric := range []bool{false, true} {
		m := newModel(t, contrastive("mean", symmetric), tensor.NewPool())
		v, gradient := tensor.New(tensor.F32, 10, 16), tensor.New(tensor.F32, 10, 16)
		r := data.NewRandom(3, 1)
		for i := range v.F32 {
			v.F32[i] = float32(r.Float64() - 0.5)
		}
		c := *m.spec.Head.Contrast
		got := m.NewSession(tensor.Exec{}).infoNCE(v, gradient, StepOptions{})
		// A cosine is rounded to 2⁻²⁴ and divided by 0.2.
		if want := naiveContrast(v, c); math.Abs(got-want) > 1e-6 {
			t.Errorf("symmetric %t: loss %v, want %v", symmetric, got, want)
		}
		for i, g := range gradient.F32 {
			const h = 1e-3 // the third derivative is below 100, so that the difference is off by less than 1e-4
			old := v.F32[i]
			v.F32[i] = old + h
			up, above := naiveContrast(v, c), v.F32[i]
			v.F32[i] = old - h
			down, below := naiveContrast(v, c), v.F32[i]
			v.F32[i] = old
			if want := (up - down) / float64(above-below); math.Abs(float64(g)-want) > 1e-4 {
				t.Errorf("symmetric %t: the gradient of element %d is %g, by differences %g", symmetric, i, g, want)
			}
		}
	}
}

// Ranks count passages that are as near as the own one, or nearer. A vector of zeros is orthogonal to all.
func TestRanks(t *testing.T) {
	m := newModel(t, contrastive("mean", false), tensor.NewPool())
	v := tensor.New(tensor.F32, 8, 2)
	copy(v.F32, []float32{
		1, 0, 2, 0.1, // found first
		0, 1, 1, 1, // after passage 2
		0, 3, 0, 1, // first
		0, 0, 5, 0}) // all are equal
	r := StepOptions{Ranks: make([]int32, 4), Best: make([]int32, 4), Losses: make([]float32, 4)}
	gradient := tensor.New(tensor.F32, 8, 2)
	mean := m.NewSession(tensor.Exec{}).infoNCE(v, gradient, r)
	if want := []int32{2, 2, 1, 4}; !slices.Equal(r.Ranks, want) {
		t.Errorf("ranks %v, want %v", r.Ranks, want)
	}
	if want := []int32{3, 2, 2, 0}; !slices.Equal(r.Best, want) {
		t.Errorf("best %v, want %v", r.Best, want)
	}
	sum := 0.0
	for _, l := range r.Losses {
		sum += float64(l) / 4
	}
	if math.Abs(sum-mean) > 1e-6 || gradient.F32[12] != 0 || gradient.F32[13] != 0 {
		t.Errorf("losses of mean %g, want %g; the gradient of zeros is %v, want zeros", sum, mean, gradient.F32[12:14])
	}
}

// The gradient text by text is that of one graph of all texts.
func TestGradientTextByText(t *testing.T) {
	for _, pooling := range []string{"mean", "first", "last"} {
		m := newModel(t, contrastive(pooling, true), tensor.NewPool())
		x := tensor.Exec{Pool: tensor.NewPool()}
		b, s := pairsOf(6), m.NewSession(x)
		if chunks := chunksOf(b.Lengths); len(chunks) < 4 {
			t.Fatalf("found %d chunks, expected several", len(chunks))
		}
		if _, err := s.Step(b, StepOptions{Backward: true}); err != nil {
			t.Fatal(err)
		}
		got := grads(m)
		m.params.ZeroGrads()
		m.spec.Head.Normalise = false // of what Predict returns: the gradient is at the plain vectors
		vectors, err := s.Predict(b, StepOptions{})
		if err != nil {
			t.Fatal(err)
		}
		gradient := tensor.New(tensor.F32, vectors.Rows, vectors.Cols)
		s.infoNCE(vectors, gradient, StepOptions{})
		_, err = s.StepWith(b, StepOptions{Backward: true}, func(p *nn.Pass, x *autograd.Var) *autograd.Var {
			return p.G.Dot(m.vectors(p, m.pooled(p, x)), gradient)
		})
		if err != nil {
			t.Fatal(err)
		}
		near(t, pooling, got, grads(m), 1e-5)
	}
}

// The directional derivative of the loss by the weights is the gradient's.
func TestContrastFollowsItsGradient(t *testing.T) {
	m := newModel(t, contrastive("mean", false), tensor.NewPool())
	b, x := pairsOf(5), tensor.Exec{}
	loss := func(backward bool) float64 {
		r, err := m.NewSession(x).Step(b, StepOptions{Backward: backward})
		if err != nil {
			t.Fatal(err)
		}
		return r.Loss
	}
	loss(true)
	g := grads(m)
	square := 0.0
	for _, v := range g {
		square += float64(v) * float64(v)
	}
	const h = 1e-3 // of the weights, along the gradient
	move := func(by float64) {
		at := 0
		for _, p := range m.Params() {
			for i := range p.Value.F32 {
				p.Value.F32[i] += float32(by * float64(g[at]) / math.Sqrt(square))
				at++
			}
		}
	}
	move(h)
	up := loss(false)
	move(-2 * h)
	slope := (up - loss(false)) / (2 * h)
	if math.Abs(slope/math.Sqrt(square)-1) > 0.01 { // h² of the third derivative, and 1e-6 of the loss over h
		t.Errorf("the loss has the slope %g along its gradient, expected its length %g", slope, math.Sqrt(square))
	}
}

func TestContrastBits(t *testing.T) {
	var want []float32
	for _, threads := range []int{1, 2, 5} {
		c := contrastive("mean", true)
		c.Dropout = 0.2
		m := newModel(t, c, tensor.NewPool())
		x := tensor.Exec{Threads: threads, Pool: tensor.NewPool()}
		r, err := m.NewSession(x).Step(pairsOf(6), StepOptions{Backward: true, Seed: 7})
		if err != nil {
			t.Fatal(err)
		}
		got := append(grads(m), float32(r.Loss))
		if want == nil {
			want = got
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d threads: other bits", threads)
		}
		if x.Pool.InUse() != 0 {
			t.Errorf("%d bytes did not come back to the pool", x.Pool.InUse())
		}
	}
}

// Memory is that of the longest text: more pairs add vectors and cosines alone. A plan without data sees the same peak.
func TestContrastMemory(t *testing.T) {
	peak := func(pool *tensor.Pool, pairs int) int64 {
		m := newModel(t, contrastive("mean", false), pool)
		x := tensor.Exec{Threads: 1, Pool: pool}
		weights := pool.InUse()
		if _, err := m.NewSession(x).Step(pairsOf(pairs), StepOptions{Backward: true}); err != nil {
			t.Fatal(err)
		}
		return pool.Peak() - weights
	}
	few, many := peak(tensor.NewPool(), 23), peak(tensor.NewPool(), 46)
	const vectors = 2 * 16 * 4 * 2 // of a pair, and their gradient
	if room := int64(23*vectors + 4*(46*46-23*23)); many > few+room {
		t.Errorf("46 pairs take %d bytes and 23 pairs %d, expected at most %d more", many, few, room)
	}
	if dry := peak(tensor.NewDryPool(), 46); dry != many {
		t.Errorf("a dry step takes %d bytes, a real one %d", dry, many)
	}
}

func TestPairsLearn(t *testing.T) {
	m := newModel(t, contrastive("mean", false), tensor.NewPool())
	x, b := tensor.Exec{Threads: 1}, pairsOf(8)
	first, err := m.Eval(x, b, 0)
	if err != nil {
		t.Fatal(err)
	}
	for range 25 {
		if _, err := m.Train(x, b, data.Pass{Weight: 1}); err != nil {
			t.Fatal(err)
		}
		descend(m, 0.01)
	}
	last, err := m.Eval(x, b, 0)
	if err != nil {
		t.Fatal(err)
	}
	ranked := m.Ranks()
	if !(last.Loss < 0.3*first.Loss) || last.Correct < 7 || last.Targets != 8 || len(ranked) != 8 {
		t.Errorf("loss %g and %d right of %d after training, %g before; ranks %v", last.Loss, last.Correct, last.Targets, first.Loss, ranked)
	}
	correct := int64(0)
	for _, r := range ranked {
		if r == 1 {
			correct++
		}
	}
	if correct != last.Correct {
		t.Errorf("%d ranks are 1, and %d targets right", correct, last.Correct)
	}
}

func TestContrastRefuses(t *testing.T) {
	m := newModel(t, contrastive("mean", false), tensor.NewPool())
	s := m.NewSession(tensor.Exec{})
	for want, f := range map[string]func() error{
		"found 3 sequences, expected pairs": func() error { _, err := s.Step(batch(1, 3, 4, 5), StepOptions{}); return err },
		"found room for 1 ranks": func() error {
			_, err := s.Step(pairsOf(2), StepOptions{Ranks: make([]int32, 1)})
			return err
		},
		"temperature: found 1e-09":                          func() error { return with(func(c *Config) { c.Temperature = 1e-9 }).Check() },
		"temperature: found NaN":                            func() error { return with(func(c *Config) { c.Temperature = math.NaN() }).Check() },
		"found 0.2, and symmetric false, with the head mlm": func() error { return with(func(c *Config) { c.Head = MaskedLM }).Check() },
		"contrast: found with the head classify": func() error {
			spec := m.spec
			spec.Head = Head{Kind: Classify, Classes: 2, Pooling: "mean", Contrast: &Contrast{Temperature: 1}}
			return spec.Check()
		},
	} {
		if err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found the error\n  %v\nwant one with\n  %s", err, want)
		}
	}
}

func with(change func(*Config)) Config {
	c := contrastive("mean", false)
	change(&c)
	return c
}
