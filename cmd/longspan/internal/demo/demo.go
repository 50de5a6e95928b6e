// Package demo trains a small model of DNA in the time of a coffee break, and reports what it learned.
//
// It plans the training, fits Markov models to the same genome as the yardstick, measures how long a step takes, trains
// for as many steps as fit the time, and predicts every base of the held-out tenth of the genome. The folder it leaves is
// that of any run (package train), with report.html, report.json and curve.png beside.
package demo

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/genome"
	"github.com/longspan/longspan/data/genome/markov"
	"github.com/longspan/longspan/internal/cpu"
	"github.com/longspan/longspan/plan"
	"github.com/longspan/longspan/recipe"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train"
)

//go:embed recipe.yaml
var recipeText []byte

// The files that a demo leaves beside those of a run.
const (
	ReportName = "report.html"
	NumberName = "report.json"
	CurveName  = "curve.png"
)

// Options say how to run. The zero value of everything but Out is its default.
type Options struct {
	Out     string        // folder of the run
	Resume  bool          // go on with the run in Out
	Set     []string      // changes of the recipe, such as model.width=64
	Steps   int64         // 0: as many as fit Time
	Time    time.Duration // about how long all should take; 0: 150 s
	Order   int           // of the longest Markov model; 0: 16
	Threads int           // 0: all processors
	Memory  int64         // bytes that a step may take; 0 is no limit
}

// Watch is told how it goes.
type Watch struct {
	Say   func(text string) // a line for people
	Train *train.Progress   // the bar
}

// PlanResult is what a step was planned to cost.
type PlanResult struct {
	plan.Estimate
	Tokens    int     `json:"tokens_a_window"`
	Precision string  `json:"precision"`
	Recompute string  `json:"recompute"`
	Total     int64   `json:"total_bytes"`
	Seconds   float64 `json:"seconds_a_step"`
}

// Result is what came of it.
type Result struct {
	Folder      string       `json:"folder"`
	Plan        PlanResult   `json:"plan"`
	Threads     int          `json:"threads"`
	Level       string       `json:"level"`
	Steps       int64        `json:"steps"`
	StepSeconds float64      `json:"measured_seconds_a_step,omitempty"` // where the steps were chosen by it
	Curve       []Point      `json:"curve"`
	Markov      []markov.Row `json:"markov"` // bits a base of the test
	Test        dna.Span     `json:"test"`   // bases that the model did not see
	Bits        float64      `json:"bits"`   // a base of the test, of the model
	MarkovBits  float64      `json:"best_markov_bits"`
	MarkovOrder int          `json:"best_markov_order"`
	PlainBits   float64      `json:"best_plain_bits"` // of one order's counts by themselves
	PlainOrder  int          `json:"best_plain_order"`
	Beats       bool         `json:"beats_markov"` // the best of them
	BeatsUpTo   int          `json:"beats_orders_to"`
	Regions     []Region     `json:"regions"`
	Best        []GeneScore  `json:"best_genes"`
	Worst       []GeneScore  `json:"worst_genes"`
	Seconds     float64      `json:"seconds"`    // in all
	PeakBytes   int64        `json:"peak_bytes"` // of the pool
	Interrupted bool         `json:"interrupted,omitempty"`
}

// work is a demo under way.
type work struct {
	o      Options
	w      Watch
	began  time.Time
	recipe *recipe.Recipe
	sets   *recipe.Sets
	exec   tensor.Exec
	genome *dna.Sequence
	split  genome.Split
	blend  []float64 // bits of each base of the test by the best Markov model
	Result
}

// Run does it all. When ctx is done during training, the run is saved and Result.Interrupted set: Options.Resume goes on
// with it. It returns a *memory.Error if a step does not fit Options.Memory, before anything is allocated.
func Run(ctx context.Context, o Options, w Watch) (Result, error) {
	d, err := newWork(o, w)
	if err != nil {
		return Result{}, err
	}
	for _, phase := range []func(context.Context) error{d.plan, d.markov, d.train} {
		if err = ctx.Err(); err == nil {
			err = phase(ctx)
		}
		if err != nil || d.Interrupted {
			return d.Result, err
		}
	}
	return d.Result, nil
}

// Mistake is an error in the options or in the folder that they name.
type Mistake struct{ error }

// Unwrap is what was wrong.
func (m Mistake) Unwrap() error { return m.error }

func newWork(o Options, w Watch) (*work, error) {
	d := &work{o: o, w: w, began: time.Now(), genome: genome.EColi(), exec: tensor.Exec{Threads: o.Threads, Pool: tensor.NewPool()}}
	if d.o.Time == 0 {
		d.o.Time = 150 * time.Second
	}
	if d.o.Order == 0 {
		d.o.Order = 16
	}
	d.split = genome.SplitOf(d.genome.Len())
	level, err := cpu.Chosen()
	if err != nil {
		return nil, Mistake{err}
	}
	d.Folder, d.Level, d.Test = o.Out, level.String(), d.split.Test
	if err := d.load(level); err != nil {
		return nil, Mistake{err}
	}
	return d, nil
}

// load reads the recipe and opens the data.
func (d *work) load(level cpu.Level) (err error) {
	config := filepath.Join(d.o.Out, train.ConfigName)
	set := d.o.Set
	if d.o.Resume {
		d.recipe, err = recipe.Load(config, set)
	} else {
		if _, missing := os.Stat(config); missing == nil {
			return fmt.Errorf("%s: %w", d.o.Out, train.ErrExists)
		}
		if level >= cpu.AVX512BF16 {
			set = append([]string{"model.precision=bf16"}, set...) // its products are nearly twice as fast there
		}
		d.recipe, err = recipe.Parse(recipeText, "the demo's recipe", set)
	}
	if err != nil {
		return err
	}
	g := d.recipe.Data.Genome
	switch {
	case g == nil || len(g.Paths) > 0 || d.recipe.Model.Kind != "" && d.recipe.Model.Kind != "decoder":
		return errors.New("the demo reports on decoders of the genome in the program; for other recipes use longspan train and longspan eval")
	case d.o.Steps < 0 || d.o.Time < 0 || d.o.Order < 1 || d.o.Order > markov.MaxOrder:
		return fmt.Errorf("found %d steps, %v and Markov models to order %d; expected neither below 0, and an order of 1 to %d",
			d.o.Steps, d.o.Time, d.o.Order, markov.MaxOrder)
	}
	if d.sets, err = d.recipe.Data.Open(d.recipe.Train.Seed); err != nil {
		return err
	}
	return d.recipe.Fit(d.sets)
}

// say tells a line.
func (d *work) say(format string, args ...any) { d.w.Say(fmt.Sprintf(format, args...)) }
