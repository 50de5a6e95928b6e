package optim_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train/optim"
)

// shapes has a matrix of several pieces of work, one of part of a piece, a row and a column.
var shapes = [][2]int{{300, 71}, {5, 9}, {1, 50}, {20000, 1}}

func newWeights(t *testing.T, r *rand.Rand) *optim.Weights {
	t.Helper()
	var params []*tensor.Param
	for i, s := range shapes {
		p := &tensor.Param{Name: fmt.Sprint("w", i), Value: tensor.New(tensor.F32, s[0], s[1]), Grad: tensor.New(tensor.F32, s[0], s[1])}
		for j := range p.Value.F32 {
			p.Value.F32[j] = float32(r.NormFloat64())
		}
		params = append(params, p)
	}
	w, err := optim.NewWeights(params)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// setGrads draws gradients of many sizes.
func setGrads(w *optim.Weights, r *rand.Rand) {
	for _, p := range w.Params() {
		for j := range p.Grad.F32 {
			p.Grad.F32[j] = float32(r.NormFloat64() * math.Exp2(float64(r.IntN(20)-10)))
		}
	}
}

func convert[N number](a []float32) []N {
	out := make([]N, len(a))
	for i, v := range a {
		out[i] = N(v)
	}
	return out
}

// distance is the largest difference relative to the largest weight.
func distance[N number](got []N, want []float64) float64 {
	var worst, size float64
	for i := range want {
		worst = max(worst, math.Abs(float64(got[i])-want[i]))
		size = max(size, math.Abs(want[i]))
	}
	return worst / size
}

// oracle runs a naive optimiser over every weight beside the real one.
type oracle[N number] struct {
	w       [][]N
	a, b    [][]N // its state
	adamw   bool
	vectors []bool
}

func newOracle[N number](w *optim.Weights, adamw bool) *oracle[N] {
	o := &oracle[N]{adamw: adamw}
	for _, p := range w.Params() {
		o.w = append(o.w, convert[N](p.Value.F32))
		o.a = append(o.a, make([]N, len(p.Value.F32)))
		o.b = append(o.b, make([]N, len(p.Value.F32)))
		o.vectors = append(o.vectors, p.Value.Rows == 1 || p.Value.Cols == 1)
	}
	return o
}

func (o *oracle[N]) step(w *optim.Weights, t int, rate, scale, decay float64) {
	for i, p := range w.Params() {
		g := convert[N](p.Grad.F32)
		for j := range g {
			g[j] *= N(scale)
		}
		n, m, decay := p.Value.Rows, p.Value.Cols, decay
		if o.vectors[i] {
			decay = 0
		}
		switch {
		case o.adamw:
			naiveAdamW(o.w[i], g, o.a[i], o.b[i], t, rate, 0.9, 0.999, 1e-8, decay)
		case o.vectors[i]: // one row: r·c/Σr = c, the whole mean of squares
			naiveAdafactor(o.w[i], g, o.a[i][:1], o.b[i], 1, n*m, t, rate, decay)
		default:
			naiveAdafactor(o.w[i], g, o.a[i][:n], o.b[i][:m], n, m, t, rate, decay)
		}
	}
}

func newOptimizer(t *testing.T, kind string, p *tensor.Pool, w *optim.Weights) optim.Optimizer {
	t.Helper()
	var o optim.Optimizer
	var err error
	switch kind {
	case "adamw":
		o, err = optim.NewAdamW(p, w, optim.AdamWConfig{Decay: 0.1})
	case "adafactor":
		o, err = optim.NewAdafactor(p, w, optim.AdafactorConfig{Decay: 0.1})
	}
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func eachOptimizer(t *testing.T, f func(t *testing.T, kind string)) {
	for _, kind := range []string{"adamw", "adafactor"} {
		t.Run(kind, func(t *testing.T) { f(t, kind) })
	}
}

func TestAgainstTheFormula(t *testing.T) {
	eachOptimizer(t, func(t *testing.T, kind string) {
		r := rand.New(rand.NewPCG(1, 2))
		w := newWeights(t, r)
		optimizer := newOptimizer(t, kind, nil, w)
		truth, single := newOracle[float64](w, kind == "adamw"), newOracle[float32](w, kind == "adamw")
		for step := 1; step <= 12; step++ {
			setGrads(w, r)
			rate, scale := 0.01/float64(step), 0.125*float64(step)
			optimizer.Step(tensor.Exec{}, optim.Update{Step: int64(step), LR: rate, Scale: scale})
			truth.step(w, step, rate, scale, 0.1)
			single.step(w, step, rate, scale, 0.1)
		}
		for i, p := range w.Params() {
			got, ref := distance(p.Value.F32, truth.w[i]), distance(single.w[i], truth.w[i])
			// The floor is one unit in the last place of the largest weight, which either may happen to hit.
			if limit := 10*ref + 0x1p-24; got > limit || math.IsNaN(got) {
				t.Errorf("%s: error %.2g; the formula in float32 has %.2g", p.Name, got, ref)
			}
		}
	})
}

func TestThreadsDoNotChangeABit(t *testing.T) {
	eachOptimizer(t, func(t *testing.T, kind string) {
		var want []float32
		for _, threads := range []int{1, 2, 3, 8} {
			r := rand.New(rand.NewPCG(3, 4))
			w := newWeights(t, r)
			o, x := newOptimizer(t, kind, nil, w), tensor.Exec{Threads: threads}
			ema, err := optim.NewEMA(nil, w, 0.9)
			if err != nil {
				t.Fatal(err)
			}
			var got []float32
			for step := range int64(3) {
				setGrads(w, r)
				got = append(got, float32(w.GradNorm(x)))
				o.Step(x, optim.Update{Step: step + 1, LR: 0.01, Scale: 1})
				ema.Step(x, step+1)
			}
			ema.Swap(x)
			for _, p := range w.Params() {
				got = append(got, p.Value.F32...)
			}
			if want == nil {
				want = got
			}
			requireSame(t, fmt.Sprint(threads, " threads"), got, want)
		}
	})
}

func requireSame(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Fatalf("%s: number %d is %g; want %g, bit for bit", what, i, got[i], want[i])
		}
	}
}

