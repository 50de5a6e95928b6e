package attention

import (
	"fmt"
	"strings"
	"testing"

	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/internal/kerneltest"
	"github.com/longspan/longspan/tensor"
)

// TestDecodeIsNaive gives Decode the last queries of a sequence of two pieces. With more queries than the kernels take in place, the bits
// are those of Forward.
func TestDecodeIsNaive(t *testing.T) {
	const keys = decodeKeys + 52
	for i, c := range []Config{
		{Heads: 4, KVHeads: 2, HeadDim: 24},
		{Heads: 1, HeadDim: 64, Pattern: pattern.WindowSides(1060, 0), Sinks: []float32{0.5}},
		{Heads: 36, KVHeads: 12, HeadDim: 8, Pattern: pattern.Causal(), SoftCap: 2},
		{Heads: 40, KVHeads: 1, HeadDim: 16, Pattern: pattern.Or(pattern.WindowSides(5, 0), pattern.Strided(40))},
		{Heads: 2, HeadDim: 16, Bias: ALiBi{}, Pattern: pattern.Causal()},
		{Heads: 2, KVHeads: 1, HeadDim: 16, Bias: T5{Table: floats(64, 1), Buckets: 32, MaxDistance: 128, Bidirectional: true}, SoftCap: 2},
		{Heads: 36, KVHeads: 12, HeadDim: 8, Bias: T5{Table: floats(8*36, 2), Buckets: 8, MaxDistance: 900}, Pattern: pattern.Causal(),
			Sinks: floats(36, 1)},
		{Heads: 4, KVHeads: 2, HeadDim: 24, Bias: relativeBias(96, 4, -9, keys+10), Pattern: pattern.Or(pattern.Causal(), pattern.Window(40))},
		{Heads: 34, KVHeads: 2, HeadDim: 8, Bias: relativeBias(34*8, 9, 0, keys), Pattern: pattern.Causal()},
		{Heads: 2, HeadDim: 16, Pattern: pattern.And(pattern.Segments(1), pattern.WindowSides(0, 3))},
		{Heads: 2, HeadDim: 8, Pattern: pattern.None()},
	} {
		for _, typ := range types {
			for _, n := range []int{1, 3, decodeQueries + 1} {
				if (n > 1 || typ == tensor.F16) && c.Heads > 4 || n == 3 && typ != tensor.F32 {
					continue // the reference is slow, and queries are one like another
				}
				t.Run(fmt.Sprintf("%s/%d/queries=%d", typ, i, n), func(t *testing.T) {
					pr := newProblem(c, []Seq{{Q: n, K: keys, Offset: keys - n}}, typ, 3)
					want, dense := pr.naive(t), pr.eager(t)
					kerneltest.Levels(t, func(t *testing.T) {
						r, x := pr.room(nil), tensor.Exec{Threads: 2, Pool: tensor.NewPool()}
						if err := Decode(x, pr.c, Out{O: r.out, LSE: r.lse}, In{Q: pr.q, K: pr.k, V: pr.v}); err != nil {
							t.Fatal(err)
						}
						if x.Pool.InUse() != 0 {
							t.Errorf("Decode kept %d bytes of the pool", x.Pool.InUse())
						}
						r.nearForward(t, pr, want, dense)
						if n > decodeQueries {
							forward := pr.forward(t, 2)
							sameBits(t, "out", r.out, forward.out)
							sameBits(t, "lse", r.lse, forward.lse)
						}
					})
				})
			}
		}
	}
}

// relativeBias has rows of that width for as many distances from first on.
func relativeBias(width int, seed uint64, first, rows int) Relative {
	return Relative{U: floats(width, seed), V: floats(width, seed+1), R: normal(tensor.F32, rows, width, seed+2), First: first}
}

// TestDecodeCachedIsNaive evicts the keys that no later query sees, and no others: the outputs are those over all keys.
func TestDecodeCachedIsNaive(t *testing.T) {
	gone := 0
	for i, text := range []string{
		"window(40)", "window(40) | global(0, 17)", "window(3) | prefix(9) | summary(50, 49)", "segments(200)",
		"dilated(9, 7) | global(60..64)", "full",
	} {
		p, err := pattern.Parse("causal & (" + text + ")")
		if err != nil {
			t.Fatal(err)
		}
		for j, c := range []Config{
			{Heads: 2, HeadDim: 16, Sinks: floats(2, 1)},
			{Heads: 4, KVHeads: 2, HeadDim: 8, Bias: ALiBi{}},
			{Heads: 2, HeadDim: 16, Bias: T5{Table: floats(64, 1), Buckets: 32, MaxDistance: 128}},
			{Heads: 2, HeadDim: 16, Bias: relativeBias(32, 4, 0, 1300)},
		} {
			for _, n := range []int{1, decodeQueries, 3*decodeQueries + 1} {
				keys := 400
				if text == "full" {
					keys = decodeKeys + 30 // two pieces
				}
				c.Pattern = p
				pr := newProblem(c, []Seq{{Q: n, K: keys, Offset: keys - n}}, types[(i+j)%2], 3)
				held := pattern.Retained(nil, p, keys-n)
				if last := len(held) - 1; last >= 0 && held[last].Hi == keys-n {
					held[last].Hi = keys
				} else {
					held = append(held, pattern.Span{Lo: keys - n, Hi: keys})
				}
				k, v := rowsOf(pr.k, held), rowsOf(pr.v, held)
				gone += keys - k.Rows
				r, x := pr.room(nil), tensor.Exec{Threads: 2, Pool: tensor.NewPool()}
				if err := DecodeCached(x, c, held, Out{O: r.out, LSE: r.lse}, In{Q: pr.q, K: k, V: v}); err != nil {
					t.Fatal(text, err)
				}
				if x.Pool.InUse() != 0 {
					t.Errorf("%s: %d bytes of the pool were kept", text, x.Pool.InUse())
				}
				r.nearForward(t, pr, pr.naive(t), pr.eager(t))
			}
		}
	}
	if gone == 0 {
		t.Error("no key was let go of")
	}
}

