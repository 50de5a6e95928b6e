package autograd

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
)

// farAttention is a batch with some queries that see all of their sequences.
type farAttention struct {
	o                    Unprojected
	attended, q, x, w, b tensor.Mat
	wide                 [5][]float64 // those five in float64
}

func newFarAttention(p Policy, o Unprojected, width int) *farAttention {
	f, rows := &farAttention{o: o}, 0
	for _, n := range o.Lengths {
		rows += n
	}
	r, heads, kv := rand.New(rand.NewPCG(3, 4)), o.Heads*o.HeadDim, 2*o.KVHeads*o.HeadDim
	f.attended, f.wide[0] = randomMat(r, p.Activations, rows, heads, 1)
	f.q, f.wide[1] = randomMat(r, p.Activations, len(o.Queries), heads, 2)
	f.x, f.wide[2] = randomMat(r, p.Activations, rows, width, 1)
	f.w, f.wide[3] = randomMat(r, tensor.F32, kv, width, 1/math.Sqrt(float64(width)))
	f.b, f.wide[4] = randomMat(r, tensor.F32, 1, kv, 1)
	return f
}

// naive makes keys and values, and attends to them.
func (f *farAttention) naive() []float64 {
	o, width, kv := f.o, f.x.Cols, f.o.KVHeads*f.o.HeadDim
	out := slices.Clone(f.wide[0])
	projected := make([]float64, f.x.Rows*2*kv)
	for i := range projected {
		row, col := i/(2*kv), i%(2*kv)
		projected[i] = f.wide[4][col] + dot64(f.wide[2][row*width:(row+1)*width], f.wide[3][col*width:(col+1)*width])
	}
	start, query := 0, 0
	for _, n := range o.Lengths {
		for ; query < len(o.Queries) && int(o.Queries[query]) < start+n; query++ {
			for h := range o.Heads {
				kvHead, sum, p := h/(o.Heads/o.KVHeads)*o.HeadDim, 0.0, make([]float64, n)
				at := (query*o.Heads + h) * o.HeadDim
				for j := range p {
					k := projected[(start+j)*2*kv+kvHead:][:o.HeadDim]
					p[j] = math.Exp(o.Scale * dot64(f.wide[1][at:at+o.HeadDim], k))
					sum += p[j]
				}
				for d := range o.HeadDim {
					value := 0.0
					for j := range p {
						value += p[j] / sum * projected[(start+j)*2*kv+kv+kvHead+d]
					}
					out[(int(o.Queries[query])*o.Heads+h)*o.HeadDim+d] = value
				}
			}
		}
		start += n
	}
	return out
}

// run is the result for the rows lo … hi−1, and what it took.
func (f *farAttention) run(p Policy, x tensor.Exec, share *parallel.Share, lo, hi int) (out []float32, peak int64, cost Cost, err error) {
	g := New(x, Options{Policy: p, Part: true})
	defer g.Close()
	o := f.o
	o.Share = share
	var rows, queries []int32
	for i := lo; i < hi; i++ {
		rows = append(rows, int32(i))
		if at, found := slices.BinarySearch(o.Queries, int32(i)); found {
			queries = append(queries, int32(at))
		}
	}
	take := func(m tensor.Mat, rows []int32) *Var { return g.Take(g.Input(m), rows) }
	y := g.Keep(g.AttendUnprojected(o, take(f.attended, rows), take(f.q, queries), take(f.x, rows), g.Input(f.w), g.Input(f.b)))
	if err := g.Forward(); err != nil {
		return nil, 0, Cost{}, err
	}
	if !x.Pool.Dry() {
		out = flat(y.Value())
	}
	return out, x.Pool.Peak(), g.Cost(), nil
}

var farAttentions = map[string]Unprojected{
	"one sequence": {Heads: 2, KVHeads: 2, HeadDim: 8, Scale: 0.35, Lengths: []int{70}, Queries: []int32{0}},
	"batch, shared keys": {Heads: 6, KVHeads: 2, HeadDim: 8, Scale: 0.3, Lengths: []int{40, 1, 0, 5, 33},
		Queries: []int32{0, 3, 40, 46, 47, 78}},
	"every row": {Heads: 3, KVHeads: 1, HeadDim: 16, Scale: 0.25, Lengths: []int{3, 4}, Queries: []int32{0, 1, 2, 3, 4, 5, 6}},
}

// TestAttendUnprojected compares with keys and values in float64. What is between is sums of D, of width, and of n terms, whose roundings
// in the types of the policy come to some √(D + width + n) at random.
func TestAttendUnprojected(t *testing.T) {
	const width = 24
	for name, o := range farAttentions {
		for p, unit := range map[Policy]float64{F32(): 0x1p-24, BF16(): 0x1p-9, FP16(): 0x1p-12} {
			f := newFarAttention(p, o, width)
			pool := tensor.NewPool()
			got, peak, cost, err := f.run(p, tensor.Exec{Threads: 1, Pool: pool}, nil, 0, f.x.Rows)
			if err != nil {
				t.Fatal(name, err)
			}
			compare(t, fmt.Sprintf("%s, %s", name, p), got, f.naive(), unit*math.Sqrt(float64(o.HeadDim+slices.Max(o.Lengths)+width)))
			if pool.InUse() != 0 {
				t.Errorf("%s: %d bytes did not come back", name, pool.InUse())
			}
			again, _, _, err := f.run(p, tensor.Exec{Threads: 3, Pool: tensor.NewPool()}, nil, 0, f.x.Rows)
			if err != nil || !slices.Equal(got, again) {
				t.Errorf("%s, %s: %v, or the bits depend on the threads", name, p, err)
			}
			_, dryPeak, dryCost, err := f.run(p, tensor.Exec{Threads: 1, Pool: tensor.NewDryPool()}, nil, 0, f.x.Rows)
			if err != nil || dryPeak != peak || dryCost != cost {
				t.Errorf("%s, %s: %v; peak %d and cost %v dry, %d and %v with data", name, p, err, dryPeak, dryCost, peak, cost)
			}
		}
	}
}

