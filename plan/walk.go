package plan

import (
	"slices"
	"sync"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train"
)

// rankWalk is what a step takes of one rank.
type rankWalk struct {
	rank    int
	engine  *parallel.Counter
	further int64 // bytes of the gradients of further shards
	between int64 // bytes of activations of the shards that run side by side
	peak    int64 // bytes of the pool
	cost    autograd.Cost
}

// walker is a model whose shares of a step are walked. The shards of a rank run side by side, so that the peaks of their activations add
// up: each is walked with a pool of its own. An equal share is walked once, and then its exchanges are repeated.
type walker struct {
	*model.Model
	job   Job
	mu    sync.Mutex
	walks map[walkKey]*walk
	now   rankWalk
	fixed int64         // bytes of weights, gradients and the state of the optimiser
	sides map[int]*side // by the data shard
}

// walkKey tells shares of a batch apart.
type walkKey struct {
	rank, threads int // rank in the team
	backward      bool
}

// walk is a share of a batch.
type walk struct {
	exchanges     []exchange
	between, peak int64 // bytes
	carried       int64 // bytes of them that stay after the step
	cost          autograd.Cost
}

// side is the shards of a rank that run side by side: those of one data shard.
type side struct{ between, peak, carried int64 }

func (s *side) add(k *walk) {
	s.between, s.peak, s.carried = s.between+k.between, s.peak+k.peak, s.carried+k.carried
}

func newWalker(j Job, m *model.Model) *walker {
	return &walker{Model: m, job: j, walks: map[walkKey]*walk{}}
}

// rank walks a step of a rank.
func (w *walker) rank(x tensor.Exec, rank int) (rankWalk, error) {
	ranks := w.job.ranks()
	w.now, w.fixed = rankWalk{rank: rank, engine: parallel.Dry(rank, ranks)}, x.Pool.InUse()
	x.Pool.ResetPeak()
	batches := slices.Repeat([]data.Batch{*w.job.batch()}, w.job.Train.Accumulate)
	w.sides = map[int]*side{}
	if err := train.DryGradient(w.job.Train, x, w.now.engine, w, batches); err != nil {
		return w.now, err
	}
	w.now.peak = x.Pool.Peak()
	w.settle(w.fixed + w.now.further)
	if len(w.job.EvalLengths) == 0 {
		return w.now, nil
	}
	w.sides = map[int]*side{}
	err := train.DryEvaluation(w.job.Train, x, parallel.Dry(rank, ranks), w, w.job.evaluation().batch())
	w.settle(w.fixed)
	return w.now, err
}

// settle adds the activations of the fullest data shard to the bytes that the rank has beside them. What stays after a step of the other
// data shards is there too.
func (w *walker) settle(beside int64) {
	var carried int64
	for _, s := range w.sides {
		carried += s.carried
	}
	w.now.peak += carried
	for _, s := range w.sides {
		w.now.between = max(w.now.between, s.between+carried-s.carried)
		w.now.peak = max(w.now.peak, beside+s.peak+carried-s.carried)
	}
}

// TrainShare walks a share of the gradient of b.
func (w *walker) TrainShare(x tensor.Exec, b *data.Batch, p data.Pass, team parallel.Team, grads map[string]tensor.Mat) (float64, error) {
	k, err := w.share(x, b, team.All, model.StepOptions{Backward: true, Grads: grads})
	if err != nil {
		return 0, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now.cost.Add(k.cost)
	each := w.job.Train.Accumulate / w.job.Train.Split().Data
	if p.Part%each == 0 { // the first of equal batches
		w.side(p.Part / each).add(k)
	}
	return 1, nil
}

// EvalShare walks a share of an evaluation.
func (w *walker) EvalShare(x tensor.Exec, b *data.Batch, _ int, team parallel.Team) (data.Outcome, error) {
	k, err := w.share(x, b, team.All, model.StepOptions{})
	if err != nil {
		return data.Outcome{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.side(0).add(k)
	return data.Outcome{Loss: 1, Targets: 1}, nil
}

func (w *walker) side(data int) *side {
	if w.sides[data] == nil {
		w.sides[data] = &side{}
	}
	return w.sides[data]
}

// share walks a share of b, or repeats its exchanges.
func (w *walker) share(x tensor.Exec, b *data.Batch, e parallel.Engine, o model.StepOptions) (k *walk, err error) {
	key := walkKey{e.Rank(), x.Threads, o.Backward}
	w.mu.Lock()
	w.now.further = max(w.now.further, x.Pool.InUse()-w.fixed)
	k = w.walks[key]
	w.mu.Unlock()
	if k != nil {
		return k, k.repeat(e)
	}
	if k, err = w.walk(x, b, e, o); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.walks[key] = k
	return k, nil
}

// walk walks a share of b in a pool of its own.
func (w *walker) walk(x tensor.Exec, b *data.Batch, e parallel.Engine, o model.StepOptions) (*walk, error) {
	x.Pool = tensor.NewDryPool()
	r := &recorder{Engine: e}
	team, err := parallel.NewTeam(r, w.job.Train.Split().Tensor)
	if err != nil {
		return nil, err
	}
	if team.Tensor.Size() > 1 {
		o.Tensor = team.Tensor
	}
	if team.Sequence.Size() > 1 {
		if o.Share, err = parallel.NewShare(team.Sequence, b.Lengths); err != nil {
			return nil, err
		}
	}
	result, err := w.job.step(x, w.Model, b, o)
	return &walk{r.all, result.ActivationBytes, x.Pool.Peak(), x.Pool.InUse(), result.Cost}, err
}

// recorder is an engine that keeps its exchanges.
type recorder struct {
	parallel.Engine
	all []exchange
}

type exchange struct {
	name       string
	send, recv []parallel.Part
}

func (r *recorder) Begin(name string, send, recv []parallel.Part) parallel.Pending {
	r.all = append(r.all, exchange{name, send, recv})
	return r.Engine.Begin(name, send, recv)
}

// repeat makes the exchanges of a walk again.
func (k *walk) repeat(e parallel.Engine) error {
	for _, r := range k.exchanges {
		if err := e.Begin(r.name, r.send, r.recv).Wait(); err != nil {
			return err
		}
	}
	return nil
}
