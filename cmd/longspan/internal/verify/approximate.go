package verify

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// performerChecks compare Performer with the softmax attention that it estimates, at more and more features. The error is a mean over
// draws of the features, and its bound what theory expects of M of them: see expectedError.
func performerChecks(Options) []check {
	const tokens, draws = 256, 8
	p := newProblem(tensor.F32, 6, kvHeads, tokens)
	scale(p.q, 0.5) // moderate norms: the variance grows with exp(‖q + k‖²)
	scale(p.k, 0.5)
	expected := 0.0 // of one feature; the same for all checks
	var checks []check
	for _, m := range []int{16, 64, 256, 1024} {
		checks = append(checks, check{name: fmt.Sprintf("%d features", m), dtype: "f32", level: kernel.Level(), run: func() (float64, float64,
			error) {
			want, err := softmax(p)
			if err != nil {
				return 0, 0, err
			}
			if expected == 0 {
				expected = expectedError(p)
			}
			sum := 0.0
			for seed := range uint64(draws) {
				l := layerOf(fmt.Sprintf("performer(features=%d, seed=%d)", m, seed), false, kvHeads)
				got, err := runLayer(l)(p, 0)
				if err != nil {
					return 0, 0, err
				}
				sum += distance(widen(got.out), widen(want))
			}
			return sum / draws, expected / math.Sqrt(float64(m)), nil
		}})
	}
	return checks
}

// expectedError is the error that one independent feature leaves in the output over all of p, relative to it; M features leave 1/√M of it.
//
// With q and k times D^−¼, an estimated weight is exp(q·k)·(1 + ε). For positive features (Choromanski et al. 2020, arXiv:2009.14794,
// lemma 2) the moments of Gaussians give E ε_j·ε_l = (exp((q + k_j)·(q + k_l)) − 1)/M. To first order an output errs by
// Σ_j p_j·ε_j·(v_j − o), so that with a_j = p_j·exp(q·k_j)
//
//	E ‖error‖² = exp(‖q‖²)/M · Σ_jl a_j·a_l·exp(k_j·k_l)·(v_j − o)·(v_l − o)
//
// Orthogonal features, which Performer draws, err less (theorem 2), and so do few features, where an error cannot grow with ε for ever.
func expectedError(p problem) float64 {
	unit := math.Pow(headDim, -0.25)
	squares, norm := 0.0, 0.0
	for h := range heads {
		kv := h * kvHeads / heads
		q, k, v := headRows(p.q, h, unit), headRows(p.k, kv, unit), headRows(p.v, kv, 1)
		kernelOf := gram(k, math.Exp)
		values := gram(v, func(x float64) float64 { return x })
		for _, query := range q {
			a, probs, sum := make([]float64, len(k)), make([]float64, len(k)), 0.0
			for j := range k {
				probs[j] = math.Exp(dot(query, k[j]))
				sum += probs[j]
			}
			o := make([]float64, headDim)
			for j := range k {
				a[j] = probs[j] * probs[j] / sum
				for i := range o {
					o[i] += probs[j] / sum * v[j][i]
				}
			}
			squares += math.Exp(dot(query, query)) * quadratic(a, kernelOf, values, v, o)
			norm += dot(o, o)
		}
	}
	return math.Sqrt(squares / norm)
}

// quadratic is Σ_jl a_j·a_l·g_jl·(v_j − o)·(v_l − o), values being v_j·v_l.
func quadratic(a []float64, g, values [][]float64, v [][]float64, o []float64) (sum float64) {
	along, length := make([]float64, len(v)), dot(o, o)
	for j := range v {
		along[j] = dot(v[j], o)
	}
	for j := range a {
		row := 0.0
		for l := range a {
			row += a[l] * g[j][l] * (values[j][l] - along[j] - along[l] + length)
		}
		sum += a[j] * row
	}
	return sum
}

// headRows is the rows of one head, times a factor.
func headRows(m tensor.Mat, head int, by float64) [][]float64 {
	rows := make([][]float64, m.Rows)
	for i := range rows {
		for _, x := range m.Row(i)[head*headDim : (head+1)*headDim] {
			rows[i] = append(rows[i], by*float64(x))
		}
	}
	return rows
}

// gram is f of the products of all pairs of rows.
func gram(rows [][]float64, f func(float64) float64) [][]float64 {
	g := make([][]float64, len(rows))
	for i := range g {
		for j := range rows {
			g[i] = append(g[i], f(dot(rows[i], rows[j])))
		}
	}
	return g
}

func dot(a, b []float64) (sum float64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// softmax is full attention over a problem.
func softmax(p problem) (tensor.Mat, error) {
	r, err := runLayer(layerOf("full", false, p.k.Cols/headDim))(p, 0)
	return r.out, err
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

// nystromChecks compare Nyström, without its skip, with the softmax attention that it approximates, at more and more landmarks; with
// as many as tokens it is exact. Landmarks are means of neighbours, so tokens that are like their neighbours, as in text, are what it
// is for.
func nystromChecks(Options) []check {
	const tokens = 256
	p := newProblem(tensor.F32, 9, heads, tokens)
	smooth(p.q)
	smooth(p.k)
	before := 1.0
	var checks []check
	for _, m := range []int{8, 32, 128, tokens} {
		checks = append(checks, check{name: fmt.Sprintf("%d landmarks", m), dtype: "f32", level: kernel.Level(), run: func() (float64, float64,
			error) {
			want, err := softmax(p)
			if err != nil {
				return 0, 0, err
			}
			got, err := runLayer(layerOf(fmt.Sprintf("nystrom(landmarks=%d)", m), false, heads))(p, 0)
			if err != nil {
				return 0, 0, err
			}
			bound := before
			if m == tokens {
				bound = bounds[tensor.F32]
			}
			before = distance(widen(got.out), widen(want))
			return before, bound, nil
		}})
	}
	return checks
}