// State is the whole state: an optimiser with the state of another continues like it.
func TestStateIsAllThereIs(t *testing.T) {
	eachOptimizer(t, func(t *testing.T, kind string) {
		run := func(changeAt int64) []float32 {
			r := rand.New(rand.NewPCG(5, 6))
			w := newWeights(t, r)
			o := newOptimizer(t, kind, nil, w)
			for step := int64(1); step <= 4; step++ {
				if step == changeAt {
					next := newOptimizer(t, kind, nil, w)
					for i, s := range o.State() {
						if n := next.State()[i]; n.Name != s.Name || copy(n.Value.F32, s.Value.F32) != len(s.Value.F32) {
							t.Fatalf("state %q of another size or name (%q)", s.Name, n.Name)
						}
					}
					o = next
				}
				setGrads(w, r)
				o.Step(tensor.Exec{}, optim.Update{Step: step, LR: 0.01, Scale: 1})
			}
			return w.Params()[0].Value.F32
		}
		requireSame(t, "after a change of optimiser", run(3), run(0))
	})
}

// With no history, Adam's first step is η·g/(|g|+ε): the rate, against the gradient's sign.
func TestAdamsFirstStepIsTheRate(t *testing.T) {
	grad := tensor.FromF32([]float32{3, -5e-3, 1e4, 0}, 2, 2)
	w, err := optim.NewWeights([]*tensor.Param{{Name: "w", Value: tensor.New(tensor.F32, 2, 2), Grad: grad}})
	if err != nil {
		t.Fatal(err)
	}
	newOptimizer(t, "adamw", nil, w).Step(tensor.Exec{}, optim.Update{Step: 1, LR: 0.5, Scale: 1})
	for i, want := range []float64{-0.5, 0.5, -0.5, 0} {
		if got := float64(w.Params()[0].Value.F32[i]); math.Abs(got-want) > 2e-6 {
			t.Errorf("weight %d moved by %g; want %g", i, got, want)
		}
	}
}

