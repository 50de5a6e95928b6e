package attention

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/internal/ceil"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/kerneltest"
	"github.com/longspan/longspan/tensor"
)

// TestLayoutIsThePattern compiles random patterns for random shapes and reads what is visible back, pair by pair.
func TestLayoutIsThePattern(t *testing.T) {
	r := kerneltest.Rand(1)
	compiled := 0
	for i := range 600 {
		p := randomPattern(r, 2)
		s := pattern.Shape{Tq: r.IntN(140), Tk: r.IntN(420), Offset: r.IntN(300)}
		switch i % 4 {
		case 0:
			s.Tk, s.Offset = s.Tq, 0
		case 1:
			s.Tq = i % 3
		case 2:
			s.Tk = i % 5
		}
		want, err := pattern.Dense(p, s)
		if err != nil {
			continue
		}
		whole := Seq{Q: s.Tq, K: s.Tk, Offset: s.Offset}
		l, err := compile(p, whole, 2, maxRuns)
		if err != nil {
			t.Fatalf("%s in %+v: %v", p, s, err)
		}
		compiled++
		if got := readLayout(t, l); !slices.Equal(got, want) {
			t.Fatalf("%s in %+v: the layout shows other pairs than the pattern", p, s)
		}
		if pairs, err := pattern.Pairs(p, s); err != nil || pairs != l.pairs.queries {
			t.Fatalf("%s in %+v: %d pairs, want %d (%v)", p, s, l.pairs.queries, pairs, err)
		}
		part := partOf(r, whole)
		if l, err = compile(p, part, 2, maxRuns); err != nil {
			t.Fatalf("%s in %+v: %v", p, part, err)
		}
		if got := readLayout(t, l); !slices.Equal(got, columns(want, s.Tk, part.Start, part.K)) {
			t.Fatalf("%s in %+v: the layout shows other pairs than the pattern", p, part)
		}
	}
	if compiled < 400 {
		t.Errorf("only %d of 600 draws could be compiled", compiled)
	}
}

// TestLayoutOfScatteredKeys compiles patterns with enough spans a query for painting, beside queries with few.
func TestLayoutOfScatteredKeys(t *testing.T) {
	for _, p := range []pattern.Pattern{
		pattern.Strided(2), pattern.Dilated(100, 2), pattern.And(pattern.Causal(), pattern.Strided(3)),
		pattern.Or(pattern.Strided(2), pattern.Global(5)), pattern.Or(pattern.And(pattern.Strided(2), pattern.WindowSides(0, 200)),
			pattern.Causal()),
	} {
		for _, s := range []pattern.Shape{pattern.Square(433), {Tq: 70, Tk: 300, Offset: 100}} {
			l, err := compile(p, Seq{Q: s.Tq, K: s.Tk, Offset: s.Offset}, 2, maxRuns)
			if err != nil {
				t.Fatal(err)
			}
			want, err := pattern.Dense(p, s)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(readLayout(t, l), want) {
				t.Errorf("%s in %+v: the layout shows other pairs than the pattern", p, s)
			}
		}
	}
	_, err := compile(pattern.Strided(2), Self(4096)[0], 2, 1000)
	if want := "parts what 4096 queries see of 4096 keys into more than 1000 runs"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("found error %v, expected %q", err, want)
	}
}

// partOf draws a part of a sequence's keys: before, among or after its queries.
func partOf(r *rand.Rand, s Seq) Seq {
	s.Keys = s.K
	s.Start = r.IntN(s.Keys + 1)
	s.K = r.IntN(s.Keys - s.Start + 1)
	return s
}

// columns are n columns of a matrix from column at on.
func columns(m []bool, wide, at, n int) []bool {
	cut := []bool{}
	for i := 0; i+wide <= len(m) && wide > 0; i += wide {
		cut = append(cut, m[i+at:i+at+n]...)
	}
	return cut
}

