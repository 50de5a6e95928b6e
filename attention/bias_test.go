package attention

import (
	"fmt"
	"math"
	"testing"

	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/internal/kerneltest"
	"github.com/longspan/longspan/tensor"
)

// biasHeads and biasDim are the heads of biasProblems.
const biasHeads, biasDim = 4, 24

// relativeFirst is the least distance that biasProblems have, with some to spare, and relativeRows how many there are.
const relativeFirst, relativeRows = -60, 720

// biasProblems are configurations with something added to the scores, each with room for its gradients.
func biasProblems(seqs []Seq) map[string]func() (Config, *BiasGrads) {
	const h, d = biasHeads, biasDim
	shared := func(n int) [][]tensor.Mat {
		mats := make([][]tensor.Mat, len(seqs))
		for i, s := range seqs {
			for j := range n {
				m := normal(tensor.F32, s.Q, s.K, uint64(10*i+j))
				if s.Q > 3 && s.K > 9 {
					m.F32[2*m.Stride+7] = float32(math.Inf(-1))
				}
				mats[i] = append(mats[i], m)
			}
		}
		return mats
	}
	t5 := T5{Table: floats(32*h, 4), Buckets: 32, MaxDistance: 128, Bidirectional: true}
	relative := Relative{U: floats(h*d, 1), V: floats(h*d, 2), R: normal(tensor.F32, relativeRows, h*d, 3), First: relativeFirst}
	return map[string]func() (Config, *BiasGrads){
		"cap":   func() (Config, *BiasGrads) { return Config{SoftCap: 3}, nil },
		"sinks": func() (Config, *BiasGrads) { return Config{Sinks: floats(h, 9), Pattern: pattern.Causal()}, nil },
		"alibi": func() (Config, *BiasGrads) { return Config{Bias: ALiBi{}}, nil },
		"cap and alibi, causal": func() (Config, *BiasGrads) {
			return Config{SoftCap: 3, Bias: ALiBi{}, Pattern: pattern.Causal()}, nil
		},
		"t5": func() (Config, *BiasGrads) { return Config{Bias: t5}, &BiasGrads{Table: floats(32*h, 1)} },
		"repeat": func() (Config, *BiasGrads) {
			return Config{Bias: Repeat{Block: 20, Times: 4, Longer: 39}, Pattern: pattern.BigBird(20, 3, 2, 0, 0)}, nil
		},
		"cap and repeat, over all": func() (Config, *BiasGrads) {
			return Config{SoftCap: 3, Bias: Repeat{Block: 7, Times: 3}}, nil
		},
		"relative": func() (Config, *BiasGrads) {
			return Config{Bias: relative}, &BiasGrads{U: floats(h*d, 1), V: floats(h*d, 1), R: nanMat(tensor.F32, relativeRows, h*d)}
		},
		"matrix": func() (Config, *BiasGrads) {
			return Config{Bias: Matrix{shared(h)}}, &BiasGrads{Mats: shared(h)}
		},
		"shared matrix, window": func() (Config, *BiasGrads) {
			return Config{Bias: Matrix{shared(1)}, Pattern: pattern.Window(40)}, &BiasGrads{Mats: shared(1)}
		},
	}
}

// TestBiasesAreNaive proves out and all gradients on every level. The gradients of a bias are held to those that the dense computation
// leads to.
func TestBiasesAreNaive(t *testing.T) {
	for typ, seqs := range map[tensor.Type][]Seq{
		tensor.F32:  {{Q: 40, K: 40}, {Q: 9, K: 530, Offset: 490}, {Q: 3, K: 3}, {}},
		tensor.BF16: {{Q: 40, K: 40}, {Q: 9, K: 140, Offset: 131}, {}},
	} {
		for name, make := range biasProblems(seqs) {
			t.Run(fmt.Sprintf("%s/%s", typ, name), func(t *testing.T) {
				c, _ := make()
				c.Heads, c.KVHeads, c.HeadDim = biasHeads, 2, biasDim
				pr := newProblem(c, seqs, typ, 8)
				exact, rounded := newBiasSums(pr, false), newBiasSums(pr, true)
				want, dense := pr.naiveReporting(t, exact.add), pr.eagerReporting(t, rounded.add)
				kerneltest.Levels(t, func(t *testing.T) {
					_, grads := make()
					got := pr.run(t, 2, grads)
					got.near(t, pr, want, dense)
					if grads != nil { // not to want them changes nothing else
						pr.run(t, 2, nil).same(t, got)
					}
					for name, got := range flatBias(grads) {
						near(t, name, typ, 1, got, rounded.sums[name], exact.sums[name], 0)
					}
				})
			})
		}
	}
}

