package verify

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/linear"
	"github.com/longspan/longspan/attention/nystrom"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// performerChecks compare Performer with the softmax attention that it estimates, at more and more features. The error of an estimate by
// M independent draws falls as 1/√M: four times the features should halve it. It is a mean over draws, and must fall each time.
func performerChecks(Options) []check {
	const tokens, draws = 256, 8
	p := newProblem(tensor.F32, 6, kvHeads, tokens)
	scale(p.q, 0.5) // moderate norms: the variance grows with exp(‖q + k‖²)
	scale(p.k, 0.5)
	before := 1.0 // the error of zeros, which the fewest features must beat
	var checks []check
	for _, m := range []int{16, 64, 256, 1024} {
		checks = append(checks, check{name: fmt.Sprintf("%d features", m), dtype: "f32", level: kernel.Level(), run: func() (float64, float64, error) {
			want, err := softmax(p)
			if err != nil {
				return 0, 0, err
			}
			sum := 0.0
			for seed := range uint64(draws) {
				l, err := linear.New(linear.Config{Heads: heads, KVHeads: kvHeads, HeadDim: headDim, Features: m, Seed: seed}, p.lengths)
				if err != nil {
					return 0, 0, err
				}
				got := tensor.New(tensor.F32, tokens, heads*headDim)
				if err := l.Forward(tensor.Exec{}, got, attention.In{Q: p.q, K: p.k, V: p.v}); err != nil {
					return 0, 0, err
				}
				sum += distance(widen(got), widen(want))
			}
			bound := before
			before = sum / draws
			return before, bound, nil
		}})
	}
	return checks
}

// softmax is full attention over a problem.
func softmax(p problem) (tensor.Mat, error) {
	out := tensor.New(p.dtype, p.q.Rows, p.q.Cols)
	a, err := attention.New(attention.Config{Heads: heads, KVHeads: p.k.Cols / headDim, HeadDim: headDim}, attention.Self(p.lengths...))
	if err != nil {
		return out, err
	}
	return out, a.Forward(tensor.Exec{}, attention.Out{O: out}, attention.In{Q: p.q, K: p.k, V: p.v})
}

// smooth mixes each row with the one before it: x_t = 0.9·x_{t−1} + √(1−0.9²)·x_t, which keeps the variance.
func smooth(m tensor.Mat) {
	const keep = 0.9
	for t := 1; t < m.Rows; t++ {
		row, last := m.Row(t), m.Row(t-1)
		for i := range row {
			row[i] = keep*last[i] + float32(math.Sqrt(1-keep*keep))*row[i]
		}
	}
}

func scale(m tensor.Mat, by float32) {
	for i := range m.F32 {
		m.F32[i] *= by
	}
}

// nystromChecks compare Nyström, without its skip, with the softmax attention that it approximates, at more and more landmarks; with as many as
// tokens it is exact. Landmarks are means of neighbours, so tokens that are like their neighbours, as in text, are what it is for.
func nystromChecks(Options) []check {
	const tokens = 256
	p := newProblem(tensor.F32, 9, heads, tokens)
	smooth(p.q)
	smooth(p.k)
	before := 1.0
	var checks []check
	for _, m := range []int{8, 32, 128, tokens} {
		checks = append(checks, check{name: fmt.Sprintf("%d landmarks", m), dtype: "f32", level: kernel.Level(), run: func() (float64, float64, error) {
			want, err := softmax(p)
			if err != nil {
				return 0, 0, err
			}
			n, err := nystrom.New(nystrom.Config{Heads: heads, HeadDim: headDim, Landmarks: m}, p.lengths)
			if err != nil {
				return 0, 0, err
			}
			got := tensor.New(tensor.F32, tokens, heads*headDim)
			if err := n.Forward(tensor.Exec{}, got, nystrom.In{In: attention.In{Q: p.q, K: p.k, V: p.v}}); err != nil {
				return 0, 0, err
			}
			bound := before
			if m == tokens {
				bound = bounds[tensor.F32]
			}
			before = distance(widen(got), widen(want))
			return before, bound, nil
		}})
	}
	return checks
}
