package model

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/tensor"
)

// LogProbs returns log p of every token of the vocabulary at every row of a batch, in nats: [T, vocab], in float32. The model must be a
// language model: with the head lm row i is the token after i, with mlm token i itself. The matrix belongs to the session's pool: Put it
// back. Errors are those of [Session.Step]; and one for an output that is not finite.
func (s *Session) LogProbs(b *data.Batch) (tensor.Mat, error) {
	if head := s.m.spec.Head.Kind; head != LM && head != MaskedLM {
		return tensor.Mat{}, fmt.Errorf("model: found the head %s, expected lm or mlm: only a language model gives tokens a probability", head)
	}
	out, err := s.Predict(b, StepOptions{})
	if err != nil || out.Dry() {
		return out, err
	}
	if err := checkFinite(out.F32); err != nil {
		s.x.Pool.Put(out)
		return tensor.Mat{}, err
	}
	for i := range out.Rows {
		logSoftmax(out.Row(i))
	}
	return out, nil
}

// logSoftmax makes logits log-probabilities in place. The sum is in float64, in the order of the row.
func logSoftmax(row []float32) {
	top := math.Inf(-1)
	for _, v := range row {
		top = max(top, float64(v))
	}
	sum := 0.0
	for _, v := range row {
		sum += math.Exp(float64(v) - top)
	}
	all := top + math.Log(sum)
	for i, v := range row {
		row[i] = float32(float64(v) - all)
	}
}
