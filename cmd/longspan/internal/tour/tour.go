// Package tour compares attentions on real DNA: what each costs, as planned and as measured, and what it loses against full
// attention.
package tour

import (
	"fmt"
	"time"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/mechanism"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/cmd/longspan/internal/machine"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// Options configures a tour. The zero value works.
type Options struct {
	Tokens  int // bases, up to Length; 0: as many as let full attention take a few seconds, at most 16,384
	Threads int // 0: GOMAXPROCS
}

// Report is what a tour found.
type Report struct {
	Tokens  int     `json:"tokens"`
	Threads int     `json:"threads"`
	Level   string  `json:"level"`
	GFlops  float64 `json:"gflops"` // of flash attention over a short sequence, by which the seconds are planned
	Rows    []Row   `json:"rows"`   // full attention first
}

// Row is one attention over the genome. All are causal.
type Row struct {
	Name       string  `json:"name"`
	Pattern    string  `json:"pattern,omitempty"`
	Pairs      int64   `json:"pairs,omitempty"`
	Planned    float64 `json:"planned_seconds"`
	Seconds    float64 `json:"seconds"`
	Bytes      int64   `json:"bytes"`      // of scratch, beside inputs and output
	Difference float64 `json:"difference"` // of the output from full attention's, relative
	Bits       float64 `json:"bits"`       // a base, of guessing the next one
}

// rival is a mechanism to compare.
type rival struct {
	name string
	c    mechanism.Config
}

// rivals are the presets that have a causal form. The first is full attention.
func rivals() ([]rival, error) {
	var all []rival
	for _, p := range mechanism.Presets() {
		m, err := mechanism.Parse(p.Usage)
		if err != nil {
			return nil, err
		}
		if m.Causal() {
			all = append(all, rival{p.Name, mechanism.Config{Mechanism: m, Heads: Heads, HeadDim: HeadDim, Causal: true}})
		}
	}
	return all, nil
}

// Patience is how long full attention may be expected to take before fewer bases are used.
const Patience = 4 * time.Second

// Run runs every attention over the genome and compares it. tell receives the number of mechanisms done and of all; it may be nil.
func Run(o Options, tell func(done, all int)) (Report, error) {
	if o.Tokens < 0 || o.Tokens == 1 || o.Tokens > Length {
		return Report{}, fmt.Errorf("tour: found %d tokens, expected 2 to the %d bases of the genome, or 0", o.Tokens, Length)
	}
	r := Report{Tokens: o.Tokens, Threads: pool.Threads(o.Threads), Level: kernel.Level().String()}
	var err error
	if r.GFlops, err = machine.AttentionForward(r.Threads); err != nil {
		return r, err
	}
	rate := r.GFlops * 1e9
	if r.Tokens == 0 {
		r.Tokens = affordable(rate)
	}
	if err := memory.Check("the tour", memory.Product(r.Tokens, 6*Heads*HeadDim*4)); err != nil {
		return r, err
	}
	bases, err := Genome(r.Tokens)
	if err != nil {
		return r, err
	}
	q, k, v := Inputs(bases)
	all, err := rivals()
	if err != nil {
		return r, err
	}
	var full tensor.Mat
	for i, rival := range all {
		if tell != nil {
			tell(i, len(all))
		}
		row, out, err := rival.run(r.Threads, rate, q, k, v)
		if err != nil {
			return r, fmt.Errorf("%s: %w", rival.name, err)
		}
		if i == 0 {
			full = out
		}
		row.Difference, row.Bits = Difference(out, full), Bits(out, bases)
		r.Rows = append(r.Rows, row)
	}
	if tell != nil {
		tell(len(all), len(all))
	}
	return r, nil
}

// affordable is the largest power of two of tokens whose full attention keeps within Patience at rate, from 2,048 to 16,384.
func affordable(rate float64) int {
	tokens := 16384
	for tokens > 2048 && 2*float64(Heads*HeadDim)*float64(tokens)*float64(tokens) > rate*Patience.Seconds() {
		tokens /= 2
	}
	return tokens
}

// run plans, runs and times one attention.
func (r rival) run(threads int, rate float64, q, k, v tensor.Mat) (Row, tensor.Mat, error) {
	row, out := Row{Name: r.name}, tensor.New(tensor.F32, q.Rows, q.Cols)
	core, err := r.prepare(&row, q.Rows, rate)
	if err != nil {
		return row, out, err
	}
	x := tensor.Exec{Threads: threads, Pool: tensor.NewPool()}
	// The first run also fills the pool and the caches, so a short one is repeated.
	for run := 0; run < 2 && (run == 0 || row.Seconds < 1); run++ {
		start := time.Now()
		if err := core.Forward(x, mechanism.Out{O: out}, mechanism.In{In: attention.In{Q: q, K: k, V: v}}); err != nil {
			return row, out, err
		}
		if seconds := time.Since(start).Seconds(); run == 0 || seconds < row.Seconds {
			row.Seconds = seconds
		}
	}
	row.Bytes = x.Pool.Peak()
	return row, out, nil
}

// prepare compiles the mechanism, and fills in what is known before it runs.
func (r rival) prepare(row *Row, tokens int, rate float64) (mechanism.Core, error) {
	layer, err := mechanism.New(r.c)
	if err != nil {
		return nil, err
	}
	core, err := layer.Compile(attention.Self(tokens))
	if err != nil {
		return nil, err
	}
	row.Planned = core.Work().Forward / rate
	if p := r.c.Pattern(); p != nil {
		row.Pattern = p.String()
		row.Pairs, err = pattern.Pairs(p, pattern.Square(tokens))
	}
	return core, err
}
