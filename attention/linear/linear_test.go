package linear

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/kerneltest"
	"github.com/longspan/longspan/tensor"
)

// batch is the input of one test, rounded to a storage type.
type batch struct {
	l             *Linear
	typ           tensor.Type
	q, k, v, dout tensor.Mat
}

func mustNew(t testing.TB, c Config, lens ...int) *Linear {
	t.Helper()
	l, err := New(c, lens)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// newBatch makes normal inputs, queries and keys times norm, as matrices wider than they need to be.
func newBatch(l *Linear, typ tensor.Type, norm float32, seed uint64) batch {
	r := kerneltest.Rand(seed)
	mat := func(cols int, scale float32) tensor.Mat {
		m := tensor.New(typ, l.tokens, cols+3)
		for i := range l.tokens {
			x := kerneltest.Normal(r, cols+3)
			for j := range x {
				x[j] *= scale
			}
			setRow(m, i, x)
		}
		return m.SliceCols(2, cols+2)
	}
	q, kv := l.c.Heads*l.c.HeadDim, l.c.KVHeads*l.c.HeadDim
	return batch{l: l, typ: typ, q: mat(q, norm), k: mat(kv, norm), v: mat(kv, 1), dout: mat(q, 1)}
}

func setRow(m tensor.Mat, i int, x []float32) {
	switch m.Type {
	case tensor.F32:
		copy(m.Row(i), x)
	case tensor.BF16:
		kernel.F32ToBF16(m.Row16(i), x)
	case tensor.F16:
		kernel.F32ToF16(m.Row16(i), x)
	}
}

// flat returns the elements of m, without gaps.
func flat(m tensor.Mat) []float32 {
	x := make([]float32, m.Rows*m.Cols)
	for i := range m.Rows {
		row := x[i*m.Cols : (i+1)*m.Cols]
		switch m.Type {
		case tensor.F32:
			copy(row, m.Row(i))
		case tensor.BF16:
			kernel.BF16ToF32(row, m.Row16(i))
		case tensor.F16:
			kernel.F16ToF32(row, m.Row16(i))
		}
	}
	return x
}

func (b batch) forward(t testing.TB, x tensor.Exec) []float32 {
	t.Helper()
	out := tensor.New(b.typ, b.q.Rows, b.q.Cols)
	if err := b.l.Forward(x, out, attention.In{Q: b.q, K: b.k, V: b.v}); err != nil {
		t.Fatal(err)
	}
	return flat(out)
}

func (b batch) naive() *NaiveInput {
	wide := kerneltest.Float64[float32]
	return &NaiveInput{Q: wide(flat(b.q)), K: wide(flat(b.k)), V: wide(flat(b.v)), DOut: wide(flat(b.dout))}
}

// naive32 is the reference in float32.
func (b batch) naive32() naiveOf[float32] {
	return naiveOf[float32]{l: b.l, q: flat(b.q), k: flat(b.k), v: flat(b.v)}
}

// storage is the largest error that rounding a result of size near 1 to its storage type makes.
func storage(typ tensor.Type) float64 {
	switch typ {
	case tensor.BF16:
		return 0x1p-8
	case tensor.F16:
		return 0x1p-11
	}
	return 0
}

// configs are the cases that kernels are compared with the reference on.
func configs() []Config {
	var all []Config
	for _, causal := range []bool{false, true} {
		all = append(all,
			Config{Feature: Performer, Heads: 2, HeadDim: 64, Features: 64, Seed: 3, Causal: causal},
			Config{Feature: Performer, Heads: 4, KVHeads: 2, HeadDim: 24, Features: 40, Causal: causal},
			Config{Feature: Elu, Heads: 2, HeadDim: 40, Causal: causal},
			Config{Feature: ReLU, Heads: 3, KVHeads: 1, HeadDim: 16, Causal: causal},
		)
	}
	return all
}

func (c Config) name() string {
	return fmt.Sprintf("%v/H=%d/Hkv=%d/D=%d/causal=%v", c.Feature, c.Heads, c.KVHeads, c.HeadDim, c.Causal)
}

func TestForward(t *testing.T) {
	for _, c := range configs() {
		t.Run(c.name(), func(t *testing.T) {
			b := newBatch(mustNew(t, c, 33, 0, 1, 130), tensor.F32, 1, 1)
			want, reference := b.naive(), b.naive32().forward()
			b.l.Naive(want)
			kerneltest.Levels(t, func(t *testing.T) {
				kerneltest.Within(t, b.forward(t, tensor.Exec{Threads: 2}), reference, want.Out, 10, 0x1p-22)
			})
		})
	}
}

func (b batch) backward(t testing.TB, x tensor.Exec) (dq, dk, dv []float32) {
	t.Helper()
	g := Grads{
		DQ: tensor.New(b.typ, b.q.Rows, b.q.Cols),
		DK: tensor.New(b.typ, b.k.Rows, b.k.Cols),
		DV: tensor.New(b.typ, b.k.Rows, b.k.Cols),
	}
	if err := b.l.Backward(x, g, b.dout, attention.In{Q: b.q, K: b.k, V: b.v}); err != nil {
		t.Fatal(err)
	}
	return flat(g.DQ), flat(g.DK), flat(g.DV)
}

func TestBackward(t *testing.T) {
	for _, c := range configs() {
		t.Run(c.name(), func(t *testing.T) {
			b := newBatch(mustNew(t, c, 33, 0, 1, 100), tensor.F32, 1, 1)
			compare := b.gradients()
			kerneltest.Levels(t, compare)
		})
	}
}

// gradients computes the reference and returns a comparison of Backward with it.
func (b batch) gradients() (compare func(t *testing.T)) {
	want := b.naive()
	b.l.NaiveBackward(want)
	rq, rk, rv := b.naive32().backward(flat(b.dout))
	return func(t *testing.T) {
		dq, dk, dv := b.backward(t, tensor.Exec{Threads: 2})
		kerneltest.Within(t, dq, rq, want.DQ, 10, 0x1p-22)
		kerneltest.Within(t, dk, rk, want.DK, 10, 0x1p-22)
		kerneltest.Within(t, dv, rv, want.DV, 10, 0x1p-22)
	}
}

// TestLargeNorms has keys whose features span far more than float32: stabilisers must rise, and chunks be walked token by
// token.
func TestLargeNorms(t *testing.T) {
	for _, causal := range []bool{false, true} {
		for _, norm := range []float32{5, 12} {
			c := Config{Heads: 2, HeadDim: 16, Features: 16, Causal: causal}
			t.Run(fmt.Sprintf("norm=%v/%s", norm, c.name()), func(t *testing.T) {
				b := newBatch(mustNew(t, c, 70), tensor.F32, norm, 1)
				shrink(b.k, 3) // later keys are small and their features much larger
				want := b.naive()
				b.l.Naive(want)
				kerneltest.Within(t, b.forward(t, tensor.Exec{}), b.naive32().forward(), want.Out, 10, 0x1p-22)
				b.gradients()(t)
				if causal {
					kerneltest.Within(t, b.steps(t, mustState(t, b.l), 1), b.naive32().forward(), want.Out, 10, 0x1p-22)
				}
			})
		}
	}
}

// shrink scales every row but the first few of m down, more and more.
func shrink(m tensor.Mat, rows int) {
	for i := rows; i < m.Rows; i++ {
		row := m.Row(i)
		for j := range row {
			row[j] /= float32(i - rows + 1)
		}
	}
}

func TestStorageTypes(t *testing.T) {
	for _, typ := range []tensor.Type{tensor.BF16, tensor.F16} {
		for _, causal := range []bool{false, true} {
			c := Config{Heads: 4, KVHeads: 2, HeadDim: 24, Features: 40, Causal: causal}
			b := newBatch(mustNew(t, c, 70, 3), typ, 1, 4)
			want := b.naive()
			b.l.Naive(want)
			near := func(got []float32, want []float64) {
				t.Helper()
				for i, w := range want {
					if d := kerneltest.Distance(float64(got[i]), w); d > storage(typ)*max(0.01, math.Abs(w)) {
						t.Fatalf("%v element %d: %v, want %v", typ, i, got[i], w)
					}
				}
			}
			near(b.forward(t, tensor.Exec{}), want.Out)
			b.l.NaiveBackward(want)
			if causal {
				first := b
				first.q, first.k, first.v = b.q.SliceRows(0, 70), b.k.SliceRows(0, 70), b.v.SliceRows(0, 70)
				near(first.steps(t, mustState(t, b.l), 1, 9), want.Out[:70*b.q.Cols])
			}
			dq, dk, dv := b.backward(t, tensor.Exec{})
			near(dq, want.DQ)
			near(dk, want.DK)
			near(dv, want.DV)
		}
	}
}

// all returns everything that a batch gives, in one slice.
func (b batch) all(t *testing.T, x tensor.Exec) []float32 {
	dq, dk, dv := b.backward(t, x)
	return slices.Concat(b.forward(t, x), dq, dk, dv)
}

// longBatch has a sequence that is cut into ranges, short ones, and an empty one.
func longBatch(t *testing.T, c Config) batch {
	b := newBatch(mustNew(t, c, 70, 2*minRange+500, 0, 33), tensor.F32, 1, 9)
	if b.l.states < 2 {
		t.Fatal("the long sequence is not cut")
	}
	return b
}

func longConfigs() []Config {
	return []Config{
		{Heads: 2, KVHeads: 1, HeadDim: 16, Features: 16},
		{Heads: 1, HeadDim: 16, Features: 16, Causal: true},
		{Feature: Elu, Heads: 1, HeadDim: 16},
		{Feature: ReLU, Heads: 2, KVHeads: 1, HeadDim: 16, Causal: true},
	}
}

func TestThreadsDoNotChangeBits(t *testing.T) {
	for _, c := range longConfigs() {
		b := longBatch(t, c)
		want := b.all(t, tensor.Exec{Threads: 1})
		for _, threads := range []int{2, 5} {
			kerneltest.SameBits(t, b.all(t, tensor.Exec{Threads: threads, Pool: tensor.NewPool()}), want)
		}
	}
}

func TestBatchMatesDoNotChangeBits(t *testing.T) {
	for _, c := range longConfigs() {
		b := longBatch(t, c)
		out := b.forward(t, tensor.Exec{})
		dq, dk, dv := b.backward(t, tensor.Exec{})
		row := 0
		for _, n := range b.l.lens {
			one := batch{
				l: mustNew(t, c, n), typ: b.typ, q: b.q.SliceRows(row, row+n), k: b.k.SliceRows(row, row+n),
				v: b.v.SliceRows(row, row+n), dout: b.dout.SliceRows(row, row+n),
			}
			oq, ok, ov := one.backward(t, tensor.Exec{})
			q, kv := b.q.Cols, b.k.Cols
			kerneltest.SameBits(t, one.forward(t, tensor.Exec{}), out[row*q:(row+n)*q])
			kerneltest.SameBits(t, oq, dq[row*q:(row+n)*q])
			kerneltest.SameBits(t, ok, dk[row*kv:(row+n)*kv])
			kerneltest.SameBits(t, ov, dv[row*kv:(row+n)*kv])
			row += n
		}
	}
}

// TestRanges compares a sequence that is cut into ranges with the reference, cheaply: values and features repeat, so that
// the sums of a period are known, and the reference sees one period.
func TestRanges(t *testing.T) {
	const period = 64
	c := Config{Heads: 1, HeadDim: 16, Features: 16}
	short, long := mustNew(t, c, period), mustNew(t, c, period*(2*minRange/period+1))
	one := newBatch(short, tensor.F32, 1, 3)
	repeat := func(m tensor.Mat) tensor.Mat {
		r := tensor.New(tensor.F32, long.tokens, m.Cols)
		for i := range r.Rows {
			copy(r.Row(i), m.Row(i%period))
		}
		return r
	}
	b := batch{l: long, typ: tensor.F32, q: repeat(one.q), k: repeat(one.k), v: repeat(one.v), dout: repeat(one.dout)}
	want := one.naive()
	short.Naive(want)
	// Every block adds the same to the sums, so their roundings of 2^−24 all have the same sign; values reach 4.
	limit := float64(minRange/kernel.Lanes) * 4 * 0x1p-24
	out := b.forward(t, tensor.Exec{})
	kerneltest.Near(t, out[:len(want.Out)], want.Out, limit)
	kerneltest.Near(t, out[len(out)-len(want.Out):], want.Out, limit)
	short.NaiveBackward(want)
	// Every key is seen by as many copies of the queries as there are of it: gradients do not change.
	dq, dk, dv := b.backward(t, tensor.Exec{})
	kerneltest.Near(t, dq[:len(want.DQ)], want.DQ, 2*limit)
	kerneltest.Near(t, dk[:len(want.DK)], want.DK, 2*limit)
	kerneltest.Near(t, dv[len(dv)-len(want.DV):], want.DV, 2*limit)
}

// TestCausalRanges compares a causal sequence that is cut into ranges with the same one decoded from one state, which is
// never cut, and its gradients with those of the sequence in ranges of another length.
func TestCausalRanges(t *testing.T) {
	c := Config{Heads: 1, HeadDim: 16, Features: 16, Causal: true}
	b := newBatch(mustNew(t, c, 2*minRange+100), tensor.F32, 1, 3)
	if len(b.l.walks) < 2 {
		t.Fatal("the sequence is not cut")
	}
	uncut := b
	uncut.l = mustNew(t, c, b.l.tokens)
	uncut.l.seqs, uncut.l.pieces, uncut.l.walks, uncut.l.states, uncut.l.chunks = nil, nil, nil, 0, 0
	uncut.l.addSequence(Part{0, b.l.tokens, b.l.tokens}, 0, b.l.tokens)
	kerneltest.Near(t, b.all(t, tensor.Exec{}), kerneltest.Float64(uncut.all(t, tensor.Exec{})), 1e-5)
}

func TestNothingVisible(t *testing.T) {
	for _, causal := range []bool{false, true} {
		b := newBatch(mustNew(t, Config{Feature: ReLU, Heads: 1, HeadDim: 16, Causal: causal}, 40), tensor.F32, 1, 3)
		for i := range b.k.Rows {
			for j, v := range b.k.Row(i) {
				b.k.Row(i)[j] = -float32(math.Abs(float64(v))) // no key has a feature
			}
		}
		for i, v := range b.all(t, tensor.Exec{}) {
			if v != 0 {
				t.Fatalf("causal=%v: element %d is %v, want 0", causal, i, v)
			}
		}
	}
}

func TestEmptyBatches(t *testing.T) {
	for _, lens := range [][]int{nil, {0}, {0, 0}} {
		for _, causal := range []bool{false, true} {
			b := newBatch(mustNew(t, Config{Heads: 2, HeadDim: 16, Causal: causal}, lens...), tensor.F32, 1, 1)
			if got := b.all(t, tensor.Exec{}); len(got) != 0 {
				t.Errorf("%d elements of nothing", len(got))
			}
		}
	}
}

// TestScratchIsNotTrusted runs on memory that a batch of NaNs has used before.
func TestScratchIsNotTrusted(t *testing.T) {
	batches := []batch{}
	for _, c := range configs() {
		batches = append(batches, newBatch(mustNew(t, c, 70, 0, 33), tensor.F32, 1, 9))
	}
	for _, c := range longConfigs() {
		batches = append(batches, longBatch(t, c))
	}
	for _, b := range batches {
		poison := b
		poison.q, poison.k, poison.v, poison.dout = nan(b.q), nan(b.k), nan(b.v), nan(b.dout)
		x := tensor.Exec{Threads: 1, Pool: tensor.NewPool()}
		poison.all(t, x)
		kerneltest.SameBits(t, b.all(t, x), b.all(t, tensor.Exec{Threads: 1}))
	}
}

// nan returns a matrix of NaNs like m.
func nan(m tensor.Mat) tensor.Mat {
	x := tensor.New(m.Type, m.Rows, m.Cols)
	kerneltest.NaN(x.F32)
	return x
}

func TestInPlace(t *testing.T) {
	for _, c := range configs() {
		b := newBatch(mustNew(t, c, 33, 70), tensor.F32, 1, 2)
		want := b.forward(t, tensor.Exec{})
		if err := b.l.Forward(tensor.Exec{Threads: 2}, b.q, attention.In{Q: b.q, K: b.k, V: b.v}); err != nil {
			t.Fatal(err)
		}
		kerneltest.SameBits(t, flat(b.q), want)
	}
}

// TestDryTakesTheSame checks that a dry run takes the same memory from its pool as the run itself.
func TestDryTakesTheSame(t *testing.T) {
	for _, c := range longConfigs() {
		b := longBatch(t, c)
		run, plan := tensor.NewPool(), tensor.NewDryPool()
		b.all(t, tensor.Exec{Threads: 2, Pool: run})
		d := b
		dry := func(m tensor.Mat) tensor.Mat {
			return tensor.Mat{Type: m.Type, Rows: m.Rows, Cols: m.Cols, Stride: m.Cols}
		}
		d.q, d.k, d.v, d.dout = dry(b.q), dry(b.k), dry(b.v), dry(b.dout)
		x := tensor.Exec{Threads: 2, Pool: plan}
		if err := d.l.Forward(x, d.q, attention.In{Q: d.q, K: d.k, V: d.v}); err != nil {
			t.Fatal(err)
		}
		if err := d.l.Backward(x, Grads{DQ: d.q, DK: d.k, DV: d.k}, d.dout, attention.In{Q: d.q, K: d.k, V: d.v}); err != nil {
			t.Fatal(err)
		}
		if run.Peak() != plan.Peak() || run.Peak() == 0 || run.InUse() != 0 || plan.InUse() != 0 {
			t.Errorf("peak %d, dry %d; left %d, dry %d", run.Peak(), plan.Peak(), run.InUse(), plan.InUse())
		}
	}
}

func TestRefusals(t *testing.T) {
	good := Config{Heads: 4, KVHeads: 2, HeadDim: 16, Features: 16}
	for want, change := range map[string]func(c *Config){
		"4 heads and 3":       func(c *Config) { c.KVHeads = 3 },
		"at most 65536 heads": func(c *Config) { c.Heads, c.KVHeads = math.MaxInt, 1 },
		"0 heads":             func(c *Config) { c.Heads = 0 },
		"-1 key/value":        func(c *Config) { c.KVHeads = -1 },
		"head dimension 12":   func(c *Config) { c.HeadDim = 12 },
		"head dimension 264":  func(c *Config) { c.HeadDim = 264 },
		"4 features":          func(c *Config) { c.Features = 4 },
		"feature map 7":       func(c *Config) { c.Feature = 7 },
		"leave Features":      func(c *Config) { c.Feature = Elu; c.Features = 32 },
		"projection of 8×16":  func(c *Config) { c.Projection = tensor.New(tensor.F32, 8, 16) },
		"projection of 16×16": func(c *Config) { c.Projection = tensor.New(tensor.BF16, 16, 16) },
		"row 2, column 3": func(c *Config) {
			c.Projection = tensor.New(tensor.F32, 16, 16)
			c.Projection.Row(2)[3] = float32(math.NaN())
		},
	} {
		c := good
		change(&c)
		if _, err := New(c, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	for want, lens := range map[string][]int{"found length -1 of sequence 0": {-1}, "found length 1 of sequence 1": {maxTokens, 1}} {
		if _, err := New(good, lens); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found error %v, expected %q", err, want)
		}
	}
	l := mustNew(t, good, 5)
	q, kv := tensor.New(tensor.F32, 5, 64), tensor.New(tensor.F32, 5, 32)
	short := kv
	short.F32 = short.F32[:100]
	dry := tensor.Mat{Rows: 5, Cols: 32, Stride: 32}
	long := kv
	long.Stride = math.MaxInt/2 + 9 // whose product with the rows overflows
	narrow := kv
	narrow.Stride = -1
	typeless := kv
	typeless.Type = 9
	for want, err := range map[string]error{
		"found Q of 4×64":     l.Forward(tensor.Exec{}, q, attention.In{Q: q.SliceRows(0, 4), K: kv, V: kv}),
		"found O of 5×32":     l.Forward(tensor.Exec{}, kv, attention.In{Q: q, K: kv, V: kv}),
		"found 100 elements":  l.Forward(tensor.Exec{}, q, attention.In{Q: q, K: short, V: kv}),
		"in K with rows -1":   l.Forward(tensor.Exec{}, q, attention.In{Q: q, K: narrow, V: kv}),
		"in V with rows":      l.Forward(tensor.Exec{}, q, attention.In{Q: q, K: kv, V: long}),
		"type(9)":             l.Forward(tensor.Exec{}, q, attention.In{Q: q, K: typeless, V: kv}),
		"dry pool":            l.Forward(tensor.Exec{Pool: tensor.NewDryPool()}, q, attention.In{Q: q, K: kv, V: kv}),
		"only one of O and V": l.Forward(tensor.Exec{}, q, attention.In{Q: q, K: kv, V: dry}),
		"found DK of 5×64":    l.Backward(tensor.Exec{}, Grads{q, q, kv}, q, attention.In{Q: q, K: kv, V: kv}),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
}
