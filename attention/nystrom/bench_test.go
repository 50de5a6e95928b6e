package nystrom

import (
	"fmt"
	"testing"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/tensor"
)

// BenchmarkNystrom reports GFLOP/s of useful operations. Shapes are H = 8, D = 64, 64 landmarks.
func BenchmarkNystrom(b *testing.B) {
	for _, taps := range []int{0, 33} {
		for _, tokens := range []int{4096, 32768} {
			in := newBatch(mustNew(b, Config{Heads: 8, HeadDim: 64, ConvKernel: taps}, tokens), tensor.F32, 1)
			name := fmt.Sprintf("conv=%d/T=%d", taps, tokens)
			x := tensor.Exec{Threads: 1, Pool: tensor.NewPool()}
			like := func() tensor.Mat { return tensor.New(tensor.F32, tokens, in.n.width()) }
			out, g := like(), Grads{DQ: like(), DK: like(), DV: like(), Conv: tensor.New(tensor.F32, in.conv.Rows, in.conv.Cols)}
			measure(b, "forward/"+name, in.n.ForwardFlops(), func() error {
				return in.n.Forward(x, out, In{In: attention.In{Q: in.q, K: in.k, V: in.v}, Conv: in.conv})
			})
			measure(b, "backward/"+name, in.n.BackwardFlops(), func() error {
				return in.n.Backward(x, g, in.dout, In{In: attention.In{Q: in.q, K: in.k, V: in.v}, Conv: in.conv})
			})
		}
	}
}

func measure(b *testing.B, name string, flops float64, f func() error) {
	b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := f(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
	})
}
