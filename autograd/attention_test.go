package autograd

import (
	"fmt"
	"strings"
	"testing"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/linear"
	"github.com/longspan/longspan/attention/mechanism"
	"github.com/longspan/longspan/attention/nystrom"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/tensor"
)

// columns copies columns j0 … j1−1 of a matrix of the given width.
func columns(m []float64, width, j0, j1 int) []float64 {
	var out []float64
	for i := 0; i < len(m); i += width {
		out = append(out, m[i+j0:i+j1]...)
	}
	return out
}

func float32s(x []float64) []float32 {
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = float32(v)
	}
	return out
}

// mustLayer is a layer of the mechanism in the text.
func mustLayer(t *testing.T, text string, c mechanism.Config) mechanism.Layer {
	t.Helper()
	var err error
	if c.Mechanism, err = mechanism.Parse(text); err != nil {
		t.Fatal(err)
	}
	l, err := mechanism.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func mustCore(t *testing.T, text string, c mechanism.Config, seqs []attention.Seq) mechanism.Core {
	t.Helper()
	core, err := mustLayer(t, text, c).Compile(seqs)
	if err != nil {
		t.Fatal(err)
	}
	return core
}

func mustState(t *testing.T, c mechanism.Config) mechanism.State {
	t.Helper()
	s, err := mustLayer(t, "full", c).NewState(nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAttention(t *testing.T) {
	const heads, kvHeads, dim = 4, 2, 8
	seqs := attention.Self(7, 3)
	c := attention.Config{Pattern: pattern.Window(2), Heads: heads, KVHeads: kvHeads, HeadDim: dim}
	layer := mechanism.Config{Heads: heads, KVHeads: kvHeads, HeadDim: dim}
	withSinks := layer
	withSinks.Terms.Sinks = true
	a := mustCore(t, "window(2)", withSinks, seqs)
	const q, kv = heads * dim, kvHeads * dim
	opCase{
		name:  "self",
		in:    []operand{{10, q + 2*kv, false}, {1, heads, true}},
		build: func(g *Graph, v []*Var) *Var { return g.Attention(a, v[0], v[1]) },
		naive: func(v [][]float64) []float64 {
			x := attention.NaiveInput{Q: columns(v[0], q+2*kv, 0, q), K: columns(v[0], q+2*kv, q, q+kv), V: columns(v[0], q+2*kv, q+kv, q+2*kv)}
			return naiveSinks(t, c, seqs, &x, v[1])
		},
	}.check(t)
	cross := []attention.Seq{{Q: 3, K: 5}, {Q: 2, K: 4}}
	c.Pattern = nil
	b := mustCore(t, "full", layer, cross)
	opCase{
		name:  "cross",
		in:    []operand{{5, q, false}, {9, 2 * kv, false}},
		build: func(g *Graph, v []*Var) *Var { return g.CrossAttention(b, v[0], v[1]) },
		naive: func(v [][]float64) []float64 {
			x := attention.NaiveInput{Q: v[0], K: columns(v[1], 2*kv, 0, kv), V: columns(v[1], 2*kv, kv, 2*kv)}
			if err := attention.Naive(c, cross, &x); err != nil {
				t.Fatal(err)
			}
			return x.Out
		},
	}.check(t)
}

// naiveSinks is the definition with sinks in float64: those of a Config are float32, too coarse for differences. A sink
// is a factor Z/(Z + exp(sink)) on each row.
func naiveSinks(t *testing.T, c attention.Config, seqs []attention.Seq, x *attention.NaiveInput, sinks []float64) []float64 {
	t.Helper()
	if err := attention.Naive(c, seqs, x); err != nil {
		t.Fatal(err)
	}
	rows := len(x.LSE) / c.Heads
	for h := range c.Heads {
		for i := range rows {
			factor := sigmoid64(x.LSE[h*rows+i] - sinks[h])
			for p := range c.HeadDim {
				x.Out[(i*c.Heads+h)*c.HeadDim+p] *= factor
			}
		}
	}
	return x.Out
}

func TestLinearAttention(t *testing.T) {
	const heads, dim = 2, 8
	for text, c := range map[string]linear.Config{
		"elu":                    {Feature: linear.Elu, Heads: heads, HeadDim: dim, Causal: true},
		"performer(features=16)": {Feature: linear.Performer, Features: 16, Heads: heads, HeadDim: dim},
	} {
		l, err := linear.New(c, []int{4, 3})
		if err != nil {
			t.Fatal(err)
		}
		const w = heads * dim
		core := mustCore(t, text, mechanism.Config{Heads: heads, HeadDim: dim, Causal: c.Causal}, attention.Self(4, 3))
		opCase{
			name:  c.Feature.String(),
			in:    []operand{{7, 3 * w, false}},
			build: func(g *Graph, v []*Var) *Var { return g.Attention(core, v[0]) },
			naive: func(v [][]float64) []float64 {
				x := linear.NaiveInput{Q: columns(v[0], 3*w, 0, w), K: columns(v[0], 3*w, w, 2*w), V: columns(v[0], 3*w, 2*w, 3*w)}
				l.Naive(&x)
				return x.Out
			},
		}.check(t)
	}
}

// Keys that count several times are compared with the definition, and with its differences.
func TestRepeatedKeys(t *testing.T) {
	const heads, dim, tokens = 2, 8, 19 // ten blocks, of which the last is shorter; seven are seen whole
	const w = heads * dim
	seqs := attention.Self(tokens, 5)
	core := mustCore(t, "bigbird_eval(block=2, random=1)", mechanism.Config{Heads: heads, HeadDim: dim}, seqs)
	c := attention.Config{Pattern: pattern.Or(pattern.BigBird(2, 3, 2, 0, 0), pattern.Short(14)), Heads: heads, HeadDim: dim,
		Bias: attention.Repeat{Block: 2, Times: 2, Longer: 14}}
	opCase{
		name:  "bigbird",
		in:    []operand{{tokens + 5, 3 * w, false}},
		build: func(g *Graph, v []*Var) *Var { return g.Attention(core, v[0]) },
		naive: func(v [][]float64) []float64 {
			x := attention.NaiveInput{Q: columns(v[0], 3*w, 0, w), K: columns(v[0], 3*w, w, 2*w), V: columns(v[0], 3*w, 2*w, 3*w)}
			if err := attention.Naive(c, seqs, &x); err != nil {
				t.Fatal(err)
			}
			return x.Out
		},
	}.check(t)
}

// The learned biases, whose tables the definition holds in float32, are compared with its own backward pass.
func TestLearnedBiases(t *testing.T) {
	const heads, dim, tokens = 2, 8, 9
	const w = heads * dim
	seqs := attention.Self(tokens)
	c := attention.Config{Pattern: pattern.Causal(), Heads: heads, HeadDim: dim}
	const buckets, distance = 8, 20
	a := mustCore(t, "full", mechanism.Config{Heads: heads, HeadDim: dim, Causal: true,
		Terms: mechanism.Terms{T5: &attention.T5{Buckets: buckets, MaxDistance: distance}}}, seqs)
	t5 := opCase{
		name:  "t5",
		in:    []operand{{tokens, 3 * w, false}, {buckets, heads, true}},
		build: func(g *Graph, v []*Var) *Var { return g.Attention(a, v[0], v[1]) },
	}
	o := t5.run(t, F32(), 1, false)
	bias := attention.T5{Table: float32s(o.inputs[1]), Buckets: buckets, MaxDistance: distance}
	c.Bias = bias
	x := attention.NaiveInput{Q: columns(o.inputs[0], 3*w, 0, w), K: columns(o.inputs[0], 3*w, w, 2*w), V: columns(o.inputs[0], 3*w, 2*w,
		3*w), DOut: o.seed}
	if err := attention.Naive(c, seqs, &x); err != nil {
		t.Fatal(err)
	}
	table := make([]float64, buckets*heads)
	x.DScores = func(_, head, q, k int, ds float64) { table[bias.Bucket(k-q)*heads+head] += ds }
	if err := attention.NaiveBackward(c, seqs, &x); err != nil {
		t.Fatal(err)
	}
	compare(t, "value", o.value, x.Out, tolerances[F32()])
	compare(t, "table", o.grads[1], table, tolerances[F32()])
	if dry := t5.run(t, F32(), 1, true); dry.peak != o.peak {
		t.Errorf("dry peak %d, real %d", dry.peak, o.peak)
	}
}

func TestRelative(t *testing.T) {
	const heads, dim, queries, memory = 2, 8, 5, 4
	const w, keys = heads * dim, queries + memory
	seqs := []attention.Seq{{Q: queries, K: keys, Offset: memory}}
	a := mustCore(t, "full", mechanism.Config{Heads: heads, HeadDim: dim, Causal: true, Terms: mechanism.Terms{Relative: true}}, seqs)
	opCase{
		name:  "relative",
		in:    []operand{{queries, w, false}, {keys, 2 * w, false}, {1, w, true}, {1, w, true}, {keys, w, true}},
		build: func(g *Graph, v []*Var) *Var { return g.CrossAttention(a, v[0], v[1], v[2], v[3], v[4]) },
		naive: func(v [][]float64) []float64 {
			out := make([]float64, queries*w)
			for h := range heads {
				for i := range queries {
					relativeRow(v, h, i, memory, dim, w, out[i*w+h*dim:][:dim])
				}
			}
			return out
		},
	}.check(t)
}

// relativeRow is query i of head h by Transformer-XL's formula: scores ((q+u)·k + (q+v)·r)/√D over the keys up to its own.
func relativeRow(v [][]float64, h, i, memory, dim, w int, out []float64) {
	var p []float64
	sum := 0.0
	for j := 0; j <= memory+i; j++ {
		s := 0.0
		for f := range dim {
			c := h*dim + f
			q, k, r := v[0][i*w+c], v[1][j*2*w+c], v[4][(memory+i-j)*w+c]
			s += (q+v[2][c])*k + (q+v[3][c])*r
		}
		p = append(p, exp64(s/sqrt64(dim)))
		sum += p[j]
	}
	for j := range p {
		for f := range dim {
			out[f] += p[j] / sum * v[1][j*2*w+w+h*dim+f]
		}
	}
}

func TestAttentionRefusesOtherShapes(t *testing.T) {
	a := mustCore(t, "full", mechanism.Config{Heads: 2, HeadDim: 8, Terms: mechanism.Terms{Sinks: true}}, attention.Self(5))
	for want, shapes := range map[string][]tensor.Mat{
		"queries, keys and values of 5×40, expected 5×48": {tensor.New(tensor.F32, 5, 40), tensor.New(tensor.F32, 1, 2)},
		"found sinks of f32 1×3, expected f32 of 1×2":     {tensor.New(tensor.F32, 5, 48), tensor.New(tensor.F32, 1, 3)},
		"found sinks of bf16 1×2":                         {tensor.New(tensor.F32, 5, 48), tensor.New(tensor.BF16, 1, 2)},
		"found 0 learned matrices, expected 1":            {tensor.New(tensor.F32, 5, 48)},
	} {
		g := New(tensor.Exec{}, Options{})
		var in []*Var
		for _, m := range shapes {
			in = append(in, g.Input(m))
		}
		g.Attention(a, in[0], in[1:]...)
		if err := g.Forward(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found error %v, expected %q", err, want)
		}
	}
}

func TestNystromAttention(t *testing.T) {
	const heads, dim = 2, 8
	const w = heads * dim
	for text, c := range map[string]nystrom.Config{
		"nystrom(landmarks=4)":         {Heads: heads, HeadDim: dim, Landmarks: 4},
		"nystrom(landmarks=4, conv=3)": {Heads: heads, HeadDim: dim, Landmarks: 4, ConvKernel: 3},
	} {
		core := mustCore(t, text, mechanism.Config{Heads: heads, HeadDim: dim}, attention.Self(9, 3))
		n, err := nystrom.New(c, []int{9, 3})
		if err != nil {
			t.Fatal(err)
		}
		in := []operand{{12, 3 * w, false}}
		if c.ConvKernel > 0 {
			in = append(in, operand{heads, c.ConvKernel, true})
		}
		opCase{
			name: fmt.Sprintf("skip of %d", c.ConvKernel),
			in:   in,
			build: func(g *Graph, v []*Var) *Var {
				// Smaller scores, as a trained model has: the pseudo-inverse of rows that all differ much is exact, and tests little.
				return g.Attention(core, g.Scale(v[0], 0.5), v[1:]...)
			},
			naive: func(v [][]float64) []float64 {
				half := make([]float64, len(v[0]))
				for i, x := range v[0] {
					half[i] = x / 2
				}
				x := nystrom.NaiveInput{Q: columns(half, 3*w, 0, w), K: columns(half, 3*w, w, 2*w), V: columns(half, 3*w, 2*w, 3*w)}
				if len(v) > 1 {
					x.Conv = v[1]
				}
				n.Naive(&x)
				return x.Out
			},
		}.check(t)
	}
}
