package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/cmd/longspan/internal/machine"
	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/plan"
	"github.com/longspan/longspan/recipe"
)

// planReport is the output of `plan`.
type planReport struct {
	plan.Estimate
	Sequences int           `json:"sequences"`
	Longest   int           `json:"tokens_a_sequence"`
	Uneven    bool          `json:"uneven,omitempty"` // the sequences of the longest batch differ in length
	Recompute string        `json:"recompute"`        // as chosen
	Precision string        `json:"precision"`
	Total     int64         `json:"total_bytes"`
	Budget    int64         `json:"budget_bytes"` // 0 where it is not known
	Fits      bool          `json:"fits"`
	Seconds   float64       `json:"seconds"` // a step
	Context   int           `json:"longest_that_fits"`
	Open      bool          `json:"longest_may_be_more"`            // the search ended before it found one that does not fit
	Positions bool          `json:"longest_by_positions,omitempty"` // the model has learned no more positions
	Changes   []planRow     `json:"changes,omitempty"`              // where it does not fit
	Machine   machine.Rates `json:"machine"`

	Ranks    *ranksReport   `json:"ranks,omitempty"` // of several
	Measured *measuredSteps `json:"measured,omitempty"`
	network  *plan.Network
	speed    float64 // of a rank, over this machine
	shortest int     // tokens of the shortest sequences of the search for the longest
}

// planRow is a change that takes less memory.
type planRow struct {
	Set     []string `json:"set"`
	Total   int64    `json:"total_bytes"`
	Seconds float64  `json:"seconds"`
	Fits    bool     `json:"fits"`
}

// planOptions are the flags of `plan`.
type planOptions struct {
	recipeFlags
	ranksFlags
	tokens, threads int
	memory          string
	calibrate       bool
}

func newPlan(o *output) *cobra.Command {
	var p planOptions
	c := &cobra.Command{
		Use:   "plan RECIPE",
		Short: "Estimate the bytes and seconds of training before it runs",
		Long: `Walks a training step of the recipe's model without data. It prints the bytes of the step by their use, its seconds on this
machine, the longest context that fits, and changes that make the recipe fit. The exit status is 3 if the recipe does not fit.

  longspan plan examples/ecoli-131k.yaml --max-memory 4GiB
  longspan plan examples/ecoli-131k.yaml --tokens 1048576
` + ranksHelp,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := p.report(args[0])
			if err != nil {
				return err
			}
			if err := o.print(r, r.write); err != nil || r.Fits {
				return err
			}
			return errors.Join(reported{errTooBig}, &memory.Error{What: "a step", Need: r.Total, Available: r.Budget})
		},
	}
	p.recipeFlags.add(c)
	p.ranksFlags.add(c)
	c.Flags().IntVar(&p.tokens, "tokens", 0, "tokens of a sequence (default: that of the recipe's data)")
	addMaxMemory(c, &p.memory, "the available memory")
	c.Flags().IntVar(&p.threads, "threads", 0, "threads (default: all processors)")
	c.Flags().BoolVar(&p.calibrate, "calibrate", false, "measure this machine again instead of using the stored rates; it should be idle")
	return c
}

var errTooBig = errors.New("the recipe does not fit")

func (p *planOptions) report(path string) (report planReport, err error) {
	r, err := p.load(path)
	if err != nil {
		return report, err
	}
	if err := p.check(); err != nil {
		return report, err
	}
	report.speed = p.rankSpeed
	if report.network, err = p.readNetwork(); err != nil {
		return report, err
	}
	if p.tokens < 0 {
		return report, usage(fmt.Errorf("found --tokens %d, expected at least 1", p.tokens))
	}
	if report.Budget, err = budget(p.memory); err != nil {
		return report, err
	}
	if p.memory == "" && report.network != nil && report.network.OneHost { // what is available, for each rank
		report.Budget /= int64(p.ranks)
	}
	job, err := p.job(r)
	if err != nil {
		return report, usage(err)
	}
	job.Ranks = p.ranks
	measure := machine.Known
	if p.calibrate {
		measure = machine.Calibrate
	}
	if report.Machine, err = measure(p.threads); err != nil {
		return report, err
	}
	if err := report.fill(job); err != nil {
		return report, err
	}
	if err := p.fillRanks(&report, job, path); err != nil {
		return report, err
	}
	return report, report.compareRun(p.measured)
}

