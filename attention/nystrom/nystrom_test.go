package nystrom

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/internal/kerneltest"
	"github.com/longspan/longspan/tensor"
)

// batch is the input of one test, rounded to a storage type.
type batch struct {
	n                   *Nystrom
	typ                 tensor.Type
	q, k, v, dout, conv tensor.Mat
}

func mustNew(t testing.TB, c Config, lens ...int) *Nystrom {
	t.Helper()
	n, err := New(c, lens)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// newBatch makes normal inputs, as matrices wider than they need to be.
func newBatch(n *Nystrom, typ tensor.Type, seed uint64) batch {
	r := kerneltest.Rand(seed)
	mat := func() tensor.Mat {
		m := tensor.New(typ, n.tokens, n.width()+3)
		for i := range n.tokens {
			m.WriteRow(i, kerneltest.Normal(r, m.Cols))
		}
		return m.SliceCols(2, n.width()+2)
	}
	b := batch{n: n, typ: typ, q: mat(), k: mat(), v: mat(), dout: mat()}
	if taps := n.c.ConvKernel; taps > 0 {
		b.conv = tensor.FromF32(kerneltest.Normal(r, n.c.Heads*taps), n.c.Heads, taps)
	}
	return b
}

// flat returns the elements of m, without gaps.
func flat(m tensor.Mat) []float32 {
	x := make([]float32, m.Rows*m.Cols)
	for i := range m.Rows {
		m.ReadRow(x[i*m.Cols:(i+1)*m.Cols], i)
	}
	return x
}

func (b batch) forward(t testing.TB, x tensor.Exec) []float32 {
	t.Helper()
	out := tensor.New(b.typ, b.q.Rows, b.q.Cols)
	if err := b.n.Forward(x, out, In{In: attention.In{Q: b.q, K: b.k, V: b.v}, Conv: b.conv}); err != nil {
		t.Fatal(err)
	}
	return flat(out)
}

func (b batch) backward(t testing.TB, x tensor.Exec) (dq, dk, dv, dconv []float32) {
	t.Helper()
	like := func() tensor.Mat { return tensor.New(b.typ, b.q.Rows, b.q.Cols) }
	g := Grads{DQ: like(), DK: like(), DV: like(), Conv: tensor.New(tensor.F32, b.conv.Rows, b.conv.Cols)}
	if err := b.n.Backward(x, g, b.dout, In{In: attention.In{Q: b.q, K: b.k, V: b.v}, Conv: b.conv}); err != nil {
		t.Fatal(err)
	}
	return flat(g.DQ), flat(g.DK), flat(g.DV), g.Conv.F32
}

func (b batch) naive() *NaiveInput {
	wide := kerneltest.Float64[float32]
	return &NaiveInput{Q: wide(flat(b.q)), K: wide(flat(b.k)), V: wide(flat(b.v)), DOut: wide(flat(b.dout)), Conv: wide(b.conv.F32)}
}

// naive32 is the reference in float32.
func (b batch) naive32() *naiveOf[float32] {
	return &naiveOf[float32]{n: b.n, q: flat(b.q), k: flat(b.k), v: flat(b.v), dout: flat(b.dout), conv: b.conv.F32}
}

// lengths are of sequences with fewer tokens than landmarks, as many, one more, and uneven segments.
var lengths = []int{5, 0, 24, 25, 100, 131, 1}

func configs() []Config {
	return []Config{
		{Heads: 2, HeadDim: 16, Landmarks: 24, ConvKernel: 5},
		{Heads: 1, HeadDim: 40, Landmarks: 24},
		{Heads: 3, HeadDim: 24, Landmarks: 24, Iterations: 4, ConvKernel: 33},
		{Heads: 3, HeadDim: 16, Landmarks: 24, Iterations: 4, ConvKernel: 5, OneNorm: true},
		{Heads: 2, HeadDim: 24, ConvKernel: 33, Exact: true},
	}
}

func TestForwardAndBackward(t *testing.T) {
	for _, c := range configs() {
		b := newBatch(mustNew(t, c, lengths...), tensor.F32, 1)
		want, reference := b.naive(), b.naive32()
		b.n.Naive(want)
		b.n.NaiveBackward(want)
		reference.forward()
		reference.backward()
		kerneltest.Levels(t, func(t *testing.T) {
			x := tensor.Exec{Threads: 2, Pool: tensor.NewPool()}
			kerneltest.Within(t, b.forward(t, x), reference.out, want.Out, 10, 0x1p-20)
			dq, dk, dv, dconv := b.backward(t, x)
			kerneltest.Within(t, dq, reference.dq, want.DQ, 10, 0x1p-20)
			kerneltest.Within(t, dk, reference.dk, want.DK, 10, 0x1p-20)
			kerneltest.Within(t, dv, reference.dv, want.DV, 10, 0x1p-20)
			if c.ConvKernel > 0 {
				kerneltest.Within(t, dconv, reference.dconv, want.DConv, 10, 0x1p-18)
			}
		})
	}
}

// all returns everything that a batch gives, in one slice, the taps' gradient last.
func (b batch) all(t *testing.T, x tensor.Exec) []float32 {
	dq, dk, dv, dconv := b.backward(t, x)
	return slices.Concat(b.forward(t, x), dq, dk, dv, dconv)
}

func TestStorageTypes(t *testing.T) {
	for typ, step := range map[tensor.Type]float64{tensor.BF16: 0x1p-8, tensor.F16: 0x1p-11} {
		b := newBatch(mustNew(t, configs()[0], lengths...), typ, 4)
		want := b.naive()
		b.n.Naive(want)
		b.n.NaiveBackward(want)
		near := func(what string, got []float32, want []float64) {
			t.Helper()
			for i, w := range want {
				// Two roundings to the type, of the product and of its sum with the skip, which may cancel: values reach 4.
				if d := kerneltest.Distance(float64(got[i]), w); d > 2*step*max(4, math.Abs(w)) {
					t.Fatalf("%v %s[%d] is %v, want %v", typ, what, i, got[i], w)
				}
			}
		}
		near("out", b.forward(t, tensor.Exec{}), want.Out)
		dq, dk, dv, dconv := b.backward(t, tensor.Exec{})
		near("dq", dq, want.DQ)
		near("dk", dk, want.DK)
		near("dv", dv, want.DV)
		near("dconv", dconv, want.DConv)
	}
}

func TestThreadsDoNotChangeBits(t *testing.T) {
	for _, c := range []Config{configs()[0], configs()[3], configs()[4]} {
		b := newBatch(mustNew(t, c, 700, 24, 131), tensor.F32, 9)
		want := b.all(t, tensor.Exec{Threads: 1})
		for _, threads := range []int{2, 5} {
			kerneltest.SameBits(t, b.all(t, tensor.Exec{Threads: threads, Pool: tensor.NewPool()}), want)
		}
	}
}

func TestBatchMatesDoNotChangeBits(t *testing.T) {
	for _, c := range []Config{configs()[0], configs()[3], configs()[4]} {
		checkBatchMates(t, c)
	}
}

func checkBatchMates(t *testing.T, c Config) {
	t.Helper()
	b := newBatch(mustNew(t, c, lengths...), tensor.F32, 9)
	out := b.forward(t, tensor.Exec{})
	dq, dk, dv, _ := b.backward(t, tensor.Exec{})
	row, width := 0, b.n.width()
	for _, n := range lengths {
		cut := func(m tensor.Mat) tensor.Mat { return m.SliceRows(row, row+n) }
		one := batch{n: mustNew(t, c, n), typ: b.typ, q: cut(b.q), k: cut(b.k), v: cut(b.v), dout: cut(b.dout), conv: b.conv}
		oq, ok, ov, _ := one.backward(t, tensor.Exec{})
		kerneltest.SameBits(t, one.forward(t, tensor.Exec{}), out[row*width:(row+n)*width])
		kerneltest.SameBits(t, oq, dq[row*width:(row+n)*width])
		kerneltest.SameBits(t, ok, dk[row*width:(row+n)*width])
		kerneltest.SameBits(t, ov, dv[row*width:(row+n)*width])
		row += n
	}
}

// TestScratchIsNotTrusted runs on memory that a batch of NaNs has used before.
func TestScratchIsNotTrusted(t *testing.T) {
	for _, c := range configs() {
		b := newBatch(mustNew(t, c, lengths...), tensor.F32, 9)
		poison := b
		for _, m := range []*tensor.Mat{&poison.q, &poison.k, &poison.v, &poison.dout} {
			*m = tensor.New(tensor.F32, m.Rows, m.Cols)
			kerneltest.NaN(m.F32)
		}
		x := tensor.Exec{Threads: 1, Pool: tensor.NewPool()}
		poison.all(t, x)
		kerneltest.SameBits(t, b.all(t, x), b.all(t, tensor.Exec{Threads: 1}))
	}
}

func TestDryTakesTheSame(t *testing.T) {
	for i, typ := range []tensor.Type{tensor.F32, tensor.BF16, tensor.BF16, tensor.BF16} {
		b := newBatch(mustNew(t, configs()[min(i+1, 4)], lengths...), typ, 9)
		run, plan := tensor.NewPool(), tensor.NewDryPool()
		b.all(t, tensor.Exec{Threads: 2, Pool: run})
		d := tensor.Mat{Type: typ, Rows: b.q.Rows, Cols: b.q.Cols, Stride: b.q.Cols}
		x, taps := tensor.Exec{Threads: 2, Pool: plan}, tensor.New(tensor.F32, b.conv.Rows, b.conv.Cols)
		if err := b.n.Forward(x, d, In{In: attention.In{Q: d, K: d, V: d}, Conv: b.conv}); err != nil {
			t.Fatal(err)
		}
		if err := b.n.Backward(x, Grads{DQ: d, DK: d, DV: d, Conv: taps}, d, In{In: attention.In{Q: d, K: d, V: d}, Conv: b.conv}); err != nil {
			t.Fatal(err)
		}
		if run.Peak() != plan.Peak() || run.Peak() == 0 || run.InUse() != 0 || plan.InUse() != 0 {
			t.Errorf("peak %d, dry %d; left %d, dry %d", run.Peak(), plan.Peak(), run.InUse(), plan.InUse())
		}
	}
}

// TestErrorFallsWithLandmarks compares with softmax attention of keys that repeat a few themes with noise, which landmarks
// can sum up. With as many landmarks as tokens nothing is left but rounding.
func TestErrorFallsWithLandmarks(t *testing.T) {
	const tokens = 192
	c := Config{Heads: 1, HeadDim: 16}
	b := newBatch(mustNew(t, c, tokens), tensor.F32, 3)
	for i := range tokens { // neighbours are alike, as tokens of a text are: a slow rotation of two directions
		for _, m := range []tensor.Mat{b.q, b.k} {
			for j, x := range m.Row(i) {
				m.Row(i)[j] = 0.2*x + 1.5*float32(math.Sin(float64(i)/20+float64(j)))
			}
		}
	}
	exact := b
	exact.n = mustNew(t, Config{Heads: 1, HeadDim: 16, Landmarks: tokens}, tokens)
	want := kerneltest.Float64(exact.forward(t, tensor.Exec{}))
	naive := exact.naive()
	exact.n.Naive(naive)
	kerneltest.Near(t, exact.forward(t, tensor.Exec{}), naive.Out, 1e-5)
	before := math.Inf(1)
	for _, landmarks := range []int{2, 8, 32, 96} {
		b.n = mustNew(t, Config{Heads: 1, HeadDim: 16, Landmarks: landmarks, Iterations: 12}, tokens)
		e := kerneltest.Measure(b.forward(t, tensor.Exec{}), want).RMS
		if !(e < before) {
			t.Errorf("%d landmarks: error %v, not below the %v of fewer", landmarks, e, before)
		}
		before = e
	}
	if before > 0.05 {
		t.Errorf("error %v with a landmark for two tokens", before)
	}
}

// TestInverse checks the property that the iteration is for: A·A⁺·A = A. One landmark a token makes A, and enough
// iterations A⁺.
func TestInverse(t *testing.T) {
	c := Config{Heads: 1, HeadDim: 16, Landmarks: 40, Iterations: 30}
	n := mustNew(t, c, 41)
	_, size := n.carve(nil, false)
	w, _ := n.carve(make([]float32, size), false)
	r := kerneltest.Rand(1)
	for _, rows := range [][]float32{w.ql, w.kl, w.bv} {
		clear(rows)
		for i := range c.Landmarks {
			copy(rows[i*w.wide:i*w.wide+c.HeadDim], kerneltest.Normal(r, c.HeadDim))
		}
	}
	last := w.forward(0)
	w.mul(w.p, w.a, last)
	w.mul(w.q1, w.p, w.a)
	kerneltest.Near(t, w.q1, kerneltest.Float64(w.a), 1e-4)
}

func TestEmptyBatches(t *testing.T) {
	for _, lens := range [][]int{nil, {0}, {0, 0}} {
		b := newBatch(mustNew(t, configs()[0], lens...), tensor.F32, 1)
		for _, x := range b.all(t, tensor.Exec{}) {
			if x != 0 { // the taps have a gradient, of nothing
				t.Errorf("%v of nothing", x)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	good := Config{Heads: 2, HeadDim: 16, ConvKernel: 3}
	for want, change := range map[string]func(c *Config){
		"lie ahead":          func(c *Config) { c.Causal = true },
		"nystrom: ":          func(c *Config) { c.Heads = math.MaxInt },
		"0 heads":            func(c *Config) { c.Heads = 0 },
		"head dimension 20":  func(c *Config) { c.HeadDim = 20 },
		"-1 landmarks":       func(c *Config) { c.Landmarks = -1 },
		"2000 landmarks":     func(c *Config) { c.Landmarks = 2000 },
		"expected none of":   func(c *Config) { c.Exact, c.OneNorm = true, true },
		"exact attention":    func(c *Config) { c.Exact, c.Landmarks = true, 32 },
		"-1 iterations":      func(c *Config) { c.Iterations = -1 },
		"convolution of 4":   func(c *Config) { c.ConvKernel = 4 },
		"convolution of -3":  func(c *Config) { c.ConvKernel = -3 },
		"convolution of 409": func(c *Config) { c.ConvKernel = 4097 },
	} {
		c := good
		change(&c)
		if _, err := New(c, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	for want, lens := range map[string][]int{"found length -1 of sequence 0": {-1}, "found length 536870912 of sequence 1": {1, maxTokens}} {
		if _, err := New(good, lens); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found error %v, expected %q", err, want)
		}
	}
	n := mustNew(t, good, 5)
	x, taps := tensor.New(tensor.F32, 5, 32), tensor.New(tensor.F32, 2, 3)
	for want, err := range map[string]error{
		"found K of 4×32":   n.Forward(tensor.Exec{}, x, In{In: attention.In{Q: x, K: x.SliceRows(0, 4), V: x}, Conv: taps}),
		"found Conv of 0×0": n.Forward(tensor.Exec{}, x, In{In: attention.In{Q: x, K: x, V: x}}),
		"Conv without data": n.Forward(tensor.Exec{}, x, In{In: attention.In{Q: x, K: x, V: x}, Conv: tensor.Mat{Rows: 2, Cols: 3, Stride: 3}}),
		"dry pool":          n.Forward(tensor.Exec{Pool: tensor.NewDryPool()}, x, In{In: attention.In{Q: x, K: x, V: x}, Conv: taps}),
		"Conv of type bf16": n.Forward(tensor.Exec{}, x, In{In: attention.In{Q: x, K: x, V: x}, Conv: tensor.New(tensor.BF16, 2, 3)}),
		"Grads.Conv of 0×0": n.Backward(tensor.Exec{}, Grads{DQ: x, DK: x, DV: x}, x, In{In: attention.In{Q: x, K: x, V: x}, Conv: taps}),
		"found Saved.Rows of 19×32": n.Forward(tensor.Exec{}, x, In{In: attention.In{Q: x, K: x, V: x}, Conv: taps,
			Saved: Saved{tensor.New(tensor.F32, 19, 32), tensor.New(tensor.F32, 2, 5)}}),
		"found Saved of types bf16": n.Forward(tensor.Exec{}, x, In{In: attention.In{Q: x, K: x, V: x}, Conv: taps,
			Saved: Saved{tensor.New(tensor.BF16, n.SavedRows(), 32), tensor.New(tensor.F32, 2, n.SavedMarks())}}),
		"found DV of 5×16": n.Backward(tensor.Exec{}, Grads{DQ: x, DK: x, DV: x.SliceCols(0, 16), Conv: taps}, x, In{In: attention.In{Q: x,
			K: x, V: x}, Conv: taps}),
		"only one of O and V": n.Forward(tensor.Exec{}, x, In{In: attention.In{Q: x, K: x, V: tensor.Mat{Rows: 5, Cols: 32, Stride: 32}},
			Conv: taps}),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
}

// TestSavedDoesNotChangeBits holds that Backward finds the same from what Forward has saved, over memory that held NaN.
func TestSavedDoesNotChangeBits(t *testing.T) {
	wide := Config{Heads: 1, HeadDim: 16, Landmarks: 140}
	for _, c := range append(configs(), wide) {
		b := newBatch(mustNew(t, c, append(lengths, 150)...), tensor.F32, 9)
		x := tensor.Exec{Threads: 2}
		dq, dk, dv, dconv := b.backward(t, x)
		want, out := b.forward(t, x), tensor.New(tensor.F32, b.q.Rows, b.q.Cols)
		in := In{In: attention.In{Q: b.q, K: b.k, V: b.v}, Conv: b.conv, Saved: b.n.roomToSave()}
		kerneltest.NaN(in.Saved.Rows.F32)
		kerneltest.NaN(in.Saved.Norms.F32)
		if err := b.n.Forward(x, out, in); err != nil {
			t.Fatal(err)
		}
		kerneltest.SameBits(t, flat(out), want)
		like := func() tensor.Mat { return tensor.New(b.typ, b.q.Rows, b.q.Cols) }
		g := Grads{DQ: like(), DK: like(), DV: like(), Conv: tensor.New(tensor.F32, b.conv.Rows, b.conv.Cols)}
		if err := b.n.Backward(x, g, b.dout, in); err != nil {
			t.Fatal(err)
		}
		kerneltest.SameBits(t, slices.Concat(flat(g.DQ), flat(g.DK), flat(g.DV), g.Conv.F32), slices.Concat(dq, dk, dv, dconv))
	}
}

// roomToSave is room for what a forward pass saves.
func (n *Nystrom) roomToSave() Saved {
	return Saved{tensor.New(tensor.F32, n.SavedRows(), n.width()), tensor.New(tensor.F32, n.c.Heads, n.SavedMarks())}
}
