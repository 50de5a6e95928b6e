package attention

import (
	"math/bits"
	"strings"
	"testing"

	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/tensor"
)

// longProblem is a sequence of two spans and a bit, with a tile and a unit that are long.
func longProblem(typ tensor.Type) (problem, Share) {
	p := pattern.Or(pattern.Window(40), pattern.Global(5, 9000), pattern.Strided(4096))
	pr := newProblem(Config{Pattern: p, Heads: 2, KVHeads: 1, HeadDim: 16, Sinks: []float32{1, -1}}, Self(17000), typ, 1)
	return pr, Share{Tokens: 17000, Own: pattern.Span{Lo: 0, Hi: 17000},
		LongQueries: []pattern.Span{{Lo: 0, Hi: 32}, {Lo: 8992, Hi: 9024}}, LongKeys: []pattern.Span{{Lo: 0, Hi: 512}, {Lo: 8704, Hi: 9216}}}
}

// sumsOf lists the sums of all long rows of a share that owns its sequence: each is whole at once.
func (p problem) sumsOf(s Share) (queries []QuerySum, queryRows int, keys []KeySum, keyRows int) {
	var spans []pattern.Span
	for _, tile := range s.LongQueries {
		for span := range 3 {
			x := QuerySum{At: tile.Lo, Span: span, Row: queryRows}
			for q := tile.Lo; q < tile.Hi; q++ {
				for _, k := range p.c.Pattern.Spans(spans[:0], q, pattern.Square(s.Tokens)) {
					if k.Lo < (span+1)*SpanTokens && k.Hi > span*SpanTokens {
						x.Lanes |= 1 << (q - tile.Lo)
					}
				}
			}
			queries, queryRows = append(queries, x), queryRows+bits.OnesCount32(x.Lanes)
		}
	}
	for _, unit := range s.LongKeys {
		for span := range 3 {
			keys = append(keys, KeySum{At: unit.Lo, Span: span, Keys: []pattern.Span{{Lo: 0, Hi: ShareUnit}}, Row: keyRows})
			keyRows += ShareUnit
		}
	}
	return queries, queryRows, keys, keyRows
}

