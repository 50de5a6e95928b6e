package attention_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/internal/golden"
	"github.com/longspan/longspan/internal/kerneltest"
	"github.com/longspan/longspan/tensor"
)

// The golden files of softmax attention; testdata/golden/gen.py made them.
var goldens = []struct {
	name   string
	config func(g *golden.File) attention.Config // but for the heads
	seqs   func(g *golden.File) []attention.Seq  // nil: one sequence of the setting "tokens"
}{
	{name: "sdpa_full", config: patterned(pattern.Full())},
	{name: "sdpa_causal_gqa", config: patterned(pattern.Causal())},
	{name: "sdpa_memory", config: patterned(pattern.Causal()), seqs: withMemory},
	{name: "sdpa_packed", config: patterned(pattern.Causal()), seqs: func(g *golden.File) []attention.Seq {
		return attention.Self(g.Ints("lengths")...)
	}},
	{name: "longformer", config: func(g *golden.File) attention.Config {
		return attention.Config{Pattern: pattern.Longformer(g.Int("window"), g.Ints("positions")...)}
	}},
	{name: "transformer_xl", config: transformerXL, seqs: withMemory},
	{name: "alibi", config: func(*golden.File) attention.Config {
		return attention.Config{Pattern: pattern.Causal(), Bias: attention.ALiBi{}}
	}},
	{name: "t5_encoder", config: func(g *golden.File) attention.Config { return t5(g, true) }},
	{name: "t5_decoder", config: func(g *golden.File) attention.Config { return t5(g, false) }},
	{name: "soft_cap", config: func(g *golden.File) attention.Config {
		return attention.Config{Pattern: pattern.Causal(), SoftCap: g.Float("cap")}
	}},
	{name: "sinks", config: func(g *golden.File) attention.Config {
		return attention.Config{Pattern: pattern.Causal(), Sinks: g.Mat("sinks").F32}
	}},
}

// otherGoldens have a test of their own.
var otherGoldens = []string{"bigbird", "alibi_slopes", "t5_buckets"}

func patterned(p pattern.Pattern) func(*golden.File) attention.Config {
	return func(*golden.File) attention.Config { return attention.Config{Pattern: p} }
}

func withMemory(g *golden.File) []attention.Seq {
	tokens, memory := g.Int("tokens"), g.Int("memory")
	return []attention.Seq{{Q: tokens, K: memory + tokens, Offset: memory}}
}

func transformerXL(g *golden.File) attention.Config {
	bias := attention.Relative{U: g.Mat("u_bias").F32, V: g.Mat("v_bias").F32, R: reversed(g.Mat("r"))}
	return attention.Config{Pattern: pattern.Causal(), Bias: bias}
}

// reversed returns m with its last row first: the files have the largest distance first.
func reversed(m tensor.Mat) tensor.Mat {
	r := tensor.New(tensor.F32, m.Rows, m.Cols)
	for i := range m.Rows {
		copy(r.Row(m.Rows-1-i), m.Row(i))
	}
	return r
}

func t5(g *golden.File, encoder bool) attention.Config {
	c := attention.Config{Scale: 1, Bias: attention.T5{Table: g.Mat("table").F32, Buckets: 32, MaxDistance: 128, Bidirectional: encoder}}
	if !encoder {
		c.Pattern = pattern.Causal()
	}
	return c
}

// kernelTolerance is for float32 kernels, as a share of the largest element: twice what the largest error was seen to be on any
// file and level. Kernels are held to the float32 reference elsewhere; here they must compute the same thing as the library.
const kernelTolerance = 0x1p-19

// bf16Tolerance is for bf16 kernels, which round a tile's scaled queries and its probabilities to 2⁻⁹. The inputs of the files are
// bf16 numbers, so nothing else rounds.
const bf16Tolerance = 0x1p-7

// bf16 stores an F32 matrix of bf16 numbers as such.
func bf16(m tensor.Mat) tensor.Mat {
	n := tensor.New(tensor.BF16, m.Rows, m.Cols)
	for i := range m.Rows {
		for j, x := range m.Row(i) {
			n.Row16(i)[j] = uint16(math.Float32bits(x) >> 16)
		}
	}
	return n
}

func TestGolden(t *testing.T) {
	for _, c := range goldens {
		t.Run(c.name, func(t *testing.T) {
			g := golden.Open(t, c.name)
			config, seqs := c.config(g), []attention.Seq(nil)
			config.Heads, config.HeadDim = g.Int("heads"), g.Int("head_dim")
			config.KVHeads = g.Mat("k").Cols / config.HeadDim
			if c.seqs != nil {
				seqs = c.seqs(g)
			} else {
				seqs = attention.Self(g.Int("tokens"))
			}
			compare(t, g, config, seqs, func(m tensor.Mat) tensor.Mat { return m })
		})
	}
}

