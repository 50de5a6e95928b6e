package genome

import (
	"fmt"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/dna"
)

// EvaluationConfig says how a region is evaluated.
type EvaluationConfig struct {
	Tokens int      // bases that a window feeds to the model: no base is predicted from more
	Stride int      // bases that a window scores, 1 … Tokens; 0 is half of Tokens
	Region dna.Span // whose bases are scored
}

// Evaluation is a data.Dataset that scores every base of a region exactly once, whatever the window: so that
// results of different windows, and of models of another kind, are about the same bases. Window i scores the
// i-th Stride bases of the region, each predicted from at least Tokens−Stride bases before it, as far as
// the sequence has them. Bases before the region are context; N is not scored, nor is the sequence's first base.
type Evaluation struct {
	sequence *dna.Sequence
	config   EvaluationConfig
}

// NewEvaluation returns the evaluation of a region of s.
func NewEvaluation(s *dna.Sequence, c EvaluationConfig) (*Evaluation, error) {
	if err := checkRegion(s, c.Region); err != nil {
		return nil, err
	}
	if c.Stride == 0 {
		c.Stride = max(1, c.Tokens/2)
	}
	if c.Tokens < 1 || c.Stride < 1 || c.Stride > c.Tokens {
		return nil, fmt.Errorf("genome: an evaluation with windows of %d bases that score %d each; expected 1 ≤ scored ≤ window", c.Tokens, c.Stride)
	}
	if c.Region.Start == 0 {
		c.Region.Start = 1 // nothing comes before the first base to predict it from
	}
	if c.Region.Len() < 1 {
		return nil, fmt.Errorf("genome: the region of the evaluation ends at base %d and holds no base to score", c.Region.End)
	}
	return &Evaluation{s, c}, nil
}

// Len is the number of windows.
func (e *Evaluation) Len() int {
	return (e.config.Region.Len() + e.config.Stride - 1) / e.config.Stride
}

// Vocab is the number of tokens.
func (e *Evaluation) Vocab() int { return dna.Vocab }

// Place is what window index scores, and what it feeds: the token before a base predicts it.
func (e *Evaluation) Place(index int) (scored, fed dna.Span) {
	scored.Start = e.config.Region.Start + index*e.config.Stride
	scored.End = min(scored.Start+e.config.Stride, e.config.Region.End)
	fed.End = scored.End - 1
	fed.Start = max(0, fed.End-e.config.Tokens)
	return scored, fed
}

// Append adds window index to dst; an evaluation is the same in every epoch.
func (e *Evaluation) Append(dst *data.Batch, _, index int) error {
	if index < 0 || index >= e.Len() {
		return fmt.Errorf("genome: window %d of %d", index, e.Len())
	}
	scored, fed := e.Place(index)
	begin := len(dst.Tokens)
	appendBases(dst, e.sequence, fed, false)
	appendTargets(dst, begin, scored.Start-1-fed.Start)
	var next [1]int32
	e.sequence.Tokens(next[:], fed.End, false) // the last fed base predicts the one after it
	if next[0] != int32(dna.N) {
		dst.Targets[len(dst.Targets)-1] = next[0]
	}
	return nil
}
