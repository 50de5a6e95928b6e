package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train/internal/events"
	"github.com/longspan/longspan/train/optim"
)

// NewOptimizer returns the optimiser of c. Its state is in x's pool.
func NewOptimizer(c Config, x tensor.Exec, w *optim.Weights) (optim.Optimizer, error) {
	o := c.Optimizer
	if o.Name == "adafactor" {
		return optim.NewAdafactor(x.Pool, w, optim.AdafactorConfig{Decay: o.Decay})
	}
	return optim.NewAdamW(x.Pool, w, optim.AdamWConfig{Beta1: o.Beta1, Beta2: o.Beta2, Decay: o.Decay})
}

// step does one step: the gradient of all accumulated batches, and one update.
func (l *loop) step(ctx context.Context) error {
	x, s := l.job.Exec, &l.state
	tokens, err := l.fetch(s.Step + 1)
	if err != nil {
		return inputError{fmt.Errorf("reading the data of step %d: %w; mend the data, and resume with restarted data %s",
			s.Step+1, err, howToRestart)}
	}
	r := Report{Step: s.Step + 1, Steps: l.job.Config.Steps, Tokens: tokens, LR: l.schedule.LR(s.Step + 1)}
	if s.Scaler != nil {
		r.Scale = s.Scaler.Scale
	}
	l.weights.ZeroGrad(x)
	loss, err := l.gradient(ctx, r.Step, max(r.Scale, 1))
	if err != nil {
		return err
	}
	r.Loss = loss.mean()
	r.Norm = l.weights.GradNorm(x) / max(r.Scale, 1)
	change, err := l.overflowed(&r)
	if err != nil {
		return err
	}
	if !r.Skipped {
		s.Updates++
		clip := optim.Clip(r.Norm, l.job.Config.Optimizer.Clip)
		l.optimizer.Step(x, optim.Update{Step: s.Updates, LR: r.LR, Scale: clip / max(r.Scale, 1)})
		if l.average != nil {
			l.average.Step(x, s.Updates)
		}
		s.Window.add(r.Loss, loss.Targets)
	}
	s.Step = r.Step
	s.Tokens += tokens
	return l.report(r, change)
}

// maxBlank is the largest number of consecutive steps whose batches have no targets. More are an error in the data.
const maxBlank = 1000

// fetch reads the batches of a step and counts their tokens. If none of them has targets, as in windows of N, they make no step: the
// model reads them, because a Transformer-XL carries state from batch to batch, and fetch reads the next ones.
func (l *loop) fetch(step int64) (tokens int64, err error) {
	for range maxBlank {
		var targets int64
		for i := range l.batches {
			if err := l.job.Train.Next(&l.batches[i]); err != nil {
				return 0, err
			}
			tokens += int64(len(l.batches[i].Tokens))
			targets += l.job.Model.Targets(&l.batches[i])
		}
		if targets > 0 {
			return tokens, nil
		}
		for i := range l.batches {
			if _, err := l.job.Model.Train(l.job.Exec, &l.batches[i], data.Pass{Seed: l.job.Config.Seed, Step: step, Part: i}); err != nil {
				return 0, err
			}
		}
	}
	return 0, fmt.Errorf("%d consecutive batches have no targets; look at them with longspan data, or raise batch", maxBlank*len(l.batches))
}

// gradient runs the batches forward and backward. The gradient is that of scale times the mean loss over all targets of the step: each
// batch is weighted by its share of the targets.
func (l *loop) gradient(ctx context.Context, step int64, scale float64) (loss meanLoss, err error) {
	var total int64
	targets, passes := make([]int64, len(l.batches)), make([]data.Pass, len(l.batches))
	for i := range l.batches {
		targets[i] = l.job.Model.Targets(&l.batches[i])
		total += targets[i]
	}
	for i, n := range targets {
		passes[i] = data.Pass{Seed: l.job.Config.Seed, Step: step, Part: i, Weight: scale * float64(n) / float64(total)}
	}
	means, err := l.means(ctx, passes)
	if err != nil {
		return loss, fmt.Errorf("step %d: %w", step, err)
	}
	for i, n := range targets {
		if n > 0 { // a batch without targets has no mean loss
			loss.add(means[i], n)
		}
	}
	return loss, nil
}

// means runs the batches forward and backward, and returns their mean losses.
func (l *loop) means(ctx context.Context, passes []data.Pass) (means []float64, err error) {
	if l.shards != nil {
		return l.shards.gradient(l.job.Exec, l.batches, passes, ctx.Err() != nil)
	}
	means = make([]float64, len(passes))
	for i, p := range passes {
		if means[i], err = l.job.Model.Train(l.job.Exec, &l.batches[i], p); err != nil {
			return nil, err
		}
	}
	return means, nil
}

// overflowed looks for NaN and infinity in the loss and the gradient. With loss scaling the step is skipped. Without it, or when the
// scale cannot fall further, the run ends before a weight changes.
func (l *loop) overflowed(r *Report) (change string, err error) {
	bad := !finite(r.Loss) || !finite(r.Norm)
	if scaler := l.state.Scaler; scaler != nil {
		r.Skipped = bad
		if change, err = scaler.Observe(bad); err != nil {
			return "", fmt.Errorf("%w at step %d: %w", ErrDiverged, r.Step, err)
		}
		return change, nil
	}
	switch {
	case !finite(r.Loss):
		return "", fmt.Errorf("%w: the loss of step %d is %g; lower optimizer.lr, lengthen the warm-up, or look at the data",
			ErrDiverged, r.Step, r.Loss)
	case bad:
		return "", fmt.Errorf("%w: the gradient of %q at step %d is not finite; lower optimizer.lr, or lengthen the warm-up",
			ErrDiverged, l.weights.NotFinite(), r.Step)
	}
	return "", nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// report passes a step to the caller, and every log.every steps to the log and the event file.
func (l *loop) report(r Report, change string) error {
	now := time.Now()
	r.TokensPerSecond, r.SecondsLeft = l.pace.step(now, r)
	if l.job.Report != nil {
		l.job.Report(r)
	}
	if change != "" {
		if err := l.note(change); err != nil {
			return err
		}
	}
	s := &l.state
	if s.Step%l.job.Config.Log.Every != 0 && s.Step != r.Steps || s.Window.Targets == 0 {
		return nil
	}
	mean := s.Window.mean()
	s.Window = meanLoss{}
	l.pace.loss = mean
	err := l.log.write(Record{Step: s.Step, Loss: mean, LR: r.LR, Norm: finiteOrZero(r.Norm), Scale: r.Scale, Tokens: s.Tokens,
		Seconds: l.pace.seconds(now), TokensPerSecond: r.TokensPerSecond})
	points := []events.Scalar{{Tag: "loss/train", Value: mean}, {Tag: "lr", Value: r.LR}, {Tag: "gradient/norm", Value: r.Norm},
		{Tag: "speed/tokens_per_second", Value: r.TokensPerSecond}}
	if r.Scale > 0 {
		points = append(points, events.Scalar{Tag: "gradient/loss_scale", Value: r.Scale})
	}
	return errors.Join(err, l.scalars(now, points...))
}

// finiteOrZero is v, or 0 if it is not finite: JSON has no infinity.
func finiteOrZero(v float64) float64 {
	if finite(v) {
		return v
	}
	return 0
}