func TestAllZeroGradients(t *testing.T) {
	eachOptimizer(t, func(t *testing.T, kind string) {
		w := newWeights(t, rand.New(rand.NewPCG(7, 8)))
		before := w.Params()[2].Value.F32[7]
		o := newOptimizer(t, kind, nil, w)
		for step := range int64(3) {
			o.Step(tensor.Exec{}, optim.Update{Step: step + 1, LR: 0.01, Scale: 1})
		}
		if after := w.Params()[2].Value.F32[7]; after != before {
			t.Errorf("a weight that is not decayed went from %g to %g", before, after)
		}
		if after := w.Params()[0].Value.F32[7]; math.IsNaN(float64(after)) {
			t.Error("a decayed weight became NaN")
		}
	})
}

func TestBytesOfState(t *testing.T) {
	for kind, want := range map[string]int64{
		"adamw": 8 * (300*71 + 5*9 + 50 + 20000),
		// A row, a column and the scales made of them; a vector its mean squares and their scales.
		"adafactor": 8 * (300 + 71 + 5 + 9 + 50 + 20000),
	} {
		for _, p := range []*tensor.Pool{tensor.NewPool(), tensor.NewDryPool()} {
			o := newOptimizer(t, kind, p, newWeights(t, rand.New(rand.NewPCG(9, 10))))
			if got := p.InUse(); got != want {
				t.Errorf("%s, dry %v: %d bytes; want %d", kind, p.Dry(), got, want)
			}
			if o.Close(); p.InUse() != 0 {
				t.Errorf("%s: %d bytes are not back in the pool", kind, p.InUse())
			}
		}
	}
}

// A dry model has shapes only: an update counts its state and computes nothing.
func TestDryWeights(t *testing.T) {
	eachOptimizer(t, func(t *testing.T, kind string) {
		dry := tensor.Mat{Rows: 4, Cols: 8, Stride: 8}
		w, err := optim.NewWeights([]*tensor.Param{{Name: "w", Value: dry, Grad: dry}})
		if err != nil {
			t.Fatal(err)
		}
		p := tensor.NewDryPool()
		o := newOptimizer(t, kind, p, w)
		o.Step(tensor.Exec{Pool: p}, optim.Update{Step: 1, LR: 1, Scale: 1})
		w.ZeroGrad(tensor.Exec{})
		if w.Count() != 32 || p.InUse() == 0 {
			t.Errorf("%d weights, %d bytes of state", w.Count(), p.InUse())
		}
	})
}

func TestGradNorm(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	w := newWeights(t, r)
	setGrads(w, r)
	var sum float64
	for _, p := range w.Params() {
		for _, g := range p.Grad.F32 {
			sum += float64(g) * float64(g)
		}
	}
	got, want := w.GradNorm(tensor.Exec{}), math.Sqrt(sum)
	if math.Abs(got-want) > 1e-12*want {
		t.Errorf("norm %g; want %g", got, want)
	}
	w.Params()[3].Grad.F32[19999] = math.MaxFloat32
	if got := w.GradNorm(tensor.Exec{}); math.IsInf(got, 0) || w.NotFinite() != "" {
		t.Errorf("norm %g with a large gradient; want a finite one", got)
	}
	for _, bad := range []float64{math.Inf(-1), math.NaN()} {
		w.Params()[3].Grad.F32[19999] = float32(bad)
		if got := w.GradNorm(tensor.Exec{}); !(math.IsInf(got, 0) || math.IsNaN(got)) || w.NotFinite() != "w3" {
			t.Errorf("with a gradient of %g the norm is %g, in %q", bad, got, w.NotFinite())
		}
	}
	w.ZeroGrad(tensor.Exec{})
	if got := w.GradNorm(tensor.Exec{}); got != 0 {
		t.Errorf("norm %g of zeroed gradients", got)
	}
}

func TestClip(t *testing.T) {
	for _, c := range []struct{ norm, limit, want float64 }{{3, 0, 1}, {3, 4, 1}, {4, 4, 1}, {8, 4, 0.5}, {0, 1, 1}} {
		if got := optim.Clip(c.norm, c.limit); got != c.want {
			t.Errorf("Clip(%g, %g) is %g; want %g", c.norm, c.limit, got, c.want)
		}
	}
}

