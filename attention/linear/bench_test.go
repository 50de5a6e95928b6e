package linear

import (
	"fmt"
	"testing"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/tensor"
)

// BenchmarkLinear reports GFLOP/s of useful operations. Shapes are H = 8, D = 64, Performer with 256 features.
func BenchmarkLinear(b *testing.B) {
	for _, f := range []FeatureMap{Performer, Elu, ReLU} {
		for _, causal := range []bool{false, true} {
			for _, tokens := range []int{4096, 32768} {
				l := mustNew(b, Config{Feature: f, Heads: 8, HeadDim: 64, Causal: causal}, tokens)
				in := newBatch(l, tensor.F32, 1, 1)
				name := fmt.Sprintf("%v/causal=%v/T=%d", f, causal, tokens)
				b.Run("forward/"+name, func(b *testing.B) { in.benchForward(b) })
				b.Run("backward/"+name, func(b *testing.B) { in.benchBackward(b) })
			}
		}
	}
}

func (in batch) benchForward(b *testing.B) {
	x, out := tensor.Exec{Threads: 1, Pool: tensor.NewPool()}, tensor.New(in.typ, in.q.Rows, in.q.Cols)
	b.ReportAllocs()
	for b.Loop() {
		if err := in.l.Forward(x, out, attention.In{Q: in.q, K: in.k, V: in.v}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(in.l.ForwardFlops()*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}

func (in batch) benchBackward(b *testing.B) {
	x := tensor.Exec{Threads: 1, Pool: tensor.NewPool()}
	g := Grads{
		DQ: tensor.New(in.typ, in.q.Rows, in.q.Cols), DK: tensor.New(in.typ, in.k.Rows, in.k.Cols), DV: tensor.New(in.typ, in.k.Rows, in.k.Cols),
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := in.l.Backward(x, g, in.dout, attention.In{Q: in.q, K: in.k, V: in.v}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(in.l.BackwardFlops()*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}

// BenchmarkDecode is a step of a state.
func BenchmarkDecode(b *testing.B) {
	for _, f := range []FeatureMap{Performer, Elu} {
		for _, n := range []int{1, 8, 32, 512} {
			b.Run(fmt.Sprintf("%v/tokens=%d", f, n), func(b *testing.B) {
				l := mustNew(b, Config{Feature: f, Heads: 8, HeadDim: 64, Causal: true}, n)
				in, s := newBatch(l, tensor.F32, 1, 1), mustState(b, l)
				x, out := tensor.Exec{Threads: 1, Pool: tensor.NewPool()}, tensor.New(tensor.F32, n, in.q.Cols)
				b.ReportAllocs()
				for b.Loop() {
					if err := s.Step(x, out, attention.In{Q: in.q, K: in.k, V: in.v}); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "tokens/s")
			})
		}
	}
}
