package bench

import (
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

// Train is a training step to measure: forward, backward, clipping by the norm of the gradient, AdamW. The weights, tokens and targets are
// random.
type Train struct {
	Model     string // one of TrainModels
	Layers    int    // 0: as many as the model has
	Tokens    int    // T, of each sequence
	Sequences int    // of a batch
	Type      tensor.Type
	Threads   int // 0: GOMAXPROCS
	Runs      int
}

// TrainRow is what was measured. Its flops are those of matrix products and of attention over visible pairs.
type TrainRow struct {
	Model     string `json:"model"`
	Layers    int    `json:"layers"`
	Weights   int64  `json:"weights"` // their number
	Tokens    int    `json:"tokens"`
	Sequences int    `json:"sequences"`
	Timing
	TokensPerSecond float64 `json:"tokens_per_second"`
	GrowthBytes     int64   `json:"growth_bytes"` // of the process's resident memory, at most; 0 where the system does not tell
}

// Run measures t. It returns an error for settings out of range, and a *memory.Error, before anything is allocated, if the step does not
// fit. It ends early with ctx's error.
func (t Train) Run(ctx context.Context, tell Progress) (TrainRow, error) {
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
	e, err := plan.Make(job)
	if err != nil {
		return TrainRow{}, err
	}
	row := TrainRow{Model: t.Model, Layers: c.Layers, Weights: e.Params, Tokens: t.Tokens, Sequences: t.Sequences}
	what := fmt.Sprintf("a step of %s over %d×%d tokens, %s", t.Model, t.Sequences, t.Tokens, t.Type)
	if err := memory.Check(what, e.Bytes.Total()); err != nil {
		return row, err
	}
	before, _ := memory.Resident()
	s, err := newStep(job)
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

// maxSequences is what above is a slip of the hand.
const maxSequences = 1 << 12

// config checks t and returns the configuration of its model.
func (t Train) config() (model.Config, error) {
	if err := checkRuns(t.Threads, t.Runs); err != nil {
		return model.Config{}, err
	}
	if t.Sequences < 1 || t.Sequences > maxSequences {
		return model.Config{}, fmt.Errorf("bench: found %d sequences, expected 1 to %d", t.Sequences, maxSequences)
	}
	m, err := findTrainModel(t.Model)
	if err != nil {
		return model.Config{}, err
	}
	c := m.config
	if t.Tokens < 1 || t.Tokens > c.MaxTokens {
		return c, fmt.Errorf("bench: found %d tokens, expected 1 to %d: %s has no more positions", t.Tokens, c.MaxTokens, t.Model)
	}
	if t.Layers < 0 || t.Layers > c.Layers {
		return c, fmt.Errorf("bench: found %d layers, expected 1 to %d, or 0 for all of them", t.Layers, c.Layers)
	}
	if t.Layers > 0 {
		c.Layers = t.Layers
	}
	c.Precision = t.Type.String()
	return c.WithDefaults(), nil
}

// step is a model in training, whose batch is always the same.
type step struct {
	x         tensor.Exec
	model     *model.Model
	session   *model.Session
	weights   *optim.Weights
	optimizer optim.Optimizer
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

// randomBatch has random tokens, and a random target for each of them or for each sequence.
func randomBatch(c model.Spec, lengths []int) data.Batch {
	b, r := data.Batch{Lengths: lengths}, data.NewRandom(1, 0)
	for _, n := range lengths {
		b.Labels = append(b.Labels, int32(r.IntN(max(c.Head.Classes, 1))))
		for range n {
			b.Tokens = append(b.Tokens, int32(r.IntN(c.Vocab)))
			b.Targets = append(b.Targets, int32(r.IntN(c.Vocab)))
		}
	}
	return b
}

// run does one step.
func (s *step) run() error {
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
	s.optimizer.Close()
	s.model.Close()
}
