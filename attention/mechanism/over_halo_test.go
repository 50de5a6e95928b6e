package mechanism

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/internal/kerneltest"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
)

// run is a forward and a backward pass over rows of a batch: what it reads and what it writes.
type run struct {
	q, k, v, do           tensor.Mat
	o, lse, dq, dk, dv    tensor.Mat
	learned, learnedGrads []tensor.Mat
}

// newRun draws what a layer reads for a batch.
func newRun(l Layer, typ tensor.Type, lengths []int, seed uint64) *run {
	rows := 0
	for _, n := range lengths {
		rows += n
	}
	r := kerneltest.Rand(seed)
	mat := func(t tensor.Type, rows, cols int) tensor.Mat {
		m := tensor.New(t, rows, cols)
		for i := range rows {
			m.WriteRow(i, kerneltest.Normal(r, cols))
		}
		return m
	}
	w := l.(softmaxLayer).Widths()
	in := &run{q: mat(typ, rows, w.Q), k: mat(typ, rows, w.KV), v: mat(typ, rows, w.KV), do: mat(typ, rows, w.Q)}
	for _, x := range l.Learned() {
		n := x.Rows
		if n == 0 {
			_, n = Distances(attention.Self(lengths...), l.(softmaxLayer).Causal)
		}
		in.learned = append(in.learned, mat(tensor.F32, n, x.Cols))
	}
	return in
}

// rows is the run of rows lo … hi−1, with room for results.
func (r *run) rows(lo, hi int) *run {
	part := &run{q: r.q.SliceRows(lo, hi), k: r.k.SliceRows(lo, hi), v: r.v.SliceRows(lo, hi), do: r.do.SliceRows(lo, hi), learned: r.learned}
	like := func(m tensor.Mat) tensor.Mat { return tensor.New(m.Type, m.Rows, m.Cols) }
	part.o, part.dq, part.dk, part.dv = like(part.q), like(part.q), like(part.k), like(part.v)
	for _, m := range r.learned {
		part.learnedGrads = append(part.learnedGrads, like(m))
	}
	return part
}

// compute runs both passes of a core.
func (r *run) compute(x tensor.Exec, c Core) error {
	if s := c.Saved()[0]; !r.q.Dry() {
		r.lse = tensor.New(tensor.F32, s.Rows, s.Cols)
	} else {
		r.lse = tensor.Mat{Rows: s.Rows, Cols: s.Cols, Stride: s.Cols}
	}
	in, out := In{attention.In{Q: r.q, K: r.k, V: r.v}, r.learned}, Out{O: r.o, Saved: []tensor.Mat{r.lse}}
	if err := c.Forward(x, out, in); err != nil {
		return err
	}
	err := c.Backward(x, Grads{DQ: r.dq, DK: r.dk, DV: r.dv, Learned: r.learnedGrads}, r.do, out, in)
	if n := x.Pool.InUse(); err == nil && n != 0 {
		return fmt.Errorf("%d bytes of the pool were kept", n)
	}
	return err
}

// dry is r without data.
func (r *run) dry() *run {
	d := *r
	for _, m := range []*tensor.Mat{&d.q, &d.k, &d.v, &d.do, &d.o, &d.dq, &d.dk, &d.dv} {
		m.F32, m.U16 = nil, nil
	}
	return &d
}

// differingElements counts the elements of two matrices that differ in a bit.
func differingElements(a, b tensor.Mat) (n int) {
	x, y := make([]float32, a.Cols), make([]float32, a.Cols)
	for i := 0; i < a.Rows && a.Cols > 0; i++ {
		a.ReadRow(x, i)
		b.ReadRow(y, i)
		for j := range x {
			if math.Float32bits(x[j]) != math.Float32bits(y[j]) {
				n++
			}
		}
	}
	return n
}

// counting is an engine that counts what it moves.
type counting struct {
	parallel.Engine
	by map[string]parallel.Counts
}

