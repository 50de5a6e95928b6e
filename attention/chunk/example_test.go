package chunk_test

import (
	"fmt"
	"slices"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/chunk"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/tensor"
)

// Twelve layers of window(512) read 100,000 tokens in pieces, exactly and with a smaller overlap.
func Example() {
	layers := make([]pattern.Pattern, 12)
	for i := range layers {
		layers[i] = pattern.Window(512)
	}
	exact, err := chunk.Exact(16384, layers...)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, overlap := range []int{exact.Before, 1024} {
		chunks, err := chunk.Plan(100_000, 16384, overlap)
		if err != nil {
			fmt.Println(err)
			return
		}
		report, err := chunk.Effect(100_000, chunks, layers...)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(report)
	}
	// Output:
	// 100000 tokens in 7 chunks of up to 28672 read, 1.69 times the work: the same bits as the whole
	// 100000 tokens in 7 chunks of up to 18432 read, 1.12 times the work: 58016 tokens (58%) at the borders may differ from the whole; an overlap of 6144 before and 6144 after would be exact
}

// Two layers of attention read a document in pieces of 512 tokens. The result has the bits of one reading of the whole.
func ExampleRun_attention() {
	const tokens, heads, dim = 3000, 2, 16
	layer, x := pattern.Window(100), tensor.Exec{Pool: tensor.NewPool()}
	document := tensor.New(tensor.F32, tokens, heads*dim)
	for i := range document.F32 {
		document.F32[i] = float32(i%97)/48 - 1
	}
	// stack writes what both layers make of some tokens; queries, keys and values are the tokens themselves.
	stack := func(out, in tensor.Mat) error {
		a, err := attention.New(attention.Config{Pattern: layer, Heads: heads, HeadDim: dim}, attention.Self(in.Rows))
		if err != nil {
			return err
		}
		middle := tensor.New(in.Type, in.Rows, in.Cols)
		if err := a.Forward(x, attention.Out{O: middle}, attention.In{Q: in, K: in, V: in}); err != nil {
			return err
		}
		return a.Forward(x, attention.Out{O: out}, attention.In{Q: middle, K: middle, V: middle})
	}
	options, err := chunk.Exact(512, layer, layer)
	if err != nil {
		fmt.Println(err)
		return
	}
	pieces, whole := tensor.New(tensor.F32, tokens, heads*dim), tensor.New(tensor.F32, tokens, heads*dim)
	err = chunk.Run(x, pieces, options, func(piece tensor.Mat, c chunk.Chunk) error {
		return stack(piece, document.SliceRows(c.Start, c.End))
	})
	if err == nil {
		err = stack(whole, document)
	}
	fmt.Println(err, slices.Equal(pieces.F32, whole.F32))
	// Output:
	// <nil> true
}

func ExamplePlan() {
	chunks, err := chunk.Plan(10_000, chunk.DefaultSize, 512)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range chunks {
		fmt.Printf("reads %5d … %5d, keeps %5d … %5d\n", c.Start, c.End-1, c.KeepStart, c.KeepEnd-1)
	}
	// Output:
	// reads     0 …  4607, keeps     0 …  4095
	// reads  3584 …  8703, keeps  4096 …  8191
	// reads  7680 …  9999, keeps  8192 …  9999
}

// Global positions mean other tokens in a chunk, so they are refused.
func ExampleExact() {
	_, err := chunk.Exact(0, pattern.Longformer(512, 0))
	fmt.Println(err)
	// Output:
	// chunk: layer 1 cannot run in chunks: pattern: global(0): found global positions counted from the start of the sequence, expected a pattern that is the same wherever a piece of the sequence begins; use window, dilated, causal, segments or their combinations
}

func ExampleRun() {
	out := tensor.New(tensor.F32, 300, 1)
	err := chunk.Run(tensor.Exec{}, out, chunk.Options{Size: 128, Before: 128}, func(piece tensor.Mat, c chunk.Chunk) error {
		fmt.Printf("computing %d … %d\n", c.Start, c.End-1)
		for t := range piece.Rows {
			piece.Row(t)[0] = float32(c.Start + t)
		}
		return nil
	})
	fmt.Println(out.Row(0), out.Row(200), out.Row(299), err)
	// Output:
	// computing 0 … 127
	// computing 0 … 255
	// computing 128 … 299
	// [0] [200] [299] <nil>
}
