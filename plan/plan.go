// Package plan predicts the cost of a training run before it runs: bytes by their purpose, seconds per step, the longest context
// that fits, and what to change where a run does not fit.
//
// It runs the model's own code, with the optimiser's, on matrices without data. The pool then counts what the real
// pool will, so that its peak is the real peak; the flops and bytes that the operations count become seconds by
// what the machine was measured to do, which is the caller's business.
package plan

import (
	"fmt"
	"slices"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train"
	"github.com/longspan/longspan/train/optim"
)

// Job is a run to plan.
type Job struct {
	Model   model.Spec
	Train   train.Config // the optimiser, the moving average and the batches of a step
	Lengths []int        // tokens of each sequence of a batch
	Sources []int        // of an encoder-decoder: tokens of the source of each sequence; nil: Lengths
	Threads int          // 0: GOMAXPROCS; each thread has scratch memory
	Readers int64        // bytes in memory of the readers of the data

	// Ranks is the number of processes that train together; 0: one. If Train.Shards is 0 each of them holds one shard. All bytes are those of
	// one rank. Plans of an evaluation alone are of one rank.
	Ranks int

	// EvalLengths and EvalSources are Lengths and Sources of the longest validation batch, if it is longer than the longest training batch;
	// nil: it is not.
	EvalLengths, EvalSources []int
}

// Bytes is the peak memory, by use.
type Bytes struct {
	Weights     int64 `json:"weights"`
	Gradients   int64 `json:"gradients"`
	Optimizer   int64 `json:"optimizer"`   // its state, and the moving average of the weights
	Activations int64 `json:"activations"` // values and gradients between operations, and a Transformer-XL's memory
	Scratch     int64 `json:"scratch"`     // of an operation
	Runtime     int64 `json:"runtime"`     // of the process outside the pool; estimated, while the others are counted
}

// Pool is the peak of the pool: the bytes of all matrices.
func (b Bytes) Pool() int64 {
	return b.Weights + b.Gradients + b.Optimizer + b.Activations + b.Scratch
}

// Total is the growth of the process.
func (b Bytes) Total() int64 { return b.Pool() + b.Runtime }

// The memory of a process outside its matrices, as measured over the examples with [tensor.Pool.Reserve]. A test compares the sum.
const (
	// Go itself, its smallest heap, and the pages of the program that a run reads: 6 to 12 MiB.
	goBytes = 10 << 20
	// The gaps between matrices of many sizes: 0.3% to 8% of their bytes.
	gapShare = 25
	// Tokens and targets of a batch, losses of an evaluation, row numbers and compiled patterns.
	tokenBytes = 64
	// The heap grows to twice its live bytes before garbage is collected.
	heapGrowth = 2
)

// addRuntime estimates Runtime for batches of the given tokens, and live bytes on the heap.
func (b *Bytes) addRuntime(tokens int, live int64) {
	b.Runtime = goBytes + b.Pool()/gapShare + heapGrowth*live + tokenBytes*int64(tokens)
}

// Estimate is the cost of a step of a job.
type Estimate struct {
	Bytes  Bytes         `json:"bytes"`
	Cost   autograd.Cost `json:"cost"`   // of a step: all its batches, forward and backward
	Params int64         `json:"params"` // number of weights
	Tokens int           `json:"tokens"` // of a step
	Width  int           `json:"-"`      // of the model: narrow matrices are multiplied more slowly

	Over *Over `json:"over_ranks,omitempty"` // nil: of one rank with one shard, which all numbers above are of
}

// Make walks one step of the job without data. The policy auto recomputes nothing: see [Choose]. It returns the errors of the model and the
// training, and none for lack of memory. It takes milliseconds, and for long contexts the time to compile the attention's pattern. Of up to
// eight ranks it walks all, and of more the few that may need the most.
func Make(j Job) (Estimate, error) {
	j = j.sharded()
	if err := j.check(); err != nil {
		return Estimate{}, err
	}
	x, m, e, err := j.dry(true)
	if err != nil {
		return Estimate{}, err
	}
	memory := x.Pool
	e.Bytes.Gradients = memory.InUse() - e.Bytes.Weights
	if err := j.optimizer(x, m); err != nil {
		return Estimate{}, err
	}
	e.Bytes.Optimizer = memory.InUse() - e.Bytes.Weights - e.Bytes.Gradients
	if j.over() {
		e, err = j.overRanks(x, m, e)
	} else {
		e, err = j.alone(x, m, e)
	}
	if err != nil {
		return Estimate{}, err
	}
	e.Tokens = tokens(j.Lengths) * j.Train.Accumulate
	read := e.Tokens + j.sourceTokens()*j.Train.Accumulate
	if len(j.EvalLengths) > 0 {
		evaluation := j.evaluation()
		read = max(read, tokens(evaluation.Lengths)+evaluation.sourceTokens())
	}
	e.Bytes.addRuntime(read, j.Readers+j.carried())
	return e, nil
}

