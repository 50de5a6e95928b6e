package train

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train/internal/events"
	"github.com/longspan/longspan/train/optim"
)

// NewOptimizer makes the optimiser that c asks for, with its state from x's pool.
func NewOptimizer(c Config, x tensor.Exec, w *optim.Weights) (optim.Optimizer, error) {
	o := c.Optimizer
	if o.Name == "adafactor" {
		return optim.NewAdafactor(x.Pool, w, optim.AdafactorConfig{Decay: o.Decay})
	}
	return optim.NewAdamW(x.Pool, w, optim.AdamWConfig{Beta1: o.Beta1, Beta2: o.Beta2, Decay: o.Decay})
}

// step does one step: the gradient over all accumulated batches, and one update.
func (l *loop) step() error {
	x, s := l.job.Exec, &l.state
	tokens, err := l.fetch(s.Step + 1)
	if err != nil {
		return inputError{fmt.Errorf("reading the data of step %d: %w", s.Step+1, err)}
	}
	r := Report{Step: s.Step + 1, Steps: l.job.Config.Steps, Tokens: tokens, Rate: l.schedule.Rate(s.Step + 1)}
	if s.Scaler != nil {
		r.Scale = s.Scaler.Scale
	}
	l.weights.ZeroGrad(x)
	loss, err := l.gradient(r.Step, max(r.Scale, 1))
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
		l.optimizer.Step(x, optim.Update{Step: s.Updates, Rate: r.Rate, Scale: clip / max(r.Scale, 1)})
		if l.average != nil {
			l.average.Step(x, s.Updates)
		}
		s.Window.add(r.Loss, loss.Targets)
	}
	s.Step = r.Step
	s.Tokens += tokens
	return l.report(r, change)
}

// maxBlank is how many steps' batches may have nothing to predict, one after the other, before the data must be wrong.
const maxBlank = 1000

// fetch reads the batches of a step, and says how many tokens it read. Batches of which none has anything to predict, as windows within a
// stretch of N or within a pseudogene, make no step: the model is led past them, for what it carries from batch to batch.
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
	return 0, fmt.Errorf("%d batches in a row have nothing to predict; look at what longspan data shows, or raise batch", maxBlank*len(l.batches))
}

// gradient runs the batches forward and backward. Each counts by its targets, so that the gradient is that of the
// mean over all targets of the step, however they are spread, times scale.
func (l *loop) gradient(step int64, scale float64) (loss meanLoss, err error) {
	var total int64
	for i := range l.batches {
		total += l.job.Model.Targets(&l.batches[i])
	}
	for i := range l.batches {
		b := &l.batches[i]
		n := l.job.Model.Targets(b)
		p := data.Pass{Seed: l.job.Config.Seed, Step: step, Part: i, Weight: scale * float64(n) / float64(total)}
		mean, err := l.job.Model.Train(l.job.Exec, b, p)
		if err != nil {
			return loss, fmt.Errorf("step %d: %w", step, err)
		}
		if n > 0 { // of a batch without targets there is no mean, but the model may carry it on
			loss.add(mean, n)
		}
	}
	return loss, nil
}

// overflowed looks for NaN and infinity. With loss scaling they make the step be skipped; without, or where the
// scale cannot fall further, they end the run before they reach a weight.
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
		return "", fmt.Errorf("%w: the loss of step %d is %g; lower optimizer.rate, lengthen the warm-up, or look at the data", ErrDiverged, r.Step, r.Loss)
	case bad:
		return "", fmt.Errorf("%w: the gradient of %q at step %d is not finite; lower optimizer.rate, or lengthen the warm-up", ErrDiverged, l.weights.NotFinite(), r.Step)
	}
	return "", nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// report tells of a step: the caller always, the log and the board where it is time to.
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
	err := l.log.write(Record{Step: s.Step, Loss: mean, Rate: r.Rate, Norm: finiteOrZero(r.Norm), Scale: r.Scale, Tokens: s.Tokens,
		Seconds: l.pace.seconds(now), TokensPerSecond: r.TokensPerSecond})
	points := []events.Scalar{{Tag: "loss/train", Value: mean}, {Tag: "rate", Value: r.Rate}, {Tag: "gradient/norm", Value: r.Norm},
		{Tag: "speed/tokens_per_second", Value: r.TokensPerSecond}}
	if r.Scale > 0 {
		points = append(points, events.Scalar{Tag: "gradient/loss_scale", Value: r.Scale})
	}
	return errors.Join(err, l.board.Scalars(now, s.Step, points...))
}

// finiteOrZero is v for JSON, which has no infinity.
func finiteOrZero(v float64) float64 {
	if finite(v) {
		return v
	}
	return 0
}
