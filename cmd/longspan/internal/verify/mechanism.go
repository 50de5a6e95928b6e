package verify

import (
	"math/rand/v2"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/linear"
	"github.com/longspan/longspan/attention/nystrom"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/tensor"
)

// mechanism is a way of attending, with its definition.
type mechanism struct {
	name    string
	kvHeads int   // of the problems it is checked with
	lengths []int // of their sequences
	run     func(p problem, threads int) (answer, error)
	// naive returns out, dq, dk and dv of the definition in float64, one after the other.
	naive func(p problem) ([]float64, error)
}

// flash is softmax attention over a pattern.
func flash(text string) mechanism {
	return flashWith(text, "", func(*attention.Config) {})
}

// flashWith is softmax attention over a pattern with something more, which change puts in its configuration.
func flashWith(text, more string, change func(c *attention.Config)) mechanism {
	p, err := pattern.Parse(text)
	if err != nil {
		panic(err) // the texts are constants of this package
	}
	c := attention.Config{Pattern: p, Heads: heads, KVHeads: kvHeads, HeadDim: headDim}
	change(&c)
	return mechanism{
		name:    text + more,
		kvHeads: kvHeads,
		lengths: batch,
		run: func(p problem, threads int) (answer, error) {
			a, err := attention.New(c, attention.Self(p.lengths...))
			if err != nil {
				return answer{}, err
			}
			x, r := tensor.Exec{Threads: threads}, p.answer()
			lse := tensor.New(tensor.F32, heads, p.q.Rows)
			if err := a.Forward(x, attention.Out{O: r.out, LSE: lse}, attention.In{Q: p.q, K: p.k, V: p.v}); err != nil {
				return r, err
			}
			g := attention.Grads{DQ: r.dq, DK: r.dk, DV: r.dv}
			return r, a.Backward(x, g, p.dout, attention.Out{O: r.out, LSE: lse}, attention.In{Q: p.q, K: p.k, V: p.v})
		},
		naive: func(p problem) ([]float64, error) {
			n := attention.NaiveInput{Q: widen(p.q), K: widen(p.k), V: widen(p.v), DOut: widen(p.dout)}
			if err := attention.Naive(c, attention.Self(p.lengths...), &n); err != nil {
				return nil, err
			}
			err := attention.NaiveBackward(c, attention.Self(p.lengths...), &n)
			return join(n.Out, n.DQ, n.DK, n.DV), err
		},
	}
}

func linearConfig(f linear.FeatureMap, causal bool) linear.Config {
	c := linear.Config{Feature: f, Heads: heads, KVHeads: kvHeads, HeadDim: headDim, Causal: causal}
	if f == linear.Performer {
		c.Features = 64
	}
	return c
}

// features is linear attention.
func features(f linear.FeatureMap, causal bool) mechanism {
	c := linearConfig(f, causal)
	name := f.String()
	if causal {
		name = "causal " + name
	}
	return mechanism{
		name:    name,
		kvHeads: kvHeads,
		lengths: batch,
		run: func(p problem, threads int) (answer, error) {
			l, err := linear.New(c, p.lengths)
			if err != nil {
				return answer{}, err
			}
			x, r := tensor.Exec{Threads: threads}, p.answer()
			if err := l.Forward(x, r.out, attention.In{Q: p.q, K: p.k, V: p.v}); err != nil {
				return r, err
			}
			return r, l.Backward(x, linear.Grads{DQ: r.dq, DK: r.dk, DV: r.dv}, p.dout, attention.In{Q: p.q, K: p.k, V: p.v})
		},
		naive: func(p problem) ([]float64, error) {
			l, err := linear.New(c, p.lengths)
			if err != nil {
				return nil, err
			}
			n := linear.NaiveInput{Q: widen(p.q), K: widen(p.k), V: widen(p.v), DOut: widen(p.dout)}
			l.Naive(&n)
			l.NaiveBackward(&n)
			return join(n.Out, n.DQ, n.DK, n.DV), nil
		},
	}
}

// landmarks is Nyström attention, with a skip.
func landmarks() mechanism {
	const taps = 5
	c := nystrom.Config{Heads: heads, HeadDim: headDim, Landmarks: 32, ConvKernel: taps}
	conv := normal(rand.New(rand.NewPCG(8, 1)), tensor.F32, heads, taps)
	return mechanism{
		name:    "nystrom",
		kvHeads: heads,
		lengths: batch,
		run: func(p problem, threads int) (answer, error) {
			n, err := nystrom.New(c, p.lengths)
			if err != nil {
				return answer{}, err
			}
			x, r := tensor.Exec{Threads: threads}, p.answer()
			if err := n.Forward(x, r.out, nystrom.In{In: attention.In{Q: p.q, K: p.k, V: p.v}, Conv: conv}); err != nil {
				return r, err
			}
			g := nystrom.Grads{DQ: r.dq, DK: r.dk, DV: r.dv, Conv: tensor.New(tensor.F32, heads, taps)}
			return r, n.Backward(x, g, p.dout, nystrom.In{In: attention.In{Q: p.q, K: p.k, V: p.v}, Conv: conv})
		},
		naive: func(p problem) ([]float64, error) {
			n, err := nystrom.New(c, p.lengths)
			if err != nil {
				return nil, err
			}
			in := nystrom.NaiveInput{Q: widen(p.q), K: widen(p.k), V: widen(p.v), DOut: widen(p.dout), Conv: widen(conv)}
			n.Naive(&in)
			n.NaiveBackward(&in)
			return join(in.Out, in.DQ, in.DK, in.DV), nil
		},
	}
}

// over is m checked with sequences of other lengths.
func (m mechanism) over(lengths ...int) mechanism {
	m.lengths = lengths
	return m
}

func join(parts ...[]float64) []float64 {
	var all []float64
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}
