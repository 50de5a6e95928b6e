package attention_test

import (
	"math"
	"strings"
	"testing"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/tensor"
)

// refused fails the test unless call returns an error that contains want and names what was expected, and does not panic.
func refused(t *testing.T, name, want string, call func() error) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Helper()
		defer func() {
			if r := recover(); r != nil {
				t.Errorf("panic: %v", r)
			}
		}()
		if err := call(); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "expected") {
			t.Errorf("found error %v, expected %q, and what was expected", err, want)
		}
	})
}

// broken is a Pattern that gives the same spans to every query, whether they keep the contract or not.
type broken struct{ spans []pattern.Span }

func (b broken) Spans(dst []pattern.Span, _ int, _ pattern.Shape) []pattern.Span {
	return append(dst, b.spans...)
}
func (broken) Check(pattern.Shape) error { return nil }
func (broken) String() string            { return "broken" }

func TestNewRefuses(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	nan32, inf32 := float32(nan), float32(inf)
	type config = attention.Config
	mats := func(rows, cols int, n int) [][]tensor.Mat {
		m := make([]tensor.Mat, n)
		for i := range m {
			m[i] = tensor.New(tensor.F32, rows, cols)
		}
		return [][]tensor.Mat{m}
	}
	for name, c := range map[string]struct {
		want string
		c    config
	}{
		"no heads":                  {"found 0 heads and 0 key/value heads", config{HeadDim: 16}},
		"heads below 0":             {"found -2 heads and -2 key/value heads", config{Heads: -2, HeadDim: 16}},
		"H no multiple of Hkv":      {"found 4 heads and 3 key/value heads", config{Heads: 4, KVHeads: 3, HeadDim: 16}},
		"Hkv above H":               {"found 2 heads and 4 key/value heads", config{Heads: 2, KVHeads: 4, HeadDim: 16}},
		"Hkv below 0":               {"found 2 heads and -1 key/value heads", config{Heads: 2, KVHeads: -1, HeadDim: 16}},
		"no head dimension":         {"found head dimension 0", config{Heads: 2}},
		"head dimension 12":         {"found head dimension 12", config{Heads: 2, HeadDim: 12}},
		"head dimension 264":        {"found head dimension 264", config{Heads: 2, HeadDim: 264}},
		"head dimension below 0":    {"found head dimension -8", config{Heads: 2, HeadDim: -8}},
		"heads that overflow":       {"found 4611686018427387904 heads of 16", config{Heads: math.MaxInt/2 + 1, HeadDim: 16}},
		"heads past memory":         {"found 2251799813685247 heads of 256", config{Heads: math.MaxInt >> 12, HeadDim: 256}},
		"scale NaN":                 {"found scale NaN", config{Heads: 2, HeadDim: 16, Scale: nan}},
		"scale infinite":            {"found scale +Inf", config{Heads: 2, HeadDim: 16, Scale: inf}},
		"scale past float32":        {"found scale 1e+300", config{Heads: 2, HeadDim: 16, Scale: 1e300}},
		"soft cap below 0":          {"found soft cap -1", config{Heads: 2, HeadDim: 16, SoftCap: -1}},
		"soft cap NaN":              {"found soft cap NaN", config{Heads: 2, HeadDim: 16, SoftCap: nan}},
		"soft cap infinite":         {"found soft cap +Inf", config{Heads: 2, HeadDim: 16, SoftCap: inf}},
		"soft cap past float32":     {"found soft cap 1e+300", config{Heads: 2, HeadDim: 16, SoftCap: 1e300}},
		"soft cap below float32":    {"found soft cap 1e-300", config{Heads: 2, HeadDim: 16, SoftCap: 1e-300}},
		"sinks for other heads":     {"found 1 sinks", config{Heads: 2, HeadDim: 16, Sinks: []float32{1}}},
		"sink NaN":                  {"found sink NaN at head 1", config{Heads: 2, HeadDim: 16, Sinks: []float32{1, nan32}}},
		"sink infinite":             {"found sink +Inf at head 0", config{Heads: 2, HeadDim: 16, Sinks: []float32{inf32, 1}}},
		"sink past float32 in log2": {"found sink 3e+38 at head 0", config{Heads: 2, HeadDim: 16, Sinks: []float32{3e38, 1}}},
		"window below 0":            {"window(-1): found -1 before and -1 after", config{Heads: 2, HeadDim: 16, Pattern: pattern.Window(-1)}},
		"global past the end":       {"found position 20 in a sequence of 10 keys", config{Heads: 2, HeadDim: 16, Pattern: pattern.Global(20)}},
		"nil in a pattern":          {"nil: found no pattern", config{Heads: 2, HeadDim: 16, Pattern: pattern.Or(nil, pattern.Full())}},
		"spans unsorted": {"gives keys 2 … 2 to query 0 after key 9", config{Heads: 2, HeadDim: 16,
			Pattern: broken{[]pattern.Span{{Lo: 8, Hi: 9}, {Lo: 2, Hi: 3}}}}},
		"spans overlap": {"gives keys 5 … 8 to query 0 after key 6", config{Heads: 2, HeadDim: 16,
			Pattern: broken{[]pattern.Span{{Lo: 2, Hi: 6}, {Lo: 5, Hi: 9}}}}},
		"span empty": {"gives keys 2 … 1 to query 0 after key 0", config{Heads: 2, HeadDim: 16,
			Pattern: broken{[]pattern.Span{{Lo: 2, Hi: 2}}}}},
		"span backwards": {"gives keys 5 … 1 to query 0 after key 0", config{Heads: 2, HeadDim: 16,
			Pattern: broken{[]pattern.Span{{Lo: 5, Hi: 2}}}}},
		"span below 0": {"gives keys -3 … 1 to query 0 after key 0", config{Heads: 2, HeadDim: 16,
			Pattern: broken{[]pattern.Span{{Lo: -3, Hi: 2}}}}},
		"span past the end": {"gives keys 2 … 10 to query 0 after key 0", config{Heads: 2, HeadDim: 16,
			Pattern: broken{[]pattern.Span{{Lo: 2, Hi: 11}}}}},
		"span past 32 bits": {"gives keys 2 … 9223372036854775806 to query 0 after key 0", config{Heads: 2, HeadDim: 16,
			Pattern: broken{[]pattern.Span{{Lo: 2, Hi: math.MaxInt}}}}},
		"slopes for other heads": {"found 1 ALiBi slopes", config{Heads: 2, HeadDim: 16, Bias: attention.ALiBi{Slopes: []float64{1}}}},
		"slope NaN": {"found ALiBi slope NaN at head 1", config{Heads: 2, HeadDim: 16,
			Bias: attention.ALiBi{Slopes: []float64{1, nan}}}},
		"slope past float32": {"found ALiBi slope -1e+300 at head 1", config{Heads: 2, HeadDim: 16,
			Bias: attention.ALiBi{Slopes: []float64{1, -1e300}}}},
		"repeats of no block": {"found blocks of 0 tokens to repeat", config{Heads: 2, HeadDim: 16, Bias: attention.Repeat{Times: 2}}},
		"repeats of no times": {"found keys that count 0 times", config{Heads: 2, HeadDim: 16, Bias: attention.Repeat{Block: 64}}},
		"repeats below no length": {"found repeats in sequences of more than -1 keys", config{Heads: 2, HeadDim: 16,
			Bias: attention.Repeat{Block: 64, Times: 2, Longer: -1}}},
		"T5 of 3 buckets": {"found 3 T5 buckets up to distance 9", config{Heads: 2, HeadDim: 16, Bias: attention.T5{Buckets: 3,
			MaxDistance: 9, Table: make([]float32, 6)}}},
		"T5 of no buckets": {"found 0 T5 buckets up to distance 0", config{Heads: 2, HeadDim: 16, Bias: attention.T5{}}},
		"T5 table short": {"found a T5 table of 63 numbers", config{Heads: 2, HeadDim: 16, Bias: attention.T5{Buckets: 32,
			MaxDistance: 128, Table: make([]float32, 63)}}},
		"T5 buckets that overflow": {"found a T5 table of 0 numbers", config{Heads: 4, HeadDim: 16,
			Bias: attention.T5{Buckets: math.MaxInt/2 + 1, MaxDistance: math.MaxInt}}},
		"matrices for no sequence": {"found matrices of bias for 0 sequences", config{Heads: 2, HeadDim: 16, Bias: attention.Matrix{}}},
		"no matrix": {"found 0 matrices of bias for sequence 0", config{Heads: 2, HeadDim: 16,
			Bias: attention.Matrix{Mats: mats(10, 10, 0)}}},
		"matrices for other heads": {"found 2 matrices of bias for sequence 0", config{Heads: 3, HeadDim: 16,
			Bias: attention.Matrix{Mats: mats(10, 10, 2)}}},
		"matrix of another shape": {"found matrices of bias of sequence 0 of 10×9", config{Heads: 2, HeadDim: 16,
			Bias: attention.Matrix{Mats: mats(10, 9, 1)}}},
		"relative without r": {"found r of a relative bias of 0×0", config{Heads: 2, HeadDim: 16, Bias: attention.Relative{}}},
		"relative with few rows": {"found rows for distances 0 … 9 in a relative bias", config{Heads: 2, HeadDim: 16,
			Bias: attention.Relative{R: tensor.New(tensor.F32, 10, 32)}}},
		"relative in bf16": {"found r of a relative bias in bf16", config{Heads: 2, HeadDim: 16,
			Bias: attention.Relative{R: tensor.New(tensor.BF16, 19, 32), First: -9}}},
		"relative with short u": {"found 31 numbers in u of a relative bias", config{Heads: 2, HeadDim: 16,
			Bias: attention.Relative{U: make([]float32, 31), R: tensor.New(tensor.F32, 19, 32), First: -9}}},
		"relative beside a soft cap": {"found a soft cap beside a relative bias", config{Heads: 2, HeadDim: 16, SoftCap: 1,
			Bias: attention.Relative{R: tensor.New(tensor.F32, 19, 32), First: -9}}},
	} {
		refused(t, name, c.want, func() error { _, err := attention.New(c.c, attention.Self(10)); return err })
	}
	for want, s := range map[string]attention.Seq{
		"found Tq = -1":                           {Q: -1, K: 5},
		"found -5 keys from position 0 on":        {Q: 1, K: -5},
		"found Offset = -1":                       {Q: 1, K: 5, Offset: -1},
		"found Tq = 536870913":                    {Q: pattern.MaxTokens + 1},
		"last query stands at position 536870913": {Q: 2, K: 2, Offset: pattern.MaxTokens},
		"found 9223372036854775807 keys":          {Q: math.MaxInt, K: math.MaxInt, Offset: math.MaxInt},
	} {
		refused(t, want, want, func() error { _, err := attention.New(config{Heads: 1, HeadDim: 8}, []attention.Seq{s}); return err })
	}
	refused(t, "more than fits", "found 268435456 tokens of 64×256 features", func() error {
		_, err := attention.New(config{Heads: 64, HeadDim: 256}, []attention.Seq{{Q: 1, K: 1 << 28}})
		return err
	})
}

