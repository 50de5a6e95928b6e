package recipe

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/plan"
)

// planBatches is the largest number of batches that are read to find the longest. Where lengths vary, the longest of these is within some
// percent of the longest of any number: of ListOps' batches of eight, 5,000 are expected to have one 3% longer than 2,000.
const planBatches = 2048

// Plan returns the costliest step of a fitted recipe: its longest training batch, and its longest validation batch where that may be
// longer. The position of the training data is as before.
func (r *Recipe) Plan(s *data.Bundle, threads int) (plan.Job, error) {
	at := s.Train.State()
	batches := planBatches
	if r.Train.Steps < planBatches {
		batches = min(planBatches, int(r.Train.Steps)*r.Train.Accumulate)
	}
	j, err := r.PlanEvaluation(s, s.Train, batches, threads)
	if err != nil {
		return j, err
	}
	if err := r.planValidation(s, &j); err != nil {
		return j, err
	}
	return j, s.Train.Restore(at)
}

// planValidation looks for the longest validation batch, unless none can be longer than the batch of j.
func (r *Recipe) planValidation(s *data.Bundle, j *plan.Job) (err error) {
	if s.Uniform || s.Validation == nil || costOf(s, *j) >= limit(s) {
		return nil
	}
	source, err := s.Validation()
	if err != nil {
		return err
	}
	if c, ok := source.(io.Closer); ok {
		defer func() { err = errors.Join(err, c.Close()) }()
	}
	evaluation, err := r.PlanEvaluation(s, source, r.Train.Eval.Batches, j.Threads)
	if err == nil && costOf(s, evaluation) > costOf(s, *j) {
		j.EvalLengths, j.EvalSources = evaluation.Lengths, evaluation.Sources
	}
	return err
}

// costOf is what the memory of the batch of j grows with: its tokens, with those of its sources, or of pairs the tokens of the longest
// text.
func costOf(s *data.Bundle, j plan.Job) (all int) {
	if s.Pairs && len(j.Lengths) > 0 {
		return slices.Max(j.Lengths)
	}
	for _, n := range slices.Concat(j.Lengths, j.Sources) {
		all += n
	}
	return all
}

// limit is the largest costOf a batch can have.
func limit(s *data.Bundle) int {
	if s.Pairs {
		return s.Tokens
	}
	longest := s.Tokens
	if s.Sources {
		longest += cmp.Or(s.Targets, s.Tokens)
	}
	return s.Batch * min(longest, math.MaxInt/maxBatch)
}

// tokenBytes are what a token of a batch takes while it is read: it and its target, in slices that grow.
const tokenBytes = 2 * 2 * 4

// readable refuses batches whose tokens alone are more than the memory that is available. A step takes far more.
func readable(s *data.Bundle, tokens int) error {
	need, available := memory.Product(tokens, tokenBytes), memory.Read().Available
	if available == 0 || s.Pairs || need <= available {
		return nil
	}
	return &memory.Error{What: fmt.Sprintf("reading a batch of %d sequences of up to %d tokens", s.Batch, s.Tokens), Need: need,
		Available: available, Advice: "use a smaller data.batch, or fewer tokens"}
}

// PlanEvaluation returns the job of the longest batch among the next batches of source, or among its first 2,048 where batches is 0 or more
// than that.
func (r *Recipe) PlanEvaluation(s *data.Bundle, source data.Source, batches, threads int) (j plan.Job, err error) {
	spec, err := r.Spec()
	if err != nil {
		return j, err
	}
	j = plan.Job{Model: spec, Train: r.Train, Threads: threads, Readers: s.Bytes}
	if batches == 0 || batches > planBatches {
		batches = planBatches
	}
	limit := limit(s)
	if err := readable(s, limit); err != nil {
		return j, err
	}
	var b data.Batch
	for longest := 0; batches > 0 && longest < limit; batches-- {
		if err := source.Next(&b); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return j, err
		}
		batch := plan.Job{Lengths: b.Lengths}
		if b.Source != nil {
			batch.Sources = b.Source.Lengths
		}
		if cost := costOf(s, batch); cost > longest {
			longest, j.Lengths, j.Sources = cost, slices.Clone(batch.Lengths), slices.Clone(batch.Sources)
		}
	}
	return j, nil
}

// Room is what a step may take on one rank.
type Room struct {
	Threads int   // of a rank; 0: all processors
	Ranks   int   // processes that train together; 0: one
	Bytes   int64 // of a rank; 0: no limit
}

// FitMemory chooses the layers that are recomputed where the recipe leaves that open, and returns the bytes that a step takes on the rank
// that needs the most: reserve these in the pool of the run. It returns a *memory.Error, before anything is allocated, if that is more than
// the room. Ranks that train together must be given the same room, since they must recompute the same layers.
func (r *Recipe) FitMemory(s *data.Bundle, room Room) (plan.Bytes, error) {
	j, err := r.Plan(s, room.Threads)
	if err != nil {
		return plan.Bytes{}, err
	}
	j.Ranks = room.Ranks
	limit := room.Bytes
	if limit == 0 {
		limit = math.MaxInt64
	}
	if j.Model.Recompute, err = plan.Choose(j, limit); err != nil {
		return plan.Bytes{}, err
	}
	e, err := plan.Make(j)
	if err != nil {
		return plan.Bytes{}, err
	}
	if need := e.Bytes.Total(); need > limit {
		what, advice := "a step of this training", "longspan plan lists what would fit"
		if room.Ranks > 1 {
			what, advice = fmt.Sprintf("a step of this training on one of %d ranks", room.Ranks),
				fmt.Sprintf("longspan plan --ranks %d lists what would fit", room.Ranks)
		}
		return e.Bytes, &memory.Error{What: what, Need: need, Available: limit, Advice: advice}
	}
	r.Model.Recompute = j.Model.Recompute
	return e.Bytes, nil
}
