package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/parallel/launch"
	"github.com/longspan/longspan/parallel/mpi"
)

// ranksMark annotates a command that several ranks run together.
const ranksMark = "ranks"

// rankFlags are the flags of a command that several ranks run together.
type rankFlags struct {
	patience time.Duration
	engine   parallel.Engine // of the ranks, while wrap runs the command
}

func (f *rankFlags) add(c *cobra.Command) {
	mark(c)
	c.Flags().DurationVar(&f.patience, "patience", parallel.DefaultPatience,
		"under mpirun or srun: how long a rank may wait for another before all are ended")
}

// mark says that several ranks may run the command.
func mark(c *cobra.Command) {
	if c.Annotations == nil {
		c.Annotations = map[string]string{}
	}
	c.Annotations[ranksMark] = ""
}

// wrap makes the command run on every rank. All its flags, and the arguments, must be equal on them.
func (f *rankFlags) wrap(o *output, c *cobra.Command) {
	f.add(c)
	alone := c.RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		settings := []launch.Setting{{Key: "arguments", Value: strings.Join(args, " ")}}
		c.Flags().Visit(func(flag *pflag.Flag) {
			if flag.Name != "threads" {
				settings = append(settings, launch.Setting{Key: "--" + flag.Name, Value: flag.Value.String()})
			}
		})
		return f.overRanks(o, settings, func(w *launch.World) error {
			f.engine = w.Engine
			return alone(c, args)
		})
	}
}

// checkInput refuses standard input for several ranks: a launcher gives it to one.
func (f *rankFlags) checkInput(o inputFlags, names []string) error {
	if f.engine.Size() > 1 && !o.command.Flags().Changed("text") && (len(names) == 0 || slices.Contains(names, "-")) {
		return errors.New("found several ranks and standard input, which one of them would get; expected files or --text")
	}
	return nil
}

// rankLabel names this rank, for errors from before the ranks have met; "" without a launcher.
func rankLabel() string {
	if _, ranks := mpi.Launched(); ranks == 1 {
		return ""
	}
	for _, name := range []string{"OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID"} {
		if rank := os.Getenv(name); rank != "" {
			return "rank " + rank + ": "
		}
	}
	return ""
}

// checkRanks refuses a launcher's ranks for a command that runs alone: each of them would do the same.
func checkRanks(c *cobra.Command) error {
	variable, ranks := mpi.Launched()
	if _, ok := c.Annotations[ranksMark]; ok || ranks == 1 {
		return nil
	}
	return fmt.Errorf("found %d ranks (%s) for %s, which runs alone; start it without the launcher, or set LONGSPAN_MPI=off", ranks, variable,
		c.CommandPath())
}

// overRanks runs f on every rank that a launcher has started, or on one without a launcher. Config must be equal on all ranks. Rank 0 alone
// writes output. An error on one rank ends all of them.
func (f *rankFlags) overRanks(o *output, config []launch.Setting, do func(w *launch.World) error) error {
	var told error // an outcome that all ranks have, and no failure
	began := false
	err := launch.Run(launch.Options{Config: config, Patience: f.patience, Status: statusOf}, func(w *launch.World) error {
		began = true
		if w.Rank() > 0 {
			o.out, o.err = &stdout{w: io.Discard}, io.Discard
		}
		err := do(w)
		if errors.As(err, &reported{}) {
			told = err
			return nil
		}
		if w.Rank() > 0 && statusOf(err) == exitUsage {
			time.Sleep(time.Second) // rank 0 has the same error, and says it for all
		}
		return err
	})
	if !began {
		err = usage(err)
	}
	return errors.Join(told, firstRank(err))
}

// roomOf is the least memory that a rank may use, of all ranks, which plan alike. Ranks of one host share what the host has. limit is this
// rank's, or 0 for no limit.
func roomOf(w *launch.World, limit int64) (int64, error) {
	if w.Size() == 1 {
		return limit, nil
	}
	neighbours := int64(0)
	for _, r := range w.Ranks {
		if r.Host == w.Ranks[w.Rank()].Host {
			neighbours++
		}
	}
	if limit == 0 {
		limit = math.MaxInt64
	}
	room, err := parallel.Gather(w.Engine, "memory of the ranks", limit/neighbours)
	return slices.Min(room), err
}

// settingsOf are flags that must be equal on all ranks.
func settingsOf(c *cobra.Command, args []string, flags ...string) []launch.Setting {
	all := []launch.Setting{{Key: "arguments", Value: strings.Join(args, " ")}}
	for _, name := range flags {
		if f := c.Flags().Lookup(name); f != nil {
			all = append(all, launch.Setting{Key: "--" + name, Value: f.Value.String()})
		}
	}
	return all
}