// TestLongRowsAreTheWhole holds that sums by span, joined by their owner, have the bits of the whole.
func TestLongRowsAreTheWhole(t *testing.T) {
	for _, typ := range types[:2] {
		pr, share := longProblem(typ)
		want, got := pr.run(t, 1, nil), pr.room(nil)
		a, err := NewShares(pr.c, []Share{share})
		if err != nil {
			t.Fatal(err)
		}
		if whole := pr.compile(t); a.Pairs() != whole.Pairs() || a.KeyPairs() != whole.Pairs() {
			t.Errorf("found %d pairs by query and %d by key, expected %d", a.Pairs(), a.KeyPairs(), whole.Pairs())
		}
		queries, queryRows, keys, keyRows := pr.sumsOf(share)
		forward, backward, keyWidth := a.SumWidths()
		x, in, out := tensor.Exec{Threads: 2, Pool: tensor.NewPool()}, In{Q: pr.q, K: pr.k, V: pr.v}, Out{O: got.out, LSE: got.lse}
		f, err := a.StartForward(x, in)
		if err != nil {
			t.Fatal(err)
		}
		sums := nanMat(tensor.F32, queryRows, forward)
		for _, err := range []error{f.Own(out), f.Sums(sums, queries), f.Join(out, sums, queries)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		f.Free()
		b, err := a.StartBackward(x, got.g, pr.dout, out, in)
		if err != nil {
			t.Fatal(err)
		}
		sums, keySums := nanMat(tensor.F32, queryRows, backward), nanMat(tensor.F32, keyRows, keyWidth)
		for _, err := range []error{b.Own(), b.Sums(sums, queries), b.Join(sums, queries), b.KeySums(keySums, keys), b.JoinKeys(keySums, keys)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		b.Free()
		got.same(t, want)
		if n := x.Pool.InUse(); n != 0 {
			t.Errorf("%d bytes of the pool were kept", n)
		}
	}
}

// TestLongRowsRefuse holds the words of what passes refuse.
func TestLongRowsRefuse(t *testing.T) {
	pr, share := longProblem(tensor.F32)
	a, err := NewShares(pr.c, []Share{share})
	if err != nil {
		t.Fatal(err)
	}
	r, x, in := pr.room(nil), tensor.Exec{Threads: 1}, In{Q: pr.q, K: pr.k, V: pr.v}
	f, err := a.StartForward(x, in)
	if err != nil {
		t.Fatal(err)
	}
	b, err := a.StartBackward(x, r.g, pr.dout, Out{O: r.out, LSE: r.lse}, in)
	if err != nil {
		t.Fatal(err)
	}
	forward, backward, keys := a.SumWidths()
	sums := func(rows, cols int) tensor.Mat { return tensor.New(tensor.F32, rows, cols) }
	one := func(change func(s *QuerySum)) []QuerySum {
		s := QuerySum{At: 0, Lanes: 3}
		change(&s)
		return []QuerySum{s}
	}
	unit := func(change func(s *KeySum)) []KeySum {
		s := KeySum{At: 0, Keys: []pattern.Span{{Lo: 0, Hi: 2}}}
		change(&s)
		return []KeySum{s}
	}
	same := func(*QuerySum) {}
	for _, c := range []struct {
		want string
		err  error
	}{
		{"found sums of 2×7, expected 2×36", f.Sums(sums(2, 7), one(same))},
		{"found sums of bf16, expected f32", f.Sums(tensor.New(tensor.BF16, 2, forward), one(same))},
		{"found a sum of share 1, expected 0 … 0", f.Sums(sums(2, forward), one(func(s *QuerySum) { s.Share = 1 }))},
		{"queries from 32 on in share 0, expected a tile of LongQueries", f.Join(Out{O: r.out}, sums(2, forward),
			one(func(s *QuerySum) { s.At = 32 }))},
		{"a row for each of 2 queries", f.Sums(sums(2, forward), one(func(s *QuerySum) { s.Row = 1 }))},
		{"found a sum over span 3", b.Sums(sums(2, backward), one(func(s *QuerySum) { s.Span = 3 }))},
		{"found O of 0×0", f.Join(Out{}, sums(2, forward), one(same))},
		{"found O of 0×0", f.Own(Out{})},
		{"found sums of 2×36, expected 2×32", b.Join(sums(2, forward), one(same))},
		{"found sums of 2×36, expected 2×32", b.KeySums(sums(2, forward), unit(func(*KeySum) {}))},
		{"keys from 512 on in share 0, expected a unit of LongKeys", b.KeySums(sums(2, keys), unit(func(s *KeySum) { s.At = 512 }))},
		{"keys from 3 on in share 0", b.JoinKeys(sums(2, keys), unit(func(s *KeySum) { s.At = 3 }))},
		{"found a sum of share -1", b.KeySums(sums(2, keys), unit(func(s *KeySum) { s.Share = -1 }))},
		{"found a sum of keys [{0 600}]", b.KeySums(sums(2, keys), unit(func(s *KeySum) { s.Keys[0].Hi = 600 }))},
		{"found a sum of keys [{0 3}] in rows from 0 on, of 2", b.KeySums(sums(2, keys), unit(func(s *KeySum) { s.Keys[0].Hi = 3 }))},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("found error %v, expected %q", c.err, c.want)
		}
	}
	share.LongQueries[0].Hi = 31
	if _, err := NewShares(pr.c, []Share{share}); err == nil || !strings.Contains(err.Error(), "found long queries 0 … 30 of 17000") {
		t.Errorf("found error %v", err)
	}
	share.LongQueries[0].Hi = 32
	pr.c.Bias = T5{Table: make([]float32, 64), Buckets: 32, MaxDistance: 60}
	if a, err = NewShares(pr.c, []Share{share}); err != nil {
		t.Fatal(err)
	}
	g := r.g
	g.Bias = &BiasGrads{Table: make([]float32, 64)}
	_, err = a.StartBackward(x, g, pr.dout, Out{O: r.out, LSE: r.lse}, in)
	if err == nil || !strings.Contains(err.Error(), "beside long rows") {
		t.Errorf("found error %v", err)
	}
}
