package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/cmd/longspan/internal/verify"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/parallel/launch"
)

// verifiedRanks is the number of goroutines without a launcher.
const verifiedRanks = 4

func newVerifyRanks(o *output) *cobra.Command {
	var ranks localRankFlags
	var only []string
	c := &cobra.Command{
		Use:   "ranks",
		Short: "Check that ranks have the bits of one process; exit status 1 if one differs",
		Long: `Computes over the ranks that mpirun or srun has started, and over goroutines of one process, and compares the hashes of all
bits. Each computation runs on the ranks themselves and on two shards of each. The exit status is 1 if a hash differs.
  mpirun -n 4 longspan-mpi verify ranks
  longspan verify ranks --local 8

The checks are:

` + verify.RankGroups(),
		Args: arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			if err := verify.CheckRankGroups(only); err != nil {
				return usage(err)
			}
			failed := false
			err := ranks.run(verifiedRanks, func(w *launch.World) error {
				results, err := verify.Ranks(w, only, o.rankProgress(w, "verify ranks"))
				if err != nil {
					return err
				}
				if w.Rank() > 0 {
					return nil
				}
				failed = slices.ContainsFunc(results, func(r verify.RankResult) bool { return !r.OK })
				return o.print(results, func(out io.Writer) { writeRankResults(out, w, results) })
			})
			if err == nil && failed {
				return reported{errCheckFailed}
			}
			return err
		},
	}
	ranks.add(c, verifiedRanks)
	c.Flags().StringSliceVar(&only, "only", nil, "groups of checks to run, by name")
	return c
}

// rankProgress reports the progress of rank 0.
func (o *output) rankProgress(w *launch.World, what string) func(done, all int) {
	if w.Rank() > 0 {
		return nil
	}
	p := o.progress(what)
	return func(done, all int) {
		if p.step(done, all); done == all {
			p.finish()
		}
	}
}

func writeRankResults(out io.Writer, w *launch.World, results []verify.RankResult) {
	writeWorld(out, w)
	const line = "%-10s %-12s %6s  %-16s  %-16s  %s\n"
	fmt.Fprintf(out, line, "group", "check", "shards", "hash", "goroutines", "")
	failed := 0
	for _, r := range results {
		verdict := "same bits"
		if !r.OK {
			verdict = "FAILED: " + parallel.RankList(r.Differ)
			failed++
		}
		fmt.Fprintf(out, line, r.Group, r.Check, fmt.Sprint(r.Shards), r.Hash, r.Reference, verdict)
	}
	fmt.Fprintf(out, "%d checks, %d failed\n", len(results), failed)
}

// writeWorld says which ranks there are.
func writeWorld(out io.Writer, w *launch.World) {
	hosts := map[string]bool{}
	for _, r := range w.Ranks {
		hosts[r.Host] = true
	}
	kind := "goroutines of one process"
	if w.Library != "" {
		kind = fmt.Sprintf("over %s, hosts: %d", w.Library, len(hosts))
	}
	fmt.Fprintf(out, "ranks: %d, %s, kernel level %s\n", w.Size(), kind, w.Ranks[0].Level)
}
