package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/longspan/longspan/cmd/longspan/internal/machine"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/genome/markov"
	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/plan"
	"github.com/longspan/longspan/recipe"
	"github.com/longspan/longspan/train"
)

// plan reports the cost of a step. It returns an error if the step does not fit the memory.
func (d *work) plan(context.Context) error {
	if _, err := d.recipe.FitMemory(d.sets, recipe.Room{Threads: d.o.Threads, Bytes: d.o.Memory}); err != nil {
		return err
	}
	job, err := d.recipe.Plan(d.sets, d.o.Threads)
	if err != nil {
		return err
	}
	estimate, err := plan.Make(job)
	if err != nil {
		return err
	}
	d.exec.Pool.Reserve(estimate.Bytes.Pool() * 5 / 4)
	rates, err := machine.Known(d.o.Threads)
	if err != nil {
		return err
	}
	policy, err := job.Model.Policy()
	if err != nil {
		return err
	}
	d.Threads = pool.Threads(d.o.Threads)
	d.Plan = PlanResult{Estimate: estimate, Tokens: d.sets.Tokens, Precision: job.Model.Precision, Recompute: job.Model.Recompute,
		Total: estimate.Bytes.Total(), Seconds: rates.Seconds(estimate, policy)}
	if d.Plan.Recompute == "0" { // the result of auto if nothing must be recomputed
		d.Plan.Recompute = "none"
	}
	d.say("plan      %.3g M weights, windows of %d bases, %s, recompute %s: %s and about %.2g s a step",
		float64(estimate.Params)/1e6, d.sets.Tokens, job.Model.Precision, d.Plan.Recompute, memory.Format(d.Plan.Total), d.Plan.Seconds)
	return nil
}

// markov fits the baselines. They learn from everything except the test; the model learns from the same without the validation
// twentieth.
func (d *work) markov(context.Context) error {
	learned := dna.Span{Start: 0, End: d.split.Validation.End}
	var err error
	if d.Markov, _, err = markov.Compare(d.genome, learned, d.Test, d.o.Order); err != nil {
		return err
	}
	best, plain := d.Markov[0], d.Markov[0]
	for _, row := range d.Markov {
		if row.Bits() < best.Bits() {
			best = row
		}
		if row.Add < plain.Add {
			plain = row
		}
	}
	d.MarkovBits, d.MarkovOrder, d.PlainBits, d.PlainOrder = best.Bits(), best.Order, plain.Add, plain.Order
	m, err := markov.Fit(d.genome, markov.Config{Order: best.Order, Smoothing: best.Best, Train: []dna.Span{learned}})
	if err != nil {
		return err
	}
	d.blend = make([]float64, d.Test.Len())
	d.say("markov    orders 1 to %d: %.4f bits a base at best (order %d, %v); %.4f by the counts of one order alone (order %d)",
		d.o.Order, d.MarkovBits, best.Order, best.Best, plain.Add, plain.Order)
	return m.Bits(d.blend, d.Test, best.Order)
}

// train trains, scores the test and writes the report.
func (d *work) train(ctx context.Context) error {
	if err := d.schedule(ctx); err != nil {
		return err
	}
	m, err := d.recipe.Build(d.sets, model.Options{Pool: d.exec.Pool, Train: true})
	if err != nil {
		return err
	}
	defer m.Close()
	if err := d.run(ctx, m); err != nil || d.Interrupted {
		return err
	}
	d.say("score     %d bases that the model has not seen …", d.Test.Len())
	bits, err := d.score(ctx, m)
	if err != nil && ctx.Err() != nil {
		d.Interrupted = true // what was trained is saved
		return nil
	}
	if err != nil {
		return err
	}
	d.judge(bits)
	d.Seconds, d.PeakBytes = time.Since(d.began).Seconds(), d.exec.Pool.Peak()
	return d.write(bits)
}

// schedule chooses the steps, the warm-up, and the intervals of evaluations and checkpoints.
func (d *work) schedule(ctx context.Context) error {
	t := &d.recipe.Train
	if d.o.Resume {
		d.Steps = t.Steps
		return nil
	}
	if t.Steps = d.o.Steps; t.Steps == 0 {
		seconds, err := d.measure(ctx)
		if err != nil {
			return err
		}
		d.StepSeconds = seconds
		t.Steps = stepsWithin((d.o.Time - time.Since(d.began)).Seconds(), seconds, d.windows())
		d.say("pace      %.2f s a step here: %d steps", seconds, t.Steps)
	}
	d.Steps = t.Steps
	t.Optimizer.Warmup = min(20, t.Steps/5)
	t.Eval = train.EvalConfig{Every: max(1, t.Steps/validations), Batches: 1}
	t.Checkpoint.Every = t.Eval.Every
	return nil
}

// validations is the number of evaluations, which are points of the curve.
const validations = 8

// Bounds of the chosen steps.
const (
	leastSteps = 4
	mostSteps  = 2000
)

// stepsWithin is the number of steps that fit the seconds. Each evaluation and each window of the test is a forward pass, which takes at
// most half of a step. Four seconds are for the pictures, and a twentieth for steps slower than measured.
func stepsWithin(seconds, step float64, windows int) int64 {
	left := 0.95*(seconds-4) - step/2*float64(validations+1+windows)
	return int64(max(leastSteps, min(mostSteps, left/step)))
}

// measure is the time of the second step, in seconds. The first also fills the pool and compiles the pattern.
func (d *work) measure(ctx context.Context) (seconds float64, err error) {
	m, err := d.recipe.Build(d.sets, model.Options{Pool: d.exec.Pool, Train: true})
	if err != nil {
		return 0, err
	}
	defer m.Close()
	sets, err := d.recipe.Data.Open(d.recipe.Train.Seed)
	if err != nil {
		return 0, err
	}
	var b data.Batch
	if err := sets.Train.Next(&b); err != nil {
		return 0, err
	}
	for range 2 {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		began := time.Now()
		if _, err := m.Train(d.exec, &b, data.Pass{Step: 1, Weight: 1}); err != nil {
			return 0, err
		}
		seconds = time.Since(began).Seconds()
	}
	return max(seconds, 1e-6), nil
}

// run trains.
func (d *work) run(ctx context.Context, m *model.Model) error {
	job, err := d.recipe.Job(d.sets, m, d.exec)
	if err != nil {
		return err
	}
	do := train.Run
	if d.o.Resume {
		do = train.Resume
	}
	p := d.w.Train
	job.Report, job.Scored, job.Note = p.Report, p.Scored, p.Note
	result, err := do(ctx, d.o.Out, job)
	p.Done()
	d.Interrupted = result.Interrupted
	if errors.Is(err, train.ErrExists) {
		return Mistake{fmt.Errorf("%s: %w", d.o.Out, err)}
	}
	return err
}
