package mechanism

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/internal/kerneltest"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
)

// tape is what a layer reads and writes in a forward and a backward pass over a packed batch.
type tape struct {
	in, grads            attention.In // grads holds DQ, DK and DV
	out, do              tensor.Mat
	learned, learnedGrad []tensor.Mat
	saved                []tensor.Mat
}

// newTape makes random input for the rows of q and k, in matrices wider than needed, and results filled with NaN.
func newTape(l Layer, typ tensor.Type, q, k int) *tape {
	r := kerneltest.Rand(1)
	mat := func(rows, cols int) tensor.Mat {
		m := tensor.New(typ, rows, cols+3)
		for i := range rows {
			m.WriteRow(i, kerneltest.Normal(r, cols+3))
		}
		return m.SliceCols(2, cols+2)
	}
	w := l.(headed).config().Widths()
	t := &tape{in: attention.In{Q: mat(q, w.Q), K: mat(k, w.KV), V: mat(k, w.KV)}, do: mat(q, w.Q)}
	t.out, t.grads = mat(q, w.Q), attention.In{Q: mat(q, w.Q), K: mat(k, w.KV), V: mat(k, w.KV)}
	for _, x := range l.Learned() {
		rows := x.Rows
		if rows == 0 {
			_, rows = Distances([]attention.Seq{{Q: q, K: k}}, l.(headed).config().Causal)
		}
		m := tensor.FromF32(kerneltest.Normal(r, rows*x.Cols), rows, x.Cols)
		t.learned = append(t.learned, m)
	}
	return t
}

// rows views the rows of a rank. Learned matrices are shared, their gradients and what is saved are the rank's own.
func (t *tape) rows(q0, q1, k0, k1 int) *tape {
	view := func(in attention.In) attention.In {
		return attention.In{Q: in.Q.SliceRows(q0, q1), K: in.K.SliceRows(k0, k1), V: in.V.SliceRows(k0, k1)}
	}
	return &tape{in: view(t.in), grads: view(t.grads), out: t.out.SliceRows(q0, q1), do: t.do.SliceRows(q0, q1), learned: t.learned}
}

// dry is t without data.
func (t *tape) dry() *tape {
	d := *t
	none := func(m *tensor.Mat) { m.F32, m.U16 = nil, nil }
	for _, in := range []*attention.In{&d.in, &d.grads} {
		none(&in.Q)
		none(&in.K)
		none(&in.V)
	}
	none(&d.out)
	none(&d.do)
	d.learned = nil
	for _, m := range t.learned {
		none(&m)
		d.learned = append(d.learned, m)
	}
	return &d
}

// run computes both passes of core.
func (t *tape) run(x tensor.Exec, core Core) error {
	t.saved, t.learnedGrad = nil, nil
	for _, s := range core.Saved() {
		t.saved = append(t.saved, x.Pool.Get(tensor.F32, s.Rows, s.Cols))
	}
	for _, m := range t.learned {
		t.learnedGrad = append(t.learnedGrad, x.Pool.Get(tensor.F32, m.Rows, m.Cols))
	}
	in := In{t.in, t.learned}
	if err := core.Forward(x, Out{t.out, t.saved}, in); err != nil {
		return err
	}
	back := Out{Saved: t.saved}
	if len(t.saved) > 0 {
		back.O = t.out
	}
	return core.Backward(x, Grads{t.grads.Q, t.grads.K, t.grads.V, t.learnedGrad}, t.do, back, in)
}

// results are the elements that run has written, but for what it saved.
func (t *tape) results() (all []float32) {
	for _, m := range append([]tensor.Mat{t.out, t.grads.Q, t.grads.K, t.grads.V}, t.learnedGrad...) {
		row := make([]float32, m.Cols)
		for i := range m.Rows {
			m.ReadRow(row, i)
			all = append(all, row...)
		}
	}
	return all
}

// counted counts what an engine is given.
type counted struct {
	parallel.Engine
	counts parallel.Counts
}

func (c *counted) Begin(name string, send, recv []parallel.Part) parallel.Pending {
	c.counts.Add(parallel.CountParts(send, recv))
	return c.Engine.Begin(name, send, recv)
}

// over is a way to make the core of a rank.
type over func(l Layer, s *parallel.Share) (Core, error)

