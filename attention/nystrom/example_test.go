package nystrom_test

import (
	"fmt"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/nystrom"
	"github.com/longspan/longspan/tensor"
)

// 100 tokens are no multiple of 32 landmarks, and need not be.
func Example() {
	n, err := nystrom.New(nystrom.Config{Heads: 1, HeadDim: 8, Landmarks: 32, ConvKernel: 3}, []int{100})
	if err != nil {
		fmt.Println(err)
		return
	}
	x, out, taps := tensor.New(tensor.F32, 100, 8), tensor.New(tensor.F32, 100, 8), tensor.New(tensor.F32, 1, 3)
	for i := range x.F32 {
		x.F32[i] = 1
	}
	taps.F32[1] = 0.5 // the skip adds half of each value
	if err := n.Forward(tensor.Exec{}, out, nystrom.In{In: attention.In{Q: x, K: x, V: x}, Conv: taps}); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.3f\n", out.F32[0])
	// Output: 1.500
}

// Landmarks look ahead, so there is no causal Nyström attention.
func Example_causal() {
	_, err := nystrom.New(nystrom.Config{Heads: 1, HeadDim: 8, Causal: true}, []int{100})
	fmt.Println(err)
	// Output: nystrom: found a causal mask, expected bidirectional attention: landmarks are means over tokens that lie ahead of a query too, so that a mask would hide nothing of them; use linear attention or a causal pattern
}
