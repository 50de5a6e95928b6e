package bench

import (
	"cmp"
	"context"
	"fmt"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/plan"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train"
	"github.com/longspan/longspan/train/optim"
)

// Train is a training step to measure: forward, backward, clipping by the norm of the gradient, AdamW; or a prediction of the same model.
// The weights, tokens and targets are random.
type Train struct {
	Model     string   // one of TrainModels
	Set       []string // settings of the model that differ, such as "width=128", with the keys of a recipe's model
	Layers    int      // 0: as many as the model has
	Pass      Pass     // Step, or Forward: a prediction, as of texts, without gradients. "": Step
	Tokens    int      // T, of each sequence
	Sequences int      // of a batch
	Type      tensor.Type
	Threads   int // 0: GOMAXPROCS
	Runs      int
}

// TrainRow is what was measured. Its flops are those of matrix products and of attention over visible pairs.
type TrainRow struct {
	Model     string `json:"model"`
	Layers    int    `json:"layers"`
	Pass      Pass   `json:"pass"`
	Weights   int64  `json:"weights"` // their number
	Tokens    int    `json:"tokens"`
	Sequences int    `json:"sequences"`
	Timing
	TokensPerSecond float64 `json:"tokens_per_second"`
	GrowthBytes     int64   `json:"growth_bytes"` // of the process's resident memory, at most; 0 where the system does not tell
}

// Step is the pass of a training step.
const Step Pass = "step"

// Run measures t. It returns an error for settings out of range, and a *memory.Error, before anything is allocated, if the pass does not
// fit. It ends early with ctx's error.
func (t Train) Run(ctx context.Context, tell Progress) (TrainRow, error) {
	t.Pass = cmp.Or(t.Pass, Step)
	c, err := t.config()
	if err != nil {
		return TrainRow{}, err
	}
	spec, err := c.Spec()
	if err != nil {
		return TrainRow{}, err
	}
	job := plan.Job{Model: spec, Train: train.DefaultConfig(), Threads: pool.Threads(t.Threads)}
	for range t.Sequences {
		job.Lengths = append(job.Lengths, t.Tokens)
	}
	e, err := t.estimate(job)
	if err != nil {
		return TrainRow{}, err
	}
	row := TrainRow{Model: t.Model, Layers: c.Layers, Pass: t.Pass, Weights: e.Params, Tokens: t.Tokens, Sequences: t.Sequences}
	what := fmt.Sprintf("a %s of %s over %d×%d tokens, %s", t.Pass, t.Model, t.Sequences, t.Tokens, t.Type)
	if err := memory.Check(what, e.Bytes.Total()); err != nil {
		return row, err
	}
	before, _ := memory.Resident()
	s, err := newPass(t.Pass, job)
	if err != nil {
		return row, err
	}
	defer s.close()
	row.Timing = Timing{Level: kernel.Level().String(), DType: t.Type.String(), Threads: s.x.Threads,
		Flops: e.Cost.Matmul + e.Cost.Attention}
	products := s.model.Policy().Products
	if err := row.measure(ctx, s.run, t.Runs, func() float64 { return peakFlops(products, s.x.Threads) }, tell); err != nil {
		return row, err
	}
	row.PeakBytes = s.x.Pool.Peak()
	row.TokensPerSecond = float64(t.Tokens*t.Sequences) / row.Seconds
	if _, most := memory.Resident(); most > before {
		row.GrowthBytes = most - before
	}
	return row, nil
}

// estimate is the cost of the pass, and the bytes that it needs.
func (t Train) estimate(j plan.Job) (plan.Estimate, error) {
	if t.Pass == Step {
		return plan.Make(j)
	}
	predicted, err := plan.Predictions(j.Model, j.Lengths, j.Threads)
	if err != nil {
		return predicted, err
	}
	evaluated, err := plan.Evaluation(j) // whose products are those of a prediction
	predicted.Cost = evaluated.Cost
	return predicted, err
}

// newPass makes the model of j and what its pass needs, and no more.
func newPass(p Pass, j plan.Job) (*step, error) {
	if p == Step {
		return newStep(j)
	}
	return newForward(j)
}

// step is a model and a batch that is always the same: of a model in training with its optimiser, or of one that predicts.
type step struct {
	x         tensor.Exec
	model     *model.Model
	session   *model.Session
	weights   *optim.Weights
	optimizer optim.Optimizer // nil: the model predicts
	settings  train.OptimizerConfig
	batch     data.Batch
	scale     float64 // of the loss
	updates   int64
}

func newStep(j plan.Job) (*step, error) {
	s := &step{x: tensor.Exec{Threads: j.Threads, Pool: tensor.NewPool()}, settings: j.Train.Optimizer, scale: 1}
	var err error
	if s.model, err = model.NewOf(j.Model, model.Options{Pool: s.x.Pool, Train: true}); err != nil {
		return nil, err
	}
	s.session = s.model.NewSession(s.x)
	if s.weights, err = optim.NewWeights(s.model.Params()); err != nil {
		return nil, err
	}
	if s.optimizer, err = train.NewOptimizer(j.Train, s.x, s.weights); err != nil {
		return nil, err
	}
	if s.model.Policy() == autograd.FP16() {
		s.scale = 1 << 10 // a power of two that these losses do not overflow with
	}
	s.batch = randomBatch(j.Model, j.Lengths)
	return s, nil
}

// newForward is a model that predicts.
func newForward(j plan.Job) (*step, error) {
	s := &step{x: tensor.Exec{Threads: j.Threads, Pool: tensor.NewPool()}}
	var err error
	if s.model, err = model.NewOf(j.Model, model.Options{Pool: s.x.Pool}); err != nil {
		return nil, err
	}
	s.session, s.batch = s.model.NewSession(s.x), randomBatch(j.Model, j.Lengths)
	return s, nil
}

// randomBatch has random tokens, and a random target for each of them or for each sequence. A masked language model hides tokens itself.
func randomBatch(c model.Spec, lengths []int) data.Batch {
	b, r := data.Batch{Lengths: lengths}, data.NewRandom(1, 0)
	targets := c.Vocab
	if c.Head.Kind == model.Tag {
		targets = c.Head.Classes
	}
	for _, n := range lengths {
		b.Labels = append(b.Labels, int32(r.IntN(max(c.Head.Classes, 1))))
		for range n {
			b.Tokens = append(b.Tokens, int32(r.IntN(c.Vocab)))
			b.Targets = append(b.Targets, int32(r.IntN(targets)))
		}
	}
	if c.Head.Kind == model.MaskedLM {
		b.Targets = nil
	}
	return b
}

// run does one pass.
func (s *step) run() error {
	if s.optimizer == nil {
		out, err := s.session.Predict(&s.batch, model.StepOptions{})
		s.x.Pool.Put(out)
		return err
	}
	s.weights.ZeroGrad(s.x)
	if _, err := s.session.Step(&s.batch, model.StepOptions{Backward: true, Scale: s.scale}); err != nil {
		return err
	}
	norm := s.weights.GradNorm(s.x) / s.scale
	s.updates++
	s.optimizer.Step(s.x, optim.Update{Step: s.updates, LR: s.settings.LR, Scale: optim.Clip(norm, s.settings.Clip) / s.scale})
	return nil
}

func (s *step) close() {
	if s.optimizer != nil {
		s.optimizer.Close()
	}
	s.model.Close()
}
