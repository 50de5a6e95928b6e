package verify

import (
	"math"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/chunk"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// difference is 0 where all elements are the same bit for bit, with zeros of both signs distinct; otherwise it is relative, and above 0.
func difference(got, want []float64) float64 {
	for i := range want {
		if math.Float64bits(got[i]) != math.Float64bits(want[i]) {
			return max(relative(got, want), math.SmallestNonzeroFloat64)
		}
	}
	return 0
}

// windowChecks compare windows that reach every token with attention that has none.
func windowChecks(o Options) []check {
	var checks []check
	for _, pair := range [][2]subject{
		{flash("window(170)"), flash("full")},
		{flash("causal & window(170)"), flash("causal")},
		{flash("memory(169)"), flash("causal")},
	} {
		for _, t := range dtypes {
			p := newProblem(t, 2, kvHeads, batch...)
			for _, l := range o.levels() {
				checks = append(checks, check{name: pair[0].name + " = " + pair[1].name, dtype: t.String(), level: l, run: func() (float64, float64,
					error) {
					got, err := pair[0].run(p, 0)
					if err != nil {
						return 0, 0, err
					}
					want, err := pair[1].run(p, 0)
					return difference(got.values(), want.values()), 0, err
				}})
			}
		}
	}
	return checks
}

// packedChecks compare a batch with its sequences one by one.
func packedChecks(o Options) []check {
	return o.eachExact(3, func(m subject, p problem) (float64, error) {
		whole, err := m.run(p, 0)
		if err != nil {
			return 0, err
		}
		found, first := 0.0, 0
		for i, n := range p.lengths {
			alone, err := m.run(p.part(i), 0)
			if err != nil {
				return 0, err
			}
			found = max(found, difference(whole.rows(first, first+n).values(), alone.values()))
			first += n
		}
		return found, nil
	})
}

// threadChecks compare one thread with several: three, which divide no work evenly, and all there are.
func threadChecks(o Options) []check {
	return o.eachExact(4, func(m subject, p problem) (float64, error) {
		one, err := m.run(p, 1)
		if err != nil {
			return 0, err
		}
		found := 0.0
		for _, threads := range []int{3, pool.Threads(0)} {
			many, err := m.run(p, threads)
			if err != nil {
				return 0, err
			}
			found = max(found, difference(many.values(), one.values()))
		}
		return found, nil
	})
}

// eachExact makes a check of equal bits for each mechanism, type and level.
func (o Options) eachExact(seed uint64, f func(m subject, p problem) (float64, error)) []check {
	var checks []check
	for _, m := range o.exact() {
		for _, t := range dtypes {
			p := newProblem(t, seed, m.kvHeads, m.lengths...)
			for _, l := range o.levels() {
				checks = append(checks, check{name: m.name, dtype: t.String(), level: l, run: func() (float64, float64, error) {
					found, err := f(m, p)
					return found, 0, err
				}})
			}
		}
	}
	return checks
}

// chunkChecks run a stack of window layers over a document in chunks and as a whole. Each layer's output is the next one's queries, keys
// and values, so that what is wrong at a border of a chunk would spread.
func chunkChecks(o Options) []check {
	const tokens, layers, size = 1100, 3, 256
	var checks []check
	for _, text := range []string{"window(60)", "causal & window(100)"} {
		for _, t := range dtypes {
			p := newProblem(t, 5, kvHeads, tokens)
			for _, l := range o.levels() {
				checks = append(checks, check{name: text, dtype: t.String(), level: l, run: func() (float64, float64, error) {
					layer, err := pattern.Parse(text)
					if err != nil {
						return 0, 0, err
					}
					whole, err := stack(layer, layers, p.q)
					if err != nil {
						return 0, 0, err
					}
					cut, err := chunk.Exact(size, layer, layer, layer)
					if err != nil {
						return 0, 0, err
					}
					joined := tensor.New(t, tokens, heads*headDim)
					err = chunk.Run(tensor.Exec{}, joined, cut, func(piece tensor.Mat, c chunk.Chunk) error {
						out, err := stack(layer, layers, p.q.SliceRows(c.Start, c.End))
						if err == nil {
							copy(piece.F32, out.F32)
							copy(piece.U16, out.U16)
						}
						return err
					})
					return difference(widen(joined), widen(whole)), 0, err
				}})
			}
		}
	}
	return checks
}

// stack runs layers of self-attention, queries, keys and values being the layer's input.
func stack(p pattern.Pattern, layers int, in tensor.Mat) (tensor.Mat, error) {
	a, err := attention.New(attention.Config{Pattern: p, Heads: heads, HeadDim: headDim}, attention.Self(in.Rows))
	for range layers {
		if err != nil {
			return in, err
		}
		out := tensor.New(in.Type, in.Rows, in.Cols)
		err = a.Forward(tensor.Exec{}, attention.Out{O: out}, attention.In{Q: in, K: in, V: in})
		in = out
	}
	return in, err
}
