package bench

import (
	"context"
	"fmt"
	"regexp"
	"slices"

	"github.com/longspan/longspan/internal/cpu"
	"github.com/longspan/longspan/tensor"
)

// TableRow is one measurement of the table that docs/performance.md keeps. Exactly one of GEMM and Attention is set.
type TableRow struct {
	What      string        `json:"what"`
	GEMM      *GEMMRow      `json:"gemm,omitempty"`
	Attention *AttentionRow `json:"attention,omitempty"`
	Aim       *Aim          `json:"aim,omitempty"` // none: for this level and those below it none is set
}

// Aim is the share of the peak that a row should reach: an efficiency or, for decoding, a share of the bandwidth.
type Aim struct {
	Level string  `json:"level"` // that it was set for: the row's, or the nearest below it that has one
	Share float64 `json:"share"`
}

// aims are the shares to reach with AVX2 and with AVX-512, on two cores; 0: none. Below AVX2 there is none. The shares for AVX-512 were set
// first, those for AVX2 after AVX-512 had reached more. So those for AVX2 are higher.
type aims struct{ avx2, avx512 float64 }

// of is the aim of a row of a level, or nil.
func (a aims) of(level cpu.Level) *Aim {
	switch {
	case level >= cpu.AVX512 && a.avx512 > 0:
		return &Aim{cpu.AVX512.String(), a.avx512}
	case level >= cpu.AVX2 && a.avx2 > 0:
		return &Aim{cpu.AVX2.String(), a.avx2}
	}
	return nil
}

// Timing is what was measured.
func (r TableRow) Timing() Timing {
	if r.GEMM != nil {
		return r.GEMM.Timing
	}
	return r.Attention.Timing
}

// entry is a measurement to make: a product, or where that is nil an attention.
type entry struct {
	gemm      *GEMM
	attention Attention
	aims      aims
}

func (e entry) run(ctx context.Context, threads, runs int) (TableRow, error) {
	row, err := e.measure(ctx, threads, runs)
	if err != nil {
		return row, err
	}
	level, err := cpu.ParseLevel(row.Timing().Level)
	row.Aim = e.aims.of(level)
	return row, err
}

func (e entry) measure(ctx context.Context, threads, runs int) (TableRow, error) {
	if g := e.gemm; g != nil {
		g.Threads, g.Runs = threads, runs
		row, err := g.Run(ctx, nil)
		return TableRow{What: e.what(), GEMM: &row}, err
	}
	e.attention.Threads, e.attention.Runs = threads, runs
	row, err := e.attention.Run(ctx, nil)
	return TableRow{What: e.what(), Attention: &row}, err
}

func (e entry) what() string {
	if g := e.gemm; g != nil {
		return fmt.Sprintf("GEMM %s, %d×%d×%d", g.Type, g.M, g.N, g.K)
	}
	a := e.attention
	name := a.Mechanism
	if a.Causal {
		name = "causal " + name
	}
	return fmt.Sprintf("%s %s, %s, T = %d, H = %d, D = %d", name, a.Pass, a.Type, a.Tokens, a.Heads, a.HeadDim)
}

func product(m, n, k int, t tensor.Type, to aims) entry {
	return entry{gemm: &GEMM{M: m, N: n, K: k, Type: t}, aims: to}
}

// pass is full attention forward over 8,192 tokens, with changes.
func pass(to aims, change func(a *Attention)) entry {
	a := Attention{Mechanism: "full", Tokens: 8192, Heads: 8, HeadDim: 64, Pass: Forward}
	change(&a)
	return entry{attention: a, aims: to}
}

// table lists the measurements: products, full attention, sparse and linear mechanisms at the lengths they are made for, decoding, and a
// million tokens.
func table() []entry {
	return []entry{
		product(2048, 2048, 2048, tensor.F32, aims{0.88, 0.85}),
		product(4096, 3072, 768, tensor.F32, aims{0.88, 0.85}),
		product(2048, 2048, 2048, tensor.BF16, aims{}),
		product(4096, 3072, 768, tensor.BF16, aims{}),
		pass(aims{0.82, 0.75}, func(*Attention) {}),
		pass(aims{0.82, 0.75}, func(a *Attention) { a.HeadDim = 128 }),
		pass(aims{avx512: 0.70}, func(a *Attention) { a.Causal = true }),
		pass(aims{}, func(a *Attention) { a.Type = tensor.BF16 }),
		pass(aims{0.78, 0.60}, func(a *Attention) { a.Pass = Backward }),
		pass(aims{}, func(a *Attention) { a.Pass, a.Type = Backward, tensor.BF16 }),
		pass(aims{}, func(a *Attention) { a.Mechanism, a.Tokens, a.Heads = "window", 16384, 12 }),
		pass(aims{0.76, 0.60}, func(a *Attention) { a.Mechanism, a.Tokens, a.Heads = "window", 65536, 12 }),
		pass(aims{0.74, 0.50}, func(a *Attention) { a.Mechanism, a.Tokens, a.Heads = "bigbird", 4096, 12 }),
		pass(aims{0.70, 0.50}, func(a *Attention) { a.Mechanism, a.Tokens = "performer", 131072 }),
		pass(aims{}, func(a *Attention) { a.Mechanism, a.Tokens, a.Causal = "performer", 131072, true }),
		pass(aims{avx2: 0.55}, func(a *Attention) { a.Mechanism, a.Tokens = "nystrom", 16384 }),
		pass(aims{avx512: 0.70}, func(a *Attention) { a.Tokens, a.Pass = 131072, Decode }),
		pass(aims{avx512: 0.70}, func(a *Attention) { a.Tokens, a.Pass, a.Type = 131072, Decode, tensor.BF16 }),
		pass(aims{}, func(a *Attention) { a.Mechanism, a.Tokens, a.Heads, a.Type = "window", 1<<20, 2, tensor.BF16 }),
	}
}

// TableOptions chooses the measurements of a table.
type TableOptions struct {
	Only    *regexp.Regexp // rows whose name it matches; nil: all
	Threads int            // 0: GOMAXPROCS
	Runs    int            // of each row, whose median counts
}

// Table makes the measurements of docs/performance.md one after the other, and gives each row to done as soon as it is measured. It takes
// five minutes on two cores with AVX2. It ends early with ctx's error, or done's.
func Table(ctx context.Context, o TableOptions, done func(TableRow) error, tell Progress) error {
	if err := checkRuns(o.Threads, o.Runs); err != nil {
		return err
	}
	entries := table()
	if o.Only != nil {
		entries = slices.DeleteFunc(entries, func(e entry) bool { return !o.Only.MatchString(e.what()) })
	}
	if len(entries) == 0 {
		return fmt.Errorf("bench: found no row that matches %q; rows are named such as %q", o.Only, table()[0].what())
	}
	for i, e := range entries {
		tell.tell(i, len(entries))
		row, err := e.run(ctx, o.Threads, o.Runs)
		if err == nil {
			err = done(row)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", e.what(), err)
		}
	}
	tell.tell(len(entries), len(entries))
	return nil
}
