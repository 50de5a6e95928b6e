package mechanism

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/pattern"

	"github.com/longspan/longspan/tensor"
)

// TestDecodingIsTheWhole gives sequences of random lengths to caches of random patterns, in random parts: each query gets what
// attention over the whole sequence gives it, in the real run and with the same bytes in the dry one.
func TestDecodingIsTheWhole(t *testing.T) {
	const heads, dim = 2, 8
	r, bounded := rand.New(rand.NewPCG(1, 2)), 0
	for range 60 {
		p := randomCausal(r)
		l, err := New(Config{Mechanism: Mechanism{softmax{p}, p.String()}, Heads: heads, HeadDim: dim, Causal: true,
			Terms: Terms{ALiBi: r.IntN(3) == 0}})
		if err != nil {
			t.Fatal(err)
		}
		tokens := 40 + r.IntN(600)
		qkv := tensor.New(tensor.F32, tokens, 3*heads*dim)
		for i := range qkv.F32 {
			qkv.F32[i] = float32(r.Float64()*4 - 2)
		}
		want := tensor.New(tensor.F32, tokens, heads*dim)
		core, err := l.Compile(attention.Self(tokens))
		if err != nil {
			t.Fatal(err)
		}
		if err := core.Forward(tensor.Exec{}, Out{O: want}, In{In: parts(qkv)}); err != nil {
			t.Fatal(err)
		}
		var sizes []int
		for at := 0; at < tokens; at += sizes[len(sizes)-1] {
			sizes = append(sizes, min(tokens-at, []int{1, 1, 5, 1 + r.IntN(200)}[r.IntN(4)]))
			sizes[0] = max(sizes[0], 20) // global positions must be there
		}
		real, dry := tensor.NewPool(), tensor.NewDryPool()
		most := decodeParts(t, l, real, qkv, want, sizes)
		qkv.F32 = nil
		if got := decodeParts(t, l, dry, qkv, want, sizes); got != most || dry.Peak() != real.Peak() {
			t.Errorf("%s: a dry run kept %d keys and %d bytes, the real one %d and %d", p, got, dry.Peak(), most, real.Peak())
		}
		if most < tokens {
			bounded++
		}
	}
	if bounded < 10 {
		t.Errorf("only %d states dropped something", bounded)
	}
}

// randomCausal is a causal pattern of one or two sizes, with positions before 20.
func randomCausal(r *rand.Rand) pattern.Pattern {
	part := func() pattern.Pattern {
		return []pattern.Pattern{
			pattern.Window(r.IntN(90)), pattern.Window(r.IntN(9)), pattern.Global(r.IntN(20), r.IntN(20)), pattern.Prefix(r.IntN(20)),
			pattern.Segments(1 + r.IntN(60)), pattern.SummaryAt(30, r.IntN(30)), pattern.Dilated(r.IntN(9), 1+r.IntN(9)),
			pattern.Strided(1 + r.IntN(50)),
			pattern.SegmentsAt(1+r.IntN(9), 10+r.IntN(9)), pattern.Full(),
		}[r.IntN(10)]
	}
	if r.IntN(2) == 0 {
		return pattern.And(pattern.Causal(), part(), pattern.Or(part(), part()))
	}
	return pattern.And(pattern.Causal(), pattern.Or(part(), part()))
}

// parts views the columns of queries, keys and values of the same width.
func parts(qkv tensor.Mat) attention.In {
	w := qkv.Cols / 3
	return attention.In{Q: qkv.SliceCols(0, w), K: qkv.SliceCols(w, 2*w), V: qkv.SliceCols(2*w, 3*w)}
}

// decodeParts decodes a sequence in parts of the given sizes and compares with want; it returns the most keys in memory after a part.
func decodeParts(t *testing.T, l Layer, pool *tensor.Pool, qkv, want tensor.Mat, sizes []int) (most int) {
	t.Helper()
	s, err := l.NewState(pool, 0)
	if err != nil {
		t.Fatal(err)
	}
	state := s.(*KeyValues)
	p, at := state.layer.c.Pattern, 0
	for _, n := range sizes {
		out := pool.Get(tensor.F32, n, want.Cols)
		if err := state.Step(tensor.Exec{Threads: 1, Pool: pool}, out, In{In: parts(qkv.SliceRows(at, at+n))}); err != nil {
			t.Fatalf("%s, %d tokens after %d: %v", p, n, at, err)
		}
		for i := 0; i < n && !pool.Dry(); i++ {
			for j, x := range out.Row(i) {
				if y := want.Row(at + i)[j]; !(math.Abs(float64(x-y)) < 1e-5) {
					t.Fatalf("%s: token %d, element %d is %g, want %g", p, at+i, j, x, y)
				}
			}
		}
		pool.Put(out)
		at += n
		most = max(most, state.Rows())
		if old := pattern.Retained(nil, p, at); state.Tokens() != at || len(old) > 0 && state.Oldest() != old[0].Lo {
			t.Fatalf("%s: found %d tokens from %d, want %d", p, state.Tokens(), state.Oldest(), at)
		}
	}
	state.Free()
	if pool.InUse() != 0 {
		t.Errorf("%s: %d bytes of the pool were kept", p, pool.InUse())
	}
	return most
}

// Under a window no more keys are kept than the window, half of it and the slack, and what comes at once.
func TestKeyValuesAreBounded(t *testing.T) {
	const w = 400
	cache := &KeyValues{layer: softmaxLayer{c: attention.Config{Pattern: pattern.And(pattern.Causal(), pattern.Window(w))}}}
	row := tensor.New(tensor.F32, 1, 8)
	many := tensor.New(tensor.F32, 3000, 8)
	cache.Append(many, many)
	for range 5000 {
		cache.Append(row, row)
		if cache.Rows() > 3001 || cache.Tokens() > 3001 && cache.Rows() > (w+1)*3/2 {
			t.Fatalf("%d keys are kept after %d tokens", cache.Rows(), cache.Tokens())
		}
	}
	cache.Append(many, many)
	if cache.Rows() > w+3000 || cache.k.Rows > (w+3000)*3/2 {
		t.Errorf("%d keys are kept in room for %d", cache.Rows(), cache.k.Rows)
	}
	cache.Reset()
	cache.Append(row, row)
	if cache.Rows() != 1 || cache.Tokens() != 1 || cache.Oldest() != 0 {
		t.Errorf("%d keys are kept of %d tokens after a reset", cache.Rows(), cache.Tokens())
	}
}
