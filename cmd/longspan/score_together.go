package main

import (
	"context"
	"fmt"

	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/plan"
)

// next scores text i, and those after it that are computed together with it; done is the number of tokens of the texts before it.
func (j *scoreJob) next(ctx context.Context, i, done int) ([]model.Score, error) {
	n := 0
	if !j.alone && (j.state == nil || j.state.from(i) == model.ScoreState{}) {
		n = j.model.ScoredTogether(j.read[i:], j.windows())
	}
	if n == 0 {
		score, err := j.text(ctx, i, done)
		return []model.Score{score}, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	scores, losses, err := j.session.ScoreTogether(j.read[i : i+n])
	if err != nil {
		return nil, err
	}
	states := make([]model.ScoreState, n)
	for k, s := range scores {
		states[k], done = s.ScoreState, done+s.Tokens
		if j.options.tokens {
			if err := j.lines(i+k, 0, losses[k]); err != nil {
				return nil, err
			}
		}
	}
	j.bar.step(done, j.tokens)
	if j.state == nil {
		return scores, nil
	}
	return scores, j.state.save(i, states...)
}

// planTogether adds to a need that of texts that are computed together. Where that does not fit, each text is computed by itself.
func (j *scoreJob) planTogether(need plan.Estimate) (plan.Estimate, error) {
	j.alone = j.options.engine.Size() > 1
	var lengths []int // of the most tokens that are computed together
	for i, most := 0, 0; i < len(j.read) && !j.alone; {
		n := j.model.ScoredTogether(j.read[i:], j.windows())
		var own []int
		tokens := 0
		for _, t := range j.read[i : i+n] {
			own = append(own, len(t.Before)+len(t.IDs))
			tokens += own[len(own)-1]
		}
		if tokens > most {
			lengths, most = own, tokens
		}
		i += max(1, n)
	}
	if len(lengths) == 0 {
		return need, nil
	}
	together, err := plan.ScoringTogether(*j.model.Spec(), lengths, j.options.threads)
	if err != nil {
		return need, usage(err)
	}
	if err := fits(together.Bytes, j.options.memory, "", ""); err != nil {
		j.alone = true
		j.notes = append(j.notes, fmt.Sprintf("each text was computed by itself: %d of them together would need %s, more than there is",
			len(lengths), memory.Format(together.Bytes.Total())))
		return need, nil
	}
	if together.Bytes.Total() > need.Bytes.Total() {
		return together, nil
	}
	return need, nil
}