// TestGoldenBigBird compares head by head, since each head of the file has random blocks of its own.
func TestGoldenBigBird(t *testing.T) {
	g := golden.Open(t, "bigbird")
	block, heads, d, tokens := g.Int("block"), g.Int("heads"), g.Int("head_dim"), g.Int("tokens")
	random, rows := g.Int("random"), tokens/block-2
	drawn := g.Int64s("blocks")
	for h := range heads {
		t.Run(fmt.Sprintf("head=%d", h), func(t *testing.T) {
			of := drawn[h*rows*random : (h+1)*rows*random]
			p := pattern.Or(pattern.BigBird(block, 3, 2, 0, 0), drawnBlocks{block, random, of})
			compare(t, g, attention.Config{Pattern: p, Heads: 1, HeadDim: d}, attention.Self(tokens), func(m tensor.Mat) tensor.Mat {
				return m.SliceCols(h*d, (h+1)*d)
			})
		})
	}
}

// drawnBlocks is the random part of BigBird with given blocks: count for every row of blocks but the first and the last.
type drawnBlocks struct {
	block, count int
	blocks       []int64
}

func (b drawnBlocks) Spans(dst []pattern.Span, q int, s pattern.Shape) []pattern.Span {
	row := q / b.block
	if row == 0 || row == s.Tk/b.block-1 {
		return dst
	}
	blocks := slices.Sorted(slices.Values(b.blocks[(row-1)*b.count : row*b.count]))
	for _, k := range blocks {
		lo := int(k) * b.block
		if n := len(dst); n > 0 && dst[n-1].Hi == lo {
			dst[n-1].Hi += b.block
			continue
		}
		dst = append(dst, pattern.Span{Lo: lo, Hi: lo + b.block})
	}
	return dst
}

func (b drawnBlocks) Check(pattern.Shape) error { return nil }
func (b drawnBlocks) String() string            { return fmt.Sprintf("drawn(%d, %v)", b.block, b.blocks) }

// compare compares the naive reference, and the kernels of every level, with a file's output and gradients, all of them seen
// through view.
func compare(t *testing.T, g *golden.File, c attention.Config, seqs []attention.Seq, view func(tensor.Mat) tensor.Mat) {
	mat := func(name string) tensor.Mat { return view(g.Mat(name)) }
	t.Run("naive", func(t *testing.T) {
		x := attention.NaiveInput{Q: golden.Wide(mat("q")), K: golden.Wide(mat("k")), V: golden.Wide(mat("v")), DOut: golden.Wide(mat("dout"))}
		if err := attention.Naive(c, seqs, &x); err != nil {
			t.Fatal(err)
		}
		if err := attention.NaiveBackward(c, seqs, &x); err != nil {
			t.Fatal(err)
		}
		golden.Near(t, "out", x.Out, golden.Wide(mat("out")), g.Tolerance)
		golden.Near(t, "dq", x.DQ, golden.Wide(mat("dq")), g.Tolerance)
		golden.Near(t, "dk", x.DK, golden.Wide(mat("dk")), g.Tolerance)
		golden.Near(t, "dv", x.DV, golden.Wide(mat("dv")), g.Tolerance)
		if c.Sinks != nil {
			golden.Near(t, "dsinks", x.DSinks, golden.Wide(g.Mat("dsinks")), g.Tolerance)
		}
	})
	kerneltest.Levels(t, func(t *testing.T) {
		a, err := attention.New(c, seqs)
		if err != nil {
			t.Fatal(err)
		}
		q, k, v, like := mat("q"), mat("k"), mat("v"), func(m tensor.Mat) tensor.Mat { return tensor.New(tensor.F32, m.Rows, m.Cols) }
		out, lse := like(q), tensor.New(tensor.F32, c.Heads, q.Rows)
		if err := a.Forward(tensor.Exec{}, attention.Out{O: out, LSE: lse}, attention.In{Q: q, K: k, V: v}); err != nil {
			t.Fatal(err)
		}
		grads := attention.Grads{DQ: like(q), DK: like(k), DV: like(v), Sinks: make([]float32, len(c.Sinks)), Bias: biasGrads(c.Bias)}
		if err := a.Backward(tensor.Exec{}, grads, mat("dout"), attention.Out{O: out, LSE: lse}, attention.In{Q: q, K: k, V: v}); err != nil {
			t.Fatal(err)
		}
		near := func(name string, got, want tensor.Mat) {
			golden.Near(t, name, golden.Wide(got), golden.Wide(want), max(g.Tolerance, kernelTolerance))
		}
		near("out", out, mat("out"))
		if err := a.Forward(tensor.Exec{}, attention.Out{O: out, LSE: lse}, attention.In{Q: bf16(q), K: bf16(k), V: bf16(v)}); err != nil {
			t.Fatal(err)
		}
		golden.Near(t, "out of bf16", golden.Wide(out), golden.Wide(mat("out")), bf16Tolerance)
		near("dq", grads.DQ, mat("dq"))
		near("dk", grads.DK, mat("dk"))
		near("dv", grads.DV, mat("dv"))
		row := func(x []float32) tensor.Mat { return tensor.FromF32(x, 1, len(x)) }
		if c.Sinks != nil {
			near("dsinks", row(grads.Sinks), g.Mat("dsinks"))
		}
		switch c.Bias.(type) {
		case attention.T5:
			near("dtable", row(grads.Bias.Table), g.Mat("dtable"))
		case attention.Relative:
			near("du", row(grads.Bias.U), g.Mat("du_bias"))
			near("dv", row(grads.Bias.V), g.Mat("dv_bias"))
			near("dr", grads.Bias.R, reversed(g.Mat("dr")))
		}
	})
}

