package main

import (
	"fmt"
	"io"
	"runtime"

	"github.com/klauspost/cpuid/v2"
	"github.com/spf13/cobra"

	"github.com/longspan/longspan/cmd/longspan/internal/bench"
)

func newBenchTable(o *output) *cobra.Command {
	var threads, runs int
	c := &cobra.Command{
		Use:   "table",
		Short: "Make the measurements of docs/performance.md on this machine, as Markdown",
		Args:  arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			var rows []bench.TableRow
			p := o.progress("bench table")
			err := bench.Table(threads, runs, func(r bench.TableRow) error {
				rows = append(rows, r)
				return nil
			}, p.step)
			p.finish()
			if err != nil {
				return benchError(err)
			}
			return o.print(rows, func(w io.Writer) { writeTable(w, rows) })
		},
	}
	c.Flags().IntVar(&threads, "threads", 0, "threads (default: all processors)")
	c.Flags().IntVar(&runs, "runs", 7, "runs of each, of which the median counts")
	return c
}

func writeTable(w io.Writer, rows []bench.TableRow) {
	t := rows[0].Timing()
	fmt.Fprintf(w, "%s, %d threads, %s kernels, %s %s, medians of %d\n\n", cpuid.CPU.BrandName, t.Threads, t.Level, version(), runtime.Version(), t.Runs)
	fmt.Fprintln(w, "| what | seconds | GFLOP/s | peak | efficiency | pool ÷ Q, K, V, O |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|")
	for _, r := range rows {
		t := r.Timing()
		speed, peak, share, memory := fmt.Sprintf("%.1f", t.GFlops), fmt.Sprintf("%.1f", t.PeakGFlops), t.Efficiency, ""
		if a := r.Attention; a != nil && a.Pass == bench.Decode {
			speed, peak, share = fmt.Sprintf("%.1f GB/s", a.GBs), fmt.Sprintf("%.1f GB/s", a.PeakGBs), a.BandwidthShare
		} else if a != nil {
			memory = fmt.Sprintf("%.2f", float64(a.PeakBytes)/float64(a.InputBytes))
		}
		fmt.Fprintf(w, "| %s | %.4g | %s | %s | %.2f | %s |\n", r.What, t.Seconds, speed, peak, share, memory)
	}
}
