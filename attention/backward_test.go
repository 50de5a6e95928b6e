package attention

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/tensor"
)

// TestNaiveBackwardIsTheDerivative compares the reference's gradients with central differences of the reference, in float64.
func TestNaiveBackwardIsTheDerivative(t *testing.T) {
	relative := Relative{U: floats(2*8, 1), V: floats(2*8, 2), R: normal(tensor.F32, 30, 2*8, 3), First: -12}
	for name, c := range map[string]Config{
		"plain":    {Pattern: pattern.Causal()},
		"cap":      {SoftCap: 2, Scale: 1},
		"sinks":    {Sinks: []float32{0.3, -1}},
		"alibi":    {Bias: ALiBi{}},
		"relative": {Bias: relative},
		"repeat":   {Bias: Repeat{Block: 2, Times: 3, Longer: 3}},
	} {
		t.Run(name, func(t *testing.T) {
			c.Heads, c.KVHeads, c.HeadDim = 2, 1, 8
			pr := newProblem(c, []Seq{{Q: 5, K: 9, Offset: 4}, {Q: 3, K: 3}}, tensor.F32, 5)
			n := pr.naive(t)
			loss := func() (sum float64) {
				moved := &NaiveInput{Q: n.Q, K: n.K, V: n.V}
				if err := Naive(pr.c, pr.seqs, moved); err != nil {
					t.Fatal(err)
				}
				for i, o := range moved.Out {
					sum += o * n.DOut[i]
				}
				return sum
			}
			for _, x := range []struct {
				name    string
				at, got []float64
			}{{"dq", n.Q, n.DQ}, {"dk", n.K, n.DK}, {"dv", n.V, n.DV}} {
				for i := range x.at {
					const h = 1e-5
					was := x.at[i]
					x.at[i] = was + h
					up := loss()
					x.at[i] = was - h
					down := loss()
					x.at[i] = was
					if want := (up - down) / (2 * h); math.Abs(x.got[i]-want) > 1e-8 {
						t.Errorf("%s[%d] = %g, central difference %g", x.name, i, x.got[i], want)
					}
				}
			}
		})
	}
}

func BenchmarkBackward(b *testing.B) {
	for _, p := range []pattern.Pattern{pattern.Full(), pattern.Causal(), pattern.Window(512)} {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/T=8192/D=64/threads=%d", p, threads), func(b *testing.B) {
				pr := newProblem(Config{Pattern: p, Heads: 4, HeadDim: 64}, Self(8192), tensor.F32, 1)
				a, err := New(pr.c, pr.seqs)
				if err != nil {
					b.Fatal(err)
				}
				like := func(m tensor.Mat) tensor.Mat { return tensor.New(m.Type, m.Rows, m.Cols) }
				out, lse, x := like(pr.q), tensor.New(tensor.F32, 4, 8192), tensor.Exec{Threads: threads, Pool: tensor.NewPool()}
				if err := a.Forward(x, Out{O: out, LSE: lse}, In{Q: pr.q, K: pr.k, V: pr.v}); err != nil {
					b.Fatal(err)
				}
				g := Grads{DQ: like(pr.q), DK: like(pr.k), DV: like(pr.v)}
				for b.Loop() {
					if err := a.Backward(x, g, pr.dout, Out{O: out, LSE: lse}, In{Q: pr.q, K: pr.k, V: pr.v}); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(a.BackwardFlops()*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}

// TestApart holds that every head comes once.
func TestApart(t *testing.T) {
	for n := range 10 {
		seen := make([]bool, n)
		for i := range n {
			seen[apart(i, n)] = true
		}
		if slices.Contains(seen, false) {
			t.Errorf("of %d heads, %v came", n, seen)
		}
	}
}
