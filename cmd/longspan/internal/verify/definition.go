package verify

import (
	"math/rand/v2"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/tensor"
)

// dtypes are the storage types, and bounds the largest relative error of each against the definition in float64 over the same rounded
// inputs.
//
//   - f32: an output is a mean of up to 200 terms, a gradient a sum of as many, and each carries a few roundings of 2^-24; the exponents of
//     the softmax add some more. 2^-18 is 64 of them.
//   - bf16 and f16: the result is rounded, by up to 2^-8 and 2^-11 of it, and so may the factors of a product be: probabilities, and
//     queries times the scale. Such errors average out over the keys; the last one does not. Two whole roundings of the largest
//     element are allowed.
var (
	dtypes = []tensor.Type{tensor.F32, tensor.BF16, tensor.F16}
	bounds = map[tensor.Type]float64{tensor.F32: 0x1p-18, tensor.BF16: 0x1p-7, tensor.F16: 0x1p-10}
)

// batch has a sequence that fills no tile, one of a single token, an empty one, which global positions do not fit, and one longer than a
// block of keys.
var batch = []int{45, 1, 0, 170}

// exact lists the mechanisms that give the same bits in any batch and at any number of threads.
func (o Options) exact() []subject {
	all := []subject{
		flash("full"), flash("causal"), flash("window(20)"), flash("bigbird(16, 3, 2, 3)"),
		ofText(performerText, true), ofText("elu", false), ofText("nystrom(landmarks=32, conv=5)", false),
	}
	if o.Quick {
		return all
	}
	all = append(all, biased()...)
	return append(all,
		flash("causal & window(33, 0)"), flash("window(20, 5)"), flash("longformer(20, 0)").over(45, 1, 170), flash("dilated(8, 4)"),
		flash("segments(50)"), flash("segments(16) | summary(16)"), flash("strided(7)"), flash("window2d(12, 2)"),
		flash("causal | prefix(11)").over(45, 11, 170), flash("none"),
		ofText(performerText, false), ofText("elu", true), ofText("relu", false), ofText("relu", true))
}

// biased are attentions whose scores are more than products of queries and keys.
func biased() []subject {
	const buckets, longest = 8, 170
	// A quarter keeps the scores near those of the products alone, for which the bounds are made.
	random := func(rows, cols int) tensor.Mat {
		m := normal(rand.New(rand.NewPCG(10, 1)), tensor.F32, rows, cols)
		scale(m, 0.25)
		return m
	}
	return []subject{
		flashWith("causal", ", ALiBi", func(c *attention.Config) { c.Bias = attention.ALiBi{} }),
		flashWith("window(20)", ", T5 buckets", func(c *attention.Config) {
			c.Bias = attention.T5{Table: random(buckets, heads).F32, Buckets: buckets, MaxDistance: 16, Bidirectional: true}
		}),
		flashWith("causal", ", Transformer-XL", func(c *attention.Config) {
			c.Bias = attention.Relative{U: random(1, heads*headDim).F32, V: random(1, heads*headDim).F32, R: random(longest, heads*headDim)}
		}),
		flashWith("bigbird(20, 3, 2, 0, 0)", ", first block 4 times", func(c *attention.Config) {
			c.Bias = attention.Repeat{Block: 20, Times: 4, Longer: 45}
		}),
		flashWith("causal", ", soft cap, sinks", func(c *attention.Config) {
			c.SoftCap, c.Sinks = 2, random(1, heads).F32
		}),
	}
}

// naiveChecks compare every mechanism with its definition, at every level and type.
func naiveChecks(o Options) []check {
	var checks []check
	for _, m := range o.exact() {
		for _, t := range dtypes {
			p := newProblem(t, 1, m.kvHeads, m.lengths...)
			var want []float64 // the same at every level
			for _, l := range o.levels() {
				checks = append(checks, check{name: m.name, dtype: t.String(), level: l, run: func() (float64, float64, error) {
					got, err := m.run(p, 0)
					if err == nil && want == nil {
						want, err = m.naive(p)
					}
					if err != nil {
						return 0, 0, err
					}
					return worst(got, want), bounds[t], nil
				}})
			}
		}
	}
	return checks
}

// worst is the largest relative error of the output and of each gradient, which have sizes of their own.
func worst(got answer, want []float64) float64 {
	found := 0.0
	for _, m := range []tensor.Mat{got.out, got.dq, got.dk, got.dv} {
		n := m.Rows * m.Cols
		found, want = max(found, relative(widen(m), want[:n])), want[n:]
	}
	return found
}
