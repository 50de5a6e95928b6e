package attention

import (
	"fmt"
	"strings"
	"testing"

	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/internal/kerneltest"
	"github.com/longspan/longspan/tensor"
)

// seen marks, pair by pair, the keys that queries lo … hi−1 see, or else the queries that see keys lo … hi−1.
func seen(p pattern.Pattern, tokens, lo, hi int, keys bool) []pattern.Span {
	marks := make([]bool, tokens)
	var spans []pattern.Span
	for q := range tokens {
		spans = p.Spans(spans[:0], q, pattern.Square(tokens))
		for _, s := range spans {
			switch {
			case !keys:
				marks[q] = marks[q] || s.Lo < hi && s.Hi > lo
			case q >= lo && q < hi:
				for k := s.Lo; k < s.Hi; k++ {
					marks[k] = true
				}
			}
		}
	}
	var others []pattern.Span
	for i, yes := range marks {
		if n := len(others); yes && (i < lo || i >= hi) {
			if n > 0 && others[n-1].Hi == i {
				others[n-1].Hi++
			} else {
				others = append(others, pattern.Span{Lo: i, Hi: i + 1})
			}
		}
	}
	return others
}

// shares cuts the sequences of a problem at the given rows of the batch, for one rank.
func (p problem) shares(lo, hi int) (all []Share) {
	start := 0
	for _, s := range p.seqs {
		own := pattern.Span{Lo: max(lo, start) - start, Hi: min(hi, start+s.K) - start}
		if own.Lo < own.Hi {
			all = append(all, Share{Tokens: s.K, Own: own, Keys: seen(p.c.Pattern, s.K, own.Lo, own.Hi, true),
				Queries: seen(p.c.Pattern, s.K, own.Lo, own.Hi, false)})
		}
		start += s.K
	}
	return all
}

// rowsOf copies rows of the batch: spans of positions of the sequence that own rows from lo on begin in.
func (p problem) rowsOf(m tensor.Mat, lo int, shares []Share, spans func(s Share) []pattern.Span) tensor.Mat {
	var rows []tensor.Mat
	n := 0
	for _, s := range shares {
		first := lo - s.Own.Lo
		for _, x := range spans(s) {
			rows = append(rows, m.SliceRows(first+x.Lo, first+x.Hi))
			n += x.Len()
		}
		lo += s.Own.Len()
	}
	out := tensor.New(m.Type, n, m.Cols)
	at := 0
	for _, r := range rows {
		out.SliceRows(at, at+r.Rows).CopyFrom(r)
		at += r.Rows
	}
	return out
}

// turn is m with rows and columns exchanged.
func turn(m tensor.Mat) tensor.Mat {
	out := tensor.New(tensor.F32, m.Cols, m.Rows)
	for i := range m.Rows {
		for j, v := range m.Row(i) {
			out.Row(j)[i] = v
		}
	}
	return out
}

// sharesOf computes what one rank does, from the rows of the whole, and holds it to the bits of the whole.
func (p problem) sharesOf(t *testing.T, whole results, delta tensor.Mat, lo, hi int, grads *BiasGrads) (sinks []float32) {
	t.Helper()
	shares := p.shares(lo, hi)
	forward := make([]Share, len(shares))
	for i, s := range shares {
		s.Queries = nil
		forward[i] = s
	}
	keys := func(s Share) []pattern.Span { return s.Keys }
	queries := func(s Share) []pattern.Span { return s.Queries }
	far := func(m tensor.Mat, of func(s Share) []pattern.Span) tensor.Mat { return p.rowsOf(m, lo, shares, of) }
	in := In{Q: p.q.SliceRows(lo, hi), K: p.k.SliceRows(lo, hi), V: p.v.SliceRows(lo, hi), Far: Far{K: far(p.k, keys), V: far(p.v, keys)}}
	a, err := NewShares(p.c, forward)
	if err != nil {
		t.Fatal(err)
	}
	x := tensor.Exec{Threads: 1, Pool: tensor.NewPool()}
	part := problem{c: p.c, q: in.Q, k: in.K, v: in.V, dout: p.dout.SliceRows(lo, hi)}
	got := part.room(grads)
	if err := a.Forward(x, Out{O: got.out, LSE: got.lse}, in); err != nil {
		t.Fatal(err)
	}
	if a, err = NewShares(p.c, shares); err != nil {
		t.Fatal(err)
	}
	in.Far.Q, in.Far.DO = far(p.q, queries), far(p.dout, queries)
	in.Far.LSE, in.Far.Delta = far(turn(whole.lse), queries), far(turn(delta), queries)
	if err := a.Backward(x, got.g, part.dout, Out{O: got.out, LSE: got.lse}, in); err != nil {
		t.Fatal(err)
	}
	if n := x.Pool.InUse(); n != 0 {
		t.Errorf("%d bytes of the pool were kept", n)
	}
	for i, m := range whole.mats() {
		var want tensor.Mat
		if m.name == "lse" {
			want = m.m.SliceCols(lo, hi)
		} else {
			want = m.m.SliceRows(lo, hi)
		}
		sameBits(t, fmt.Sprintf("rows %d … %d: %s", lo, hi-1, m.name), got.mats()[i].m, want)
	}
	return got.g.Sinks
}