func TestEMA(t *testing.T) {
	w, err := optim.NewWeights([]*tensor.Param{{Name: "w", Value: tensor.FromF32([]float32{1}, 1, 1), Grad: tensor.New(tensor.F32, 1, 1)}})
	if err != nil {
		t.Fatal(err)
	}
	e, err := optim.NewEMA(nil, w, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	value, want := w.Params()[0].Value.F32, 1.0
	for step := int64(1); step <= 20; step++ {
		value[0] = float32(step * step)
		e.Step(tensor.Exec{}, step)
		d := min(0.5, float64(1+step)/float64(10+step))
		want = d*want + (1-d)*float64(step*step)
	}
	e.Swap(tensor.Exec{})
	if got := float64(value[0]); math.Abs(got-want) > 1e-6*want {
		t.Errorf("average %g; want %g", got, want)
	}
	e.Swap(tensor.Exec{})
	if value[0] != 400 {
		t.Errorf("the weight is %g after two swaps; want 400", value[0])
	}
}

func TestRefusals(t *testing.T) {
	m := func(rows, cols int) tensor.Mat { return tensor.New(tensor.F32, rows, cols) }
	for _, c := range []struct {
		params []*tensor.Param
		want   string
	}{
		{[]*tensor.Param{{Name: "a", Value: m(2, 2), Grad: m(2, 2)}, {Name: "a", Value: m(1, 2), Grad: m(1, 2)}}, "two weights"},
		{[]*tensor.Param{{Name: "a", Value: m(2, 2), Grad: m(2, 3)}}, "2×3"},
		{[]*tensor.Param{{Name: "a", Value: tensor.New(tensor.BF16, 2, 2), Grad: m(2, 2)}}, "bf16"},
		{[]*tensor.Param{{Name: "a", Value: m(2, 4).SliceCols(0, 2), Grad: m(2, 2)}}, "contiguous"},
		{[]*tensor.Param{{Name: "a"}}, "no weights"},
		{[]*tensor.Param{{Name: "a", Value: m(2, 2), Grad: tensor.Mat{Rows: 2, Cols: 2, Stride: 2}}}, "not for both"},
	} {
		if _, err := optim.NewWeights(c.params); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v; want one with %q", err, c.want)
		}
	}
	w := newWeights(t, rand.New(rand.NewPCG(1, 1)))
	nan := math.NaN()
	for _, c := range []optim.AdamWConfig{{Beta1: 1}, {Beta2: -1}, {Beta1: nan}, {Epsilon: -1}, {Epsilon: nan}, {Decay: -1}, {Decay: nan}} {
		if _, err := optim.NewAdamW(nil, w, c); err == nil {
			t.Errorf("AdamW took %+v", c)
		}
	}
	for _, c := range []optim.AdafactorConfig{{DecayPower: 2}, {DecayPower: nan}, {Clip: -1}, {MinScale: -1}, {Decay: -1}} {
		if _, err := optim.NewAdafactor(nil, w, c); err == nil {
			t.Errorf("Adafactor took %+v", c)
		}
	}
	for _, decay := range []float64{0, 1, -1, nan} {
		if _, err := optim.NewEMA(nil, w, decay); err == nil {
			t.Errorf("the average took a decay of %g", decay)
		}
	}
}

func BenchmarkStep(b *testing.B) {
	const n = 1 << 20
	for _, kind := range []string{"adamw", "adafactor"} {
		b.Run(kind, func(b *testing.B) {
			value, grad := tensor.New(tensor.F32, n/1024, 1024), tensor.New(tensor.F32, n/1024, 1024)
			w, err := optim.NewWeights([]*tensor.Param{{Name: "w", Value: value, Grad: grad}})
			if err != nil {
				b.Fatal(err)
			}
			o, err := optim.Optimizer(nil), error(nil)
			if kind == "adamw" {
				o, err = optim.NewAdamW(nil, w, optim.AdamWConfig{})
			} else {
				o, err = optim.NewAdafactor(nil, w, optim.AdafactorConfig{})
			}
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				o.Step(tensor.Exec{Threads: 1}, optim.Update{Step: 1, LR: 0.1, Scale: 1})
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/weight")
		})
	}
}