// overRanks runs both passes of l over ranks of the process, and gives the whole batch's tape. A dry run of each rank must take the bytes
// and count the exchange of the real one.
func overRanks(t *testing.T, l Layer, whole *tape, lengths []int, ranks int, make over) *tape {
	t.Helper()
	tapes, errs := makeSlice[*tape](ranks), makeSlice[error](ranks)
	var all sync.WaitGroup
	for r, e := range parallel.Local(ranks) {
		all.Go(func() {
			errs[r] = func() error {
				c, pool := &counted{Engine: e}, tensor.NewPool()
				s, err := parallel.NewShare(c, lengths)
				if err != nil {
					return err
				}
				core, err := make(l, s)
				if err != nil {
					return err
				}
				q0, k0 := ownRows(core, s)
				tapes[r] = whole.rows(q0, q0+core.Queries(), k0, k0+core.Keys())
				if err := tapes[r].run(tensor.Exec{Threads: 2, Pool: pool}, core); err != nil {
					return err
				}
				return dryEqual(l, s, tapes[r], c.counts, pool, make)
			}()
			if errs[r] != nil {
				e.Abort(1, errs[r].Error())
			}
		})
	}
	all.Wait()
	for r, err := range errs {
		if err != nil {
			t.Fatalf("rank %d of %d: %v", r, ranks, err)
		}
	}
	joined := *whole
	joined.learnedGrad = nil
	for i := range whole.learned {
		sum := tensor.New(tensor.F32, whole.learned[i].Rows, whole.learned[i].Cols)
		for _, tape := range tapes {
			for j, x := range tape.learnedGrad[i].F32 {
				sum.F32[j] += x
			}
		}
		joined.learnedGrad = append(joined.learnedGrad, sum)
	}
	return &joined
}

func makeSlice[T any](n int) []T { return make([]T, n) }

// ownRows are the first rows of Q and K that a core's rank has.
func ownRows(core Core, s *parallel.Share) (q, k int) {
	k, _ = s.Own()
	if c, ok := core.(*headsCore); ok {
		return c.queries[s.Engine.Rank()], k
	}
	return k, k
}

// dryEqual compares the plan of a rank with its run.
func dryEqual(l Layer, s *parallel.Share, real *tape, counts parallel.Counts, pool *tensor.Pool, make over) error {
	e, plan := parallel.Dry(s.Engine.Rank(), s.Engine.Size()), tensor.NewDryPool()
	share, err := parallel.NewShare(e, s.Lengths)
	if err != nil {
		return err
	}
	core, err := make(l, share)
	if err != nil {
		return err
	}
	if err := real.dry().run(tensor.Exec{Threads: 2, Pool: plan}, core); err != nil {
		return err
	}
	if e.Counts != counts {
		return fmt.Errorf("planned an exchange of %+v, counted %+v", e.Counts, counts)
	}
	if plan.Peak() != pool.Peak() || plan.InUse() != pool.InUse() {
		return fmt.Errorf("planned a peak of %d bytes and %d left, found %d and %d", plan.Peak(), plan.InUse(), pool.Peak(), pool.InUse())
	}
	return nil
}

