package genome

import (
	"fmt"
	"sort"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/dna"
)

// EvaluationConfig configures an Evaluation.
type EvaluationConfig struct {
	Tokens  int        // bases that a window feeds to the model: no base is predicted from more
	Stride  int        // bases that a window scores, 1 … Tokens; 0 is half of Tokens
	Prior   Prior      // log-probabilities beside the bases; nil: none
	Regions []dna.Span // one for each sequence: the bases to score; an empty region has none
}

// Evaluation is a data.Dataset that scores every base of its regions exactly once, whatever the window. So results of
// different windows, and of models of another kind, are about the same bases. Window i of a region scores the i-th
// Stride bases of it, each predicted from at least Tokens−Stride bases before it, as far as the sequence has them.
// Bases before the region are context. N is not scored, nor is the first base of a sequence.
type Evaluation struct {
	config  EvaluationConfig
	regions []piece
}

// NewEvaluation returns the evaluation of regions of sequences, which must not be appended to afterwards.
func NewEvaluation(sequences []*dna.Sequence, c EvaluationConfig) (*Evaluation, error) {
	if c.Stride == 0 {
		c.Stride = max(1, c.Tokens/2)
	}
	if c.Tokens < 1 || c.Stride < 1 || c.Stride > c.Tokens {
		return nil, fmt.Errorf("genome: an evaluation with windows of %d bases that score %d each; expected 1 ≤ scored ≤ window",
			c.Tokens, c.Stride)
	}
	if len(c.Regions) != len(sequences) {
		return nil, fmt.Errorf("genome: %d regions for %d sequences; expected one for each sequence", len(c.Regions), len(sequences))
	}
	e := &Evaluation{config: c}
	windows := 0
	for i, s := range sequences {
		region := c.Regions[i]
		if err := checkRegion(s, region); err != nil {
			return nil, err
		}
		region.Start = max(region.Start, 1) // nothing comes before the first base to predict it from
		if region.Len() < 1 {
			continue
		}
		n := (region.Len() + c.Stride - 1) / c.Stride
		e.regions = append(e.regions, piece{s, region, windows, n})
		windows += n
	}
	if windows == 0 {
		return nil, fmt.Errorf("genome: the regions of the %d sequences of the evaluation hold no base to score", len(sequences))
	}
	return e, nil
}

// Len is the number of windows.
func (e *Evaluation) Len() int { return end(e.regions) }

// Vocab is the number of tokens.
func (e *Evaluation) Vocab() int { return dna.Vocab }

// Place is what window index scores of which sequence, and what it feeds: the token before a base predicts it.
func (e *Evaluation) Place(index int) (s *dna.Sequence, scored, fed dna.Span) {
	p := e.regions[pieceAt(e.regions, index)]
	scored.Start = p.span.Start + (index-p.first)*e.config.Stride
	scored.End = min(scored.Start+e.config.Stride, p.span.End)
	fed.End = scored.End - 1
	fed.Start = max(0, fed.End-e.config.Tokens)
	return p.sequence, scored, fed
}

// Append adds window index to dst; an evaluation is the same in every epoch.
func (e *Evaluation) Append(dst *data.Batch, _, index int) error {
	if index < 0 || index >= e.Len() {
		return fmt.Errorf("genome: window %d of %d", index, e.Len())
	}
	s, scored, fed := e.Place(index)
	begin := len(dst.Tokens)
	appendBases(dst, s, fed, dna.Forward)
	if e.config.Prior != nil {
		dst.Prior = e.config.Prior.Append(dst.Prior, s, fed, dna.Forward)
	}
	appendTargets(dst, begin, scored.Start-1-fed.Start)
	var next [1]int32
	s.Tokens(next[:], fed.End, dna.Forward) // the last fed base predicts the one after it
	if next[0] != int32(dna.N) {
		dst.Targets[len(dst.Targets)-1] = next[0]
	}
	return nil
}

// end is the number of windows in pieces.
func end(pieces []piece) int {
	if len(pieces) == 0 {
		return 0
	}
	last := pieces[len(pieces)-1]
	return last.first + last.count
}

// pieceAt is the piece that window index lies in.
func pieceAt(pieces []piece, index int) int {
	return sort.Search(len(pieces), func(i int) bool { return pieces[i].first > index }) - 1
}
