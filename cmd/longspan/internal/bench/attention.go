package bench

import (
	"context"
	"fmt"

	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// Pass is the part of attention to measure.
type Pass string

// The passes.
const (
	Forward  Pass = "forward"
	Backward Pass = "backward" // alone: the forward pass that it needs is run once and not timed
	Decode   Pass = "decode"   // one new query against Tokens keys in a cache
)

// Attention is an attention to measure: one sequence of random numbers.
type Attention struct {
	Mechanism string // the name of a preset, or a text that mechanism.Parse reads
	Tokens    int    // T
	Heads     int    // H
	KVHeads   int    // Hkv; 0: H
	HeadDim   int    // D
	Causal    bool
	Pass      Pass
	Type      tensor.Type // of q, k, v, the output and their gradients
	Threads   int         // 0: GOMAXPROCS
	Runs      int
}

// AttentionRow is what was measured.
type AttentionRow struct {
	Mechanism string `json:"mechanism"`
	Pattern   string `json:"pattern"` // "" for what is no softmax over chosen keys
	Tokens    int    `json:"tokens"`
	Heads     int    `json:"heads"`
	KVHeads   int    `json:"kv_heads"`
	HeadDim   int    `json:"head_dim"`
	Causal    bool   `json:"causal"`
	Pass      Pass   `json:"pass"`
	Timing
	InputBytes int64 `json:"qkvo_bytes"` // of Q, K, V and O alone, which PeakBytes includes
	// For decoding, which is bound by memory: the bytes of keys and values read in a second, and what of the bandwidth that is.
	GBs            float64 `json:"gbs,omitempty"`
	PeakGBs        float64 `json:"peak_gbs,omitempty"`
	BandwidthShare float64 `json:"bandwidth_share,omitempty"`
}

// job is a mechanism with its inputs.
type job struct {
	run   func() error // computes one pass
	flops float64      // the useful operations of a pass
	bytes int64        // the bytes of keys and values, or of a state, that a step of decoding reads
}

// setup makes a job whose matrices come from x.Pool. With a dry pool the job counts and computes nothing.
type setup func(x tensor.Exec) (job, error)

// Run measures a. It returns an error for settings out of range, and a *memory.Error, before anything is
// allocated, if the pass does not fit. It ends early with ctx's error.
func (a Attention) Run(ctx context.Context, tell Progress) (AttentionRow, error) {
	set, row, err := a.prepare()
	if err != nil {
		return row, err
	}
	x := tensor.Exec{Threads: pool.Threads(a.Threads), Pool: tensor.NewDryPool()}
	dry, err := set(x)
	if err == nil {
		err = dry.run()
	}
	if err == nil {
		err = memory.Check(fmt.Sprintf("%s of %d tokens, %d heads of %d, %s", row.Mechanism, a.Tokens, a.Heads, a.HeadDim, a.Type), x.Pool.Peak())
	}
	if err != nil {
		return row, err
	}
	x.Pool = tensor.NewPool()
	j, err := set(x)
	if err != nil {
		return row, err
	}
	row.Timing = Timing{Level: kernel.Level().String(), DType: a.Type.String(), Threads: x.Threads, Flops: int64(j.flops)}
	ceiling := func() float64 {
		if a.Pass == Decode {
			row.PeakGBs = max(row.PeakGBs, peakBandwidth(x.Threads))
		}
		return peakFlops(a.Type, x.Threads)
	}
	if err := row.measure(ctx, j.run, a.Runs, ceiling, tell); err != nil {
		return row, err
	}
	row.PeakBytes = x.Pool.Peak()
	if a.Pass == Decode {
		row.GBs = float64(j.bytes) / row.Seconds / 1e9
		row.BandwidthShare = row.GBs / row.PeakGBs
	}
	return row, nil
}

// prepare checks a and finds how to set it up.
func (a *Attention) prepare() (setup, AttentionRow, error) {
	if a.KVHeads == 0 {
		a.KVHeads = a.Heads
	}
	row := AttentionRow{Mechanism: a.Mechanism, Tokens: a.Tokens, Heads: a.Heads, KVHeads: a.KVHeads, HeadDim: a.HeadDim,
		Causal: a.Causal, Pass: a.Pass}
	if err := a.check(); err != nil {
		return nil, row, err
	}
	queries := a.Tokens
	if a.Pass == Decode {
		queries = 1
	}
	row.InputBytes = memory.Sum(
		memory.Product(2, a.Tokens, a.KVHeads, a.HeadDim, a.Type.Size()), memory.Product(2, queries, a.Heads, a.HeadDim, a.Type.Size()))
	// A pattern is laid out before the dry run; what already has too large inputs must not get there.
	what := fmt.Sprintf("Q, K, V and O of %d tokens, %d heads of %d, %s", a.Tokens, a.Heads, a.HeadDim, a.Type)
	if err := memory.Check(what, row.InputBytes); err != nil {
		return nil, row, err
	}
	c, err := a.config()
	if err != nil {
		return nil, row, err
	}
	if p := c.Pattern(); p != nil {
		row.Pattern = p.String()
	}
	set, err := a.setup(c)
	return set, row, err
}

// Larger numbers are mistyped, and the elements of a token must fit an int. The mechanisms have limits of their own.
const (
	maxHeads   = 1 << 14
	maxHeadDim = 1 << 10
)

func (a *Attention) check() error {
	if err := checkRuns(a.Threads, a.Runs); err != nil {
		return err
	}
	switch {
	case a.Tokens < 1 || a.Tokens > pattern.MaxTokens:
		return fmt.Errorf("bench: found %d tokens, expected 1 to %d", a.Tokens, pattern.MaxTokens)
	case a.Heads < 1 || a.Heads > maxHeads || a.HeadDim < 1 || a.HeadDim > maxHeadDim:
		return fmt.Errorf("bench: found %d heads of dimension %d, expected 1 to %d of 1 to %d", a.Heads, a.HeadDim, maxHeads, maxHeadDim)
	case a.KVHeads < 1 || a.Heads%a.KVHeads != 0:
		return fmt.Errorf("bench: found %d heads and %d key/value heads, expected a divisor of the heads", a.Heads, a.KVHeads)
	case a.Pass != Forward && a.Pass != Backward && a.Pass != Decode:
		return fmt.Errorf("bench: found pass %q, expected %s, %s or %s", a.Pass, Forward, Backward, Decode)
	}
	return nil
}
