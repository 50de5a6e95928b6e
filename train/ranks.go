package train

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
)

// root reports whether this rank uses the folder of the run.
func (j Job) root() bool { return j.Ranks == nil || j.Ranks.Rank() == 0 }

// ranks is the number of ranks.
func (j Job) ranks() int {
	if j.Ranks == nil {
		return 1
	}
	return j.Ranks.Size()
}

// beginningState is what the ranks need beside the matrices to continue as rank 0 does.
type beginningState struct {
	State    state
	Position []byte // of the data
	Carried  []byte // of the model
	Matrices bool   // they are not those that every rank has drawn
}

// equalise gives every rank the state and the matrices of rank 0, which alone has read them from files.
func (l *loop) equalise() error {
	if l.job.ranks() == 1 {
		return nil
	}
	text, err := json.Marshal(beginningState{l.state, l.job.Train.State(), l.job.Model.State(), l.from != "" || l.job.Config.Init != ""})
	if err != nil {
		return err
	}
	if text, err = parallel.BroadcastBytes(l.job.Ranks, "state of the run", text); err != nil {
		return err
	}
	var b beginningState
	if err := json.Unmarshal(text, &b); err != nil {
		return err
	}
	if b.Matrices {
		for _, p := range l.matrices() {
			if err := parallel.Broadcast(l.job.Ranks, p.Name, p.Value.F32); err != nil {
				return err
			}
		}
	}
	if l.job.root() {
		return nil
	}
	l.state, l.savedStep = b.State, b.State.Step
	if err := l.job.Train.Restore(b.Position); err != nil {
		return inputError{fmt.Errorf("rank %d reads other data than rank 0: %w", l.job.Ranks.Rank(), err)}
	}
	return l.job.Model.Restore(b.Carried)
}

// stopped reports whether the run is asked to stop. Several ranks stop after the step in which they have told each other.
func (l *loop) stopped(ctx context.Context) bool {
	if l.job.ranks() == 1 {
		return ctx.Err() != nil
	}
	return l.shards.stop
}

// EvaluateOver is [Evaluate] over the ranks of a team, which all call it with equal data. Every rank has the whole score.
func EvaluateOver(ctx context.Context, x tensor.Exec, m ShareModel, source data.Source, batches int, team parallel.Team) (Score, error) {
	s := &shards{ranks: team.All, model: m, groups: []shardGroup{{teams: []parallel.Team{team}}}}
	return s.evaluate(ctx, x, source, batches)
}

// evaluate is Evaluate over the shards of one data shard. Where the ranks hold several, each of them evaluates all batches. An evaluation
// by several ranks ends with its last batch, since they would not stop at the same one.
func (s *shards) evaluate(ctx context.Context, x tensor.Exec, source data.Source, batches int) (Score, error) {
	if s.ranks.Size() > 1 {
		ctx = context.WithoutCancel(ctx)
	}
	return Evaluate(ctx, x, sharedEval{s.model, s}, source, batches)
}

// sharedEval is a model that is evaluated over the shards of the first group.
type sharedEval struct {
	ShareModel
	s *shards
}

func (m sharedEval) Eval(x tensor.Exec, b *data.Batch, place int) (data.Outcome, error) {
	g := m.s.groups[0]
	outcomes := make([]data.Outcome, len(g.teams))
	err := m.s.sideBySide(g, func(i int, team parallel.Team) (err error) {
		if outcomes[i], err = m.EvalShare(m.s.threads(x, g), b, place, team); err != nil {
			return err
		}
		sums := []float64{outcomes[i].Loss, float64(outcomes[i].Correct)} // exact: far fewer than 2⁵³
		if err := parallel.SumFloat64(team.All, "evaluation", sums); err != nil {
			return err
		}
		outcomes[i].Loss, outcomes[i].Correct = sums[0], int64(sums[1])
		return nil
	})
	return outcomes[0], err
}
