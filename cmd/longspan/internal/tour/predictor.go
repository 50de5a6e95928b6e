package tour

import (
	"math"

	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/tensor"
)

// The predictor guesses each base from those before it, by attention alone and with nothing trained. A token's query is the
// Context bases that end at it. A key is the Context bases that end just before another token, and its value is
// that token. So a query finds the earlier places with the same recent bases, and their values are what followed there:
// an n-gram model whose order is as long as the match, made of one attention call.
//
// The score of query i and key j is Σ_p w_p·[their bases p places back agree], w_p = strength·decay^p. It is q·k/√D, the usual scale,
// of vectors that hold √(w_p·√D) at the place of (p, base). Each head weighs otherwise, and the heads' guesses are averaged.
const (
	Context = 16          // bases that a query holds
	HeadDim = 4 * Context // one-hot: exactly one of four per base
)

// heads gives strength and decay of each head, from short and sure to long and loose. With full attention over the first
// 16,384 bases the four alone reach 1.933, 1.935, 1.947 and 1.957 bits a base (every 37th base from the 1,000th on).
var heads = [Heads]struct{ strength, decay float64 }{{3, 0.5}, {2, 0.8}, {1.5, 0.8}, {1, 0.9}}

// Heads is the number of heads of the predictor.
const Heads = 4

// Inputs returns q, k and v, each [T, Heads·HeadDim] F32, for bases without N. A causal pattern over them lets a token see
// only bases that came before the one it guesses.
func Inputs(bases []dna.Base) (q, k, v tensor.Mat) {
	tokens := len(bases)
	matrix := func() tensor.Mat { return tensor.New(tensor.F32, tokens, Heads*HeadDim) }
	q, k, v = matrix(), matrix(), matrix()
	for h, head := range heads {
		weight := head.strength
		for p := range Context {
			root := float32(math.Sqrt(weight * math.Sqrt(HeadDim)))
			for t := range tokens {
				if back := t - p; back >= 0 {
					q.Row(t)[h*HeadDim+4*p+int(bases[back])] = root
				}
				if back := t - 1 - p; back >= 0 {
					k.Row(t)[h*HeadDim+4*p+int(bases[back])] = root
				}
			}
			weight *= head.decay
		}
		for t := range tokens {
			v.Row(t)[h*HeadDim+int(bases[t])] = 1
		}
	}
	return q, k, v
}

// doubt is the part of each guess that is spread over all four bases, so that a wrong guess costs log2(4/doubt) bits at most.
const doubt = 0.05

// Bits is the mean −log2 of the probability that out, the attention's output over Inputs(bases), gives to the base that
// follows each token: 2 for a blind guess. What a head guesses is cut to 0 … ∞ and scaled to a sum of 1, because approximations
// of attention may leave both; a head that says nothing counts as blind.
func Bits(out tensor.Mat, bases []dna.Base) float64 {
	bits := 0.0
	for t := range len(bases) - 1 {
		p := 0.0
		for h := range heads {
			p += share(out.Row(t)[h*HeadDim:h*HeadDim+4], int(bases[t+1])) / Heads
		}
		bits -= math.Log2((1-doubt)*p + doubt/4)
	}
	return bits / float64(len(bases)-1)
}

// share is guess[base] over the sum of the guesses, all cut at 0.
func share(guess []float32, base int) float64 {
	sum := 0.0
	for _, g := range guess {
		sum += max(float64(g), 0)
	}
	if !(sum > 0) || math.IsInf(sum, 0) {
		return 0.25
	}
	return max(float64(guess[base]), 0) / sum
}

// Difference is ‖a − b‖ / ‖b‖ over all elements, Frobenius norm.
func Difference(a, b tensor.Mat) float64 {
	difference, norm := 0.0, 0.0
	for t := range b.Rows {
		row := a.Row(t)
		for i, y := range b.Row(t) {
			difference += (float64(row[i]) - float64(y)) * (float64(row[i]) - float64(y))
			norm += float64(y) * float64(y)
		}
	}
	return math.Sqrt(difference / norm)
}
