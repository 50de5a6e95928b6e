package attention

import (
	"fmt"
	"math"
	"testing"

	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/kerneltest"
	"github.com/longspan/longspan/tensor"
)

// TestSpansAreNaive proves rows of queries over several spans of keys, and rows of keys under several spans of queries: whole ones, and
// scattered ones that leave spans out.
func TestSpansAreNaive(t *testing.T) {
	for typ, p := range map[tensor.Type]pattern.Pattern{tensor.BF16: pattern.Full(),
		tensor.F32: pattern.Or(pattern.Window(100), pattern.Global(3, 17000), pattern.Strided(4096))} {
		for name, seqs := range map[string][]Seq{
			"keys":    {{Q: 2, K: 17500, Offset: 9000}, {Q: 1, K: 17001}},
			"queries": {{Q: 17500, K: 2, Start: 9000, Keys: 17500}},
		} {
			c := Config{Pattern: p, Heads: 2, KVHeads: 1, HeadDim: 8, Sinks: []float32{1, -3}}
			pr := newProblem(c, seqs, typ, 2)
			want, dense := pr.naive(t), pr.eager(t)
			kerneltest.Levels(t, func(t *testing.T) { pr.run(t, 1, nil).near(t, pr, want, dense) })
			pr.run(t, 3, nil).same(t, pr.run(t, 1, nil))
			if t.Failed() {
				t.Fatalf("%s, %s, %s", p, name, typ)
			}
		}
	}
}

// TestShortSpansAreOne holds that a sequence of one span has the bits of the sums without spans: those of its keys after many that are
// not seen.
func TestShortSpansAreOne(t *testing.T) {
	for _, typ := range types[:2] {
		late := newProblem(Config{Pattern: pattern.Segments(8192), Heads: 2, HeadDim: 16}, []Seq{{Q: 300, K: 8500, Offset: 8192}}, typ, 1)
		early := late
		early.seqs, early.k, early.v = Self(300), late.k.SliceRows(8192, 8492), late.v.SliceRows(8192, 8492)
		late.k, late.v, late.seqs = late.k.SliceRows(0, 8492), late.v.SliceRows(0, 8492), []Seq{{Q: 300, K: 8492, Offset: 8192}}
		got, want := late.run(t, 2, nil), early.run(t, 2, nil)
		got.g.DK, got.g.DV = got.g.DK.SliceRows(8192, 8492), got.g.DV.SliceRows(8192, 8492)
		got.same(t, want)
	}
}

// TestJoinOfSums holds the sums of two spans to the formula, and those of an empty one to the other's bits.
func TestJoinOfSums(t *testing.T) {
	const d = 8
	draw := func(seed uint64) (m, l, o []float32) {
		m, l, o = floats(kernel.Lanes, seed), floats(kernel.Lanes, seed+1), floats(d*kernel.Lanes, seed+2)
		for x := range l {
			l[x] = 1 + l[x]*l[x]
		}
		m[3], l[3] = kernel.NoScore, 0
		for p := range d {
			o[p*kernel.Lanes+3] = 0
		}
		return m, l, o
	}
	m, l, o := draw(1)
	m2, l2, o2 := draw(4)
	m2[3], l2[3] = 7, 2
	m2[5], l2[5] = kernel.NoScore, 0
	was := [3][]float32{append([]float32{}, m...), append([]float32{}, l...), append([]float32{}, o...)}
	joinSums(m, l, o, m2, l2, append([]float32{}, o2...), make([]float32, joinScratch))
	for x := range kernel.Lanes {
		a, b := math.Exp2(float64(was[0][x])), math.Exp2(float64(m2[x]))
		if x == 3 {
			a = 0
		}
		if x == 5 {
			b = 0
		}
		weight := math.Exp2(float64(m[x]))
		for p := -1; p < d; p++ {
			got, first, second := l[x], was[1][x], l2[x]
			if p >= 0 {
				got, first, second = o[p*kernel.Lanes+x], was[2][p*kernel.Lanes+x], o2[p*kernel.Lanes+x]
			}
			want := (a*float64(first) + b*float64(second)) / weight
			if math.Abs(float64(got)-want) > 1e-6*(1+math.Abs(want)) || x == 5 && got != first {
				t.Fatalf("lane %d, row %d: %v, want %v", x, p, got, want)
			}
		}
	}
}

func BenchmarkSpans(b *testing.B) {
	for _, p := range []pattern.Pattern{pattern.Window(512), pattern.Or(pattern.Window(512), pattern.Global(0)), pattern.Full()} {
		for _, tokens := range []int{8192, 16384} {
			for _, typ := range types[:2] {
				pr := newProblem(Config{Pattern: p, Heads: 1, HeadDim: 64}, Self(tokens), typ, 1)
				a, r, x := pr.compile(b), pr.room(nil), tensor.Exec{Threads: 1, Pool: tensor.NewPool()}
				in, out := In{Q: pr.q, K: pr.k, V: pr.v}, Out{O: r.out, LSE: r.lse}
				b.Run(fmt.Sprintf("%s/T=%d/%s/forward", p, tokens, typ), func(b *testing.B) {
					for b.Loop() {
						if err := a.Forward(x, out, in); err != nil {
							b.Fatal(err)
						}
					}
				})
				b.Run(fmt.Sprintf("%s/T=%d/%s/backward", p, tokens, typ), func(b *testing.B) {
					for b.Loop() {
						if err := a.Backward(x, r.g, pr.dout, out, in); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}