// readLayout lists which pairs a layout shows, and holds what the kernels count on.
func readLayout(t *testing.T, l *layout) []bool {
	t.Helper()
	visible := make([]bool, l.seq.Q*l.seq.K)
	for tile := range l.tiles() {
		last := int32(0)
		for _, r := range l.tile(tile) {
			if r.lo < last || r.hi <= r.lo || r.lo%keyGroup != 0 || r.hi%keyGroup != 0 || int(r.hi) > ceil.Multiple(l.seq.K, keyGroup) {
				t.Fatalf("tile %d: run %d … %d after %d", tile, r.lo, r.hi, last)
			}
			if r.mask == noMask && int(r.hi) > l.seq.K || r.mask != noMask && int(r.lo)/kernel.KeyBlock != int(r.hi-1)/kernel.KeyBlock {
				t.Fatalf("tile %d: run %d … %d with mask %d", tile, r.lo, r.hi, r.mask)
			}
			last = r.hi
			mask := l.maskOf(r, int(r.lo))
			for k := int(r.lo); k < int(r.hi); k++ {
				for q := tile * kernel.Lanes; q < min((tile+1)*kernel.Lanes, l.seq.Q); q++ {
					if mask == nil || mask[k-int(r.lo)]>>(q%kernel.Lanes)&1 == 1 {
						if k >= l.seq.K {
							t.Fatalf("query %d sees key %d of %d", q, k, l.seq.K)
						}
						visible[q*l.seq.K+k] = true
					}
				}
			}
		}
	}
	return visible
}

// TestWideWindowIsFull holds that a window over everything gives the bits of full or causal.
func TestWideWindowIsFull(t *testing.T) {
	for _, pair := range [][2]pattern.Pattern{
		{pattern.Window(200), pattern.Full()}, {pattern.WindowSides(200, 0), pattern.Causal()}, {pattern.Segments(200), pattern.Full()},
		{pattern.And(pattern.Causal(), pattern.Window(200)), pattern.Causal()}, {pattern.Or(pattern.Full(), pattern.Causal()), pattern.Full()},
	} {
		a := newProblem(Config{Pattern: pair[0], Heads: 2, HeadDim: 16}, Self(200, 3), tensor.F32, 1)
		b := a
		b.c.Pattern = pair[1]
		a.run(t, 2, nil).same(t, b.run(t, 2, nil))
	}
}

// heads returns m with its heads of d columns in another order, or more than once.
func heads(m tensor.Mat, d int, order ...int) tensor.Mat {
	to := tensor.New(m.Type, m.Rows, len(order)*d)
	row := make([]float32, d)
	for i := range m.Rows {
		for h, from := range order {
			m.ReadPart(row, i, from*d)
			to.WritePart(i, h*d, row)
		}
	}
	return to
}

func TestHeadsAreApart(t *testing.T) {
	for _, typ := range types {
		a := newProblem(Config{Pattern: pattern.Window(30), Heads: 3, HeadDim: 16}, Self(70, 20), typ, 1)
		b, order := a, []int{2, 0, 1}
		b.q, b.k, b.v, b.dout = heads(a.q, 16, order...), heads(a.k, 16, order...), heads(a.v, 16, order...), heads(a.dout, 16, order...)
		ra, rb := a.run(t, 2, nil), b.run(t, 2, nil)
		sameBits(t, "out", rb.out, heads(ra.out, 16, order...))
		for i, m := range rb.mats()[2:] {
			sameBits(t, m.name, m.m, heads(ra.mats()[2+i].m, 16, order...))
		}
		for h, from := range order {
			sameBits(t, "lse", rb.lse.SliceRows(h, h+1), ra.lse.SliceRows(from, from+1))
		}
	}
}

// TestGroupedHeadsAreRepeated holds that Hkv heads serve H as if each were there H/Hkv times.
func TestGroupedHeadsAreRepeated(t *testing.T) {
	const d = 16
	a := newProblem(Config{Pattern: pattern.Causal(), Heads: 6, KVHeads: 2, HeadDim: d}, Self(90), tensor.F32, 1)
	b, order := a, []int{0, 0, 0, 1, 1, 1}
	b.c.KVHeads, b.k, b.v = 6, heads(a.k, d, order...), heads(a.v, d, order...)
	ra, rb := a.run(t, 2, nil), b.run(t, 2, nil)
	sameBits(t, "out", ra.out, rb.out)
	sameBits(t, "lse", ra.lse, rb.lse)
	sameBits(t, "dq", ra.g.DQ, rb.g.DQ)
	for _, x := range [][2]tensor.Mat{{ra.g.DK, rb.g.DK}, {ra.g.DV, rb.g.DV}} {
		want, whole := make([]float64, x[0].Rows*x[0].Cols), wide(x[1])
		for i := range want {
			row, col := i/x[0].Cols, i%x[0].Cols
			for g := range 3 {
				want[i] += whole[row*x[1].Cols+(col/d*3+g)*d+col%d]
			}
		}
		// The same terms in other orders: 270 of them, of up to 3.
		kerneltest.Near(t, wide(x[0]), want, 270*3*0x1p-24)
	}
}