func (c *counting) Begin(name string, send, recv []parallel.Part) parallel.Pending {
	all := c.by[name]
	for _, p := range send {
		all.Add(parallel.Counts{Sent: int64(len(p.Data)), Messages: 1})
	}
	for _, p := range recv {
		all.Add(parallel.Counts{Received: int64(len(p.Data))})
	}
	c.by[name] = all
	return c.Engine.Begin(name, send, recv)
}

// halosOf computes a batch on ranks that are goroutines, and returns the run and the bytes of each. The bytes, and the peak of the pool,
// are those of a dry run.
func halosOf(t *testing.T, l Layer, whole *run, lengths []int, ranks int, mode string) ([]*run, []map[string]parallel.Counts) {
	t.Helper()
	var group sync.WaitGroup
	parts, moved := make([]*run, ranks), make([]map[string]parallel.Counts, ranks)
	failed := make([]error, ranks)
	for r, e := range parallel.Local(ranks) {
		group.Go(func() {
			counted := &counting{e, map[string]parallel.Counts{}}
			if failed[r] = func() error {
				s, err := parallel.NewShare(counted, lengths)
				if err != nil {
					return err
				}
				c, err := OverMode(l, s, mode)
				if err != nil {
					return err
				}
				parts[r], moved[r] = whole.rows(s.Own()), counted.by
				x := tensor.Exec{Threads: 1, Pool: tensor.NewPool()}
				if err := parts[r].compute(x, c); err != nil {
					return err
				}
				return dryRun(l, s, mode, parts[r].dry(), counted.by, x.Pool.Peak())
			}(); failed[r] != nil {
				e.Abort(1, failed[r].Error())
			}
		})
	}
	group.Wait()
	if err := errors.Join(failed...); err != nil {
		t.Fatalf("%s, %d ranks: %v", l.Key(), ranks, err)
	}
	return parts, moved
}

// dryRun holds the exchange and the memory of a run without data to those of the run.
func dryRun(l Layer, s *parallel.Share, mode string, r *run, moved map[string]parallel.Counts, peak int64) error {
	plan, pool := parallel.Dry(s.Engine.Rank(), s.Engine.Size()), tensor.NewDryPool()
	of := *s
	of.Engine = plan
	c, err := OverMode(l, &of, mode)
	if err != nil {
		return err
	}
	if err := r.compute(tensor.Exec{Threads: 1, Pool: pool}, c); err != nil {
		return err
	}
	if fmt.Sprint(plan.ByName) != fmt.Sprint(moved) || pool.Peak() != peak {
		return fmt.Errorf("a dry run counts %v and a peak of %d bytes, expected %v and %d", plan.ByName, pool.Peak(), moved, peak)
	}
	return nil
}

// sameAsOne holds what ranks compute to the bits of one rank, and sums of learned gradients to rounding.
func sameAsOne(t *testing.T, l Layer, typ tensor.Type, lengths []int, ranks ...int) {
	t.Helper()
	whole := newRun(l, typ, lengths, 1)
	one, err := l.Compile(attention.Self(lengths...))
	if err != nil {
		t.Fatal(err)
	}
	want := whole.rows(0, whole.q.Rows)
	if err := want.compute(tensor.Exec{Threads: 1, Pool: tensor.NewPool()}, one); err != nil {
		t.Fatal(err)
	}
	for _, n := range ranks {
		parts, _ := halosOf(t, l, whole, lengths, n, Halo)
		at := 0
		sums := make([][]float64, len(want.learnedGrads))
		for r, p := range parts {
			to := at + p.q.Rows
			for name, m := range map[string][2]tensor.Mat{
				"out": {p.o, want.o.SliceRows(at, to)}, "lse": {p.lse, want.lse.SliceCols(at, to)}, "dQ": {p.dq, want.dq.SliceRows(at, to)},
				"dK": {p.dk, want.dk.SliceRows(at, to)}, "dV": {p.dv, want.dv.SliceRows(at, to)},
			} {
				if bad := differingElements(m[0], m[1]); bad > 0 {
					t.Errorf("%s, %s, %v tokens, rank %d of %d: %d elements of %s differ", l.Key(), typ, lengths, r, n, bad, name)
				}
			}
			for i, m := range p.learnedGrads {
				sums[i] = addTo(sums[i], m.F32)
			}
			at = to
		}
		for i, m := range want.learnedGrads {
			kerneltest.Near(t, sums[i], kerneltest.Float64(m.F32), 2e-4*float64(len(lengths)+1)*(1+greatest(m.F32)))
		}
	}
}