// alone walks a step of one rank with one shard, and adds its activations, scratch and cost to e.
func (j Job) alone(x tensor.Exec, m *model.Model, e Estimate) (Estimate, error) {
	fixed := x.Pool.InUse()
	result, err := j.step(x, m, j.batch(), model.StepOptions{Backward: true})
	if err != nil {
		return e, err
	}
	evaluated, err := j.evaluate(x, m)
	if err != nil {
		return e, err
	}
	peak := max(evaluated, result.ActivationBytes)
	e.Bytes.Activations = peak - fixed
	e.Bytes.Scratch = x.Pool.Peak() - peak
	for range j.Train.Accumulate {
		e.Cost.Add(result.Cost)
	}
	return e, nil
}

// evaluation is the job of the longest validation batch.
func (j Job) evaluation() Job {
	j.Lengths, j.Sources = j.EvalLengths, j.EvalSources
	return j
}

// evaluate walks the evaluation, if it may take more than a step, and returns its peak bytes between operations.
func (j Job) evaluate(x tensor.Exec, m *model.Model) (bytes int64, err error) {
	if len(j.EvalLengths) == 0 {
		return 0, nil
	}
	j = j.evaluation()
	result, err := j.step(x, m, j.batch(), model.StepOptions{})
	return result.ActivationBytes, err
}

func tokens(lengths []int) (all int) {
	for _, n := range lengths {
		all += n
	}
	return all
}

// carried is the bytes of a Transformer-XL's memory between batches. A checkpoint copies it.
func (j Job) carried() int64 {
	c := j.Model
	if c.Kind != model.TransformerXL || c.Segment > 0 {
		return 0
	}
	size := int64(4)
	if c.Precision != "f32" {
		size = 2
	}
	return int64(len(c.Layers)) * int64(len(j.Lengths)) * int64(c.Memory) * int64(c.Width) * size
}

// Evaluation is Make for a forward pass over one batch, with weights that are not trained.
func Evaluation(j Job) (Estimate, error) {
	if err := j.check(); err != nil {
		return Estimate{}, err
	}
	x, m, e, err := j.dry(false)
	if err != nil {
		return Estimate{}, err
	}
	result, err := j.step(x, m, j.batch(), model.StepOptions{})
	if err != nil {
		return Estimate{}, err
	}
	e.Bytes.Activations = result.ActivationBytes - e.Bytes.Weights
	e.Bytes.Scratch = x.Pool.Peak() - result.ActivationBytes
	e.Cost = result.Cost
	e.Tokens = tokens(j.Lengths)
	e.Bytes.addRuntime(e.Tokens+j.sourceTokens(), j.Readers)
	return e, nil
}

// dry makes the model without data, and the estimate of its weights.
func (j Job) dry(trained bool) (x tensor.Exec, m *model.Model, e Estimate, err error) {
	if j.Model.Recompute == model.Auto {
		j.Model.Recompute = "none"
	}
	x = tensor.Exec{Threads: pool.Threads(j.Threads), Pool: tensor.NewDryPool()}
	if m, err = model.NewOf(j.Model, model.Options{Pool: x.Pool, Train: trained}); err != nil {
		return x, nil, e, err
	}
	e = Estimate{Params: m.Count(), Width: m.Spec().Width}
	e.Bytes.Weights = m.Bytes()
	return x, m, e, nil
}

func (j Job) check() error {
	if err := j.checkLengths(); err != nil {
		return err
	}
	if j.Ranks < 0 || j.Ranks > maxRanks {
		return fmt.Errorf("plan: found %d ranks, expected 1 to %d", j.Ranks, maxRanks)
	}
	j.Train.Precision = j.Model.Precision
	return j.Train.Check()
}

