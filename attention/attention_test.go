package attention

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/internal/kerneltest"
	"github.com/longspan/longspan/tensor"
)

// types are the storage types.
var types = []tensor.Type{tensor.F32, tensor.BF16, tensor.F16}

// normal returns a matrix of normal numbers, rounded to t.
func normal(t tensor.Type, rows, cols int, seed uint64) tensor.Mat {
	r, m := kerneltest.Rand(seed), tensor.New(t, rows, cols)
	for i := range rows {
		m.WriteRow(i, kerneltest.Normal(r, cols))
	}
	return m
}

func floats(n int, seed uint64) []float32 { return kerneltest.Normal(kerneltest.Rand(seed), n) }

// nanMat returns a matrix of NaN, so that an element that is not written is seen.
func nanMat(t tensor.Type, rows, cols int) tensor.Mat {
	m, row := tensor.New(t, rows, cols), make([]float32, cols)
	kerneltest.NaN(row)
	for i := range rows {
		m.WriteRow(i, row)
	}
	return m
}

func nanLike(m tensor.Mat) tensor.Mat { return nanMat(m.Type, m.Rows, m.Cols) }

// wide returns the elements of m in float64.
func wide(m tensor.Mat) []float64 {
	out, row := make([]float64, 0, m.Rows*m.Cols), make([]float32, m.Cols)
	for i := 0; i < m.Rows && m.Cols > 0; i++ {
		m.ReadRow(row, i)
		out = append(out, kerneltest.Float64(row)...)
	}
	return out
}

// sameBits fails the test where the elements of two matrices differ.
func sameBits(t testing.TB, name string, got, want tensor.Mat) {
	t.Helper()
	g, w := wide(got), wide(want)
	for i := range w {
		if math.Float64bits(g[i]) != math.Float64bits(w[i]) {
			t.Fatalf("%s[%d, %d] is %v, want %v", name, i/want.Cols, i%want.Cols, g[i], w[i])
		}
	}
}

// problem is one attention with its inputs.
type problem struct {
	c             Config
	seqs          []Seq
	q, k, v, dout tensor.Mat
}

func newProblem(c Config, seqs []Seq, typ tensor.Type, seed uint64) problem {
	tq, tk := 0, 0
	for _, s := range seqs {
		tq, tk = tq+s.Q, tk+s.K
	}
	if c.KVHeads == 0 {
		c.KVHeads = c.Heads
	}
	qw, kw := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	return problem{c, seqs, normal(typ, tq, qw, 4*seed), normal(typ, tk, kw, 4*seed+1), normal(typ, tk, kw, 4*seed+2), normal(typ, tq, qw,
		4*seed+3)}
}