func TestOutMayBeQ(t *testing.T) {
	relative := Relative{U: floats(32, 1), V: floats(32, 2), R: normal(tensor.F32, 400, 32, 3), First: -200}
	for _, c := range []Config{{Pattern: pattern.Causal()}, {Bias: relative}} {
		for _, typ := range types {
			c.Heads, c.HeadDim = 2, 16
			pr := newProblem(c, Self(150, 7), typ, 1)
			want := pr.forward(t, 2)
			if err := pr.compile(t).Forward(tensor.Exec{Threads: 2}, Out{O: pr.q}, In{Q: pr.q, K: pr.k, V: pr.v}); err != nil {
				t.Fatal(err)
			}
			sameBits(t, "out", pr.q, want.out)
		}
	}
}

// inside returns a view with m's elements in the middle of a larger matrix of NaN, and that matrix.
func inside(m tensor.Mat) (view, around tensor.Mat) {
	around = nanMat(m.Type, m.Rows+2, m.Cols+13)
	view = around.Slice(1, m.Rows+1, 8, 8+m.Cols)
	row := make([]float32, m.Cols)
	for i := range m.Rows {
		m.ReadRow(row, i)
		view.WriteRow(i, row)
	}
	return view, around
}

// TestViews holds that rows with gaps give the same bits, and that the gaps are neither read nor written.
func TestViews(t *testing.T) {
	for _, typ := range types {
		pr := newProblem(Config{Pattern: pattern.Window(40), Heads: 2, KVHeads: 1, HeadDim: 24}, []Seq{{Q: 75, K: 75}, {Q: 1, K: 21,
			Offset: 20}}, typ, 1)
		want := pr.run(t, 2, nil)
		views := pr
		views.q, _ = inside(pr.q)
		views.k, _ = inside(pr.k)
		views.v, _ = inside(pr.v)
		views.dout, _ = inside(pr.dout)
		got, around := pr.room(nil), make([]tensor.Mat, 5)
		for i, m := range []*tensor.Mat{&got.out, &got.lse, &got.g.DQ, &got.g.DK, &got.g.DV} {
			*m, around[i] = inside(*m)
		}
		a, x := views.compile(t), tensor.Exec{Threads: 2, Pool: tensor.NewPool()}
		if err := a.Forward(x, Out{O: got.out, LSE: got.lse}, In{Q: views.q, K: views.k, V: views.v}); err != nil {
			t.Fatal(err)
		}
		if err := a.Backward(x, got.g, views.dout, Out{O: got.out, LSE: got.lse}, In{Q: views.q, K: views.k, V: views.v}); err != nil {
			t.Fatal(err)
		}
		got.same(t, want)
		for i, m := range got.mats() {
			numbers := 0
			for _, v := range wide(around[i]) {
				if v == v {
					numbers++
				}
			}
			if numbers != m.m.Rows*m.m.Cols {
				t.Errorf("%s %s: %d numbers were written, want %d", typ, m.name, numbers, m.m.Rows*m.m.Cols)
			}
		}
	}
}

// TestDryRunCounts holds that matrices with no data take and return the same bytes as those with data, on every level.
func TestDryRunCounts(t *testing.T) {
	seqs := []Seq{{Q: 40, K: 40}, {Q: 3, K: 530, Offset: 527}, {}}
	check := func(t *testing.T, name string, pr problem, threads int, grads *BiasGrads) {
		t.Helper()
		if wet, dry := pr.peaks(t, threads, grads, false), pr.peaks(t, threads, grads, true); wet != dry {
			t.Errorf("%s, %s, %d threads: peaks of forward, backward and decoding are %v bytes, of a dry run %v", name, pr.q.Type, threads, wet, dry)
		}
	}
	kerneltest.Levels(t, func(t *testing.T) {
		for _, typ := range types {
			for _, threads := range []int{1, 3} {
				check(t, "plain", newProblem(Config{Heads: 4, KVHeads: 2, HeadDim: 40}, seqs, typ, 1), threads, nil)
			}
		}
	})
	for name, make := range biasProblems(seqs) {
		c, grads := make()
		c.Heads, c.KVHeads, c.HeadDim = biasHeads, 2, biasDim
		check(t, name, newProblem(c, seqs, tensor.BF16, 1), 2, grads)
	}
}

