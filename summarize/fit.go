package summarize

import (
	"context"
	"fmt"
	"math"

	"github.com/longspan/longspan/internal/random"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train/optim"
)

// learner is a scorer that fit trains.
type learner interface {
	params() []*tensor.Param
	lessons() int
	// backward adds the gradients of a lesson and returns its loss.
	backward(x tensor.Exec, lesson int, seed uint64) (float64, error)
	// judge fills what an epoch is logged with, and returns how good the weights are.
	judge(ctx context.Context, e *Epoch) (float64, error)
}

// fitting is how fit trains.
type fitting struct {
	seed    uint64
	epochs  int
	lr      float64 // peak; it falls linearly to 0
	warmup  int64   // steps
	decay   float64 // of the weights
	average float64 // decay of the average of the weights that is evaluated and kept; 0: the weights themselves
	threads int
	log     func(Epoch) // nil: nobody is told
	lesson  func()      // is called after each lesson; nil: nothing is
}

// batchDocuments is the number of documents of a step.
const batchDocuments = 8

// fit trains with AdamW, and leaves the weights of the epoch that is best as the learner judges. Gradients
// are clipped to a norm of 1. The order of the lessons is drawn by the seed and the epoch.
func fit(ctx context.Context, l learner, f fitting) (epochs []Epoch, kept Epoch, err error) {
	t := &fitter{learner: l, fitting: f, x: tensor.Exec{Threads: f.threads, Pool: tensor.NewPool()}}
	if t.weights, err = optim.NewWeights(l.params()); err != nil {
		return nil, kept, err
	}
	if t.adam, err = optim.NewAdamW(t.x.Pool, t.weights, optim.AdamWConfig{Decay: f.decay}); err != nil {
		return nil, kept, err
	}
	defer t.adam.Close()
	if f.average > 0 {
		if t.ema, err = optim.NewEMA(t.x.Pool, t.weights, f.average); err != nil {
			return nil, kept, err
		}
		defer t.ema.Close()
	}
	steps := int64((l.lessons() + batchDocuments - 1) / batchDocuments * f.epochs)
	t.schedule = optim.Schedule{Peak: f.lr, Warmup: min(f.warmup, steps), Total: steps, Shape: optim.Linear}
	var best [][]float32
	top := math.Inf(-1)
	for number := 1; number <= f.epochs; number++ {
		e := Epoch{Number: number}
		if e.Loss, err = t.epoch(ctx, number); err != nil {
			return epochs, kept, err
		}
		t.swap()
		value, err := l.judge(ctx, &e)
		if err != nil {
			return epochs, kept, err
		}
		epochs = append(epochs, e)
		if f.log != nil {
			f.log(e)
		}
		if value > top {
			top, kept, best = value, e, copyOf(l.params())
		}
		t.swap()
	}
	for k, p := range l.params() {
		copy(p.Value.F32, best[k])
		p.Grad = tensor.Mat{}
	}
	return epochs, kept, nil
}

func copyOf(params []*tensor.Param) (all [][]float32) {
	for _, p := range params {
		all = append(all, append([]float32(nil), p.Value.F32...))
	}
	return all
}

// fitter is a fit under way.
type fitter struct {
	learner
	fitting
	x        tensor.Exec
	weights  *optim.Weights
	adam     *optim.AdamW
	ema      *optim.EMA // nil: none
	schedule optim.Schedule
	step     int64
}

// swap exchanges the weights and their average.
func (t *fitter) swap() {
	if t.ema != nil {
		t.ema.Swap(t.x)
	}
}

// epoch goes over the lessons once.
func (t *fitter) epoch(ctx context.Context, number int) (loss float64, err error) {
	order := make([]int, t.lessons())
	draw := random.NewSplitMix(t.seed, 1<<32+uint64(number))
	for i := range order {
		j := draw.Below(i + 1)
		order[i], order[j] = order[j], i
	}
	for from := 0; from < len(order); from += batchDocuments {
		t.step++
		t.weights.ZeroGrad(t.x)
		batch := order[from:min(len(order), from+batchDocuments)]
		for k, i := range batch {
			if err := ctx.Err(); err != nil {
				return 0, err
			}
			l, err := t.backward(t.x, i, random.Mix(t.seed^uint64(t.step)<<8^uint64(k)))
			if err == nil && (math.IsNaN(l) || math.IsInf(l, 0)) {
				err = fmt.Errorf("summarize: the loss of step %d is %g: training diverged; lower the learning rate", t.step, l)
			}
			if err != nil {
				return 0, err
			}
			loss += l / float64(len(order))
			if t.lesson != nil {
				t.lesson()
			}
		}
		scale := optim.Clip(t.weights.GradNorm(t.x)/float64(len(batch)), 1) / float64(len(batch))
		t.adam.Step(t.x, optim.Update{Step: t.step, LR: t.schedule.LR(t.step), Scale: scale})
		if t.ema != nil {
			t.ema.Step(t.x, t.step)
		}
	}
	return loss, nil
}
