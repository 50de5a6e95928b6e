package attention

import (
	"math"
	"strings"
	"testing"

	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/internal/kerneltest"
	"github.com/longspan/longspan/tensor"
)

// parts cuts the keys of a problem of one sequence at the given positions.
func (p problem) parts(cuts ...int) []problem {
	var parts []problem
	s, from := p.seqs[0], 0
	for _, to := range append(cuts, s.K) {
		part := p
		part.seqs = []Seq{{Q: s.Q, K: to - from, Offset: s.Offset, Start: from, Keys: s.K}}
		part.k, part.v = p.k.SliceRows(from, to), p.v.SliceRows(from, to)
		if len(parts) > 0 {
			part.c.Sinks = nil // they join the softmax once
		}
		parts = append(parts, part)
		from = to
	}
	return parts
}

// ring runs every part forward, merges, and runs every part backward with the merged result, as the ranks of a ring do.
func ring(t *testing.T, p problem, parts []problem) results {
	t.Helper()
	x := tensor.Exec{Threads: 2, Pool: tensor.NewPool()}
	var whole Out
	for i, part := range parts {
		r := part.room(nil)
		out := Out{O: r.out, LSE: r.lse}
		if err := part.compile(t).Forward(x, out, In{Q: p.q, K: part.k, V: part.v}); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			whole = out
		} else if err := Merge(x, whole, out); err != nil {
			t.Fatal(err)
		}
	}
	all := p.room(nil)
	all.out, all.lse = whole.O, whole.LSE
	clear(all.g.DQ.F32)
	for _, part := range parts {
		at := part.seqs[0]
		g := Grads{DQ: nanLike(p.q), DK: all.g.DK.SliceRows(at.Start, at.Start+at.K), DV: all.g.DV.SliceRows(at.Start, at.Start+at.K)}
		if part.c.Sinks != nil {
			g.Sinks = all.g.Sinks
		}
		if err := part.compile(t).Backward(x, g, p.dout, whole, In{Q: p.q, K: part.k, V: part.v}); err != nil {
			t.Fatal(err)
		}
		for i, share := range g.DQ.F32 {
			all.g.DQ.F32[i] += share
		}
	}
	if n := x.Pool.InUse(); n != 0 {
		t.Errorf("%d bytes of the pool were kept", n)
	}
	return all
}

// TestMergedPartsAreTheWhole holds that keys in parts, wherever they begin, give the definition over all of them, forward and backward.
func TestMergedPartsAreTheWhole(t *testing.T) {
	r := kerneltest.Rand(7)
	late, ran := 0, 0
	for i := range 60 {
		s := Seq{Q: 1 + r.IntN(70), K: 60 + r.IntN(120)}
		s.Offset = r.IntN(s.K - min(s.Q, 50))
		c := Config{Pattern: randomPattern(r, 2), Heads: 2, KVHeads: 1, HeadDim: 8}
		switch i % 6 {
		case 1:
			c.Sinks = floats(2, uint64(i))
		case 2:
			c.Bias = ALiBi{}
		case 3:
			c.Bias = T5{Table: floats(64, 1), Buckets: 32, MaxDistance: 60, Bidirectional: true}
		case 4:
			c.Bias = relativeBias(16, 4, -300, 600)
		case 5:
			c.Bias = Repeat{Block: 9, Times: 3, Longer: 80}
		}
		p := newProblem(c, []Seq{s}, tensor.F32, uint64(i))
		if _, err := New(p.c, p.seqs); err != nil {
			continue // BigBird beyond the keys, or a global position past them
		}
		ran++
		cuts := []int{r.IntN(s.K), s.K}
		cuts[0], cuts[1] = min(cuts[0], s.K/2), s.K/2+r.IntN(s.K/2)
		parts := p.parts(cuts...)
		if parts[1].seqs[0].Start > s.Offset {
			late++
		}
		ring(t, p, parts).near(t, p, p.naive(t), p.eager(t))
		if t.Failed() {
			t.Fatalf("%s with %T over %+v cut at %v", c.Pattern, c.Bias, s, cuts)
		}
	}
	if ran < 40 || late < 10 {
		t.Errorf("%d problems ran, %d of them with keys that begin after the queries", ran, late)
	}
}

// TestPartsAreNaive compares parts of keys with the definition, on every level and in every type.
func TestPartsAreNaive(t *testing.T) {
	for i, s := range []Seq{
		{Q: 40, K: 150, Offset: 5, Start: 100, Keys: 400}, // after the queries
		{Q: 40, K: 33, Offset: 90, Start: 75, Keys: 200},  // among them
		{Q: 33, K: 64, Offset: 300, Start: 31, Keys: 130}, // before them, and no keys after
	} {
		for _, c := range []Config{
			{Pattern: pattern.Or(pattern.Window(60), pattern.Segments(64))},
			{Pattern: pattern.Causal(), Bias: ALiBi{}},
			{Pattern: pattern.Or(pattern.Global(3, 120), pattern.Dilated(30, 3))},
		} {
			c.Heads, c.HeadDim = 2, 16
			p := newProblem(c, []Seq{s}, types[i], 1)
			want, dense := p.naive(t), p.eager(t)
			kerneltest.Levels(t, func(t *testing.T) { p.run(t, 2, nil).near(t, p, want, dense) })
		}
	}
}

