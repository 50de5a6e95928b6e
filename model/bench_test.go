package model

import (
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/tensor"
)

// bench is a decoder of 12.8 million weights.
func bench(b *testing.B, precision, recompute string) (*Model, tensor.Exec) {
	x := tensor.Exec{Threads: 1, Pool: tensor.NewPool()}
	m, err := New(Config{Vocab: 256, Width: 512, Layers: 4, Heads: 8, Precision: precision, Recompute: recompute}, Options{Pool: x.Pool,
		Train: true})
	if err != nil {
		b.Fatal(err)
	}
	return m, x
}

func BenchmarkStep(b *testing.B) {
	for _, c := range []struct{ precision, recompute string }{{"f32", "none"}, {"f32", "every"}, {"bf16", "none"}, {"bf16", "every"}} {
		b.Run(c.precision+"/recompute="+c.recompute, func(b *testing.B) {
			m, x := bench(b, c.precision, c.recompute)
			const tokens = 1024
			in := &data.Batch{Tokens: make([]int32, tokens), Targets: make([]int32, tokens), Lengths: []int{tokens}}
			flops, session := 0.0, m.NewSession(x)
			for b.Loop() {
				r, err := session.Step(in, StepOptions{Backward: true})
				if err != nil {
					b.Fatal(err)
				}
				flops += float64(r.Cost.Flops())
			}
			b.ReportMetric(flops/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			b.ReportMetric(float64(x.Pool.Peak())/(1<<20), "peak-MiB")
		})
	}
}

// BenchmarkGenerate is one token behind 8,192.
func BenchmarkGenerate(b *testing.B) {
	for _, c := range []struct {
		name string
		c    Config
	}{
		{"full", Config{}},
		{"full,bf16", Config{Precision: "bf16"}},
		{"window", Config{Attention: []string{"window(512)"}}},
		{"window,bf16", Config{Attention: []string{"window(512)"}, Precision: "bf16"}},
		{"t5", Config{Position: "t5"}},
		{"alibi", Config{Position: "alibi"}},
		{"relative", Config{Position: "relative"}},
		{"transformer-xl", Config{Kind: TransformerXL, Memory: 8192}},
		{"hierarchical", Config{Kind: Hierarchical}},
	} {
		b.Run(c.name, func(b *testing.B) {
			x := tensor.Exec{Threads: 1, Pool: tensor.NewPool()}
			c.c.Vocab, c.c.Width, c.c.Layers, c.c.Heads = 256, 512, 4, 8
			m, err := New(c.c, Options{Pool: x.Pool})
			if err != nil {
				b.Fatal(err)
			}
			weights := x.Pool.InUse()
			g, err := m.NewSession(x).Decode(nil)
			if err != nil {
				b.Fatal(err)
			}
			defer g.Close()
			if _, err := g.Step(make([]int32, 8192)); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := g.Step([]int32{1}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(x.Pool.InUse()-weights)/(1<<20), "carried-MiB")
			b.ReportMetric(float64(x.Pool.Peak())/(1<<20), "peak-MiB")
		})
	}
}

// BenchmarkPrompt reads 16,384 tokens.
func BenchmarkPrompt(b *testing.B) {
	for _, c := range []struct {
		name string
		c    Config
	}{
		{"full", Config{}},
		{"window", Config{Attention: []string{"window(512)"}}},
		{"window,global,alibi", Config{Attention: []string{"window(512) | global(0)"}, Position: "alibi"}},
		{"transformer-xl", Config{Kind: TransformerXL, Memory: 512}},
		{"hierarchical", Config{Kind: Hierarchical}},
	} {
		b.Run(c.name, func(b *testing.B) {
			x := tensor.Exec{Threads: 1, Pool: tensor.NewPool()}
			c.c.Vocab, c.c.Width, c.c.Layers, c.c.Heads = 256, 512, 4, 8
			m, err := New(c.c, Options{Pool: x.Pool})
			if err != nil {
				b.Fatal(err)
			}
			const tokens = 16384
			session := m.NewSession(x)
			for b.Loop() {
				g, err := session.Decode(nil)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := g.Step(make([]int32, tokens)); err != nil {
					b.Fatal(err)
				}
				g.Close()
			}
			b.ReportMetric(float64(b.N)*tokens/b.Elapsed().Seconds(), "tokens/s")
			b.ReportMetric(float64(x.Pool.Peak())/(1<<20), "peak-MiB")
		})
	}
}