// job is the step to plan, of sequences of --tokens if that is given.
func (p *planOptions) job(r *recipe.Recipe) (job plan.Job, err error) {
	sets, err := r.OpenAvailable()
	if err != nil {
		return job, err
	}
	defer func() { err = errors.Join(err, closeSource(sets.Train), r.Close()) }()
	if p.tokens > 0 {
		sets.Tokens = p.tokens
	}
	if err := r.Fit(sets); err != nil {
		return job, err
	}
	if p.tokens == 0 {
		return r.Plan(sets, p.threads)
	}
	spec, err := r.Spec()
	if err != nil {
		return job, err
	}
	job = plan.Job{Model: spec, Train: r.Train, Threads: p.threads, Readers: sets.Bytes, Lengths: slices.Repeat([]int{p.tokens}, sets.Batch)}
	if n := sets.Targets; n > 0 && n < p.tokens {
		job.Sources, job.Lengths = job.Lengths, slices.Repeat([]int{n}, sets.Batch)
	}
	return job, nil
}

// The longest context is searched in steps of contextStep tokens, up to contextLimit at most.
const (
	contextStep  = 1024
	contextLimit = 1 << 24
)

func (r *planReport) fill(job plan.Job) (err error) {
	limit := r.Budget
	if limit == 0 {
		limit = 1<<63 - 1
	}
	if job.Model.Recompute, err = plan.Choose(job, limit); err != nil {
		return usage(err)
	}
	if r.Estimate, err = plan.Make(job); err != nil {
		return usage(err)
	}
	if r.Seconds, err = r.seconds(r.Estimate, job); err != nil {
		return usage(err)
	}
	r.Sequences, r.Longest = len(job.Lengths), slices.Max(job.Lengths)
	r.Uneven = slices.Min(job.Lengths) < r.Longest
	r.Recompute, r.Precision = job.Model.Recompute, job.Model.Precision
	r.Total = r.Bytes.Total()
	r.Fits = r.Total <= limit
	if r.Budget > 0 {
		longest, err := plan.Context(job, r.Budget, contextStep, contextLimit)
		if err != nil {
			return err
		}
		r.Context, r.Open, r.Positions, r.shortest = longest.Tokens, longest.Open, longest.Positions, longest.Shortest
		if r.Fits && (r.Open || !r.Uneven) { // the search takes steps, and may pass over what fits
			r.Context = max(r.Context, r.Longest)
		}
	}
	if r.Fits {
		return nil
	}
	changes, err := plan.Changes(job, limit)
	for _, c := range changes {
		seconds, parseErr := r.seconds(c.Estimate, c.Job)
		err = errors.Join(err, parseErr)
		r.Changes = append(r.Changes, planRow{c.Set, c.Estimate.Bytes.Total(), seconds, c.Fits})
	}
	return err
}

// longest states the longest context that fits, and what limits it.
func (r planReport) longest() string {
	if r.Context == 0 {
		return fmt.Sprintf("sequences of %d tokens, the shortest that were tried, do not fit", r.shortest)
	}
	text := fmt.Sprintf("the longest context that fits is %d tokens", r.Context)
	switch {
	case r.Open:
		text += " or more; the search ends where compiling the attention patterns takes long"
	case r.Positions:
		text += ", as many as the model has learned positions"
	}
	return text
}

func (r planReport) write(w io.Writer) {
	tokens := fmt.Sprintf("%d × %d tokens", r.Sequences, r.Longest)
	if r.Uneven {
		tokens = fmt.Sprintf("%d sequences of up to %d tokens, %d in all", r.Sequences, r.Longest, r.Tokens)
	}
	fmt.Fprintf(w, "step         %s, %.4g M weights, %s, recompute %s\n", tokens, float64(r.Params)/1e6, r.Precision,
		cmp.Or(r.Recompute, "none"))
	if r.Over != nil {
		writeShards(w, r.Over)
	}
	for _, part := range []struct {
		name  string
		bytes int64
	}{
		{"weights", r.Bytes.Weights}, {"gradients", r.Bytes.Gradients}, {"optimizer", r.Bytes.Optimizer},
		{"activations", r.Bytes.Activations}, {"scratch", r.Bytes.Scratch}, {"runtime", r.Bytes.Runtime}, {"total", r.Total},
	} {
		fmt.Fprintf(w, "%-12s %s\n", part.name, memory.Format(part.bytes))
	}
	if r.Over != nil {
		writeExchange(w, r.Over)
	}
	r.writeTime(w)
	if r.Budget == 0 {
		return
	}
	verdict := "fits"
	if !r.Fits {
		verdict = "does not fit"
	}
	fmt.Fprintf(w, "memory       %s: it %s; %s\n", memory.Format(r.Budget), verdict, r.longest())
	if len(r.Changes) == 0 {
		return
	}
	fmt.Fprintf(w, "\nto change:\n")
	for _, c := range r.Changes {
		verdict := "does not fit"
		if c.Fits {
			verdict = "fits"
		}
		fmt.Fprintf(w, "  --set %-70s %10s, %.3g s: %s\n", strings.Join(c.Set, " --set "), memory.Format(c.Total), c.Seconds, verdict)
	}
	if r.Context > 0 {
		fmt.Fprintf(w, "  or sequences of at most %d tokens\n", r.Context)
	}
}
