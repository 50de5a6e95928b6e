package attention_test

import (
	"fmt"
	"log"
	"math"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/tensor"
)

// A sliding window over a packed batch of two sequences, and what it will cost before anything runs.
func ExampleNew() {
	p, err := pattern.Parse("causal & window(512)")
	if err != nil {
		log.Fatal(err)
	}
	a, err := attention.New(attention.Config{Pattern: p, Heads: 8, KVHeads: 2, HeadDim: 64}, attention.Self(10000, 3000))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d queries, %d visible pairs a head\n", a.Queries(), a.Pairs())
	fmt.Printf("forward %.1f, backward %.1f GFLOP\n", a.ForwardFlops()/1e9, a.BackwardFlops()/1e9)

	_, err = attention.New(attention.Config{Heads: 8, KVHeads: 3, HeadDim: 64}, attention.Self(10000))
	fmt.Println(err)
	// Output:
	// 13000 queries, 6406344 visible pairs a head
	// forward 13.1, backward 32.8 GFLOP
	// attention: found 8 heads and 3 key/value heads, expected heads to be a positive multiple of key/value heads; set KVHeads to a divisor of Heads, or to 0 for as many
}

// Three tokens under a causal mask. All keys are 0, so every query weighs what it sees alike: the output is the mean of the values so far.
func ExampleAttention_Forward() {
	const tokens, d = 3, 8
	a, err := attention.New(attention.Config{Pattern: pattern.Causal(), Heads: 1, HeadDim: d}, attention.Self(tokens))
	if err != nil {
		log.Fatal(err)
	}
	q, k, v := tensor.New(tensor.F32, tokens, d), tensor.New(tensor.F32, tokens, d), tensor.New(tensor.F32, tokens, d)
	for i := range tokens {
		v.Row(i)[0] = float32(10 * i)
	}
	out, lse := tensor.New(tensor.F32, tokens, d), tensor.New(tensor.F32, 1, tokens)
	if err := a.Forward(tensor.Exec{}, attention.Out{O: out, LSE: lse}, attention.In{Q: q, K: k, V: v}); err != nil {
		log.Fatal(err)
	}
	for i := range tokens {
		fmt.Printf("token %d: %g, lse %.3f\n", i, out.Row(i)[0], lse.Row(0)[i])
	}
	// Output:
	// token 0: 0, lse 0.000
	// token 1: 5, lse 0.693
	// token 2: 10, lse 1.099
}

// Gradients of the mean: each value gets the share that later tokens gave it.
func ExampleAttention_Backward() {
	const tokens, d = 3, 8
	a, err := attention.New(attention.Config{Pattern: pattern.Causal(), Heads: 1, HeadDim: d}, attention.Self(tokens))
	if err != nil {
		log.Fatal(err)
	}
	m := func() tensor.Mat { return tensor.New(tensor.F32, tokens, d) }
	q, k, v, out, lse := m(), m(), m(), m(), tensor.New(tensor.F32, 1, tokens)
	if err := a.Forward(tensor.Exec{}, attention.Out{O: out, LSE: lse}, attention.In{Q: q, K: k, V: v}); err != nil {
		log.Fatal(err)
	}
	dout, g := m(), attention.Grads{DQ: m(), DK: m(), DV: m()}
	for i := range tokens {
		dout.Row(i)[0] = 6
	}
	if err := a.Backward(tensor.Exec{}, g, dout, attention.Out{O: out, LSE: lse}, attention.In{Q: q, K: k, V: v}); err != nil {
		log.Fatal(err)
	}
	for i := range tokens {
		fmt.Printf("value %d: %.0f\n", i, g.DV.Row(i)[0])
	}
	// Output:
	// value 0: 11
	// value 1: 5
	// value 2: 2
}

// One new token against a cache of 1,000 keys, with a window over the last 100 of them.
func ExampleDecode() {
	const d, cached = 8, 1000
	k, v := tensor.New(tensor.BF16, cached, d), tensor.New(tensor.BF16, cached, d)
	for i := range cached - 100 {
		v.Row16(i)[0] = 0x42C8 // 100 in bf16, outside the window
	}
	for i := cached - 100; i < cached; i++ {
		v.Row16(i)[0] = 0x4040 // 3
	}
	q, out := tensor.New(tensor.F32, 1, d), tensor.New(tensor.F32, 1, d)
	c := attention.Config{Pattern: pattern.WindowSides(99, 0), Heads: 1, HeadDim: d}
	if err := attention.Decode(tensor.Exec{}, c, attention.Out{O: out}, attention.In{Q: q, K: k, V: v}); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.3f\n", out.Row(0)[0])
	// Output:
	// 3.000
}

// Rotary positions rotate each token by its position. Products of queries and keys then depend on their distance alone.
func ExampleRotary() {
	r, err := attention.NewRotary(attention.RotaryConfig{HeadDim: 8}, 1_000_000)
	if err != nil {
		log.Fatal(err)
	}
	product := func(query, key int32) (sum float32) {
		m := tensor.New(tensor.F32, 2, 8)
		for i := range m.F32 {
			m.F32[i] = 1
		}
		if err := r.Rotate(tensor.Exec{}, m, m, []int32{query, key}); err != nil {
			log.Fatal(err)
		}
		for p, x := range m.Row(0) {
			sum += x * m.Row(1)[p]
		}
		return sum
	}
	fmt.Printf("0 apart: %.3f\n", product(7, 7))
	fmt.Printf("5 apart: %.3f near the start, %.3f far on\n", product(7, 2), product(999_999, 999_994))
	// Output:
	// 0 apart: 8.000
	// 5 apart: 6.320 near the start, 6.320 far on
}

// ALiBi's slopes for 8 heads: a head that looks near, and one that looks far.
func ExampleALiBiSlopes() {
	fmt.Println(attention.ALiBiSlopes(8))
	// Output:
	// [0.5 0.25 0.125 0.0625 0.03125 0.015625 0.0078125 0.00390625]
}

// Keys in two parts, as two ranks of a ring hold them: the second part begins after the first queries, which see none of it. The merged
// result is that of all keys.
func ExampleMerge() {
	const tokens, heads, dim = 96, 1, 8
	config := attention.Config{Pattern: pattern.Causal(), Heads: heads, HeadDim: dim}
	q, x := tensor.New(tensor.F32, tokens, dim), tensor.Exec{}
	for i := range q.F32 {
		q.F32[i] = float32(i%13)/6 - 1
	}
	attend := func(s attention.Seq) attention.Out {
		out := attention.Out{O: tensor.New(tensor.F32, tokens, dim), LSE: tensor.New(tensor.F32, heads, tokens)}
		a, err := attention.New(config, []attention.Seq{s})
		if err == nil {
			keys := q.SliceRows(s.Start, s.Start+s.K) // keys and values are the queries here
			err = a.Forward(x, out, attention.In{Q: q, K: keys, V: keys})
		}
		if err != nil {
			fmt.Println(err)
		}
		return out
	}
	whole := attend(attention.Seq{Q: tokens, K: tokens})
	first := attend(attention.Seq{Q: tokens, K: 40, Keys: tokens})
	second := attend(attention.Seq{Q: tokens, K: 56, Start: 40, Keys: tokens})
	if err := attention.Merge(x, first, second); err != nil {
		fmt.Println(err)
	}
	far := 0.0
	for i, o := range first.O.F32 {
		far = max(far, math.Abs(float64(o-whole.O.F32[i])))
	}
	fmt.Println("equal but for rounding:", far < 1e-6)
	// Output:
	// equal but for rounding: true
}
