package main

import (
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
		Long: `Measures one pass of attention over a sequence of random numbers, and the peak of this machine beside it, with the same threads and type.
Flops are the useful ones: those of pairs that the pattern hides are not counted. With --sweep every mechanism is measured at each
length and drawn: time and memory against tokens.

The mechanisms are:

` + bench.About(),
		Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if a.Type, err = m.parseType(); err != nil {
				return err
			}
			a.Threads, a.Runs, a.Pass = m.threads, m.runs, bench.Pass(pass)
			if c.Flags().Changed("sweep") {
				if a.Pattern != "" || c.Flags().Changed("tokens") {
					return usage(errors.New("found --sweep beside --pattern or --tokens, expected it alone or with --mechanism: it measures mechanisms at its own lengths"))
				}
				s := bench.Sweep{Attention: a, Lengths: sweep, Limit: limit}
				if a.Mechanism != "" {
					s.Names = []string{a.Mechanism}
				}
				return runSweep(o, s, png)
			}
			if a.Mechanism == "" && a.Pattern == "" {
				a.Mechanism = "full"
			}
			return runAttention(o, a)
		},
	}
	f := c.Flags()
	f.StringVar(&a.Mechanism, "mechanism", "", "what to measure (default: full)")
	f.StringVar(&a.Pattern, "pattern", "", "a pattern to measure instead, as for mask")
	f.IntVar(&a.Tokens, "tokens", 4096, "tokens of the sequence; keys in the cache when decoding")
	f.IntVar(&a.Heads, "heads", 8, "query heads")
	f.IntVar(&a.KVHeads, "kv-heads", 0, "key/value heads (default: as many as heads)")
	f.IntVar(&a.HeadDim, "head-dim", 64, "dimension of a head")
	f.IntVar(&a.Features, "features", 0, "features of performer (default: 256)")
	f.IntVar(&a.Landmarks, "landmarks", 0, "landmarks of nystrom (default: 64)")
	f.BoolVar(&a.Causal, "causal", false, "a token sees only what comes before it")
	f.StringVar(&pass, "pass", "forward", "forward, backward (alone) or decode (one new query)")
	f.IntSliceVar(&sweep, "sweep", nil, "lengths to measure every mechanism at (or --mechanism alone), such as 1024,4096,16384")
	f.StringVar(&png, "png", "longspan-sweep.png", "file for the picture of a sweep")
	f.DurationVar(&limit, "limit", 30*time.Second, "leave out a point of a sweep that is expected to take longer")
	m.add(c)
	return c
}

func runAttention(o *output, a bench.Attention) error {
	p := o.progress("bench attention")
	row, err := a.Run(p.step)
	p.finish()
	if err != nil {
		return benchError(err)
	}
	return o.print(row, func(w io.Writer) { writeRow(w, row) })
}

func writeRow(w io.Writer, r bench.AttentionRow) {
	name := r.Mechanism
	if r.Pattern != "" {
		name += " " + r.Pattern
	}
	fmt.Fprintf(w, "attention   %s, %s\n", name, r.Pass)
	fmt.Fprintf(w, "shape       %d tokens, %d heads over %d, head dimension %d\n", r.Tokens, r.Heads, r.KVHeads, r.HeadDim)
	writeTiming(w, r.Timing)
	if r.Pass != bench.Decode {
		fmt.Fprintf(w, "            %.2f times the %s of Q, K, V and O\n", float64(r.PeakBytes)/float64(r.InputBytes), memory.Format(r.InputBytes))
		return
	}
	fmt.Fprintf(w, "bandwidth   %.1f GB/s of keys and values, or of a state, %.1f%% of the %.1f measured beside it\n", r.GBs, 100*r.BandwidthShare, r.PeakGBs)
}

// sweepReport is what a sweep prints.
type sweepReport struct {
	Rows    []bench.AttentionRow `json:"rows"`
	Skipped []bench.Skipped      `json:"skipped"`
	PNG     string               `json:"png"`
}

func runSweep(o *output, s bench.Sweep, png string) error {
	p := o.progress("sweep")
	rows, skipped, err := s.Run(p.step)
	p.finish()
	if err != nil {
		return benchError(err)
	}
	if err := durable.Write(png, func(w io.Writer) error { return bench.PNG(w, rows) }); err != nil {
		return err
	}
	return o.print(sweepReport{rows, skipped, png}, func(w io.Writer) {
		const line = "%-11s %9s %12s %10s %11s %12s\n"
		fmt.Fprintf(w, line, "mechanism", "tokens", "seconds", "GFLOP/s", "efficiency", "memory")
		for _, r := range rows {
			fmt.Fprintf(w, line, r.Mechanism, fmt.Sprint(r.Tokens), fmt.Sprintf("%.6f", r.Seconds), fmt.Sprintf("%.1f", r.GFlops),
				fmt.Sprintf("%.3f", r.Efficiency), memory.Format(r.PeakBytes))
		}
		for _, k := range skipped {
			fmt.Fprintf(w, "left out: %s at %d tokens: %s\n", k.Mechanism, k.Tokens, k.Reason)
		}
		fmt.Fprintf(w, "picture: %s\n", png)
	})
}
