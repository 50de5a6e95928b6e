package longspan_test

import (
	"fmt"
	"log"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/tensor"
)

// Attend over a document of 30,000 tokens with Longformer's pattern.
func Example() {
	const T, H, D = 30_000, 2, 64

	p, err := pattern.Parse("window(128) | global(0)")
	if err != nil {
		log.Fatal(err)
	}
	a, err := attention.New(attention.Config{Pattern: p, Heads: H, HeadDim: D}, attention.Self(T))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.1f%% of the pairs\n", 100*float64(a.Pairs())/(T*T))

	q, k, v := tensor.New(tensor.F32, T, H*D), tensor.New(tensor.F32, T, H*D), tensor.New(tensor.F32, T, H*D)
	for t := range T {
		v.Row(t)[0] = float32(t) / T // queries and keys of zeros weigh all visible values the same
	}
	out := tensor.New(tensor.F32, T, H*D)
	x := tensor.Exec{Pool: tensor.NewPool()}
	if err := a.Forward(x, attention.Out{O: out}, attention.In{Q: q, K: k, V: v}); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("token 0 looks at %.3f of the document on average, token 25000 at %.3f\n", out.Row(0)[0], out.Row(25_000)[0])
	// Output:
	// 0.9% of the pairs
	// token 0 looks at 0.500 of the document on average, token 25000 at 0.830
}