// checkLengths refuses batches that cannot be planned.
func (j Job) checkLengths() error {
	if err := j.Model.Check(); err != nil {
		return err
	}
	if len(j.Lengths) == 0 {
		return fmt.Errorf("plan: found no sequence, expected the tokens of each sequence of a batch")
	}
	if len(j.Sources) > 0 && len(j.Sources) != len(j.Lengths) {
		return fmt.Errorf("plan: found %d sources of %d sequences, expected none or one each", len(j.Sources), len(j.Lengths))
	}
	for _, lengths := range [][]int{slices.Concat(j.Lengths, j.Sources), slices.Concat(j.EvalLengths, j.EvalSources)} {
		total := 0
		for i, n := range lengths {
			if n < 1 || n > maxTokens || total > maxTokens-n {
				return fmt.Errorf("plan: found %d tokens of sequence or source %d, expected 1 to %d, and as many in all", n, i, maxTokens)
			}
			total += n
		}
	}
	rows := tokens(j.Lengths) + tokens(j.EvalLengths) + j.sourceTokens() + j.evaluation().sourceTokens()
	if each := int64(j.Model.Width) * int64(len(j.Model.Layers)); int64(rows) > maxActivations/each {
		return fmt.Errorf("plan: found %d tokens in %d layers of width %d, expected fewer of them: no machine has the memory",
			rows, len(j.Model.Layers), j.Model.Width)
	}
	if c := j.Model; c.Kind == model.TransformerXL && c.Memory > maxTokens/max(len(j.Lengths), len(j.EvalLengths)) {
		return fmt.Errorf("plan: found a memory of %d tokens for each of %d sequences, expected at most %d in all",
			c.Memory, len(j.Lengths), maxTokens)
	}
	return nil
}

// maxRanks bounds the ranks of a plan: a step has no more shards.
const maxRanks = 1 << 14

// maxTokens bounds the tokens of a batch, and maxActivations its tokens times the width and the layers of the model. Either is more than
// any machine holds, and bytes below the bounds fit an int64.
const (
	maxTokens      = 1 << 26
	maxActivations = 1 << 50
)

// optimizer allocates the optimiser's state and the moving average.
func (j Job) optimizer(x tensor.Exec, m *model.Model) error {
	weights, err := optim.NewWeights(m.Params())
	if err != nil {
		return err
	}
	if _, err := train.NewOptimizer(j.Train, x, weights); err != nil {
		return err
	}
	if j.Train.EMA > 0 {
		_, err = optim.NewEMA(x.Pool, weights, j.Train.EMA)
	}
	return err
}

// sources are the tokens of the source of each sequence.
func (j Job) sources() []int {
	if len(j.Sources) > 0 {
		return j.Sources
	}
	return j.Lengths
}

// sourceTokens is the number of tokens in the sources of an encoder-decoder's batch.
func (j Job) sourceTokens() int {
	if j.Model.Kind != model.EncoderDecoder {
		return 0
	}
	return tokens(j.sources())
}

// step runs a batch forward and, to train, backward. A Transformer-XL has a full memory, or reads all segments of the sequences.
func (j Job) step(x tensor.Exec, m *model.Model, b *data.Batch, o model.StepOptions) (model.Result, error) {
	if c := m.Spec(); c.Kind == model.TransformerXL && c.Segment == 0 {
		o.Memory = m.FullMemory(x.Pool, len(b.Lengths))
	}
	return m.NewSession(x).Step(b, o)
}

// batch is a batch of the job, with its sources.
func (j Job) batch() *data.Batch {
	b := batch(&j.Model, j.Lengths)
	if j.Model.Kind == model.EncoderDecoder {
		b.Source = batch(&j.Model, j.sources())
	}
	return b
}

// batch is a batch of sequences of the given lengths, with all targets.
func batch(c *model.Spec, lengths []int) *data.Batch {
	total := tokens(lengths)
	b := &data.Batch{Tokens: make([]int32, total), Lengths: lengths}
	switch c.Head.Kind {
	case model.Classify, model.Regress:
		b.Labels = make([]int32, len(lengths))
	case model.MaskedLM: // the model hides tokens itself, and needs some that may be hidden
		token := int32(0)
		for slices.Contains(c.Head.NeverMasked, int(token)) && int(token) < c.Vocab-1 {
			token++
		}
		for i := range b.Tokens {
			b.Tokens[i] = token
		}
	case model.Embed: // pairs are their own targets
	default:
		b.Targets = make([]int32, total)
	}
	if c.Head.Prior {
		b.Prior = make([]float32, total*c.Vocab)
	}
	if c.Kind == model.TransformerXL {
		for i := range lengths {
			b.Follows = append(b.Follows, i)
		}
	}
	return b
}