func addTo(sum []float64, x []float32) []float64 {
	if sum == nil {
		sum = make([]float64, len(x))
	}
	for i, v := range x {
		sum[i] += float64(v)
	}
	return sum
}

func greatest(x []float32) (high float64) {
	for _, v := range x {
		high = max(high, math.Abs(float64(v)))
	}
	return high
}

// layer makes a softmax layer.
func layer(t testing.TB, text string, c Config) Layer {
	t.Helper()
	m, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	c.Mechanism = m
	l, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestHaloIsOneRank holds that ranks have the bits of one, whatever the pattern, the lengths and the number of ranks.
func TestHaloIsOneRank(t *testing.T) {
	wide, narrow, small := Config{Heads: 2, KVHeads: 1, HeadDim: 64}, Config{Heads: 4, KVHeads: 2, HeadDim: 32}, Config{Heads: 1, HeadDim: 16}
	causal := func(c Config) Config {
		c.Causal = true
		return c
	}
	for i, x := range []struct {
		text    string
		c       Config
		lengths []int
	}{
		{"full", small, []int{1700}},
		{"full", causal(small), []int{1700}},
		{"window(256)", wide, []int{6000}},
		{"window(256)", causal(narrow), []int{2300}},
		{"window(128) | global(0, 1700)", narrow, []int{2300}},
		{"window(128) | global(0)", causal(small), []int{6000}},
		{"bigbird(64, 3, 2, 3, 0)", narrow, []int{2300}},
		{"dilated(64, 4)", small, []int{2300}},
		{"segments(700)", narrow, []int{2300}},
		{"window(64) | global(0, 9000)", small, []int{17000}},
		{"window(100)", narrow, []int{1}},
		{"window(100)", narrow, []int{7}},
		{"full", wide, []int{513}},
		{"window(300)", narrow, []int{700, 1, 7, 1500, 513, 40}},
		{"full", causal(narrow), []int{7, 600, 600, 513}},
	} {
		l := layer(t, x.text, x.c)
		sameAsOne(t, l, tensor.F32, x.lengths, 1+i%5, 1+(i+2)%5)
		sameAsOne(t, l, tensor.BF16, x.lengths, 2+i%4)
	}
}

// TestHaloOfTerms holds the same for all that a softmax has beside a pattern.
func TestHaloOfTerms(t *testing.T) {
	c := Config{Heads: 4, KVHeads: 2, HeadDim: 16}
	for _, change := range []func(c *Config){
		func(c *Config) { c.Terms.Sinks = true },
		func(c *Config) { c.Terms.ALiBi = true },
		func(c *Config) { c.Terms.T5 = &attention.T5{Buckets: 32, MaxDistance: 128, Bidirectional: true} },
		func(c *Config) { c.Terms.Relative = true },
		func(c *Config) { c.SoftCap, c.Scale = 5, 0.3 },
		func(c *Config) { c.Terms.ALiBi, c.Causal, c.Terms.Sinks = true, true, true },
	} {
		with := c
		change(&with)
		sameAsOne(t, layer(t, "window(90) | global(3)", with), tensor.F32, []int{1100, 530}, 3)
	}
	sameAsOne(t, layer(t, "window(90)", c), tensor.F16, []int{1100, 530}, 3)
}

// TestHaloBytes holds the bytes of a window between ranks to the formula: rows of the window on each side.
func TestHaloBytes(t *testing.T) {
	const w, h, kv, d = 100, 4, 2, 16
	l := layer(t, "window(100)", Config{Heads: h, KVHeads: kv, HeadDim: d})
	for _, typ := range []tensor.Type{tensor.F32, tensor.BF16} {
		_, moved := halosOf(t, l, newRun(l, typ, []int{3000}, 1), []int{3000}, 3, Halo)
		s := int64(typ.Size())
		keys, queries := 2*2*w*kv*d*s, 2*w*(2*h*d*s+2*h*4)
		for rank, sides := range []int64{1, 2, 1} {
			got := [2]int64{moved[rank]["keys and values"].Received, moved[rank]["keys, values and queries"].Received}
			if want := [2]int64{keys * sides / 2, (keys + queries) * sides / 2}; got != want {
				t.Errorf("%s, rank %d: %d bytes, expected %d", typ, rank, got, want)
			}
		}
	}
	_, moved := halosOf(t, l, newRun(l, tensor.F32, []int{512, 512, 7}, 1), []int{512, 512, 7}, 2, Halo)
	if len(moved[0])+len(moved[1]) > 0 {
		t.Errorf("whole sequences exchange %v", moved)
	}
}

// TestPackedDocumentsAreApart holds that a change in one document, which a border cuts, changes that document alone.
func TestPackedDocumentsAreApart(t *testing.T) {
	lengths := []int{900, 1300, 800}
	for _, text := range []string{"full", "window(400) | global(0)"} {
		l := layer(t, text, Config{Heads: 2, HeadDim: 16})
		in := newRun(l, tensor.F32, lengths, 1)
		before, _ := halosOf(t, l, in, lengths, 4, Halo)
		for _, m := range []tensor.Mat{in.q, in.k, in.v, in.do} {
			m.F32[1500*m.Cols] += 1
		}
		after, _ := halosOf(t, l, in, lengths, 4, Halo)
		row := 0
		for r := range after {
			for i := range after[r].q.Rows {
				changed := 0
				for _, m := range [][2]tensor.Mat{{before[r].o, after[r].o}, {before[r].dq, after[r].dq}, {before[r].dk, after[r].dk},
					{before[r].dv, after[r].dv}} {
					changed += differingElements(m[0].SliceRows(i, i+1), m[1].SliceRows(i, i+1))
				}
				if inside := row >= 900 && row < 2200; !inside && changed > 0 || row == 1500 && changed == 0 {
					t.Fatalf("%s: %d elements of row %d changed", text, changed, row)
				}
				row++
			}
		}
	}
}

// TestNeeds holds the rows that ranks need to a dense definition.
func TestNeeds(t *testing.T) {
	lengths := []int{700, 1600, 40}
	for _, text := range []string{"full", "window(70)", "window(20) | global(0, 650)", "bigbird(64, 3, 2, 3, 0)", "dilated(30, 9)",
		"strided(5)", "segments(600)", "summary(100)"} {
		l := layer(t, strings.Replace(text, "650", "39", 1), Config{Heads: 1, HeadDim: 8}).(softmaxLayer)
		s, err := parallel.NewShare(parallel.Dry(0, 4), lengths)
		if err != nil {
			t.Fatal(err)
		}
		n, err := l.needs(s)
		if err != nil {
			t.Fatal(err)
		}
		keys, queries := make([]map[int]bool, 4), make([]map[int]bool, 4)
		for r := range 4 {
			keys[r], queries[r] = map[int]bool{}, map[int]bool{}
		}
		start := 0
		for _, length := range lengths {
			for q := range length {
				for _, x := range l.c.Pattern.Spans(nil, q, pattern.Square(length)) {
					for k := x.Lo; k < x.Hi; k++ {
						if a, b := s.Owner(start+q), s.Owner(start+k); a != b {
							keys[a][start+k], queries[b][start+q] = true, true
						}
					}
				}
			}
			start += length
		}
		for r := range 4 {
			sameRows(t, fmt.Sprintf("%s: keys of rank %d", text, r), s, n.keys[r], keys[r])
			sameRows(t, fmt.Sprintf("%s: queries of rank %d", text, r), s, n.queries[r], queries[r])
		}
	}
}

// sameRows holds links to a set of rows, and that they ascend and do not touch.
func sameRows(t *testing.T, what string, s *parallel.Share, got links, want map[int]bool) {
	t.Helper()
	owner, rows := -1, 0
	for _, x := range got {
		last := -1
		for _, span := range x.rows {
			if span.Lo <= last || x.owner <= owner {
				t.Fatalf("%s: found rows %v of rank %d after %d", what, span, x.owner, last)
			}
			last = span.Hi
			for i := span.Lo; i < span.Hi; i++ {
				if rows++; !want[i] || s.Owner(i) != x.owner {
					t.Fatalf("%s: found row %d of rank %d", what, i, x.owner)
				}
			}
		}
		owner = x.owner
	}
	if rows != len(want) {
		t.Errorf("%s: found %d rows, expected %d", what, rows, len(want))
	}
}

// TestMode holds which mode Over takes, and why.
func TestMode(t *testing.T) {
	for _, x := range []struct {
		text    string
		heads   int
		ranks   int
		mode    string
		because string
	}{
		{"window(500)", 8, 4, Halo, "the fullest rank, 1, sees 1000 keys of others, of 16384"},
		{"full", 8, 4, Heads, "the fullest rank, 0, sees 12288 keys of others, of 16384"},
		{"full", 2, 4, Halo, "and 2 key/value heads are too few for 4 ranks"},
		{"full", 8, 1, Halo, "sees 0 keys of others"},
		{"performer", 8, 4, Sums, "the sums of linear attention do not grow"},
		{"nystrom", 8, 4, Heads, "landmarks are means over all rows"},
	} {
		s, err := parallel.NewShare(parallel.Dry(0, x.ranks), []int{16384})
		if err != nil {
			t.Fatal(err)
		}
		mode, why := Mode(layer(t, x.text, Config{Heads: x.heads, HeadDim: 8}), s)
		if mode != x.mode || !strings.Contains(why, x.because) {
			t.Errorf("%s, %d heads, %d ranks: %s, %s", x.text, x.heads, x.ranks, mode, why)
		}
	}
}

// TestOverRefuses holds the words of refusals.
func TestOverRefuses(t *testing.T) {
	s, err := parallel.NewShare(parallel.Dry(0, 2), []int{2000})
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Heads: 2, HeadDim: 8}
	cross := c
	cross.Cross = true
	for want, f := range map[string]func() (Core, error){
		"found cross-attention or a memory over 2 ranks": func() (Core, error) { return Over(layer(t, "full", cross), s) },
		`found mode "ring"`:                         func() (Core, error) { return OverMode(layer(t, "full", c), s, "ring") },
		`found mode "halo" for`:                     func() (Core, error) { return OverMode(layer(t, "elu", c), s, Halo) },
		`found mode "sums" for`:                     func() (Core, error) { return OverMode(layer(t, "full", c), s, Sums) },
		"expected linear attention":                 func() (Core, error) { return OverMode(layer(t, "nystrom", c), s, Sums) },
		"found position 5000 in a sequence of 2000": func() (Core, error) { return Over(layer(t, "global(5000)", c), s) },
	} {
		if _, err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found error %v, expected %q", err, want)
		}
	}
	if mode, why := Mode(layer(t, "full", cross), s); mode != "" || !strings.Contains(why, "cross-attention") {
		t.Errorf("found mode %q: %s", mode, why)
	}
	core, err := OverMode(layer(t, "window(3)", c), s, Halo)
	if err != nil {
		t.Fatal(err)
	}
	m := tensor.New(tensor.F32, core.Queries(), 16)
	in := In{In: attention.In{Q: m, K: m.SliceRows(0, 5), V: m}}
	if err := core.Forward(tensor.Exec{}, Out{O: m}, in); err == nil || !strings.Contains(err.Error(), "found K of 5×16") {
		t.Errorf("found error %v", err)
	}
}

// BenchmarkNeeds is the time to find out what 16 ranks need at a million tokens.
func BenchmarkNeeds(b *testing.B) {
	s, err := parallel.NewShare(parallel.Dry(0, 16), []int{1 << 20})
	if err != nil {
		b.Fatal(err)
	}
	for _, text := range []string{"window(512)", "window(512) | global(0)", "full", "bigbird(64, 3, 2, 3, 0)", "dilated(64, 4)"} {
		l := layer(b, text, Config{Heads: 12, HeadDim: 64}).(softmaxLayer)
		b.Run(text, func(b *testing.B) {
			for b.Loop() {
				if _, err := l.needs(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
