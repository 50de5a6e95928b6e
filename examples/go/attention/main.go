// Command attention runs window attention over 8,192 tokens, forward and backward, and prints what it costs beside full attention.
package main

import (
	"fmt"
	"log"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/tensor"
)

func main() {
	const T, H, D = 8_192, 2, 64
	a, err := attention.New(attention.Config{Pattern: pattern.Window(128), Heads: H, HeadDim: D}, attention.Self(T))
	if err != nil {
		log.Fatal(err)
	}
	mat := func() tensor.Mat { return tensor.New(tensor.F32, T, H*D) } // a row a token, a head in D columns
	in := attention.In{Q: mat(), K: mat(), V: mat()}
	out := attention.Out{O: mat(), LSE: tensor.New(tensor.F32, H, T)} // the backward pass reads LSE
	for t := range T {
		in.V.Row(t)[0] = float32(t) // queries and keys of zeros weigh every visible value alike
	}
	if err := a.Forward(tensor.Exec{}, out, in); err != nil {
		log.Fatal(err)
	}
	grads, do := attention.Grads{DQ: mat(), DK: mat(), DV: mat()}, mat()
	do.Row(5_000)[0] = 1 // the loss is the first feature of token 5,000
	if err := a.Backward(tensor.Exec{}, grads, do, out, in); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.1f%% of the pairs of full attention\n", 100*float64(a.Pairs())/(T*T))
	fmt.Printf("token 5000 sees tokens around %.0f; token 5128 has 1/%.0f of its gradient\n", out.O.Row(5_000)[0], 1/grads.DV.Row(5_128)[0])
}
