package autograd

import (
	"math"
	"testing"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/tensor"
)

// TestDecodingIsTheWhole gives sequences of random lengths to caches of random patterns, in random parts: each query gets what attention over the
// whole sequence gives it, in the real run and with the same bytes in the dry one.
func TestDecodingIsTheWhole(t *testing.T) {
	const heads, dim = 2, 8
	r, bounded := data.NewRandom(1, 2), 0
	for range 60 {
		p := randomCausal(r)
		c := attention.Config{Pattern: p, Heads: heads, HeadDim: dim}
		if r.IntN(3) == 0 {
			c.Bias = attention.ALiBi{}
		}
		tokens := 40 + r.IntN(600)
		qkv := tensor.New(tensor.F32, tokens, 3*heads*dim)
		for i := range qkv.F32 {
			qkv.F32[i] = float32(r.Float64()*4 - 2)
		}
		want := tensor.New(tensor.F32, tokens, heads*dim)
		q, k, v := headDims{heads * dim, heads * dim}.split([]tensor.Mat{qkv})
		a := mustAttention(t, c, attention.Self(tokens))
		if err := a.Forward(tensor.Exec{}, attention.Out{O: want}, attention.In{Q: q, K: k, V: v}); err != nil {
			t.Fatal(err)
		}
		var parts []int
		for at := 0; at < tokens; at += parts[len(parts)-1] {
			parts = append(parts, min(tokens-at, []int{1, 1, 5, 1 + r.IntN(200)}[r.IntN(4)]))
			parts[0] = max(parts[0], 20) // global positions must be there
		}
		real, dry := tensor.NewPool(), tensor.NewDryPool()
		held := decodeParts(t, c, real, qkv, want, parts)
		qkv.F32 = nil
		if got := decodeParts(t, c, dry, qkv, want, parts); got != held || dry.Peak() != real.Peak() {
			t.Errorf("%s: a dry run held %d keys and %d bytes, the real one %d and %d", p, got, dry.Peak(), held, real.Peak())
		}
		if held < tokens {
			bounded++
		}
	}
	if bounded < 10 {
		t.Errorf("only %d caches let go of something", bounded)
	}
}

// randomCausal is a causal pattern of one or two parts, with positions before 20.
func randomCausal(r *data.Random) pattern.Pattern {
	part := func() pattern.Pattern {
		return []pattern.Pattern{
			pattern.Window(r.IntN(90)), pattern.Window(r.IntN(9)), pattern.Global(r.IntN(20), r.IntN(20)), pattern.Prefix(r.IntN(20)),
			pattern.Segments(1 + r.IntN(60)), pattern.SummaryAt(30, r.IntN(30)), pattern.Dilated(r.IntN(9), 1+r.IntN(9)), pattern.Strided(1 + r.IntN(50)),
			pattern.SegmentsAt(1+r.IntN(9), 10+r.IntN(9)), pattern.Full(),
		}[r.IntN(10)]
	}
	if r.IntN(2) == 0 {
		return pattern.And(pattern.Causal(), part(), pattern.Or(part(), part()))
	}
	return pattern.And(pattern.Causal(), pattern.Or(part(), part()))
}

// decodeParts decodes a sequence in parts and compares with want; it returns the most keys held behind a part.
func decodeParts(t *testing.T, c attention.Config, pool *tensor.Pool, qkv, want tensor.Mat, parts []int) (held int) {
	t.Helper()
	cache := NewCache(pool, c.Pattern)
	at := 0
	for _, n := range parts {
		g := New(tensor.Exec{Threads: 1, Pool: pool}, Options{})
		out := g.Keep(g.DecodeAttention(c, cache, g.Input(qkv.SliceRows(at, at+n)), Terms{}))
		if err := g.Forward(); err != nil {
			t.Fatalf("%s, %d tokens after %d: %v", c.Pattern, n, at, err)
		}
		for i := 0; i < n && !pool.Dry(); i++ {
			for j, x := range out.Value().Row(i) {
				if y := want.Row(at + i)[j]; !(math.Abs(float64(x-y)) < 1e-5) {
					t.Fatalf("%s: token %d, element %d is %g, want %g", c.Pattern, at+i, j, x, y)
				}
			}
		}
		g.Close()
		at += n
		held = max(held, cache.Held())
		if old := pattern.Retained(nil, c.Pattern, at); cache.Tokens() != at || len(old) > 0 && cache.Oldest() != old[0].Lo {
			t.Fatalf("%s: found %d tokens from %d, want %d", c.Pattern, cache.Tokens(), cache.Oldest(), at)
		}
	}
	cache.Free()
	if pool.InUse() != 0 {
		t.Errorf("%s: %d bytes of the pool were kept", c.Pattern, pool.InUse())
	}
	return held
}

// A window's cache holds no more than the window, half of it and the slack, and what comes at once.
func TestCacheIsBounded(t *testing.T) {
	const w = 400
	cache := NewCache(nil, pattern.And(pattern.Causal(), pattern.Window(w)))
	row := tensor.New(tensor.F32, 1, 8)
	many := tensor.New(tensor.F32, 3000, 8)
	cache.append(many, many)
	for range 5000 {
		cache.append(row, row)
		if cache.Held() > 3001 || cache.Tokens() > 3001 && cache.Held() > (w+1)*3/2 {
			t.Fatalf("%d keys are held after %d tokens", cache.Held(), cache.Tokens())
		}
	}
	cache.append(many, many)
	if cache.Held() > w+3000 || cache.k.Rows > (w+3000)*3/2 {
		t.Errorf("%d keys are held in room for %d", cache.Held(), cache.k.Rows)
	}
	cache.Reset()
	cache.append(row, row)
	if cache.Held() != 1 || cache.Tokens() != 1 || cache.Oldest() != 0 {
		t.Errorf("%d keys are held of %d tokens after a reset", cache.Held(), cache.Tokens())
	}
}