// testShares cuts a batch for ranks, and holds what each computes to the whole.
func (p problem) testShares(t *testing.T, cuts []int, bias func() *BiasGrads) {
	t.Helper()
	all := bias()
	whole := p.run(t, 1, all)
	delta := tensor.New(tensor.F32, p.c.Heads, p.q.Rows)
	if err := p.compile(t).Deltas(tensor.Exec{}, delta, p.dout, whole.out); err != nil {
		t.Fatal(err)
	}
	sums, sinks := map[string][]float64{}, make([]float32, len(whole.g.Sinks))
	for i := range cuts[1:] {
		grads := bias()
		for j, x := range p.sharesOf(t, whole, delta, cuts[i], cuts[i+1], grads) {
			sinks[j] += x
		}
		for name, x := range flatBias(grads) {
			if sums[name] == nil {
				sums[name] = make([]float64, len(x))
			}
			for j, v := range x {
				sums[name][j] += v
			}
		}
	}
	for name, want := range flatBias(all) {
		kerneltest.Near(t, sums[name], want, 1e-4*(1+greatest(want)))
	}
	if len(sinks) > 0 {
		kerneltest.Near(t, sinks, kerneltest.Float64(whole.g.Sinks), 1e-4)
	}
}

// TestSharesAreTheWhole holds that ranks that own parts of sequences compute the bits of one rank, for patterns with halos, gaps and rows
// that see everything.
func TestSharesAreTheWhole(t *testing.T) {
	none := func() *BiasGrads { return nil }
	for _, p := range []pattern.Pattern{
		pattern.Full(), pattern.Causal(), pattern.Window(200), pattern.Or(pattern.Window(100), pattern.Global(0, 590)),
		pattern.BigBird(64, 3, 2, 3, 1), pattern.Dilated(40, 7), pattern.Segments(300), pattern.And(pattern.Causal(), pattern.Window(600)),
		pattern.Or(pattern.And(pattern.Causal(), pattern.Window(130)), pattern.Global(600)), pattern.Strided(3), pattern.None(),
	} {
		for _, typ := range types[:2] {
			pr := newProblem(Config{Pattern: p, Heads: 2, KVHeads: 1, HeadDim: 16}, Self(1500, 601), typ, 1)
			pr.testShares(t, []int{0, 512, 1024, 2012, 2101}, none)
			if t.Failed() {
				t.Fatalf("%s, %s", p, typ)
			}
		}
	}
}

// TestSharesOfBiases holds the same with all that is added to scores, and that gradients of it add up.
func TestSharesOfBiases(t *testing.T) {
	seqs := Self(700, 40)
	for name, make := range biasProblems(seqs) {
		c, _ := make()
		if _, ok := c.Bias.(Matrix); ok {
			continue
		}
		for _, p := range []pattern.Pattern{pattern.Or(pattern.Window(70), pattern.Global(3)), pattern.Causal()} {
			c.Pattern, c.Heads, c.KVHeads, c.HeadDim = p, biasHeads, 2, biasDim
			var rows int
			if b, ok := c.Bias.(Relative); ok {
				b.First, b.R = -700, normal(tensor.F32, 1401, biasHeads*biasDim, 3)
				rows, c.Bias = b.R.Rows, b
			}
			pr := newProblem(c, seqs, tensor.F32, 3)
			pr.testShares(t, []int{0, 512, 740}, func() *BiasGrads {
				_, g := make()
				if rows > 0 {
					g.R = nanMat(tensor.F32, rows, biasHeads*biasDim)
				}
				return g
			})
			if t.Failed() {
				t.Fatalf("%s, %s", name, p)
			}
		}
	}
}

// TestSharesCountPairs holds that ranks together have the pairs of the whole, each once for its query and once for its key.
func TestSharesCountPairs(t *testing.T) {
	pr := newProblem(Config{Pattern: pattern.Or(pattern.Window(100), pattern.Global(0)), Heads: 2, HeadDim: 16}, Self(2000), tensor.F32, 1)
	whole := pr.compile(t)
	var queries, keys int64
	work := 0.0
	for _, cut := range [][2]int{{0, 512}, {512, 1536}, {1536, 2000}} {
		a, err := NewShares(pr.c, pr.shares(cut[0], cut[1]))
		if err != nil {
			t.Fatal(err)
		}
		queries, keys, work = queries+a.Pairs(), keys+a.KeyPairs(), work+a.BackwardFlops()
	}
	if queries != whole.Pairs() || keys != whole.Pairs() || whole.BackwardFlops() != 2.5*whole.ForwardFlops() {
		t.Errorf("found %d pairs by query and %d by key, expected %d", queries, keys, whole.Pairs())
	}
	if least := whole.BackwardFlops(); !(work > least && work < 1.4*least) {
		t.Errorf("found %g flops of all ranks, expected a little more than %g", work, least)
	}
}

