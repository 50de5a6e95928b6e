package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/internal/smallfile"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/plan"
)

// ranksFlags are the flags of `plan` for several ranks.
type ranksFlags struct {
	ranks     int
	rankSpeed float64
	network   string
	measured  string
}

const ranksHelp = `
Of several ranks it prints the bytes of the one that needs the most, what a step exchanges, by layer and by purpose, and how to start
them. With a network it adds the seconds of the exchanges, and the efficiency: the seconds of one rank over those of R ranks times R. A
rank computes as this machine does with --threads, or --rank-speed times as fast. --measured prints the seconds of a run beside the planned.

  longspan plan examples/ecoli-131k.yaml --ranks 16 --network 25GbE
  longspan plan examples/ecoli-131k.yaml --ranks 2 --threads 1 --network network.json --measured runs/two`

func (f *ranksFlags) add(c *cobra.Command) {
	c.Flags().IntVar(&f.ranks, "ranks", 1, "ranks that train together")
	c.Flags().StringVar(&f.network, "network", "", "network of the ranks: "+strings.Join(plan.NetworkNames(), ", ")+
		", a rate and a latency such as 2.6GB/s,25us, or a file with the output of longspan bench ranks --json (default: without seconds of "+
		"exchanges)")
	c.Flags().Float64Var(&f.rankSpeed, "rank-speed", 1, "how many times as fast as this machine a rank computes")
	c.Flags().StringVar(&f.measured, "measured", "", "folder of a run of the recipe, whose seconds a step are printed beside the planned")
}

// check refuses flags that do not go together.
func (f *ranksFlags) check() error {
	switch {
	case f.ranks < 1:
		return usage(fmt.Errorf("found --ranks %d, expected at least 1", f.ranks))
	case !(f.rankSpeed >= 1e-3 && f.rankSpeed <= 1e6):
		return usage(fmt.Errorf("found --rank-speed %g, expected 0.001 to 1000000", f.rankSpeed))
	case f.network != "" && f.ranks == 1:
		return usage(errors.New("--network is given for one rank, which exchanges nothing; add --ranks"))
	case f.measured != "" && f.ranks > 1 && f.network == "":
		return usage(errors.New("--measured is given without --network, and the seconds of several ranks depend on it"))
	}
	return nil
}

// readNetwork is the value of --network; nil without it.
func (f *ranksFlags) readNetwork() (*plan.Network, error) {
	if f.network == "" {
		return nil, nil
	}
	const largest = 1 << 20
	text, err := smallfile.Read(f.network, largest)
	if errors.Is(err, fs.ErrNotExist) {
		n, err := plan.ParseNetwork(f.network)
		return &n, usage(err)
	}
	if err != nil {
		return nil, usage(err)
	}
	n, err := plan.ReadNetwork(text, f.network)
	return &n, usage(err)
}

// ranksReport is what `plan` prints of several ranks.
type ranksReport struct {
	Network *plan.Network     `json:"network,omitempty"`
	Step    *plan.StepSeconds `json:"step,omitempty"` // with a network
	Launch  []string          `json:"launch"`         // commands, of which one starts the ranks
}

// launchLines are how Open MPI and Slurm start the training with the binary that has MPI. cores is the number that each rank is bound to.
func launchLines(ranks, cores int, oneHost bool, arguments []string) []string {
	train := "longspan-mpi train " + strings.Join(arguments, " ")
	a, perHost := fmt.Sprintf("-n %d", ranks), 1
	if oneHost {
		perHost = ranks
	}
	if oneHost && ranks*cores > runtime.NumCPU() {
		return []string{fmt.Sprintf("mpirun %s --oversubscribe --bind-to none %s", a, train), fmt.Sprintf("srun %s --overcommit %s", a, train)}
	}
	return []string{
		fmt.Sprintf("mpirun %s --map-by ppr:%d:node:pe=%d --bind-to core %s", a, perHost, cores, train),
		fmt.Sprintf("srun %s --ntasks-per-node=%d --cpus-per-task=%d %s", a, perHost, cores, train),
	}
}