func mustLayer(t *testing.T, text string, c Config) Layer {
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

// differing is the number of elements that differ.
func differing(a, b []float32) (n int) {
	for i, x := range a {
		if x != b[i] {
			n++
		}
	}
	return n
}

// equalsOne checks that both passes over 1 … 5 ranks have the results of one rank.
func equalsOne(t *testing.T, l Layer, typ tensor.Type, lengths []int, ranks []int, make over) {
	t.Helper()
	total := 0
	for _, n := range lengths {
		total += n
	}
	whole := newTape(l, typ, total, total)
	core, err := l.Compile(attention.Self(lengths...))
	if err != nil {
		t.Fatal(err)
	}
	if err := whole.run(tensor.Exec{}, core); err != nil {
		t.Fatal(err)
	}
	want := whole.results()
	for _, r := range ranks {
		got := overRanks(t, l, newTape(l, typ, total, total), lengths, r, make).results()
		if n := differing(want, got); n > 0 {
			t.Errorf("%v over %d ranks: %d of %d elements differ from those of one rank", lengths, r, n, len(want))
		}
	}
}

func TestOverHeadsEqualsOne(t *testing.T) {
	gqa := Config{Heads: 6, KVHeads: 3, HeadDim: 8}
	causal := gqa
	causal.Causal = true
	plain := Config{Heads: 3, KVHeads: 3, HeadDim: 24}
	alibi, t5, sinks, relative := gqa, gqa, causal, causal
	alibi.Terms.ALiBi = true
	t5.Terms.T5 = &attention.T5{Buckets: 8, MaxDistance: 32, Bidirectional: true}
	sinks.Terms.Sinks = true
	relative.Terms.Relative = true
	for _, c := range []struct {
		text   string
		config Config
	}{
		{"full", gqa}, {"full", causal}, {"window(100) | global(0)", gqa}, {"window(70)", sinks}, {"window(200)", alibi},
		{"window(50)", t5}, {"window(40)", relative}, {"bigbird(16, 3, 1, 2, 0)", plain},
		{"bigbird_eval(block=16)", gqa},
		{"performer(features=24, seed=3)", gqa}, {"elu", gqa}, {"relu", gqa}, {"nystrom(landmarks=16, conv=5)", plain}, {"nystrom", plain},
		{"nystrom(exact=1, conv=5)", plain},
	} {
		t.Run(fmt.Sprintf("%s/causal=%v", c.text, c.config.Causal), func(t *testing.T) {
			l := mustLayer(t, c.text, c.config)
			equalsOne(t, l, tensor.F32, []int{1}, []int{1, 4}, overHeads)
			equalsOne(t, l, tensor.BF16, []int{7}, []int{3}, overHeads)
			equalsOne(t, l, tensor.F32, []int{30, 513, 600}, []int{1, 2, 3, 4, 5}, overHeads)
			equalsOne(t, l, tensor.BF16, []int{513, 30}, []int{2}, overHeads)
		})
	}
}

// TestOverHeadsLong has sequences of more than one chunk, range or share unit a rank, and an empty one.
func TestOverHeadsLong(t *testing.T) {
	for text, c := range map[string]Config{
		"window(300)": {Heads: 2, HeadDim: 8, Causal: true}, "performer(features=8)": {Heads: 8, HeadDim: 8, Causal: true},
	} {
		equalsOne(t, mustLayer(t, text, c), tensor.F32, []int{6000, 0, 100}, []int{2, 5}, overHeads)
	}
}

// TestOverHeadsCross checks queries of other rows than keys, as Longformer's global tokens are: few of some sequences, and none of others.
func TestOverHeadsCross(t *testing.T) {
	l := mustLayer(t, "full", Config{Heads: 4, KVHeads: 2, HeadDim: 16, Cross: true})
	lengths := []int{900, 300, 700}
	seqs := []attention.Seq{{Q: 3, K: 900}, {K: 300}, {Q: 2, K: 700}}
	core, err := l.Compile(seqs)
	if err != nil {
		t.Fatal(err)
	}
	whole := newTape(l, tensor.F32, 5, 1900)
	if err := whole.run(tensor.Exec{}, core); err != nil {
		t.Fatal(err)
	}
	for ranks, queries := range map[int][]int{1: {0, 5}, 2: {0, 3, 5}, 3: {0, 3, 3, 5}, 4: {0, 2, 3, 3, 5}} {
		got := overRanks(t, l, newTape(l, tensor.F32, 5, 1900), lengths, ranks, func(l Layer, s *parallel.Share) (Core, error) {
			return overHeadsCross(l, s, seqs, queries)
		})
		if n := differing(whole.results(), got.results()); n > 0 {
			t.Errorf("%d ranks: %d elements differ from those of one rank", ranks, n)
		}
	}
}

func TestOverHeadsRefuses(t *testing.T) {
	l := mustLayer(t, "full", Config{Heads: 2, HeadDim: 8})
	s, err := parallel.NewShare(parallel.Dry(0, 2), []int{600})
	if err != nil {
		t.Fatal(err)
	}
	core, err := overHeads(l, s)
	if err != nil {
		t.Fatal(err)
	}
	row := tensor.New(tensor.F32, 512, 16)
	foreign := struct{ Layer }{l}
	_, notOurs := overHeads(foreign, s)
	_, cuts := overHeadsCross(l, s, []attention.Seq{{Q: 5, K: 600}}, []int{0, 6, 5})
	_, lengths := overHeadsCross(l, s, []attention.Seq{{Q: 5, K: 500}}, []int{0, 5, 5})
	in := In{attention.In{Q: row, K: row, V: row}, nil}
	for want, err := range map[string]error{
		"expected one that New returned":                notOurs,
		"found the cuts [0 6 5] of 5 queries":           cuts,
		"found the cuts [0 512 600] of 500 keys":        lengths,
		"mechanism: found O of 511×16, expected 512×16": core.Forward(tensor.Exec{}, Out{O: row.SliceRows(0, 511)}, in),
		"found 1 learned matrices, expected 0":          core.Forward(tensor.Exec{}, Out{O: row}, In{in.In, []tensor.Mat{row}}),
		"found DV of 512×8": core.Backward(tensor.Exec{}, Grads{DQ: row, DK: row, DV: row.SliceCols(0, 8)}, row,
			Out{O: row}, in),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found error %v, expected %q", err, want)
		}
	}
}