// call is one good call of Forward and Backward, to be spoilt.
type call struct {
	c                       attention.Config
	x                       tensor.Exec
	q, k, v, out, lse, dout tensor.Mat
	g                       attention.Grads
	seqs                    []attention.Seq
	skipForward             bool
}

func goodCall() *call {
	m := func(cols int) tensor.Mat { return tensor.New(tensor.F32, 10, cols) }
	return &call{
		c: attention.Config{Heads: 4, KVHeads: 2, HeadDim: 8}, seqs: attention.Self(10), x: tensor.Exec{Pool: tensor.NewPool()},
		q: m(32), k: m(16), v: m(16), out: m(32), lse: tensor.New(tensor.F32, 4, 10), dout: m(32),
		g: attention.Grads{DQ: m(32), DK: m(16), DV: m(16)},
	}
}

func dry(m tensor.Mat) tensor.Mat {
	m.F32, m.U16 = nil, nil
	return m
}

func TestCallsRefuse(t *testing.T) {
	nan, u := float32(math.NaN()), make([]float32, 32)
	u[3] = nan
	relative := func() attention.Relative { return attention.Relative{R: tensor.New(tensor.F32, 19, 32), First: -9} }
	bf16 := func(m tensor.Mat) tensor.Mat { return tensor.New(tensor.BF16, m.Rows, m.Cols) }
	matrix := func(value float32) attention.Matrix {
		m := tensor.New(tensor.F32, 10, 10)
		m.F32[37] = value
		return attention.Matrix{Mats: [][]tensor.Mat{{m}}}
	}
	// A want after a bar is that of Decode, which takes the number of queries from Q.
	for name, row := range map[string]struct {
		want  string
		spoil func(c *call)
	}{
		"q with too few rows":      {"found Q of 9×32|found O of 10×32", func(c *call) { c.q = c.q.SliceRows(0, 9) }},
		"q with too few columns":   {"found Q of 10×24", func(c *call) { c.q = c.q.SliceCols(0, 24) }},
		"k of the width of q":      {"found K of 10×32", func(c *call) { c.k = c.q }},
		"v with too many rows":     {"found V of 11×16", func(c *call) { c.v = tensor.New(tensor.F32, 11, 16) }},
		"lse of another shape":     {"found LSE of 10×4", func(c *call) { c.lse = tensor.New(tensor.F32, 10, 4) }},
		"lse in bf16":              {"found LSE of bf16", func(c *call) { c.lse = bf16(c.lse) }},
		"no q":                     {"found Q of 0×0", func(c *call) { c.q = tensor.Mat{} }},
		"q of too little data":     {"found 319 elements of f32 in Q with rows 32 apart", func(c *call) { c.q.F32 = c.q.F32[:len(c.q.F32)-1] }},
		"v of no data but a shape": {"and V, expected all matrices with data", func(c *call) { c.v = dry(c.v) }},
		"stride below 0":           {"found 160 elements of f32 in K with rows -16 apart", func(c *call) { c.k.Stride = -16 }},
		"stride below the columns": {"found 160 elements of f32 in K with rows 15 apart", func(c *call) { c.k.Stride = 15 }},
		"stride that overflows":    {"in K with rows 9223372036854775807 apart", func(c *call) { c.k.Stride = math.MaxInt }},
		"stride that wraps": {"found 160 elements of f32 in K with rows 2049638230412172403 apart",
			func(c *call) { c.k.Stride = math.MaxInt/9*2 + 3 }},
		"type not of the data":       {"found 0 elements of f16 in V with rows 16 apart", func(c *call) { c.v.Type = tensor.F16 }},
		"type unknown":               {"found V of type(7)", func(c *call) { c.v.Type = 7 }},
		"out of another shape":       {"found O of 10×16", func(c *call) { c.out = c.k }},
		"dry pool for real matrices": {"found a dry pool and matrices with data", func(c *call) { c.x.Pool = tensor.NewDryPool() }},
		"NaN in a matrix bias":       {"found NaN in the bias at (3, 7)", func(c *call) { c.c.Bias = matrix(nan) }},
		"+Inf in a matrix bias":      {"found +Inf in the bias at (3, 7)", func(c *call) { c.c.Bias = matrix(float32(math.Inf(1))) }},
		"bias past float32 in log2":  {"found 3e+38 in the bias at (3, 7)", func(c *call) { c.c.Bias = matrix(3e38) }},
		"dry matrix bias": {"found a matrix of bias without data beside matrices with data", func(c *call) {
			c.c.Bias = attention.Matrix{Mats: [][]tensor.Mat{{dry(tensor.New(tensor.F32, 10, 10))}}}
		}},
		"NaN in a T5 table": {"found NaN in the T5 table at (0, 3)", func(c *call) {
			c.c.Bias = attention.T5{Buckets: 8, MaxDistance: 20, Table: append(u[:0:0], u...)}
		}},
		"NaN in r": {"found NaN in the r of a relative bias at (0, 5)",
			func(c *call) { r := relative(); r.R.F32[5] = nan; c.c.Bias = r }},
		"NaN in u": {"found NaN in the u of a relative bias at (0, 3)", func(c *call) { r := relative(); r.U = u; c.c.Bias = r }},
		"NaN in v": {"found NaN in the v of a relative bias at (0, 3)", func(c *call) { r := relative(); r.V = u; c.c.Bias = r }},
		"dry r": {"found r of a relative bias without data beside matrices with data",
			func(c *call) { r := relative(); r.R = dry(r.R); c.c.Bias = r }},
		"dout of another shape": {"found DO of 10×16", func(c *call) { c.dout, c.skipForward = c.k, true }},
		"dq of another shape":   {"found DQ of 10×16", func(c *call) { c.g.DQ, c.skipForward = c.k, true }},
		"dk missing":            {"found room for one of DK and DV", func(c *call) { c.g.DK, c.skipForward = tensor.Mat{}, true }},
		"room for sinks, none": {"found room for 4 gradients of sinks", func(c *call) {
			c.g.Sinks, c.skipForward = make([]float32, 4),
				true
		}},
		"room for too few sinks": {"found room for 3 gradients of sinks", func(c *call) {
			c.c.Sinks, c.g.Sinks,
				c.skipForward = make([]float32, 4), make([]float32, 3), true
		}},
		"room for a bias, none": {"found room for gradients of a bias", func(c *call) {
			c.g.Bias, c.skipForward = &attention.BiasGrads{},
				true
		}},
		"room for slopes of ALiBi": {"found room for gradients of ALiBi", func(c *call) {
			c.c.Bias, c.g.Bias,
				c.skipForward = attention.ALiBi{}, &attention.BiasGrads{}, true
		}},
		"room for repeats": {"found room for gradients of repeated keys", func(c *call) {
			c.c.Bias, c.g.Bias, c.skipForward = attention.Repeat{Block: 2, Times: 3}, &attention.BiasGrads{}, true
		}},
		"room for a short T5 table": {"found room for 31 gradients of a T5 table", func(c *call) {
			c.c.Bias = attention.T5{Buckets: 8, MaxDistance: 20, Table: make([]float32, 32)}
			c.g.Bias, c.skipForward = &attention.BiasGrads{Table: make([]float32, 31)}, true
		}},
		"no room for r": {"found gradients of r of 0×0", func(c *call) {
			c.c.Bias, c.g.Bias, c.skipForward = relative(),
				&attention.BiasGrads{}, true
		}},
		"room for r without data": {"found gradients of r without data beside matrices with data", func(c *call) {
			c.c.Bias, c.g.Bias, c.skipForward = relative(), &attention.BiasGrads{R: dry(relative().R)}, true
		}},
		"room for a short u": {"found room for 5 gradients of u or v", func(c *call) {
			c.c.Bias, c.g.Bias, c.skipForward = relative(), &attention.BiasGrads{R: relative().R, U: make([]float32, 5)}, true
		}},
		"no room for matrices": {"found gradients of bias for 0 sequences", func(c *call) {
			c.c.Bias, c.g.Bias, c.skipForward = matrix(0),
				&attention.BiasGrads{}, true
		}},
		"room for matrices without data": {"found gradients of a matrix of bias without data beside matrices with data", func(c *call) {
			c.c.Bias, c.skipForward = matrix(0), true
			c.g.Bias = &attention.BiasGrads{Mats: [][]tensor.Mat{{dry(tensor.New(tensor.F32, 10, 10))}}}
		}},
		"room for matrices in bf16": {"found gradients of bias of bf16", func(c *call) {
			c.c.Bias, c.skipForward = matrix(0), true
			c.g.Bias = &attention.BiasGrads{Mats: [][]tensor.Mat{{tensor.New(tensor.BF16, 10, 10)}}}
		}},
	} {
		c := goodCall()
		c.x.Threads = 1 // so that a panic is this goroutine's
		row.spoil(c)
		want, decode, two := strings.Cut(row.want, "|")
		if !two {
			decode = want
		}
		a, err := attention.New(c.c, c.seqs)
		if err != nil {
			t.Errorf("%s: New: %v", name, err)
			continue
		}
		in, out := attention.In{Q: c.q, K: c.k, V: c.v}, attention.Out{O: c.out, LSE: c.lse}
		if !c.skipForward {
			refused(t, "forward/"+name, want, func() error { return a.Forward(c.x, out, in) })
			refused(t, "decode/"+name, decode, func() error { return attention.Decode(c.x, c.c, out, in) })
		}
		refused(t, "backward/"+name, want, func() error { return a.Backward(c.x, c.g, c.dout, out, in) })
		if n := c.x.Pool.InUse(); n != 0 {
			t.Errorf("%s: %d bytes did not come back to the pool", name, n)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	m := tensor.New(tensor.F32, 5, 32)
	one, negative := m.SliceRows(0, 1), m.SliceRows(0, 1)
	negative.Rows = -1
	for want, row := range map[string]struct {
		p       pattern.Pattern
		q, k, v tensor.Mat
	}{
		"found 5 queries and 1 keys to decode": {nil, m, one, one},
		"found V of 1×32":                      {nil, one, m, one},
		"found Tq = -1":                        {nil, negative, m, m},
		"gives keys 3 … 8 to query 0":          {broken{[]pattern.Span{{Lo: 3, Hi: 9}}}, one, m, m},
	} {
		c := attention.Config{Heads: 2, HeadDim: 16, Pattern: row.p}
		refused(t, want, want, func() error {
			return attention.Decode(tensor.Exec{}, c, attention.Out{O: row.q}, attention.In{Q: row.q, K: row.k, V: row.v})
		})
	}
}

func TestRotaryRefuses(t *testing.T) {
	for want, c := range map[string]attention.RotaryConfig{
		"found 0 rotary dimensions in heads of 0":   {},
		"found 7 rotary dimensions in heads of 16":  {HeadDim: 16, Dim: 7},
		"found 18 rotary dimensions in heads of 16": {HeadDim: 16, Dim: 18},
		"found -2 rotary dimensions in heads of 16": {HeadDim: 16, Dim: -2},
		"found rotary base 1 and scale 1":           {HeadDim: 16, Base: 1},
		"found rotary base NaN and scale 1":         {HeadDim: 16, Base: math.NaN()},
		"found rotary base 10000 and scale -1":      {HeadDim: 16, Scale: -1},
		"found rotary base 10000 and scale +Inf":    {HeadDim: 16, Scale: math.Inf(1)},
		"found rotary heads of 4611686018427387903": {HeadDim: math.MaxInt / 2},
	} {
		refused(t, want, want, func() error { _, err := attention.NewRotary(c, 10); return err })
	}
	refused(t, "positions below 0", "found -1 rotary positions", func() error {
		_, err := attention.NewRotary(attention.RotaryConfig{HeadDim: 16}, -1)
		return err
	})
	r, err := attention.NewRotary(attention.RotaryConfig{HeadDim: 16}, 4)
	if err != nil {
		t.Fatal(err)
	}
	m := tensor.New(tensor.F32, 5, 32)
	two, x := m.SliceRows(0, 2), tensor.Exec{Threads: 1}
	negative := two
	negative.Cols = -16
	for name, row := range map[string]struct {
		want string
		call func() error
	}{
		"more rows than positions": {"found 5 rows", func() error { return r.Rotate(x, m, m, nil) }},
		"position past the last":   {"found position 4 at row 1", func() error { return r.Rotate(x, two, two, []int32{0, 4}) }},
		"position below 0":         {"found position -1 at row 0", func() error { return r.Rotate(x, two, two, []int32{-1, 0}) }},
		"positions for other rows": {"found 1 positions for 2 rows", func() error { return r.Rotate(x, two, two, []int32{0}) }},
		"rows of half heads": {"found rows of 24 features", func() error {
			return r.Rotate(x, two.SliceCols(0, 24), two.SliceCols(0, 24),
				nil)
		}},
		"other destination": {"found rotary destination of 5×32", func() error { return r.Rotate(x, m, two, nil) }},
		"dry destination": {"found data in only one of rotary source and rotary destination", func() error {
			return r.Rotate(x,
				dry(two), two, nil)
		}},
		"columns below 0":       {"found rotary source of 2×-16", func() error { return r.Rotate(x, negative, negative, nil) }},
		"not made by NewRotary": {"found a Rotary without positions", func() error { return new(attention.Rotary).Rotate(x, two, two, nil) }},
	} {
		refused(t, name, row.want, row.call)
	}
}
