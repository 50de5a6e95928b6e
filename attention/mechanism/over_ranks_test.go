package mechanism

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"

	"github.com/longspan/longspan/attention"
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
	all.Add(parallel.CountParts(send, recv))
	c.by[name] = all
	return c.Engine.Begin(name, send, recv)
}

// halosOf computes a batch on ranks that are goroutines, and returns the run and the bytes of each. The bytes, and the peak of the pool,
// are those of a dry run.
func halosOf(t *testing.T, l Layer, whole *run, lengths []int, ranks int, make over) ([]*run, []map[string]parallel.Counts) {
	t.Helper()
	var group sync.WaitGroup
	parts, moved, failed := makeSlice[*run](ranks), makeSlice[map[string]parallel.Counts](ranks), makeSlice[error](ranks)
	for r, e := range parallel.Local(ranks) {
		group.Go(func() {
			counted := &counting{e, map[string]parallel.Counts{}}
			if failed[r] = func() error {
				s, err := parallel.NewShare(counted, lengths)
				if err != nil {
					return err
				}
				c, err := make(l, s)
				if err != nil {
					return err
				}
				parts[r], moved[r] = whole.rows(s.Own()), counted.by
				x := tensor.Exec{Threads: 1, Pool: tensor.NewPool()}
				if err := parts[r].compute(x, c); err != nil {
					return err
				}
				return dryRun(l, s, make, parts[r].dry(), counted.by, x.Pool.Peak())
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
func dryRun(l Layer, s *parallel.Share, make over, r *run, moved map[string]parallel.Counts, peak int64) error {
	plan, pool := parallel.Dry(s.Engine.Rank(), s.Engine.Size()), tensor.NewDryPool()
	of := *s
	of.Engine = plan
	c, err := make(l, &of)
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
func sameAsOne(t *testing.T, l Layer, typ tensor.Type, lengths []int, make over, ranks ...int) {
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
		parts, _ := halosOf(t, l, whole, lengths, n, make)
		at := 0
		sums := makeSlice[[]float64](len(want.learnedGrads))
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

// withHalo makes the core of a halo, with long rows from a limit on.
func withHalo(limit longLimit) over {
	return func(l Layer, s *parallel.Share) (Core, error) {
		n, err := l.(softmaxLayer).needs(s, limit)
		if err != nil {
			return nil, err
		}
		return overHalo(l.(softmaxLayer), s, n)
	}
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
