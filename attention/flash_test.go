package attention

import (
	"fmt"
	"testing"

	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/internal/kerneltest"
	"github.com/longspan/longspan/tensor"
)

// patterns are of each kind of tile: whole, cut by a diagonal, windows of one and of two sides, and scattered.
var patterns = []pattern.Pattern{
	pattern.Full(), pattern.Causal(), pattern.Window(20), pattern.WindowSides(70, 0), pattern.And(pattern.Causal(), pattern.Window(100)),
	pattern.Or(pattern.Window(9), pattern.Global(0, 77)),
}

// TestFlashIsNaive proves forward and backward on every level, for each type and pattern: a sequence of several tiles, one query with
// memory, keys of two chunks, and nothing at all.
func TestFlashIsNaive(t *testing.T) {
	for _, typ := range types {
		for i, p := range patterns {
			c := Config{Pattern: p, Heads: 2, KVHeads: 1 + i%2, HeadDim: []int{16, 40, 64}[i%3]}
			seqs := []Seq{{Q: 90, K: 90}, {Q: 1, K: 101, Offset: 100}, {Q: 5, K: 530, Offset: 522}, {}}
			if i == len(patterns)-1 {
				seqs = Self(150)
			}
			t.Run(fmt.Sprintf("%s/%s", typ, p), func(t *testing.T) {
				pr := newProblem(c, seqs, typ, uint64(i))
				want, dense := pr.naive(t), pr.eager(t)
				kerneltest.Levels(t, func(t *testing.T) { pr.run(t, 2, nil).near(t, pr, want, dense) })
			})
		}
	}
}

func TestEveryHeadDim(t *testing.T) {
	for d := 8; d <= MaxHeadDim; d += 8 {
		if d > 128 && d%72 != 0 && d < 248 {
			continue // every remainder of a register was there
		}
		for _, typ := range types[:2] {
			t.Run(fmt.Sprintf("%s/D=%d", typ, d), func(t *testing.T) {
				pr := newProblem(Config{Pattern: pattern.Causal(), Heads: 1, HeadDim: d}, []Seq{{Q: 33, K: 41, Offset: 8}}, typ, uint64(d))
				want, dense := pr.naive(t), pr.eager(t)
				kerneltest.Levels(t, func(t *testing.T) { pr.run(t, 1, nil).near(t, pr, want, dense) })
			})
		}
	}
}

// FuzzForward draws small shapes and patterns and holds forward and backward against the definition, at the highest level.
func FuzzForward(f *testing.F) {
	for i := range uint8(12) { // some of these patterns refuse their shape
		f.Add(uint64(i), 40+i, 40+20*i, 3*i, i, i/3, i, i)
	}
	f.Fuzz(func(t *testing.T, seed uint64, tq, tk, offset, kvHeads, group, d, typ uint8) {
		c := Config{Pattern: randomPattern(kerneltest.Rand(seed), 2), KVHeads: 1 + int(kvHeads%3), HeadDim: 8 + 8*int(d%32)}
		c.Heads = c.KVHeads * (1 + int(group%3))
		pr := newProblem(c, []Seq{{Q: int(tq), K: int(tk), Offset: int(offset)}, {Q: int(tk % 40), K: int(tq % 40)}},
			types[int(typ)%len(types)], seed)
		if _, err := New(pr.c, pr.seqs); err != nil {
			t.Skip(err) // the pattern refuses the shape
		}
		pr.run(t, 1+int(seed%3), nil).near(t, pr, pr.naive(t), pr.eager(t))
	})
}

func BenchmarkForward(b *testing.B) {
	for _, typ := range []tensor.Type{tensor.F32, tensor.BF16} {
		for _, size := range []struct {
			p       pattern.Pattern
			t, h, d int
		}{{pattern.Full(), 4096, 4, 64}, {pattern.Full(), 16384, 4, 64}, {pattern.Causal(), 16384, 4, 64}, {pattern.Full(), 8192, 4, 128},
			{pattern.Window(512), 65536, 12, 64}} {
			for _, threads := range []int{1, 2} {
				b.Run(fmt.Sprintf("%s/%s/T=%d/D=%d/threads=%d", typ, size.p, size.t, size.d, threads), func(b *testing.B) {
					c := Config{Pattern: size.p, Heads: size.h, HeadDim: size.d}
					pr := newProblem(c, Self(size.t), typ, 1)
					a, err := New(c, pr.seqs)
					if err != nil {
						b.Fatal(err)
					}
					out, x := tensor.New(typ, pr.q.Rows, pr.q.Cols), tensor.Exec{Threads: threads, Pool: tensor.NewPool()}
					for b.Loop() {
						if err := a.Forward(x, Out{O: out}, In{Q: pr.q, K: pr.k, V: pr.v}); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(a.ForwardFlops()*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
				})
			}
		}
	}
}