// peaks are the most bytes that Forward, Backward and Decode have from the pool.
func (p problem) peaks(t *testing.T, threads int, bias *BiasGrads, dry bool) (peaks [3]int64) {
	t.Helper()
	a, r, pool := p.compile(t), p.room(bias), tensor.NewPool()
	if dry {
		pool = tensor.NewDryPool()
		for _, m := range []*tensor.Mat{&p.q, &p.k, &p.v, &p.dout, &r.out, &r.lse, &r.g.DQ, &r.g.DK, &r.g.DV} {
			m.F32, m.U16 = nil, nil
		}
	}
	x := tensor.Exec{Threads: threads, Pool: pool}
	last := Seq{Q: 3, K: p.k.Rows}
	decode := p.c
	if _, ok := decode.Bias.(Matrix); ok {
		decode.Bias = ALiBi{}
	}
	for i, call := range []func() error{
		func() error { return a.Forward(x, Out{O: r.out, LSE: r.lse}, In{Q: p.q, K: p.k, V: p.v}) },
		func() error { return a.Backward(x, r.g, p.dout, Out{O: r.out, LSE: r.lse}, In{Q: p.q, K: p.k, V: p.v}) },
		func() error {
			return Decode(x, decode, Out{O: r.out.SliceRows(0, last.Q)}, In{Q: p.q.SliceRows(0, last.Q), K: p.k, V: p.v})
		},
	} {
		pool.ResetPeak()
		if err := call(); err != nil {
			t.Fatal(err)
		}
		if peaks[i] = pool.Peak(); pool.InUse() != 0 || peaks[i] == 0 {
			t.Fatalf("call %d took %d bytes at most and kept %d", i, peaks[i], pool.InUse())
		}
	}
	return peaks
}

// TestUnseen holds that queries that see no key give zeros, and keys that no query sees get none.
func TestUnseen(t *testing.T) {
	nowhere := pattern.And(pattern.Segments(40), pattern.Window(5)) // with an offset past the keys, nobody sees anything
	for name, pr := range map[string]problem{
		"none":       newProblem(Config{Pattern: pattern.None(), Heads: 2, HeadDim: 16}, Self(70), tensor.F32, 1),
		"past":       newProblem(Config{Pattern: nowhere, Heads: 2, HeadDim: 16}, []Seq{{Q: 50, K: 60, Offset: 200}}, tensor.BF16, 1),
		"no keys":    newProblem(Config{Heads: 2, HeadDim: 16}, []Seq{{Q: 33, K: 0}, {}}, tensor.F32, 1),
		"no queries": newProblem(Config{Heads: 2, HeadDim: 16}, []Seq{{}, {Q: 0, K: 33}}, tensor.F16, 1),
		"bias of −∞": newProblem(Config{Heads: 2, HeadDim: 16, Bias: Matrix{[][]tensor.Mat{{filled(40, 40, math.Inf(-1))}}}}, Self(40),
			tensor.F32, 1),
		"sinks alone": newProblem(Config{Pattern: pattern.None(), Heads: 2, HeadDim: 16, Sinks: []float32{1, -2}}, Self(40), tensor.F32, 1),
	} {
		kerneltest.Levels(t, func(t *testing.T) {
			r := pr.run(t, 2, nil)
			for _, m := range r.mats() {
				want := 0.0
				if m.name == "lse" {
					want = math.Inf(-1)
				}
				for i, v := range wide(m.m) {
					if pr.c.Sinks != nil && m.name == "lse" {
						want = float64(pr.c.Sinks[i/m.m.Cols])
					}
					if v != want {
						t.Fatalf("%s: %s[%d] is %v, want %v", name, m.name, i, v, want)
					}
				}
			}
			for _, ds := range r.g.Sinks {
				if ds != 0 {
					t.Fatalf("%s: gradient of a sink is %v", name, ds)
				}
			}
		})
	}
	// Beside queries that see: past position 62, a window of 3 over 60 keys is empty.
	pr := newProblem(Config{Pattern: pattern.Window(3), Heads: 1, HeadDim: 8}, []Seq{{Q: 40, K: 60, Offset: 50}}, tensor.F32, 1)
	want, dense := pr.naive(t), pr.eager(t)
	kerneltest.Levels(t, func(t *testing.T) {
		r := pr.run(t, 1, nil)
		r.near(t, pr, want, dense)
		for q := 13; q < 40; q++ {
			if row := r.out.Row(q); slices.Max(row) != 0 || slices.Min(row) != 0 || !math.IsInf(float64(r.lse.Row(0)[q]), -1) {
				t.Fatalf("query %d sees nothing and has %v, lse %v", q, row, r.lse.Row(0)[q])
			}
		}
	})
}

