package recipe

import (
	"errors"
	"io"
	"math"
	"slices"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/plan"
)

// planBatches is how many batches Plan reads at most to find the longest. Where lengths vary, the longest of so many is within some percent of the
// longest of any number: of ListOps' batches of eight, 5,000 are expected to hold one 3% longer than 2,000.
const planBatches = 2048

// Plan is the step of a fitted recipe that takes most: its longest batch, and the longest that its evaluations read, where the validation data may be
// longer. The source of the training data is read from where it is, and put back there.
func (r *Recipe) Plan(s *data.Bundle, threads int) (plan.Job, error) {
	spec, err := r.Model.Spec()
	if err != nil {
		return plan.Job{}, err
	}
	j := plan.Job{Model: spec, Train: r.Train, Threads: threads, Readers: s.Bytes}
	at := s.Train.State()
	batches := int64(planBatches)
	if r.Train.Steps < batches {
		batches = min(batches, r.Train.Steps*int64(r.Train.Accumulate))
	}
	if j.Lengths, j.Sources, err = longest(s, s.Train, int(batches)); err != nil {
		return j, err
	}
	if err := r.planEvaluation(s, &j); err != nil {
		return j, err
	}
	return j, s.Train.Restore(at)
}

// planEvaluation looks for the longest batch of the validation data, unless none can be longer than that of j.
func (r *Recipe) planEvaluation(s *data.Bundle, j *plan.Job) (err error) {
	if s.Uniform || s.Validation == nil || total(j.Lengths)+total(j.Sources) >= limit(s) {
		return nil
	}
	source, err := s.Validation()
	if err != nil {
		return err
	}
	if c, ok := source.(io.Closer); ok {
		defer func() { err = errors.Join(err, c.Close()) }()
	}
	batches := r.Train.Eval.Batches
	if batches == 0 || batches > planBatches {
		batches = planBatches
	}
	lengths, sources, err := longest(s, source, batches)
	if err == nil && total(lengths)+total(sources) > total(j.Lengths)+total(j.Sources) {
		j.EvalLengths, j.EvalSources = lengths, sources
	}
	return err
}

func total(lengths []int) (all int) {
	for _, n := range lengths {
		all += n
	}
	return all
}

// limit is the most tokens that a batch can have, with those of its sources.
func limit(s *data.Bundle) int {
	limit := s.Batch * min(s.Tokens, math.MaxInt/(2*maxBatch))
	if s.Sources {
		limit *= 2
	}
	return limit
}

// PlanEvaluation is the batch that takes most among the next batches of source, or among its first planBatches where batches is 0.
func (r *Recipe) PlanEvaluation(s *data.Bundle, source data.Source, batches, threads int) (j plan.Job, err error) {
	spec, err := r.Model.Spec()
	if err != nil {
		return j, err
	}
	j = plan.Job{Model: spec, Train: r.Train, Threads: threads, Readers: s.Bytes}
	if batches == 0 || batches > planBatches {
		batches = planBatches
	}
	j.Lengths, j.Sources, err = longest(s, source, batches)
	return j, err
}

// longest is the lengths of the batch of most tokens among the next batches of source, with those of its sources. It stops at one that
// cannot be longer.
func longest(s *data.Bundle, source data.Source, batches int) (lengths, sources []int, err error) {
	var b data.Batch
	limit := limit(s)
	for most := 0; batches > 0 && most < limit; batches-- {
		if err := source.Next(&b); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, nil, err
		}
		tokens := len(b.Tokens)
		if b.Source != nil {
			tokens += len(b.Source.Tokens)
		}
		if tokens <= most {
			continue
		}
		most, lengths, sources = tokens, slices.Clone(b.Lengths), nil
		if b.Source != nil {
			sources = slices.Clone(b.Source.Lengths)
		}
	}
	return lengths, sources, nil
}

// FitMemory settles which layers are recomputed where the recipe leaves that open, and returns a *memory.Error,
// before anything is allocated, if a step would take more than budget bytes. A budget of 0 is no limit.
func (r *Recipe) FitMemory(s *data.Bundle, threads int, budget int64) error {
	_, err := r.Reserve(s, threads, budget)
	return err
}

// Reserve is FitMemory, and returns what the step takes: what to reserve in the pool that the run computes with.
func (r *Recipe) Reserve(s *data.Bundle, threads int, budget int64) (plan.Bytes, error) {
	j, err := r.Plan(s, threads)
	if err != nil {
		return plan.Bytes{}, err
	}
	limit := budget
	if limit == 0 {
		limit = 1<<63 - 1
	}
	if j.Model.Recompute, err = plan.Choose(j, limit); err != nil {
		return plan.Bytes{}, err
	}
	e, err := plan.Make(j)
	if err != nil {
		return plan.Bytes{}, err
	}
	if need := e.Bytes.Total(); need > limit {
		return e.Bytes, &memory.Error{What: "a step of this training", Need: need, Available: limit, Advice: "longspan plan tells what would fit"}
	}
	r.Model.Recompute = j.Model.Recompute
	return e.Bytes, nil
}
