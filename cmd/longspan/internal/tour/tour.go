// Package tour compares attentions on real DNA: what each costs, as planned and as measured, and what it loses against full
// attention.
package tour

import (
	"fmt"
	"time"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/linear"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/cmd/longspan/internal/machine"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// Options says how to run. The zero value works.
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

// rival is an attention to compare. Without a pattern it is Performer.
type rival struct{ name, pattern string }

var rivals = []rival{
	{"full", "causal"},
	{"window", "causal & window(512)"},
	{"longformer", "causal & (window(512) | global(0..63))"},
	{"bigbird", "causal & bigbird(64, 3, 2, 3)"},
	{"dilated", "causal & dilated(256, 8)"},
	{"performer", ""},
}

// Patience is how long full attention may be expected to take before fewer bases are used.
const Patience = 4 * time.Second

// Run runs every attention over the genome and compares it. tell is told how many of all are done; it may be nil.
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
	var full tensor.Mat
	for i, rival := range rivals {
		if tell != nil {
			tell(i, len(rivals))
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
		tell(len(rivals), len(rivals))
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
	row := Row{Name: r.name, Pattern: r.pattern}
	forward, err := r.prepare(&row, q.Rows, rate)
	if err != nil {
		return row, tensor.Mat{}, err
	}
	x := tensor.Exec{Threads: threads, Pool: tensor.NewPool()}
	out := tensor.New(tensor.F32, q.Rows, q.Cols)
	// The first run also fills the pool and the caches, so a short one is repeated.
	for run := 0; run < 2 && (run == 0 || row.Seconds < 1); run++ {
		start := time.Now()
		if err := forward(x, out, attention.In{Q: q, K: k, V: v}); err != nil {
			return row, out, err
		}
		if seconds := time.Since(start).Seconds(); run == 0 || seconds < row.Seconds {
			row.Seconds = seconds
		}
	}
	row.Bytes = x.Pool.Peak()
	return row, out, nil
}

type forward func(x tensor.Exec, out tensor.Mat, in attention.In) error

// prepare fills in what is known before running.
func (r rival) prepare(row *Row, tokens int, rate float64) (forward, error) {
	if r.pattern == "" {
		l, err := linear.New(linear.Config{Feature: linear.Performer, Heads: Heads, HeadDim: HeadDim, Causal: true}, []int{tokens})
		if err != nil {
			return nil, err
		}
		row.Planned = float64(l.ForwardFlops()) / rate
		return l.Forward, nil
	}
	p, err := pattern.Parse(r.pattern)
	if err != nil {
		return nil, err
	}
	a, err := attention.New(attention.Config{Pattern: p, Heads: Heads, HeadDim: HeadDim}, attention.Self(tokens))
	if err != nil {
		return nil, err
	}
	row.Pairs, row.Planned = a.Pairs(), a.ForwardFlops()/rate
	return func(x tensor.Exec, out tensor.Mat, in attention.In) error {
		return a.Forward(x, attention.Out{O: out}, in)
	}, nil
}