func (p problem) compile(t testing.TB) *Attention {
	t.Helper()
	a, err := New(p.c, p.seqs)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// results are what Forward and Backward write.
type results struct {
	out, lse tensor.Mat
	g        Grads
}

// room is a place for results, filled with NaN.
func (p problem) room(bias *BiasGrads) results {
	r := results{out: nanLike(p.q), lse: nanMat(tensor.F32, p.c.Heads, p.q.Rows), g: Grads{DQ: nanLike(p.q), DK: nanLike(p.k),
		DV: nanLike(p.v), Bias: bias}}
	if p.c.Sinks != nil {
		r.g.Sinks = make([]float32, p.c.Heads)
		kerneltest.NaN(r.g.Sinks)
	}
	return r
}

// forward computes out and lse alone.
func (p problem) forward(t testing.TB, threads int) results {
	t.Helper()
	r := p.room(nil)
	if err := p.compile(t).Forward(tensor.Exec{Threads: threads}, Out{O: r.out, LSE: r.lse}, In{Q: p.q, K: p.k, V: p.v}); err != nil {
		t.Fatal(err)
	}
	return r
}

// run computes everything. The pool must be empty after each call.
func (p problem) run(t testing.TB, threads int, bias *BiasGrads) results {
	t.Helper()
	a, r, x := p.compile(t), p.room(bias), tensor.Exec{Threads: threads, Pool: tensor.NewPool()}
	if err := a.Forward(x, Out{O: r.out, LSE: r.lse}, In{Q: p.q, K: p.k, V: p.v}); err != nil {
		t.Fatal(err)
	}
	if n := x.Pool.InUse(); n != 0 {
		t.Errorf("Forward kept %d bytes of the pool", n)
	}
	if err := a.Backward(x, r.g, p.dout, Out{O: r.out, LSE: r.lse}, In{Q: p.q, K: p.k, V: p.v}); err != nil {
		t.Fatal(err)
	}
	if n := x.Pool.InUse(); n != 0 {
		t.Errorf("Backward kept %d bytes of the pool", n)
	}
	return r
}

// mats lists results by name.
func (r results) mats() []struct {
	name string
	m    tensor.Mat
} {
	return []struct {
		name string
		m    tensor.Mat
	}{{"out", r.out}, {"lse", r.lse}, {"dq", r.g.DQ}, {"dk", r.g.DK}, {"dv", r.g.DV}}
}

// same fails the test where two results differ in a bit.
func (r results) same(t testing.TB, want results) {
	t.Helper()
	other := want.mats()
	for i, x := range r.mats() {
		sameBits(t, x.name, x.m, other[i].m)
	}
	kerneltest.SameBits(t, r.g.Sinks, want.g.Sinks)
}

// naive is the definition in float64, forward and backward.
func (p problem) naive(t testing.TB) *NaiveInput { return p.naiveReporting(t, nil) }

// naiveReporting also reports the gradient of each score.
func (p problem) naiveReporting(t testing.TB, scores func(seq, head, q, k int, ds float64)) *NaiveInput {
	t.Helper()
	n := &NaiveInput{Q: wide(p.q), K: wide(p.k), V: wide(p.v), DOut: wide(p.dout), DScores: scores}
	if err := Naive(p.c, p.seqs, n); err != nil {
		t.Fatal(err)
	}
	if err := NaiveBackward(p.c, p.seqs, n); err != nil {
		t.Fatal(err)
	}
	return n
}

// near proves everything that was computed. The probabilities of the backward pass come from a rounded lse again, which dense code
// does not do: a relative error of |lse|·2⁻²³.
func (r results) near(t testing.TB, p problem, want, dense *NaiveInput) {
	t.Helper()
	r.nearForward(t, p, want, dense)
	again := greatest(want.LSE) * 0x1p-23
	near(t, "dq", p.q.Type, p.c.HeadDim, wide(r.g.DQ), dense.DQ, want.DQ, again*greatest(want.DQ))
	near(t, "dk", p.q.Type, p.c.HeadDim, wide(r.g.DK), dense.DK, want.DK, again*greatest(want.DK))
	near(t, "dv", p.q.Type, p.c.HeadDim, wide(r.g.DV), dense.DV, want.DV, again*greatest(want.DV))
	if r.g.Sinks != nil {
		near(t, "sinks", p.q.Type, 1, kerneltest.Float64(r.g.Sinks), dense.DSinks, want.DSinks, 0)
	}
}

func (r results) nearForward(t testing.TB, p problem, want, dense *NaiveInput) {
	t.Helper()
	near(t, "out", p.q.Type, p.c.HeadDim, wide(r.out), dense.Out, want.Out, 0)
	near(t, "lse", p.q.Type, 1, wide(r.lse), dense.LSE, want.LSE, 0)
}

// near proves numbers against the definition in float64. For float32 their error is at most ten times that of dense float32. For the
// 16-bit types it is at most 1.1 times that of an eager computation in the type: root mean squares, and what chance leaves between
// those of two times n draws (1 + 3/√n + 12/n follows the root of the F distribution's 99.9th percentile from n = 10 on), and the
// largest within a factor of 2 or two roundings to the type, of a probability and of the result. One draw is so many numbers together:
// those of one head of a row share their probabilities and their δ. Numbers that both have exactly, such as zeros of rows that see
// nothing, are none. The floor, beside what the caller allows, is a float32 rounding of numbers of that size.
func near(t testing.TB, name string, typ tensor.Type, together int, got, eager, want []float64, floor float64) {
	t.Helper()
	e, reference := kerneltest.Measure(got, want), kerneltest.Measure(eager, want)
	floor += 0x1p-23 * max(1, greatest(want))
	if typ == tensor.F32 {
		if !(e.Max <= 10*reference.Max+floor) {
			t.Errorf("%s: found %v; dense float32 has %.3g", name, e, reference.Max)
		}
		return
	}
	inexact := 0
	for i, w := range want {
		if got[i] != w || eager[i] != w {
			inexact++
		}
	}
	n := math.Ceil(float64(inexact) / float64(together))
	factor := 1.1 * (1 + 3/math.Sqrt(n) + 12/n)
	if n > 0 && !(e.RMS <= factor*reference.RMS+floor && e.Max <= max(2*factor*reference.Max+floor, 2*unitRoundoff[typ]*greatest(want))) {
		t.Errorf("%s: found %v; eager %s has max %.3g, rms %.3g", name, e, typ, reference.Max, reference.RMS)
	}
}

// unitRoundoff is the largest relative error of rounding to a type: 2^−p for p bits of precision.
var unitRoundoff = map[tensor.Type]float64{tensor.F32: 0x1p-24, tensor.BF16: 0x1p-8, tensor.F16: 0x1p-11}

// greatest is the size of the greatest finite number.
func greatest(x []float64) (high float64) {
	for _, v := range x {
		if !math.IsInf(v, 0) {
			high = max(high, math.Abs(v))
		}
	}
	return high
}

// randomPattern draws a pattern that any shape accepts, or that Check refuses.
func randomPattern(r *rand.Rand, depth int) pattern.Pattern {
	n := func(least, most int) int { return least + r.IntN(most-least+1) }
	switch n(0, 14) {
	case 0:
		return pattern.Full()
	case 1:
		return pattern.None()
	case 2:
		return pattern.Causal()
	case 3:
		return pattern.Window(n(0, 150))
	case 4:
		return pattern.WindowSides(n(0, 200), n(0, 40))
	case 5:
		return pattern.Dilated(n(0, 20), n(1, 9))
	case 6:
		return pattern.Global(n(0, 30), n(31, 90))
	case 7:
		return pattern.Segments(n(1, 100))
	case 8:
		return pattern.Strided(n(1, 40))
	case 9:
		return pattern.Summary(n(1, 40))
	case 10:
		return pattern.Prefix(n(0, 150))
	case 11:
		return pattern.BigBird(8*n(1, 4), 2*n(0, 2)+1, n(0, 2), n(0, 2), r.Uint64()>>1)
	}
	if depth == 0 {
		return pattern.Causal()
	}
	a, b := randomPattern(r, depth-1), randomPattern(r, depth-1)
	if r.IntN(2) == 0 {
		return pattern.And(a, b)
	}
	return pattern.Or(a, b)
}
