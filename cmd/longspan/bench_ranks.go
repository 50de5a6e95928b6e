package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/cmd/longspan/internal/bench"
	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/parallel/launch"
)

// measuredRanks is the number of goroutines without a launcher.
const measuredRanks = 2

func newBenchRanks(o *output) *cobra.Command {
	var ranks localRankFlags
	var b bench.Ranks
	var sizes []string
	c := &cobra.Command{
		Use:   "ranks",
		Short: "Measure exchanges between ranks: latency and GB/s of the network",
		Long: `Measures exchanges between the ranks that mpirun or srun has started, or between goroutines of this process. The operations are:
` + bench.RankOperations + `
Start one rank on each host to measure the network, and several to measure what they have of it together:
  mpirun -n 2 --hostfile hosts --map-by ppr:1:node longspan-mpi bench ranks
  longspan bench ranks --local 4`,
		Args: arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			for _, text := range sizes {
				n, err := memory.Parse(text)
				if err != nil {
					return usage(fmt.Errorf("--sizes: %w", err))
				}
				b.Sizes = append(b.Sizes, n)
			}
			if err := b.Check(max(1, ranks.local)); err != nil {
				return benchError(err)
			}
			return ranks.run(measuredRanks, func(w *launch.World) error {
				table, err := b.Run(w, o.rankProgress(w, "bench ranks"))
				if err != nil || w.Rank() > 0 {
					return benchError(err)
				}
				return o.print(table, func(out io.Writer) { writeRanksTable(out, w, table) })
			})
		},
	}
	ranks.add(c, measuredRanks)
	c.Flags().StringSliceVar(&sizes, "sizes", []string{"8", "64KiB", "1MiB", "16MiB"}, "bytes of an exchange")
	c.Flags().IntVar(&b.Runs, "runs", 5, "runs, whose median counts")
	return c
}

func writeRanksTable(out io.Writer, w *launch.World, t bench.RanksTable) {
	writeWorld(out, w)
	for i, r := range t.Ranks {
		fmt.Fprintf(out, "rank %d: host %s, threads %d, bound to %d of %d cores\n", i, r.Host, r.Threads, r.Cores, r.OfHost)
	}
	const line = "%-13s %10s %12s %12s %12s %8s\n"
	fmt.Fprintf(out, line, "operation", "bytes", "µs", "shortest", "longest", "GB/s")
	for _, r := range t.Rows {
		us := func(seconds float64) string { return fmt.Sprintf("%.1f", 1e6*seconds) }
		fmt.Fprintf(out, line, r.Operation, memory.Format(r.Bytes), us(r.Seconds), us(r.SecondsMin), us(r.SecondsMax),
			fmt.Sprintf("%.3f", r.GBps))
	}
}