// TestAttendUnprojectedAlone holds that a sequence's bits do not depend on the others, and that a leaf is not written to.
func TestAttendUnprojectedAlone(t *testing.T) {
	f := newFarAttention(F32(), farAttentions["batch, shared keys"], 24)
	want, _, _, err := f.run(F32(), tensor.Exec{Pool: tensor.NewPool()}, nil, 0, f.x.Rows)
	if err != nil {
		t.Fatal(err)
	}
	start, query, width := 0, 0, f.attended.Cols
	for _, n := range f.o.Lengths {
		o := f.o
		o.Lengths, o.Queries = []int{n}, nil
		first := query
		for ; query < len(f.o.Queries) && int(f.o.Queries[query]) < start+n; query++ {
			o.Queries = append(o.Queries, f.o.Queries[query]-int32(start))
		}
		if query > first {
			g := New(tensor.Exec{}, Options{})
			before := slices.Clone(f.attended.F32)
			y := g.Keep(g.AttendUnprojected(o, g.Input(f.attended.SliceRows(start, start+n)), g.Input(f.q.SliceRows(first, query)),
				g.Input(f.x.SliceRows(start, start+n)), g.Input(f.w), g.Input(f.b)))
			if err := g.Forward(); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(flat(y.Value()), want[start*width:(start+n)*width]) {
				t.Errorf("the sequence of %d rows has other bits in the batch", n)
			}
			if !slices.Equal(before, f.attended.F32) {
				t.Error("the leaf was written to")
			}
			g.Close()
		}
		start += n
	}
}

// TestAttendUnprojectedOver holds that the rows of all ranks have the bits of one.
func TestAttendUnprojectedOver(t *testing.T) {
	o := Unprojected{Heads: 4, KVHeads: 2, HeadDim: 8, Scale: 0.3, Lengths: []int{7, 1700, 30, 0, 600}, Queries: []int32{1, 7, 8, 900, 1707, 2300}}
	for _, p := range []Policy{F32(), BF16()} {
		f := newFarAttention(p, o, 24)
		want, _, _, err := f.run(p, tensor.Exec{Pool: tensor.NewPool()}, nil, 0, f.x.Rows)
		if err != nil {
			t.Fatal(err)
		}
		for ranks := 1; ranks <= 5; ranks++ {
			got, errs := make([][]float32, ranks), make([]error, ranks)
			var all sync.WaitGroup
			for r, e := range parallel.Local(ranks) {
				all.Go(func() {
					share, err := parallel.NewShare(e, o.Lengths)
					if err != nil {
						errs[r] = err
						return
					}
					lo, hi := share.Own()
					got[r], _, _, errs[r] = f.run(p, tensor.Exec{Threads: 1, Pool: tensor.NewPool()}, share, lo, hi)
				})
			}
			all.Wait()
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(slices.Concat(got...), want) {
				t.Errorf("%s over %d ranks: other bits", p, ranks)
			}
		}
	}
}

func TestAttendUnprojectedRefuses(t *testing.T) {
	for want, change := range map[string]func(o *Unprojected, f *farAttention){
		"found 5 heads, 2 key/value heads":              func(o *Unprojected, _ *farAttention) { o.Heads = 5 },
		"found length -1 of sequence 0":                 func(o *Unprojected, _ *farAttention) { o.Lengths = []int{-1} },
		"found row 79 of query 1, expected rising rows": func(o *Unprojected, _ *farAttention) { o.Queries = []int32{0, 79} },
		"found row 4 of query 1, expected rising rows":  func(o *Unprojected, _ *farAttention) { o.Queries = []int32{5, 4} },
		"found 79×48 attended rows, 5×48 queries":       func(_ *Unprojected, f *farAttention) { f.q = f.q.SliceRows(0, 5) },
		"found weights of f32 31×24, expected a leaf":   func(_ *Unprojected, f *farAttention) { f.w = f.w.SliceRows(0, 31) },
		"found a bias of f32 1×30, expected":            func(_ *Unprojected, f *farAttention) { f.b = f.b.SliceCols(0, 30) },
		"expected rows without gaps":                    func(_ *Unprojected, f *farAttention) { f.x = f.x.SliceCols(0, 20) },
	} {
		o := farAttentions["batch, shared keys"]
		f := newFarAttention(F32(), o, 24)
		change(&o, f)
		g := New(tensor.Exec{}, Options{})
		g.AttendUnprojected(o, g.Input(f.attended), g.Input(f.q), g.Input(f.x), g.Input(f.w), g.Input(f.b))
		if err := g.Forward(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found error %v, expected %q", err, want)
		}
		g.Close()
	}
	g := New(tensor.Exec{}, Options{Train: true})
	g.AttendUnprojected(Unprojected{}, nil, nil, nil, nil, nil)
	if err := g.Forward(); err == nil || !strings.Contains(err.Error(), "expected one without Options.Train") {
		t.Errorf("a graph that trains: %v", err)
	}
}
