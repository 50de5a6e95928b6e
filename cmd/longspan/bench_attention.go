package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/cmd/longspan/internal/bench"
	"github.com/longspan/longspan/internal/durable"
	"github.com/longspan/longspan/internal/memory"
)

func newBenchAttention(o *output) *cobra.Command {
	var a bench.Attention
	var m measurement
	var pass, png string
	var sweep []int
	var limit time.Duration
	c := &cobra.Command{
		Use:   "attention",
		Short: "Measure an attention, or all of them over a range of lengths",
		Long: `Measures one pass of attention over a random sequence, and the peak of this machine with the same threads and element type.
Flops of pairs that the pattern hides are not counted. With --sweep every mechanism is measured at each length, and a picture shows time
and memory against tokens.

--mechanism takes one of these names, a pattern as for mask, or a text such as 'performer(features=64)' or 'nystrom(landmarks=32)':

` + bench.About(),
		Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if a.Type, err = m.parseType(); err != nil {
				return err
			}
			a.Threads, a.Runs, a.Pass = m.threads, m.runs, bench.Pass(pass)
			if c.Flags().Changed("sweep") {
				if c.Flags().Changed("tokens") {
					return usage(errors.New("found --sweep and --tokens, expected one of them: the numbers of --sweep are the lengths"))
				}
				s := bench.Sweep{Attention: a, Lengths: sweep, Limit: limit}
				if a.Mechanism != "" {
					s.Names = []string{a.Mechanism}
				}
				return runSweep(o, s, png)
			}
			if a.Mechanism == "" {
				a.Mechanism = "full"
			}
			return runAttention(o, a)
		},
	}
	f := c.Flags()
	f.StringVar(&a.Mechanism, "mechanism", "", "name of a mechanism, or its text (default: full)")
	f.IntVar(&a.Tokens, "tokens", 4096, "tokens of the sequence; keys in the cache when decoding")
	f.IntVar(&a.Heads, "heads", 8, "query heads")
	f.IntVar(&a.KVHeads, "kv-heads", 0, "key/value heads (default: the number of query heads)")
	f.IntVar(&a.HeadDim, "head-dim", 64, "dimension of a head")
	f.BoolVar(&a.Causal, "causal", false, "a token sees itself and the tokens before it")
	f.StringVar(&pass, "pass", "forward", "forward, backward (alone) or decode (one new query)")
	f.IntSliceVar(&sweep, "sweep", nil, "lengths to measure every mechanism at (or --mechanism alone), such as 1024,4096,16384")
	f.StringVar(&png, "png", "longspan-sweep.png", "file for the picture of a sweep")
	f.DurationVar(&limit, "limit", 30*time.Second, "leave out a point of a sweep that is expected to take longer")
	m.add(c)
	return c
}

func runAttention(o *output, a bench.Attention) error {
	p := o.progress("bench attention")
	row, err := a.Run(context.Background(), p.step)
	p.finish()
	if err != nil {
		return benchError(err)
	}
	return o.print(row, func(w io.Writer) { writeRow(w, row) })
}

func writeRow(w io.Writer, r bench.AttentionRow) {
	name := r.Mechanism
	if r.Pattern != "" && r.Pattern != name {
		name += " " + r.Pattern
	}
	fmt.Fprintf(w, "attention   %s, %s\n", name, r.Pass)
	fmt.Fprintf(w, "shape       %d tokens, %d heads over %d, head dimension %d\n", r.Tokens, r.Heads, r.KVHeads, r.HeadDim)
	writeTiming(w, r.Timing)
	if r.Pass != bench.Decode {
		fmt.Fprintf(w, "            %.2f times the %s of Q, K, V and O\n",
			float64(r.PeakBytes)/float64(r.InputBytes), memory.Format(r.InputBytes))
		return
	}
	fmt.Fprintf(w, "bandwidth   %.1f GB/s of keys and values, or of a state, %.1f%% of the %.1f measured beside it\n",
		r.GBs, 100*r.BandwidthShare, r.PeakGBs)
}

// sweepReport is the output of a sweep.
type sweepReport struct {
	Rows        []bench.AttentionRow `json:"rows"`
	Skipped     []bench.Skipped      `json:"skipped"`
	PNG         string               `json:"png,omitempty"`         // "" if no row was measured
	Interrupted bool                 `json:"interrupted,omitempty"` // some points are missing
}

func runSweep(o *output, s bench.Sweep, png string) error {
	ctx, end := untilStopped()
	defer end()
	p := o.progress("sweep")
	var r sweepReport
	var err error
	r.Rows, r.Skipped, err = s.Run(ctx, p.step)
	p.finish()
	if r.Interrupted = errors.Is(err, context.Canceled); err != nil && !r.Interrupted {
		return benchError(err)
	}
	if len(r.Rows) > 0 || !r.Interrupted {
		r.PNG = png
		if err := durable.Write(png, func(w io.Writer) error { return bench.PNG(w, r.Rows) }); err != nil {
			return err
		}
	}
	if err := o.print(r, r.write); err != nil || !r.Interrupted {
		return err
	}
	return reported{errInterrupted}
}

func (r sweepReport) write(w io.Writer) {
	const line = "%-11s %9s %12s %10s %11s %12s\n"
	fmt.Fprintf(w, line, "mechanism", "tokens", "seconds", "GFLOP/s", "efficiency", "memory")
	for _, row := range r.Rows {
		fmt.Fprintf(w, line, row.Mechanism, fmt.Sprint(row.Tokens), fmt.Sprintf("%.6f", row.Seconds), fmt.Sprintf("%.1f", row.GFlops),
			fmt.Sprintf("%.3f", row.Efficiency), memory.Format(row.PeakBytes))
	}
	for _, k := range r.Skipped {
		fmt.Fprintf(w, "skipped: %s at %d tokens: %s\n", k.Mechanism, k.Tokens, k.Reason)
	}
	if r.PNG != "" {
		fmt.Fprintf(w, "picture: %s\n", r.PNG)
	}
	if r.Interrupted {
		fmt.Fprintln(w, "interrupted: the other points were not measured")
	}
}