// biasGrads is room for the gradients of a bias that has any.
func biasGrads(bias attention.Bias) *attention.BiasGrads {
	switch b := bias.(type) {
	case attention.T5:
		return &attention.BiasGrads{Table: make([]float32, len(b.Table))}
	case attention.Relative:
		return &attention.BiasGrads{U: make([]float32, len(b.U)), V: make([]float32, len(b.V)), R: tensor.New(tensor.F32, b.R.Rows, b.R.Cols)}
	}
	return nil
}

func TestGoldenALiBiSlopes(t *testing.T) {
	g := golden.Open(t, "alibi_slopes")
	want := golden.Wide(g.Mat("slopes"))
	for _, n := range g.Ints("counts") {
		for i, slope := range attention.ALiBiSlopes(n) {
			golden.Near(t, fmt.Sprintf("slope %d of %d", i, n), []float64{slope}, want[i:i+1], g.Tolerance)
		}
		want = want[n:]
	}
	if len(want) != 0 {
		t.Errorf("%d slopes of the file were not compared", len(want))
	}
}

func TestGoldenT5Buckets(t *testing.T) {
	g := golden.Open(t, "t5_buckets")
	for name, encoder := range map[string]bool{"encoder": true, "decoder": false} {
		b := attention.T5{Buckets: g.Int("buckets"), MaxDistance: g.Int("max_distance"), Bidirectional: encoder}
		for i, want := range g.Int64s(name) {
			if relative := i - g.Int("reach"); b.Bucket(relative) != int(want) {
				t.Errorf("%s: distance %d is in bucket %d, want %d", name, relative, b.Bucket(relative), want)
			}
		}
	}
}

func TestGoldenRotary(t *testing.T) {
	for name, config := range rotaryGoldens {
		t.Run(name, func(t *testing.T) {
			g := golden.Open(t, name)
			c := config(g)
			c.HeadDim, c.Base = g.Int("head_dim"), g.Float("base")
			first, positions := g.Int("first"), make([]int32, g.Int("tokens"))
			for i := range positions {
				positions[i] = int32(first + i)
			}
			r, err := attention.NewRotary(c, first+len(positions))
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range []struct {
				from, to string
				rotate   func(tensor.Exec, tensor.Mat, tensor.Mat, []int32) error
			}{{"x", "out", r.Rotate}, {"dout", "dx", r.RotateBack}} {
				got := g.Mat(c.from)
				if err := c.rotate(tensor.Exec{}, got, got, positions); err != nil {
					t.Fatal(err)
				}
				golden.Near(t, c.to, golden.Wide(got), golden.Wide(g.Mat(c.to)), g.Tolerance)
			}
		})
	}
}

// rotaryGoldens are the files of rotary embeddings, and their configurations but for the head dimension and the base.
var rotaryGoldens = map[string]func(*golden.File) attention.RotaryConfig{
	"rotary_half":        func(*golden.File) attention.RotaryConfig { return attention.RotaryConfig{} },
	"rotary_scaled":      func(g *golden.File) attention.RotaryConfig { return attention.RotaryConfig{Scale: g.Float("scale")} },
	"rotary_part":        func(g *golden.File) attention.RotaryConfig { return attention.RotaryConfig{Dim: g.Int("dim")} },
	"rotary_interleaved": func(*golden.File) attention.RotaryConfig { return attention.RotaryConfig{Interleaved: true} },
}

// TestGoldenAll holds that no file lies there unused.
func TestGoldenAll(t *testing.T) {
	used := slices.Concat(otherGoldens, slices.Collect(maps.Keys(rotaryGoldens)))
	for _, c := range goldens {
		used = append(used, c.name)
	}
	for _, name := range golden.Names(t) {
		if !slices.Contains(used, name) {
			t.Errorf("no test reads %s", name)
		}
	}
}
