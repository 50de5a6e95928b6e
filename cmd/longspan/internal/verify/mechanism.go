package verify

import (
	"math/rand/v2"
	"strings"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/linear"
	"github.com/longspan/longspan/attention/mechanism"
	"github.com/longspan/longspan/attention/nystrom"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/tensor"
)

// subject is a mechanism under check, with its definition.
type subject struct {
	name    string
	kvHeads int   // of the problems it is checked with
	lengths []int // of their sequences
	run     func(p problem, threads int) (answer, error)
	// naive returns out, dq, dk and dv of the definition in float64, one after the other.
	naive func(p problem) ([]float64, error)
}

// layerOf makes the mechanism of a text, which is a constant of this package, ready for the heads of all checks.
func layerOf(text string, causal bool, kvHeads int) mechanism.Layer {
	m, err := mechanism.Parse(text)
	if err != nil {
		panic(err)
	}
	l, err := mechanism.New(mechanism.Config{Mechanism: m, Heads: heads, KVHeads: kvHeads, HeadDim: headDim, Causal: causal})
	if err != nil {
		panic(err)
	}
	return l
}

// ofText is the mechanism of a text form, with the definition that its package has.
func ofText(text string, causal bool) subject {
	feature, err := linear.ParseFeatureMap(strings.Split(text, "(")[0])
	switch {
	case strings.HasPrefix(text, "nystrom"):
		return landmarks(text)
	case err == nil:
		return features(text, feature, causal)
	case causal && text == "full":
		return flash("causal")
	case causal:
		return flash("causal & (" + text + ")")
	}
	return flash(text)
}

// runLayer runs a mechanism forward and backward; learned are its own matrices.
func runLayer(l mechanism.Layer, learned ...tensor.Mat) func(p problem, threads int) (answer, error) {
	return func(p problem, threads int) (answer, error) {
		r, x := p.answer(), tensor.Exec{Threads: threads}
		core, err := l.Compile(attention.Self(p.lengths...))
		if err != nil {
			return r, err
		}
		in := mechanism.In{In: attention.In{Q: p.q, K: p.k, V: p.v}, Learned: learned}
		out, g := mechanism.Out{O: r.out}, mechanism.Grads{DQ: r.dq, DK: r.dk, DV: r.dv}
		for _, s := range core.Saved() {
			out.Saved = append(out.Saved, tensor.New(tensor.F32, s.Rows, s.Cols))
		}
		for _, m := range learned {
			g.Learned = append(g.Learned, tensor.New(m.Type, m.Rows, m.Cols))
		}
		if err := core.Forward(x, out, in); err != nil {
			return r, err
		}
		return r, core.Backward(x, g, p.dout, out, in)
	}
}

// flash is softmax attention over a pattern.
func flash(text string) subject {
	m := flashWith(text, "", func(*attention.Config) {})
	m.run = runLayer(layerOf(text, false, kvHeads))
	return m
}

// flashWith is softmax attention over a pattern with something more, which change puts in its configuration.
func flashWith(text, more string, change func(c *attention.Config)) subject {
	p, err := pattern.Parse(text)
	if err != nil {
		panic(err) // the texts are constants of this package
	}
	c := attention.Config{Pattern: p, Heads: heads, KVHeads: kvHeads, HeadDim: headDim}
	change(&c)
	return subject{
		name:    text + more,
		kvHeads: kvHeads,
		lengths: batch,
		run: func(p problem, threads int) (answer, error) {
			a, err := attention.New(c, attention.Self(p.lengths...))
			if err != nil {
				return answer{}, err
			}
			x, r := tensor.Exec{Threads: threads}, p.answer()
			in, out := attention.In{Q: p.q, K: p.k, V: p.v}, attention.Out{O: r.out, LSE: tensor.New(tensor.F32, heads, p.q.Rows)}
			if err := a.Forward(x, out, in); err != nil {
				return r, err
			}
			return r, a.Backward(x, attention.Grads{DQ: r.dq, DK: r.dk, DV: r.dv}, p.dout, out, in)
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

// performerText is the Performer of all checks.
const performerText, performerFeatures = "performer(features=64)", 64

// features is linear attention.
func features(text string, f linear.FeatureMap, causal bool) subject {
	c := linear.Config{Feature: f, Heads: heads, KVHeads: kvHeads, HeadDim: headDim, Causal: causal}
	if f == linear.Performer {
		c.Features = performerFeatures
	}
	name := f.String()
	if causal {
		name = "causal " + name
	}
	return subject{
		name:    name,
		kvHeads: kvHeads,
		lengths: batch,
		run:     runLayer(layerOf(text, causal, kvHeads)),
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

// landmarks is Nyström attention with a skip; its text gives 32 landmarks and 5 taps.
func landmarks(text string) subject {
	const taps = 5
	c := nystrom.Config{Heads: heads, HeadDim: headDim, Landmarks: 32, ConvKernel: taps}
	conv := normal(rand.New(rand.NewPCG(8, 1)), tensor.F32, heads, taps)
	return subject{
		name:    "nystrom",
		kvHeads: heads,
		lengths: batch,
		run:     runLayer(layerOf(text, false, heads), conv),
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
func (m subject) over(lengths ...int) subject {
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
