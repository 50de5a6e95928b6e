package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"runtime"

	"github.com/klauspost/cpuid/v2"
	"github.com/spf13/cobra"

	"github.com/longspan/longspan/cmd/longspan/internal/bench"
)

func newBenchTable(o *output) *cobra.Command {
	var options bench.TableOptions
	var only string
	c := &cobra.Command{
		Use:   "table",
		Short: "Make the measurements of docs/performance.md on this machine, as Markdown",
		Long: `Measures matrix products, attention and decoding. Each row of the Markdown table is printed as soon as it is measured; with
--json it is an element of an array. All rows take about five minutes on two cores with AVX2. Ctrl-C ends the table after the run in
progress, and keeps the rows before it. The environment variable LONGSPAN_CPU sets a lower kernel level, such as avx2. Each row names its
level. The peak is of the same level. An aim is the efficiency to reach on two cores. It stands with the level it is set for: the row's,
or the nearest below it. Some rows have none.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) (err error) {
			if options.Only, err = regexp.Compile(only); err != nil {
				return usage(fmt.Errorf("--only: %w", err))
			}
			ctx, end := untilStopped()
			defer end()
			return o.list(func(add func(any, func(io.Writer)) error) error { return runTable(ctx, o, options, add) })
		},
	}
	c.Flags().StringVar(&only, "only", "", "measure the rows whose name matches this regular expression, such as 'causal|decode'")
	c.Flags().IntVar(&options.Threads, "threads", 0, "threads (default: all processors)")
	c.Flags().IntVar(&options.Runs, "runs", 5, "runs of each, whose median counts")
	return c
}

func runTable(ctx context.Context, o *output, options bench.TableOptions, add func(any, func(io.Writer)) error) error {
	p := o.progress("bench table")
	defer p.finish()
	head := writeTableHead
	err := bench.Table(ctx, options, func(r bench.TableRow) error {
		p.clear()
		return add(r, func(w io.Writer) {
			head(w, r.Timing())
			head = func(io.Writer, bench.Timing) {}
			writeTableRow(w, r)
		})
	}, p.step)
	switch {
	case errors.Is(err, context.Canceled):
		return errInterrupted
	case errors.As(err, &lostError{}):
		return err
	}
	return benchError(err)
}

func writeTableHead(w io.Writer, t bench.Timing) {
	fmt.Fprintf(w, "%s, %d threads, %s %s, medians of %d\n\n", cpuid.CPU.BrandName, t.Threads, version(), runtime.Version(), t.Runs)
	fmt.Fprintln(w, "| what | level | seconds | GFLOP/s | peak at this level | efficiency | aim | pool ÷ Q, K, V, O |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|")
}

func writeTableRow(w io.Writer, r bench.TableRow) {
	t := r.Timing()
	speed, peak, share, memory := fmt.Sprintf("%.1f", t.GFlops), fmt.Sprintf("%.1f", t.PeakGFlops), t.Efficiency, ""
	if a := r.Attention; a != nil && a.Pass == bench.Decode {
		speed, peak, share = fmt.Sprintf("%.1f GB/s", a.GBs), fmt.Sprintf("%.1f GB/s", a.PeakGBs), a.BandwidthShare
	} else if a != nil {
		memory = fmt.Sprintf("%.2f", float64(a.PeakBytes)/float64(a.InputBytes))
	}
	aim := ""
	if r.Aim != nil {
		aim = fmt.Sprintf("%.2f at %s", r.Aim.Share, r.Aim.Level)
	}
	fmt.Fprintf(w, "| %s | %s | %.4g | %s | %s | %.2f | %s | %s |\n", r.What, t.Level, t.Seconds, speed, peak, share, aim, memory)
}
