package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/cmd/longspan/internal/bench"
	"github.com/longspan/longspan/internal/memory"
)

func newBenchGEMM(o *output) *cobra.Command {
	var g bench.GEMM
	var m measurement
	c := &cobra.Command{
		Use:   "gemm",
		Short: "Measure a matrix product, C [M, N] = A [M, K] · B [K, N]",
		Args:  arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) (err error) {
			if g.Type, err = m.parseType(); err != nil {
				return err
			}
			g.Threads, g.Runs = m.threads, m.runs
			p := o.progress("bench gemm")
			row, err := g.Run(context.Background(), p.step)
			p.finish()
			if err != nil {
				return benchError(err)
			}
			return o.print(row, func(w io.Writer) {
				fmt.Fprintf(w, "product     %d×%d by %d×%d\n", g.M, g.K, g.K, g.N)
				writeTiming(w, row.Timing)
			})
		},
	}
	c.Flags().IntVar(&g.M, "m", 1024, "rows of A and C")
	c.Flags().IntVar(&g.N, "n", 1024, "columns of B and C")
	c.Flags().IntVar(&g.K, "k", 1024, "columns of A, rows of B")
	m.add(c)
	return c
}

func writeTiming(w io.Writer, t bench.Timing) {
	fmt.Fprintf(w, "with        %s, %d threads, %s kernels\n", t.DType, t.Threads, t.Level)
	fmt.Fprintf(w, "time        %.6f s, median of %d (%.6f … %.6f)\n", t.Seconds, t.Runs, t.SecondsMin, t.SecondsMax)
	fmt.Fprintf(w, "speed       %.1f GFLOP/s of useful work, %.1f%% of the peak of %.1f measured beside it\n",
		t.GFlops, 100*t.Efficiency, t.PeakGFlops)
	fmt.Fprintf(w, "memory      %s, inputs and output included\n", memory.Format(t.PeakBytes))
}
