package attention_test

import (
	"math"
	"strings"
	"testing"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/tensor"
)

// refused fails the test unless call returns an error that says what was found and what was expected, and does not panic.
func refused(t *testing.T, name string, call func() error) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Helper()
		defer func() {
			if r := recover(); r != nil {
				t.Errorf("panic: %v", r)
			}
		}()
		err := call()
		if err == nil {
			t.Fatal("accepted")
		}
		if text := err.Error(); !strings.Contains(text, "found") && !strings.Contains(text, "gives") && !strings.Contains(text, "stands at") || !strings.Contains(text, "expected") {
			t.Errorf("the error does not say what was found and what was expected: %v", err)
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
	for name, c := range map[string]config{
		"no heads":                   {HeadDim: 16},
		"heads below 0":              {Heads: -2, HeadDim: 16},
		"H no multiple of Hkv":       {Heads: 4, KVHeads: 3, HeadDim: 16},
		"Hkv above H":                {Heads: 2, KVHeads: 4, HeadDim: 16},
		"Hkv below 0":                {Heads: 2, KVHeads: -1, HeadDim: 16},
		"no head dimension":          {Heads: 2},
		"head dimension 12":          {Heads: 2, HeadDim: 12},
		"head dimension 264":         {Heads: 2, HeadDim: 264},
		"head dimension below 0":     {Heads: 2, HeadDim: -8},
		"heads that overflow":        {Heads: math.MaxInt/2 + 1, HeadDim: 16},
		"heads past memory":          {Heads: math.MaxInt >> 12, HeadDim: 256},
		"scale NaN":                  {Heads: 2, HeadDim: 16, Scale: nan},
		"scale infinite":             {Heads: 2, HeadDim: 16, Scale: inf},
		"scale past float32":         {Heads: 2, HeadDim: 16, Scale: 1e300},
		"soft cap below 0":           {Heads: 2, HeadDim: 16, SoftCap: -1},
		"soft cap NaN":               {Heads: 2, HeadDim: 16, SoftCap: nan},
		"soft cap infinite":          {Heads: 2, HeadDim: 16, SoftCap: inf},
		"soft cap past float32":      {Heads: 2, HeadDim: 16, SoftCap: 1e300},
		"soft cap below float32":     {Heads: 2, HeadDim: 16, SoftCap: 1e-300},
		"sinks for other heads":      {Heads: 2, HeadDim: 16, Sinks: []float32{1}},
		"sink NaN":                   {Heads: 2, HeadDim: 16, Sinks: []float32{1, nan32}},
		"sink infinite":              {Heads: 2, HeadDim: 16, Sinks: []float32{inf32, 1}},
		"sink past float32 in log2":  {Heads: 2, HeadDim: 16, Sinks: []float32{3e38, 1}},
		"window below 0":             {Heads: 2, HeadDim: 16, Pattern: pattern.Window(-1)},
		"global past the end":        {Heads: 2, HeadDim: 16, Pattern: pattern.Global(20)},
		"nil in a pattern":           {Heads: 2, HeadDim: 16, Pattern: pattern.Or(nil, pattern.Full())},
		"spans unsorted":             {Heads: 2, HeadDim: 16, Pattern: broken{[]pattern.Span{{Lo: 8, Hi: 9}, {Lo: 2, Hi: 3}}}},
		"spans overlap":              {Heads: 2, HeadDim: 16, Pattern: broken{[]pattern.Span{{Lo: 2, Hi: 6}, {Lo: 5, Hi: 9}}}},
		"span empty":                 {Heads: 2, HeadDim: 16, Pattern: broken{[]pattern.Span{{Lo: 2, Hi: 2}}}},
		"span backwards":             {Heads: 2, HeadDim: 16, Pattern: broken{[]pattern.Span{{Lo: 5, Hi: 2}}}},
		"span below 0":               {Heads: 2, HeadDim: 16, Pattern: broken{[]pattern.Span{{Lo: -3, Hi: 2}}}},
		"span past the end":          {Heads: 2, HeadDim: 16, Pattern: broken{[]pattern.Span{{Lo: 2, Hi: 11}}}},
		"span past 32 bits":          {Heads: 2, HeadDim: 16, Pattern: broken{[]pattern.Span{{Lo: 2, Hi: math.MaxInt}}}},
		"slopes for other heads":     {Heads: 2, HeadDim: 16, Bias: attention.ALiBi{Slopes: []float64{1}}},
		"slope NaN":                  {Heads: 2, HeadDim: 16, Bias: attention.ALiBi{Slopes: []float64{1, nan}}},
		"slope past float32":         {Heads: 2, HeadDim: 16, Bias: attention.ALiBi{Slopes: []float64{1, -1e300}}},
		"T5 of 3 buckets":            {Heads: 2, HeadDim: 16, Bias: attention.T5{Buckets: 3, MaxDistance: 9, Table: make([]float32, 6)}},
		"T5 of no buckets":           {Heads: 2, HeadDim: 16, Bias: attention.T5{}},
		"T5 table short":             {Heads: 2, HeadDim: 16, Bias: attention.T5{Buckets: 32, MaxDistance: 128, Table: make([]float32, 63)}},
		"T5 buckets that overflow":   {Heads: 4, HeadDim: 16, Bias: attention.T5{Buckets: math.MaxInt/2 + 1, MaxDistance: math.MaxInt}},
		"matrices for no sequence":   {Heads: 2, HeadDim: 16, Bias: attention.Matrix{}},
		"no matrix":                  {Heads: 2, HeadDim: 16, Bias: attention.Matrix{Mats: mats(10, 10, 0)}},
		"matrices for other heads":   {Heads: 3, HeadDim: 16, Bias: attention.Matrix{Mats: mats(10, 10, 2)}},
		"matrix of another shape":    {Heads: 2, HeadDim: 16, Bias: attention.Matrix{Mats: mats(10, 9, 1)}},
		"relative without r":         {Heads: 2, HeadDim: 16, Bias: attention.Relative{}},
		"relative with few rows":     {Heads: 2, HeadDim: 16, Bias: attention.Relative{R: tensor.New(tensor.F32, 10, 32)}},
		"relative in bf16":           {Heads: 2, HeadDim: 16, Bias: attention.Relative{R: tensor.New(tensor.BF16, 19, 32), First: -9}},
		"relative with short u":      {Heads: 2, HeadDim: 16, Bias: attention.Relative{U: make([]float32, 31), R: tensor.New(tensor.F32, 19, 32), First: -9}},
		"relative beside a soft cap": {Heads: 2, HeadDim: 16, SoftCap: 1, Bias: attention.Relative{R: tensor.New(tensor.F32, 19, 32), First: -9}},
	} {
		refused(t, name, func() error { _, err := attention.New(c, attention.Self(10)); return err })
	}
	for name, s := range map[string]attention.Seq{
		"queries below 0": {Q: -1, K: 5}, "keys below 0": {Q: 1, K: -5}, "offset below 0": {Q: 1, K: 5, Offset: -1},
		"queries past the limit": {Q: pattern.MaxTokens + 1}, "position past the limit": {Q: 2, K: 2, Offset: pattern.MaxTokens},
		"everything at once": {Q: math.MaxInt, K: math.MaxInt, Offset: math.MaxInt},
	} {
		refused(t, name, func() error { _, err := attention.New(config{Heads: 1, HeadDim: 8}, []attention.Seq{s}); return err })
	}
	refused(t, "more than fits", func() error {
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
	for name, spoil := range map[string]func(c *call){
		"q with too few rows":        func(c *call) { c.q = c.q.SliceRows(0, 9) },
		"q with too few columns":     func(c *call) { c.q = c.q.SliceCols(0, 24) },
		"k of the width of q":        func(c *call) { c.k = c.q },
		"v with too many rows":       func(c *call) { c.v = tensor.New(tensor.F32, 11, 16) },
		"lse of another shape":       func(c *call) { c.lse = tensor.New(tensor.F32, 10, 4) },
		"lse in bf16":                func(c *call) { c.lse = bf16(c.lse) },
		"no q":                       func(c *call) { c.q = tensor.Mat{} },
		"q of too little data":       func(c *call) { c.q.F32 = c.q.F32[:len(c.q.F32)-1] },
		"v of no data but a shape":   func(c *call) { c.v = dry(c.v) },
		"stride below 0":             func(c *call) { c.k.Stride = -16 },
		"stride below the columns":   func(c *call) { c.k.Stride = 15 },
		"stride that overflows":      func(c *call) { c.k.Stride = math.MaxInt },
		"stride that wraps":          func(c *call) { c.k.Stride = math.MaxInt/9*2 + 3 },
		"type not of the data":       func(c *call) { c.v.Type = tensor.F16 },
		"type unknown":               func(c *call) { c.v.Type = 7 },
		"out of another shape":       func(c *call) { c.out = c.k },
		"dry pool for real matrices": func(c *call) { c.x.Pool = tensor.NewDryPool() },
		"NaN in a matrix bias":       func(c *call) { c.c.Bias = matrix(nan) },
		"+Inf in a matrix bias":      func(c *call) { c.c.Bias = matrix(float32(math.Inf(1))) },
		"bias past float32 in log2":  func(c *call) { c.c.Bias = matrix(3e38) },
		"dry matrix bias": func(c *call) {
			c.c.Bias = attention.Matrix{Mats: [][]tensor.Mat{{dry(tensor.New(tensor.F32, 10, 10))}}}
		},
		"NaN in a T5 table": func(c *call) {
			c.c.Bias = attention.T5{Buckets: 8, MaxDistance: 20, Table: append(u[:0:0], u...)}
		},
		"NaN in r":                 func(c *call) { r := relative(); r.R.F32[5] = nan; c.c.Bias = r },
		"NaN in u":                 func(c *call) { r := relative(); r.U = u; c.c.Bias = r },
		"NaN in v":                 func(c *call) { r := relative(); r.V = u; c.c.Bias = r },
		"dry r":                    func(c *call) { r := relative(); r.R = dry(r.R); c.c.Bias = r },
		"dout of another shape":    func(c *call) { c.dout, c.skipForward = c.k, true },
		"dq of another shape":      func(c *call) { c.g.DQ, c.skipForward = c.k, true },
		"dk missing":               func(c *call) { c.g.DK, c.skipForward = tensor.Mat{}, true },
		"room for sinks, none":     func(c *call) { c.g.Sinks, c.skipForward = make([]float32, 4), true },
		"room for too few sinks":   func(c *call) { c.c.Sinks, c.g.Sinks, c.skipForward = make([]float32, 4), make([]float32, 3), true },
		"room for a bias, none":    func(c *call) { c.g.Bias, c.skipForward = &attention.BiasGrads{}, true },
		"room for slopes of ALiBi": func(c *call) { c.c.Bias, c.g.Bias, c.skipForward = attention.ALiBi{}, &attention.BiasGrads{}, true },
		"room for a short T5 table": func(c *call) {
			c.c.Bias = attention.T5{Buckets: 8, MaxDistance: 20, Table: make([]float32, 32)}
			c.g.Bias, c.skipForward = &attention.BiasGrads{Table: make([]float32, 31)}, true
		},
		"no room for r": func(c *call) { c.c.Bias, c.g.Bias, c.skipForward = relative(), &attention.BiasGrads{}, true },
		"room for r without data": func(c *call) {
			c.c.Bias, c.g.Bias, c.skipForward = relative(), &attention.BiasGrads{R: dry(relative().R)}, true
		},
		"room for a short u": func(c *call) {
			c.c.Bias, c.g.Bias, c.skipForward = relative(), &attention.BiasGrads{R: relative().R, U: make([]float32, 5)}, true
		},
		"no room for matrices": func(c *call) { c.c.Bias, c.g.Bias, c.skipForward = matrix(0), &attention.BiasGrads{}, true },
		"room for matrices without data": func(c *call) {
			c.c.Bias, c.skipForward = matrix(0), true
			c.g.Bias = &attention.BiasGrads{Mats: [][]tensor.Mat{{dry(tensor.New(tensor.F32, 10, 10))}}}
		},
		"room for matrices in bf16": func(c *call) {
			c.c.Bias, c.skipForward = matrix(0), true
			c.g.Bias = &attention.BiasGrads{Mats: [][]tensor.Mat{{tensor.New(tensor.BF16, 10, 10)}}}
		},
	} {
		c := goodCall()
		c.x.Threads = 1 // so that a panic is this goroutine's
		spoil(c)
		a, err := attention.New(c.c, c.seqs)
		if err != nil {
			t.Errorf("%s: New: %v", name, err)
			continue
		}
		if !c.skipForward {
			refused(t, "forward/"+name, func() error {
				return a.Forward(c.x, attention.Out{O: c.out, LSE: c.lse}, attention.In{Q: c.q, K: c.k, V: c.v})
			})
			refused(t, "decode/"+name, func() error {
				return attention.Decode(c.x, c.c, attention.Out{O: c.out, LSE: c.lse}, attention.In{Q: c.q, K: c.k, V: c.v})
			})
		}
		refused(t, "backward/"+name, func() error {
			return a.Backward(c.x, c.g, c.dout, attention.Out{O: c.out, LSE: c.lse}, attention.In{Q: c.q, K: c.k, V: c.v})
		})
		if n := c.x.Pool.InUse(); n != 0 {
			t.Errorf("%s: %d bytes did not come back to the pool", name, n)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	c, m := attention.Config{Heads: 2, HeadDim: 16}, tensor.New(tensor.F32, 5, 32)
	one := m.SliceRows(0, 1)
	refused(t, "more queries than keys", func() error {
		return attention.Decode(tensor.Exec{}, c, attention.Out{O: m}, attention.In{Q: m, K: one, V: one})
	})
	refused(t, "fewer values than keys", func() error {
		return attention.Decode(tensor.Exec{}, c, attention.Out{O: one}, attention.In{Q: one, K: m, V: one})
	})
	refused(t, "queries below 0", func() error {
		q := one
		q.Rows = -1
		return attention.Decode(tensor.Exec{}, c, attention.Out{O: q}, attention.In{Q: q, K: m, V: m})
	})
	c.Pattern = broken{[]pattern.Span{{Lo: 3, Hi: 9}}}
	refused(t, "span past the end", func() error {
		return attention.Decode(tensor.Exec{}, c, attention.Out{O: one}, attention.In{Q: one, K: m, V: m})
	})
}

func TestRotaryRefuses(t *testing.T) {
	for name, c := range map[string]attention.RotaryConfig{
		"no head dimension": {}, "odd": {HeadDim: 16, Dim: 7}, "more than the head": {HeadDim: 16, Dim: 18}, "dimension below 0": {HeadDim: 16, Dim: -2},
		"base 1": {HeadDim: 16, Base: 1}, "base NaN": {HeadDim: 16, Base: math.NaN()}, "scale below 0": {HeadDim: 16, Scale: -1},
		"scale infinite": {HeadDim: 16, Scale: math.Inf(1)}, "head past memory": {HeadDim: math.MaxInt / 2},
	} {
		refused(t, name, func() error { _, err := attention.NewRotary(c, 10); return err })
	}
	refused(t, "positions below 0", func() error { _, err := attention.NewRotary(attention.RotaryConfig{HeadDim: 16}, -1); return err })
	r, err := attention.NewRotary(attention.RotaryConfig{HeadDim: 16}, 4)
	if err != nil {
		t.Fatal(err)
	}
	m := tensor.New(tensor.F32, 5, 32)
	two, x := m.SliceRows(0, 2), tensor.Exec{Threads: 1}
	negative := two
	negative.Cols = -16
	for name, call := range map[string]func() error{
		"more rows than positions": func() error { return r.Rotate(x, m, m, nil) },
		"position past the last":   func() error { return r.Rotate(x, two, two, []int32{0, 4}) },
		"position below 0":         func() error { return r.Rotate(x, two, two, []int32{-1, 0}) },
		"positions for other rows": func() error { return r.Rotate(x, two, two, []int32{0}) },
		"rows of half heads":       func() error { return r.Rotate(x, two.SliceCols(0, 24), two.SliceCols(0, 24), nil) },
		"other destination":        func() error { return r.Rotate(x, m, two, nil) },
		"dry destination":          func() error { return r.Rotate(x, dry(two), two, nil) },
		"columns below 0":          func() error { return r.Rotate(x, negative, negative, nil) },
		"not made by NewRotary":    func() error { return new(attention.Rotary).Rotate(x, two, two, nil) },
	} {
		refused(t, name, call)
	}
}
