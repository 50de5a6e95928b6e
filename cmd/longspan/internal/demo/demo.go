// Package demo trains a small model of DNA in minutes, and reports what it learned.
//
// It plans the training, fits Markov models to the same genome as a baseline, measures the time of a step, trains for the number of steps
// that fits the time, and predicts every base of the test tenth of the genome. Its folder is that of a run (package train), with
// report.html, report.json and curve.png.
package demo

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/longspan/longspan/data"
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

// The files of a demo beside those of a run.
const (
	ReportName = "report.html"
	NumberName = "report.json"
	CurveName  = "curve.png"
)

// Options configure a demo. Only Out is required.
type Options struct {
	Out     string        // folder of the run
	Resume  bool          // resume the run in Out
	Set     []string      // overrides of the recipe, such as model.width=64
	Steps   int64         // 0: chosen by Time
	Time    time.Duration // about how long everything takes; 0: 150 s
	Order   int           // largest order of the Markov models; 0: 16
	Threads int           // 0: all processors
	Memory  int64         // largest memory of a step, in bytes; 0: no limit
}

// Watch receives the progress of a demo.
type Watch struct {
	Say   func(text string) // called with each line of text
	Train *train.Progress   // shows the training
}

// PlanResult is the planned cost of a step.
type PlanResult struct {
	plan.Estimate
	Tokens    int     `json:"tokens_a_window"`
	Precision string  `json:"precision"`
	Recompute string  `json:"recompute"`
	Total     int64   `json:"total_bytes"`
	Seconds   float64 `json:"seconds_a_step"`
}

// Result is the outcome of a demo.
type Result struct {
	Folder      string       `json:"folder"`
	Plan        PlanResult   `json:"plan"`
	Threads     int          `json:"threads"`
	Level       string       `json:"level"`
	Steps       int64        `json:"steps"`
	StepSeconds float64      `json:"measured_seconds_a_step,omitempty"` // if it chose the steps
	Curve       []Point      `json:"curve"`
	Markov      []markov.Row `json:"markov"` // bits a base of the test
	Test        dna.Span     `json:"test"`   // bases that the model has not seen
	Bits        float64      `json:"bits"`   // of the model, a base of the test
	MarkovBits  float64      `json:"best_markov_bits"`
	MarkovOrder int          `json:"best_markov_order"`
	PlainBits   float64      `json:"best_plain_bits"` // of the counts of one order alone
	PlainOrder  int          `json:"best_plain_order"`
	Beats       bool         `json:"beats_markov"` // the best Markov model
	BeatsUpTo   int          `json:"beats_orders_to"`
	Regions     []Region     `json:"regions"`
	Best        []GeneScore  `json:"best_genes"`
	Worst       []GeneScore  `json:"worst_genes"`
	Seconds     float64      `json:"seconds"`    // of everything
	PeakBytes   int64        `json:"peak_bytes"` // of the pool
	Interrupted bool         `json:"interrupted,omitempty"`
}

// work is a demo in progress.
type work struct {
	o      Options
	w      Watch
	began  time.Time
	recipe *recipe.Recipe
	sets   *data.Bundle
	exec   tensor.Exec
	genome *dna.Sequence
	split  genome.Split
	blend  []float64 // bits of each base of the test by the best Markov model
	Result
}

// Run runs a demo. When ctx is done during training, Run saves the run and sets Result.Interrupted; Options.Resume continues it. It
// returns a *memory.Error if a step does not fit Options.Memory, before it allocates anything.
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

// Mistake is an error in the options, or in the folder that they name.
type Mistake struct{ error }

// Unwrap returns the error.
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
		return errors.New("the demo needs a decoder and the built-in genome; for other recipes use longspan train and longspan eval")
	case d.o.Steps < 0 || d.o.Time < 0 || d.o.Order < 1 || d.o.Order > markov.MaxOrder:
		return fmt.Errorf("found %d steps, %v and Markov models to order %d; expected neither below 0, and an order of 1 to %d",
			d.o.Steps, d.o.Time, d.o.Order, markov.MaxOrder)
	}
	if d.sets, err = d.recipe.Data.Open(d.recipe.Train.Seed); err != nil {
		return err
	}
	return d.recipe.Fit(d.sets)
}

// say passes on a line of text.
func (d *work) say(format string, args ...any) { d.w.Say(fmt.Sprintf(format, args...)) }