// TestSharesRefuse holds the words of what NewShares, and passes over shares, refuse.
func TestSharesRefuse(t *testing.T) {
	span := func(lo, hi int) []pattern.Span { return []pattern.Span{{Lo: lo, Hi: hi}} }
	own := pattern.Span{Lo: 512, Hi: 1024}
	whole := func() Share { return Share{Tokens: 2000, Own: own, Keys: span(412, 512), Queries: span(1024, 1124)} }
	config := Config{Pattern: pattern.WindowSides(100, 0), Heads: 2, HeadDim: 16}
	for _, row := range []struct {
		want  string
		spoil func(c *Config, s *Share)
	}{
		{"sequence 0: found own tokens 500 … 1023 of 2000, expected borders at multiples of 512", func(_ *Config, s *Share) { s.Own.Lo = 500 }},
		{"found own tokens 512 … 2000 of 2000", func(_ *Config, s *Share) { s.Own.Hi = 2001 }},
		{"found keys 412 … 599 of others after 0, expected spans", func(_ *Config, s *Share) { s.Keys = span(412, 600) }},
		{"found queries 1900 … 2000 of others after 0", func(_ *Config, s *Share) { s.Queries = span(1900, 2001) }},
		{"found keys 300 … 399 of others after 412", func(_ *Config, s *Share) { s.Keys = append(span(400, 412), span(300, 400)...) }},
		{"own query 512 sees keys 412 … 512, expected all of them", func(_ *Config, s *Share) { s.Keys = span(413, 512) }},
		{"query 1123 sees own key 1023, expected it among Queries", func(_ *Config, s *Share) { s.Queries = span(1024, 1123) }},
		{"found a matrix of bias for a share", func(c *Config, _ *Share) {
			c.Bias = Matrix{[][]tensor.Mat{{tensor.New(tensor.F32, 2000, 2000)}}}
		}},
		{"found 0 heads", func(c *Config, _ *Share) { c.Heads = 0 }},
		{"found -5 keys", func(_ *Config, s *Share) { s.Tokens = -5 }},
	} {
		c, s := config, whole()
		row.spoil(&c, &s)
		if _, err := NewShares(c, []Share{s}); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("found error %v, expected %q", err, row.want)
		}
	}
	a, err := NewShares(config, []Share{whole()})
	if err != nil {
		t.Fatal(err)
	}
	m := func(rows int) tensor.Mat { return tensor.New(tensor.F32, rows, 32) }
	lse, far := tensor.New(tensor.F32, 2, 512), tensor.New(tensor.F32, 100, 2)
	for want, spoil := range map[string]func(in *In){
		"found Far.K of 99×32, expected 100×32":       func(in *In) { in.Far.K = m(99) },
		"found Far.V of bf16, expected f32":           func(in *In) { in.Far.V = tensor.New(tensor.BF16, 100, 32) },
		"found Far.Q of 0×0, expected 100×32":         func(in *In) { in.Far.Q = tensor.Mat{} },
		"found Far.LSE of 2×100, expected 100×2":      func(in *In) { in.Far.LSE = tensor.New(tensor.F32, 2, 100) },
		"found Far.Delta of f16, expected f32":        func(in *In) { in.Far.Delta = tensor.New(tensor.F16, 100, 2) },
		"found data in only one of":                   func(in *In) { in.Far.DO.F32 = nil },
		"found Delta of bf16, expected f32, whatever": func(in *In) { in.Delta = tensor.New(tensor.BF16, 2, 512) },
	} {
		in := In{Q: m(512), K: m(512), V: m(512), Far: Far{K: m(100), V: m(100), Q: m(100), DO: m(100), LSE: far, Delta: far}}
		spoil(&in)
		err := a.Backward(tensor.Exec{}, Grads{DQ: m(512), DK: m(512), DV: m(512)}, m(512), Out{O: m(512), LSE: lse}, in)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found error %v, expected %q", err, want)
		}
	}
}

// TestSharesOfNothing holds that ranks without rows, and shares that meet no other, are none or plain sequences.
func TestSharesOfNothing(t *testing.T) {
	a, err := NewShares(Config{Heads: 1, HeadDim: 8}, nil)
	if err != nil || a.Queries() != 0 || a.Pairs() != 0 {
		t.Errorf("found %d queries, %v", a.Queries(), err)
	}
	empty := tensor.New(tensor.F32, 0, 8)
	if err := a.Forward(tensor.Exec{}, Out{O: empty}, In{Q: empty, K: empty, V: empty}); err != nil {
		t.Error(err)
	}
	pr := newProblem(Config{Pattern: pattern.Full(), Heads: 1, HeadDim: 8}, Self(600, 3), tensor.F32, 1)
	pr.testShares(t, []int{0, 600, 600, 603}, func() *BiasGrads { return nil })
}