// trainArguments are the arguments of `train` for the recipe, in quotes where a shell needs them.
func trainArguments(path string, set []string) []string {
	all := []string{path}
	for _, s := range set {
		all = append(all, "--set", s)
	}
	for i, a := range all {
		if strings.ContainsFunc(a, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./=:,+@", r))
		}) {
			all[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return all
}

// fillRanks adds how to start several ranks, and with a network how their step compares with that of one.
func (p *planOptions) fillRanks(r *planReport, job plan.Job, path string) error {
	if r.Over == nil || r.Over.Ranks == 1 {
		return nil
	}
	oneHost := r.network != nil && r.network.OneHost
	r.Ranks = &ranksReport{Network: r.network, Launch: launchLines(p.ranks, pool.Threads(p.threads), oneHost, trainArguments(path, p.set))}
	if r.network == nil {
		return nil
	}
	job.Model.Recompute = r.Recompute
	compute, err := r.compute(r.Estimate, job)
	if err != nil {
		return err
	}
	job.Ranks, job.Train.Shards, job.Train.SequenceShards, job.Train.TensorShards = 0, 0, 0, 0
	e, err := plan.Make(job)
	if err != nil {
		return err
	}
	one, err := r.compute(e, job)
	step := r.Over.Seconds(*r.network, compute, one)
	r.Ranks.Step = &step
	return err
}

// compute is the seconds that a rank computes in a step of a job.
func (r *planReport) compute(e plan.Estimate, job plan.Job) (float64, error) {
	policy, err := job.Model.Policy()
	return r.Machine.Seconds(e, policy) / r.speed, err
}

// seconds is compute, with the exchanges where the network is known.
func (r *planReport) seconds(e plan.Estimate, job plan.Job) (float64, error) {
	s, err := r.compute(e, job)
	if e.Over != nil && r.network != nil {
		s = e.Over.Seconds(*r.network, s, 0).Step
	}
	return s, err
}

// writeShards writes the layout of ranks and shards.
func writeShards(w io.Writer, o *plan.Over) {
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{o.Data, "with batches of their own"}, {o.Sequence, "with parts of each sequence"}, {o.Tensor, "with parts of each layer"}} {
		if p.n > 1 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	layout := strings.Join(parts, " × ")
	if o.Ranks == 1 {
		fmt.Fprintf(w, "shards       %d, all on one rank: %s\n", o.Shards, layout)
		return
	}
	fmt.Fprintf(w, "ranks        %d, and %d shards: %s; memory is that of rank %d, which needs the most\n", o.Ranks, o.Shards, layout,
		o.Fullest)
}

// writeExchange writes what the ranks exchange.
func writeExchange(w io.Writer, o *plan.Over) {
	if o.Ranks == 1 {
		return
	}
	fmt.Fprintf(w, "exchange     %s a step, on rank %d, and %s of gradients\n", amount(o.Exchange), o.Receiver, amount(o.Sums))
	for _, x := range o.ByName {
		if !strings.HasPrefix(x.Name, "sums of gradients") {
			fmt.Fprintf(w, "             %s of %s\n", amount(x.Counts), x.Name)
		}
	}
	for _, l := range o.Layers {
		fmt.Fprintf(w, "layers       %s: %s by %s, since %s; each %s forward, %s backward\n", ranges(l.Layers), l.Mechanism, l.Mode, l.Why,
			amount(l.Forward), amount(l.Backward))
	}
}

// amount writes counts.
func amount(c parallel.Counts) string {
	if c.Messages == 1 {
		return memory.Format(c.Received) + " in 1 message"
	}
	return fmt.Sprintf("%s in %d messages", memory.Format(c.Received), c.Messages)
}

// writeTime writes the seconds of a step.
func (r planReport) writeTime(w io.Writer) {
	if r.Ranks == nil || r.Ranks.Step == nil {
		what := "a step"
		if r.Ranks != nil {
			what = "of computing a step"
		}
		fmt.Fprintf(w, "time         %.3g s %s, %.4g tokens/s\n", r.Seconds, what, float64(r.Tokens)/r.Seconds)
	} else {
		s := r.Ranks.Step
		fmt.Fprintf(w, "time         %.3g s a step, %.4g tokens/s: %.3g s of computing, %.3g s of exchanges and %.3g s of gradients on %s\n",
			s.Step, float64(r.Tokens)/s.Step, s.Compute, s.Exchange, s.Sums, r.Ranks.Network.Name)
		fmt.Fprintf(w, "efficiency   %.2f: one rank takes %.3g s\n", s.Efficiency, s.OneRank)
	}
	if r.Measured != nil {
		fmt.Fprintf(w, "measured     %.3g s a step, the median of %d: %.2f of the planned\n", r.Measured.Seconds, r.Measured.Steps,
			r.Measured.Seconds/r.Seconds)
	}
	if r.Ranks != nil {
		fmt.Fprintf(w, "start        %s\n", strings.Join(r.Ranks.Launch, "\n             "))
	}
}
