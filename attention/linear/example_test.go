package linear_test

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/linear"
	"github.com/longspan/longspan/tensor"
)

// A Performer over a packed batch of two sequences, of 100 and 28 tokens.
func Example() {
	l, err := linear.New(linear.Config{Heads: 2, HeadDim: 16, Features: 64, Seed: 1}, []int{100, 28})
	if err != nil {
		fmt.Println(err)
		return
	}
	q, k, v := tensor.New(tensor.F32, 128, 32), tensor.New(tensor.F32, 128, 32), tensor.New(tensor.F32, 128, 32)
	for i := range v.F32 {
		q.F32[i], k.F32[i] = float32(math.Sin(float64(i))), float32(math.Cos(float64(i)))
		v.F32[i] = 3 // the mean of equal values is that value, whatever the weights
	}
	out := tensor.New(tensor.F32, 128, 32)
	if err := l.Forward(tensor.Exec{}, out, attention.In{Q: q, K: k, V: v}); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.4f %.4f, %.0f flops\n", out.F32[0], out.F32[127*32+31], l.ForwardFlops())
	// Output: 3.0000 3.0000, 2097152 flops
}

// Decoding takes a prompt, then one token at a time.
func ExampleState() {
	l, err := linear.New(linear.Config{Feature: linear.Elu, Heads: 1, HeadDim: 8, Causal: true}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := l.NewState()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, tokens := range []int{20, 1, 1} {
		q, out := tensor.New(tensor.F32, tokens, 8), tensor.New(tensor.F32, tokens, 8)
		if err := s.Step(tensor.Exec{}, out, attention.In{Q: q, K: q, V: q}); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Println(s.Tokens(), "tokens,", l.StateBytes(), "bytes")
	// Output: 22 tokens, 8224 bytes
}
