package chunk_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/chunk"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/internal/cpu"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

const heads, headDim = 2, 8

// stack runs layers of attention over x [tokens, heads·headDim]; each adds its output to its input.
func stack(x tensor.Mat, layers []pattern.Pattern) (tensor.Mat, error) {
	now := tensor.New(tensor.F32, x.Rows, x.Cols)
	for i := range x.Rows {
		copy(now.Row(i), x.Row(i))
	}
	for _, p := range layers {
		a, err := attention.New(attention.Config{Pattern: p, Heads: heads, HeadDim: headDim}, attention.Self(x.Rows))
		if err != nil {
			return now, err
		}
		out := tensor.New(tensor.F32, x.Rows, x.Cols)
		if err := a.Forward(tensor.Exec{}, attention.Out{O: out}, attention.In{Q: now, K: now, V: now}); err != nil {
			return now, err
		}
		for i, v := range out.F32 {
			now.F32[i] += v
		}
	}
	return now, nil
}

func chunked(x tensor.Mat, o chunk.Options, layers []pattern.Pattern) (tensor.Mat, error) {
	out := tensor.New(tensor.F32, x.Rows, x.Cols)
	err := chunk.Run(tensor.Exec{Pool: tensor.NewPool()}, out, o, func(piece tensor.Mat, c chunk.Chunk) error {
		y, err := stack(x.SliceRows(c.Start, c.End), layers)
		copy(piece.F32, y.F32)
		return err
	})
	return out, err
}

// differing lists the tokens whose bits are not the same.
func differing(a, b tensor.Mat) []int {
	var tokens []int
	for i := range a.Rows {
		for j, v := range a.Row(i) {
			if math.Float32bits(v) != math.Float32bits(b.Row(i)[j]) {
				tokens = append(tokens, i)
				break
			}
		}
	}
	return tokens
}

func layersOf(t *testing.T, texts []string) []pattern.Pattern {
	t.Helper()
	layers := make([]pattern.Pattern, len(texts))
	for i, text := range texts {
		var err error
		if layers[i], err = pattern.Parse(text); err != nil {
			t.Fatal(err)
		}
	}
	return layers
}

// With the exact overlap a stack gives the bits of the whole document; with less, only tokens that Effect names
// differ, and some do.
func TestChunksEqualWhole(t *testing.T) {
	for n, texts := range [][]string{
		{"window(100)", "window(100)", "window(100)"},
		{"window(57)", "window(57)", "window(57)", "window(57)"},
		{"window(130, 0)", "causal & window(90)"},
		{"dilated(20, 7)", "window(33)"},
		{"segments(96)", "window(50)", "segments(64)"},
		{"window(40, 77)", "window(3) | dilated(4, 40)"},
	} {
		layers := layersOf(t, texts)
		for _, T := range []int{1, 383, 1100} {
			levels := cpu.Levels()
			if n > 0 {
				chosen, err := cpu.Chosen() // how tiles are laid out does not depend on the level
				if err != nil {
					t.Fatal(err)
				}
				levels = []cpu.Level{chosen}
			}
			for _, level := range levels {
				t.Run(fmt.Sprintf("%v/T=%d/%v", texts, T, level), func(t *testing.T) {
					defer kernel.Use(level)()
					testChunks(t, T, layers)
				})
			}
		}
	}
}

func testChunks(t *testing.T, T int, layers []pattern.Pattern) {
	r := rand.New(rand.NewPCG(uint64(T), 5))
	x := tensor.New(tensor.F32, T, heads*headDim)
	for i := range x.F32 {
		x.F32[i] = float32(r.NormFloat64())
	}
	whole, err := stack(x, layers)
	if err != nil {
		t.Fatal(err)
	}
	exact, err := chunk.Exact(256, layers...)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []chunk.Options{
		exact,
		{Size: 256, Before: exact.Before / 2, After: exact.After / 2, Period: exact.Period},
		{Size: 384, Before: exact.Before, Period: exact.Period},
		{Size: 128, Period: exact.Period},
	} {
		chunks, err := o.Plan(T)
		if err != nil {
			t.Fatal(err)
		}
		report, err := chunk.Effect(T, chunks, layers...)
		if err != nil {
			t.Fatal(err)
		}
		if o == exact && !report.Exact() {
			t.Fatalf("%+v is not exact: %v", o, report)
		}
		got, err := chunked(x, o, layers)
		if err != nil {
			t.Fatal(err)
		}
		checkDiffer(t, report, differing(got, whole))
	}
}

func checkDiffer(t *testing.T, report chunk.Report, tokens []int) {
	t.Helper()
	for _, token := range tokens {
		named := false
		for _, s := range report.Differ {
			named = named || s.Lo <= token && token < s.Hi
		}
		if !named {
			t.Fatalf("token %d differs and is not among %v", token, report.Differ)
		}
	}
	// A key more or less changes nearly every result; the reach of a dilated or segmented layer promises less.
	if 4*len(tokens) < report.Differing() {
		t.Errorf("%d tokens differ of %d reported", len(tokens), report.Differing())
	}
}