func TestMergeTakesTheBitsOfOneSide(t *testing.T) {
	none := float32(math.Inf(-1))
	for _, typ := range types {
		a, b := Out{normal(typ, 3, 8, 1), normal(tensor.F32, 2, 3, 2)}, Out{normal(typ, 3, 8, 3), normal(tensor.F32, 2, 3, 4)}
		a.LSE.Row(0)[0], b.LSE.Row(1)[1] = none, none
		a.LSE.Row(1)[2], b.LSE.Row(1)[2] = none, none
		was := append(wide(a.O), wide(a.LSE)...)
		if err := Merge(tensor.Exec{}, a, b); err != nil {
			t.Fatal(err)
		}
		got, other := wide(a.O), wide(b.O)
		for i := range 4 {
			if got[i] != other[i] || got[12+i] != was[12+i] || got[20+i] != 0 {
				t.Fatalf("%s: column %d is %v, %v and %v, expected the other side's, its own and 0", typ, i, got[i], got[12+i], got[20+i])
			}
		}
		if lse := a.LSE; lse.Row(0)[0] != b.LSE.Row(0)[0] || float64(lse.Row(1)[1]) != was[24+4] || lse.Row(1)[2] != none {
			t.Errorf("%s: the merged LSE is %v", typ, lse.F32)
		}
	}
}

// TestMergeIsTheFormula merges numbers whose weights leave float32 if they are not taken relative to the greater.
func TestMergeIsTheFormula(t *testing.T) {
	const rows, h, d = 150, 2, 8
	for _, typ := range types {
		a, b := Out{normal(typ, rows, h*d, 1), tensor.New(tensor.F32, h, rows)}, Out{normal(typ, rows, h*d, 2), tensor.New(tensor.F32, h, rows)}
		for i := range a.LSE.F32 {
			a.LSE.F32[i], b.LSE.F32[i] = float32(i*7-900), float32(i*7-900+i%9-4)
		}
		want := make([]float64, rows*h*d)
		wa, wb := wide(a.O), wide(b.O)
		for i := range want {
			head := i / d % h
			x, y := float64(a.LSE.Row(head)[i/(h*d)]), float64(b.LSE.Row(head)[i/(h*d)])
			want[i] = (wa[i] + math.Exp(y-x)*wb[i]) / (1 + math.Exp(y-x))
		}
		if err := Merge(tensor.Exec{Threads: 3}, a, b); err != nil {
			t.Fatal(err)
		}
		for i, got := range wide(a.O) { // two products and a sum in float32, and a rounding to the type
			if bound := 4 * 0x1p-24 * 8; math.Abs(got-want[i]) > bound+unitRoundoff[typ]*math.Abs(want[i]) {
				t.Fatalf("%s: element %d is %v, want %v", typ, i, got, want[i])
			}
		}
	}
}

func TestMergeRefuses(t *testing.T) {
	o, lse := tensor.New(tensor.F32, 5, 16), tensor.New(tensor.F32, 2, 5)
	good := Out{o, lse}
	for want, x := range map[string][2]Out{
		"without LSE":                     {good, {O: o}},
		"found O to merge of 4×16":        {good, {o.SliceRows(0, 4), lse}},
		"found LSE to merge of 2×4":       {good, {o, lse.SliceCols(0, 4)}},
		"found LSE of bf16":               {good, {o, tensor.New(tensor.BF16, 2, 5)}},
		"columns and LSE of 3 heads":      {{o, tensor.New(tensor.F32, 3, 5)}, {o, tensor.New(tensor.F32, 3, 5)}},
		"expected all matrices with data": {good, {tensor.Mat{Rows: 5, Cols: 16, Stride: 16}, lse}},
	} {
		if err := Merge(tensor.Exec{}, x[0], x[1]); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found error %v, expected %q", err, want)
		}
	}
	for want, s := range map[string]Seq{
		"found -1 keys":                         {Q: 1, K: -1},
		"keys from position -1 on":              {Q: 1, K: 1, Start: -1},
		"found 5 keys from position 6 on, of 9": {Q: 1, K: 5, Start: 6, Keys: 9},
	} {
		if _, err := New(Config{Heads: 1, HeadDim: 8}, []Seq{s}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found error %v, expected %q", err, want)
		}
	}
}

func TestMergeOfDryMatrices(t *testing.T) {
	dry := Out{tensor.Mat{Rows: 500, Cols: 16, Stride: 16}, tensor.Mat{Rows: 2, Cols: 500, Stride: 500}}
	wet := Out{tensor.New(tensor.F32, 500, 16), tensor.New(tensor.F32, 2, 500)}
	peaks := []int64{}
	for _, x := range []struct {
		pool *tensor.Pool
		out  Out
	}{{tensor.NewDryPool(), dry}, {tensor.NewPool(), wet}} {
		if err := Merge(tensor.Exec{Threads: 3, Pool: x.pool}, x.out, x.out); err != nil {
			t.Fatal(err)
		}
		peaks = append(peaks, x.pool.Peak())
	}
	if peaks[0] != peaks[1] || peaks[0] == 0 {
		t.Errorf("a dry run took %d bytes, the real one %d", peaks[0], peaks[1])
	}
}