// rowsOf copies the rows in spans.
func rowsOf(m tensor.Mat, spans []pattern.Span) tensor.Mat {
	n := 0
	for _, s := range spans {
		n += s.Len()
	}
	to, row, at := tensor.New(m.Type, n, m.Cols), make([]float32, m.Cols), 0
	for _, s := range spans {
		for i := s.Lo; i < s.Hi; i++ {
			m.ReadRow(row, i)
			to.WriteRow(at, row)
			at++
		}
	}
	return to
}

func TestDecodeCachedRefuses(t *testing.T) {
	span := func(lo, hi int) pattern.Span { return pattern.Span{Lo: lo, Hi: hi} }
	hole := []pattern.Span{span(0, 10), span(20, 60)}
	for _, x := range []struct {
		want      string
		p         pattern.Pattern
		bias      Bias
		n         int
		positions []pattern.Span
	}{
		{"shows keys 0 … 59 to query 0, expected all of them in the cache", pattern.Causal(), nil, 1, hole},
		{"shows keys 0 … 40 to query 0, expected all of them in the cache", pattern.Causal(), nil, 20, hole}, // in tiles
		{"found cached positions 10 … 49 after position 10", pattern.Window(5), nil, 1, []pattern.Span{span(0, 10), span(10, 50)}},
		{"found cached positions 0 … 9 after position 80", pattern.Window(5), nil, 1, []pattern.Span{span(40, 80), span(0, 10)}},
		{"found 40 positions for 50 cached keys", pattern.Window(5), nil, 1, []pattern.Span{span(0, 40)}},
		{"found cached positions 536870863 … 536870912", pattern.Window(5), nil, 1, []pattern.Span{span(pattern.MaxTokens-49,
			pattern.MaxTokens+1)}},
		{"found 12 queries to decode and 10 neighbouring keys", pattern.Window(5), nil, 12, []pattern.Span{span(0, 40), span(50, 60)}},
		{"found 0 positions for 50 cached keys", pattern.Window(5), nil, 1, []pattern.Span{}},
		{"found 50 of 60 keys in the cache under a matrix of bias", pattern.Window(5), Matrix{[][]tensor.Mat{{tensor.New(tensor.F32, 1, 50)}}},
			1, []pattern.Span{span(10, 60)}},
		{"found 50 of 60 keys in the cache, of which some are repeated", pattern.Window(5), Repeat{Block: 5, Times: 2}, 1,
			[]pattern.Span{span(10, 60)}},
	} {
		q, k := tensor.New(tensor.F32, x.n, 16), tensor.New(tensor.F32, 50, 16)
		c := Config{Heads: 2, HeadDim: 8, Pattern: x.p, Bias: x.bias}
		err := DecodeCached(tensor.Exec{}, c, x.positions, Out{O: q}, In{Q: q, K: k, V: k})
		if err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("found error %v, expected %q", err, x.want)
		}
	}
}

// TestDecodeTypesMix takes queries, keys and values of different types: as good as the coarsest of them.
func TestDecodeTypesMix(t *testing.T) {
	pr := newProblem(Config{Heads: 4, KVHeads: 2, HeadDim: 16}, []Seq{{Q: 2, K: 70, Offset: 68}}, tensor.F32, 1)
	coarse := newProblem(pr.c, pr.seqs, tensor.F16, 1)
	pr.k = coarse.k
	r, want := pr.room(nil), pr.naive(t)
	if err := Decode(tensor.Exec{}, pr.c, Out{O: r.out, LSE: r.lse}, In{Q: pr.q, K: pr.k, V: pr.v}); err != nil {
		t.Fatal(err)
	}
	r.nearForward(t, pr, want, pr.eager(t))
}

func BenchmarkDecode(b *testing.B) {
	for _, typ := range []tensor.Type{tensor.F32, tensor.BF16} {
		for _, kvHeads := range []int{8, 2} {
			for _, threads := range []int{1, 2} {
				b.Run(fmt.Sprintf("%s/Hkv=%d/threads=%d", typ, kvHeads, threads), func(b *testing.B) {
					const tk = 131072
					c := Config{Heads: 8, KVHeads: kvHeads, HeadDim: 64}
					pr := newProblem(c, []Seq{{Q: 1, K: tk, Offset: tk - 1}}, typ, 1)
					out, x := tensor.New(typ, 1, 512), tensor.Exec{Threads: threads, Pool: tensor.NewPool()}
					b.SetBytes(pr.k.Bytes() + pr.v.Bytes())
					for b.Loop() {
						if err := Decode(x, c, Out{O: out}, In{Q: pr.q, K: pr.k, V: pr.v}); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}
