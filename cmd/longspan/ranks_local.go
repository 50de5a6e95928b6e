package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/parallel/launch"
	"github.com/longspan/longspan/parallel/mpi"
)

// mostLocal bounds --local: each rank of a process has its goroutine and its memory.
const mostLocal = 256

// localRankFlags are those of commands that compute over ranks of a launcher or of this process.
type localRankFlags struct{ local int }

func (r *localRankFlags) add(c *cobra.Command, usual int) {
	mark(c)
	c.Flags().IntVar(&r.local, "local", 0,
		fmt.Sprintf("goroutines of this process as ranks (default: the ranks of mpirun or srun, or %d goroutines without it)", usual))
}

// run calls f on all ranks: those of the launcher, or goroutines. An error of f ends them all. Rank 0 prints for all.
func (r *localRankFlags) run(usual int, f func(w *launch.World) error) error {
	variable, ranks := mpi.Launched()
	switch {
	case r.local < 0 || r.local > mostLocal:
		return usage(fmt.Errorf("found --local %d, expected 1 to %d", r.local, mostLocal))
	case r.local > 0 && ranks > 1:
		return usage(fmt.Errorf("found --local %d under a launcher of %d ranks (%s); leave --local or the launcher out", r.local, ranks,
			variable))
	case ranks > 1:
		return firstRank(launch.Run(launch.Options{Status: statusOf}, f))
	case r.local == 0:
		r.local = usual
	}
	worlds, err := launch.Local(r.local)
	if err != nil {
		return err
	}
	engines := make([]parallel.Engine, len(worlds))
	for i, w := range worlds {
		engines[i] = w.Engine
	}
	return parallel.Each(engines, func(i int, _ parallel.Engine) error { return f(worlds[i]) })
}

// firstRank leaves an error that all ranks have to rank 0 to print.
func firstRank(err error) error {
	var refused *launch.Refusal
	if !errors.As(err, &refused) {
		return err
	}
	if refused.Shared && refused.Rank > 0 {
		err = reported{err}
	}
	return usage(err)
}
