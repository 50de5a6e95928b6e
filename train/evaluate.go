package train

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/tensor"
)

// Score is how well a model predicts.
type Score struct {
	Loss    float64 // mean, in nats a target
	Correct int64   // targets with the highest predicted probability
	Numbers bool    // as in data.Outcome
	Targets int64
	Tokens  int64
	Batches int
}

// Bits is the loss in bits a target.
func (s Score) Bits() float64 { return s.Loss / math.Ln2 }

// Accuracy is the fraction of targets with the highest predicted probability.
func (s Score) Accuracy() float64 { return float64(s.Correct) / float64(s.Targets) }

// Evaluate measures m on the next batches of source, or on all remaining ones if batches is 0. A source that does not end needs a
// number. When ctx is done, Evaluate returns ctx's error and the score so far.
func Evaluate(ctx context.Context, x tensor.Exec, m Model, source data.Source, batches int) (Score, error) {
	var score Score
	var loss meanLoss
	var b data.Batch
	for batches == 0 || score.Batches < batches {
		if err := ctx.Err(); err != nil {
			return score, err
		}
		err := source.Next(&b)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return score, inputError{err}
		}
		outcome, err := m.Eval(x, &b, score.Batches)
		if err != nil {
			return score, err
		}
		if n := outcome.Targets; n > 0 {
			loss.add(outcome.Loss, n)
			score.Correct += outcome.Correct
			score.Numbers = outcome.Numbers
			score.Loss, score.Targets = loss.mean(), loss.Targets
		}
		score.Batches++
		score.Tokens += int64(len(b.Tokens))
	}
	if score.Targets == 0 {
		return score, inputError{errors.New("the data to evaluate on has no targets")}
	}
	if !finite(score.Loss) {
		return score, fmt.Errorf("%w: the loss on the validation data is %g", ErrDiverged, score.Loss)
	}
	return score, nil
}
