package train

import (
	"errors"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
)

// DryGradient walks the gradient of one step as rank e.Rank() of a run computes it: its shards, their sums and those of all ranks. m has
// dry weights and x a dry pool, which counts the gradients of further shards and the memory of sums. e is of [parallel.Dry], which counts
// what the rank exchanges. TrainShare is called as in a run: side by side for the shards of a team. Part of its pass is the index of the
// batch.
func DryGradient(c Config, x tensor.Exec, e parallel.Engine, m ShareModel, batches []data.Batch) error {
	s, err := dryShards(c, e, m)
	if err != nil {
		return err
	}
	passes := make([]data.Pass, len(batches))
	for i := range passes {
		passes[i].Part = i
	}
	_, err = s.gradient(x, batches, passes, false)
	return err
}

// DryEvaluation walks the evaluation of one batch as DryGradient does the gradient of a step. It calls EvalShare.
func DryEvaluation(c Config, x tensor.Exec, e parallel.Engine, m ShareModel, b *data.Batch) error {
	s, err := dryShards(c, e, m)
	if err != nil {
		return err
	}
	_, err = sharedEval{m, s}.Eval(x, b, 0)
	return err
}

func dryShards(c Config, e parallel.Engine, m ShareModel) (*shards, error) {
	s, err := newShards(c, e, m)
	if err == nil && s == nil {
		err = errors.New("train: found one shard on one rank, expected several of either")
	}
	return s, err
}