// flatBias lists the gradients of a bias by name.
func flatBias(g *BiasGrads) map[string][]float64 {
	flat := map[string][]float64{}
	if g == nil {
		return flat
	}
	for name, x := range map[string][]float32{"table": g.Table, "side": g.Side, "u": g.U, "v": g.V, "r": g.R.F32} {
		if x != nil {
			flat[name] = kerneltest.Float64(x)
		}
	}
	for i, mats := range g.Mats {
		for j, m := range mats {
			flat[matrixName(i, j)] = wide(m)
		}
	}
	return flat
}

func matrixName(seq, i int) string { return fmt.Sprintf("matrix %d of sequence %d", i, seq) }

// biasSums sums the gradients of a bias from those of the scores, in float64 or in float32.
type biasSums struct {
	pr     problem
	q, k   []float64
	c      Config
	single bool
	sums   map[string][]float64
}

func newBiasSums(pr problem, single bool) *biasSums {
	c, _ := pr.c.resolve()
	b := &biasSums{pr, wide(pr.q), wide(pr.k), c, single, map[string][]float64{}}
	switch bias := c.Bias.(type) {
	case T5:
		b.sums["table"] = make([]float64, len(bias.Table))
	case T5Summaries:
		b.sums["table"], b.sums["side"] = make([]float64, len(bias.Tokens.Table)), make([]float64, len(bias.Side))
	case Relative:
		b.sums["u"], b.sums["v"], b.sums["r"] = make([]float64, len(bias.U)), make([]float64, len(bias.V)), make([]float64, len(bias.R.F32))
	case Matrix:
		for i, mats := range bias.Mats {
			for j, m := range mats {
				b.sums[matrixName(i, j)] = make([]float64, m.Rows*m.Cols)
			}
		}
	}
	return b
}

func (b *biasSums) to(sum *float64, x float64) {
	*sum += x
	if b.single {
		*sum = float64(float32(*sum))
	}
}

// add takes the gradient of the score of query q and key k of a sequence.
func (b *biasSums) add(seq, head, q, k int, ds float64) {
	distance := b.pr.seqs[seq].Offset + q - k
	switch bias := b.c.Bias.(type) {
	case T5:
		b.to(&b.sums["table"][bias.Bucket(-distance)*b.c.Heads+head], ds)
	case T5Summaries:
		table, bucket := "table", bias.Tokens.Bucket(-distance)
		if n, _ := SummarizedTokens(b.pr.seqs[seq].K, bias.Block); k >= n {
			table, bucket = "side", bias.Tokens.Bucket(k-n-min(q/bias.Block, n/bias.Block-1))
		}
		b.to(&b.sums[table][bucket*b.c.Heads+head], ds)
	case Matrix:
		b.to(&b.sums[matrixName(seq, min(head, len(bias.Mats[seq])-1))][q*b.pr.seqs[seq].K+k], ds)
	case Relative:
		row, d := distance-bias.First, b.c.HeadDim
		for _, s := range b.pr.seqs[:seq] {
			q, k = q+s.Q, k+s.K
		}
		ds *= b.c.Scale
		u, v, r := b.sums["u"], b.sums["v"], b.sums["r"][row*bias.R.Cols:]
		for p := range d {
			i := head*d + p
			b.to(&u[i], ds*b.k[(k*b.c.KVHeads+head*b.c.KVHeads/b.c.Heads)*d+p])
			b.to(&v[i], ds*float64(bias.R.Row(row)[i]))
			b.to(&r[i], ds*(b.q[q*bias.R.Cols+i]+float64(bias.V[i])))
		}
	}
}