func filled(rows, cols int, value float64) tensor.Mat {
	m := tensor.New(tensor.F32, rows, cols)
	for i := range m.F32 {
		m.F32[i] = float32(value)
	}
	return m
}

// TestBitsDoNotDependOn threads, nor on what else is in the batch, a sequence of no tokens among it.
func TestBitsDoNotDependOn(t *testing.T) {
	const h, d = 4, 16
	bias := T5{Table: floats(32*h, 1), Buckets: 32, MaxDistance: 128, Bidirectional: true}
	pr := newProblem(Config{Pattern: pattern.Window(300), Heads: h, KVHeads: 2, HeadDim: d, Bias: bias}, Self(700, 0, 33, 300), tensor.F32, 3)
	run := func(pr problem, threads int) results {
		r := pr.run(t, threads, &BiasGrads{Table: make([]float32, 32*h)})
		r.g.Sinks = r.g.Bias.Table // compared by same
		return r
	}
	one := run(pr, 1)
	for _, threads := range []int{2, 3, 7} {
		run(pr, threads).same(t, one)
	}
	at := 0
	for _, s := range pr.seqs {
		alone, end := pr, at+s.Q
		alone.seqs = []Seq{s}
		alone.q, alone.k, alone.v, alone.dout = pr.q.SliceRows(at, end), pr.k.SliceRows(at, end), pr.v.SliceRows(at, end),
			pr.dout.SliceRows(at, end)
		got := run(alone, 2)
		for i, m := range got.mats() {
			part := one.mats()[i].m
			if m.name == "lse" {
				part = part.SliceCols(at, end)
			} else {
				part = part.SliceRows(at, end)
			}
			sameBits(t, fmt.Sprintf("%s of the sequence of %d", m.name, s.Q), m.m, part)
		}
		at = end
	}
}

// TestLowSinkIsNone holds that a sink at the end of float32, which some code writes for none, hides nothing and makes no NaN.
func TestLowSinkIsNone(t *testing.T) {
	pr := newProblem(Config{Pattern: pattern.Window(3), Heads: 2, HeadDim: 8}, []Seq{{Q: 40, K: 60, Offset: 50}}, tensor.F32, 1)
	want := pr.forward(t, 1)
	pr.c.Sinks = []float32{-math.MaxFloat32, float32(math.Inf(-1))}
	got := pr.forward(t, 1)
	sameBits(t, "out", got.out, want.out)
	sameBits(t, "lse", got.lse, want.lse)
	r := pr.room(nil)
	q, out, lse := pr.q.SliceRows(0, 2), r.out.SliceRows(0, 2), r.lse.SliceCols(0, 2)
	if err := Decode(tensor.Exec{}, pr.c, Out{O: out, LSE: lse}, In{Q: q, K: pr.k, V: pr.v}); err != nil {
		t.Fatal(err)
	}
	for i, x := range append(wide(out), wide(lse)...) {
		if math.IsNaN(x) {
			t.Fatalf("number %d that Decode wrote is NaN", i)
		}
	}
}

// TestDryRunOfNoQueries holds that an lse of no columns counts as neither dry nor with data.
func TestDryRunOfNoQueries(t *testing.T) {
	pr := newProblem(Config{Heads: 2, HeadDim: 8}, []Seq{{Q: 0, K: 9}}, tensor.F32, 1)
	r, x := pr.room(nil), tensor.Exec{Pool: tensor.NewDryPool()}
	for _, m := range []*tensor.Mat{&pr.k, &pr.v, &r.g.DK, &r.g.DV} {
		m.F32 = nil
	}
	a := pr.compile(t)
	if err := a.Forward(x, Out{O: r.out, LSE: r.lse}, In{Q: pr.q, K: pr.k, V: pr.v}); err != nil {
		t.Error(err)
	}
	if err := a.Backward(x, r.g, pr.dout, Out{O: r.out, LSE: r.lse}, In{Q: pr.q, K: pr.k, V: pr.v}); err != nil {
		t.Error(err)
	}
}
