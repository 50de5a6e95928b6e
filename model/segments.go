package model

import (
	"errors"
	"fmt"

	"github.com/longspan/longspan/data"
)

// segment is a part of every sequence of a batch that reaches so far, each carrying on what the segment before it holds.
type segment struct {
	data.Batch
	rows []int // where the batch has each token
}

// segmentsOf cuts b into segments of n tokens a sequence; the last of a sequence may have fewer.
func segmentsOf(b *data.Batch, n int) []segment {
	var all []segment
	place := make([]int, b.Sequences()) // in the segment before
	for i := range place {
		place[i] = -1
	}
	for from := 0; ; from += n {
		var s segment
		start := 0
		for i, length := range b.Lengths {
			if from < length {
				s.carryOn(b, start+from, min(n, length-from), place[i])
				place[i] = len(s.Lengths) - 1
			}
			start += length
		}
		if len(s.Lengths) == 0 {
			return all
		}
		all = append(all, s)
	}
}

// carryOn appends n tokens of b from row on as a sequence.
func (s *segment) carryOn(b *data.Batch, row, n, follows int) {
	s.Tokens = append(s.Tokens, b.Tokens[row:row+n]...)
	s.Targets = append(s.Targets, b.Targets[row:row+n]...)
	s.Lengths = append(s.Lengths, n)
	s.Follows = append(s.Follows, follows)
	for i := range n {
		s.rows = append(s.rows, row+i)
	}
}

// stepSegments is step over the segments of b one after the other, with a memory of their own: gradients end where a segment
// does (Dai et al. 2019, section 3.2), and each segment counts by its targets.
func (s *Session) stepSegments(b *data.Batch, o StepOptions) (Result, error) {
	if err := errors.Join(s.m.checkOptions(o), s.m.checkBatch(b)); err != nil {
		return Result{}, err
	}
	if len(b.Targets) != len(b.Tokens) {
		return Result{}, fmt.Errorf("model: found %d targets for %d tokens, expected one each", len(b.Targets), len(b.Tokens))
	}
	if err := o.checkRoom(len(b.Tokens)); err != nil {
		return Result{}, err
	}
	var memory Memory
	defer memory.Free()
	if o.Scale == 0 {
		o.Scale = 1
	}
	all := Result{Targets: b.Scored()}
	for i, part := range segmentsOf(b, s.m.spec.Segment) {
		share := float64(part.Scored()) / float64(max(1, all.Targets))
		step := StepOptions{Backward: o.Backward && share > 0, Scale: o.Scale * share, Seed: data.Mix(o.Seed + uint64(i)), Memory: &memory}
		if o.Losses != nil {
			step.Losses = make([]float32, len(part.rows))
		}
		if o.Best != nil {
			step.Best = make([]int32, len(part.rows))
		}
		result, err := s.step(&part.Batch, step)
		if err != nil {
			return Result{}, err
		}
		all.Loss += share * result.Loss
		all.Cost.Add(result.Cost)
		all.ActivationBytes = max(all.ActivationBytes, result.ActivationBytes)
		for j, row := range part.rows {
			if o.Losses != nil {
				o.Losses[row] = step.Losses[j]
			}
			if o.Best != nil {
				o.Best[row] = step.Best[j]
			}
		}
	}
	return all, nil
}
