package model

import "github.com/longspan/longspan/data"

// segment is one part of each long enough sequence of a batch. Each part continues the part in the segment before.
type segment struct {
	data.Batch
	rows []int // the row in the whole batch of each token
}

// segmentsOf cuts b into segments of n tokens for each sequence. The last segment of a sequence may be shorter.
func segmentsOf(b *data.Batch, n int) []segment {
	var all []segment
	place := make([]int, b.Sequences()) // of each sequence in the previous segment; −1: none
	for i := range place {
		place[i] = -1
	}
	for from := 0; ; from += n {
		var s segment
		start := 0
		for i, length := range b.Lengths {
			if from < length {
				s.add(b, start+from, min(n, length-from), place[i])
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

// add appends n tokens of b, from row, as a sequence that continues sequence follows of the previous segment.
func (s *segment) add(b *data.Batch, row, n, follows int) {
	s.Tokens = append(s.Tokens, b.Tokens[row:row+n]...)
	s.Targets = append(s.Targets, b.Targets[row:row+n]...)
	if len(b.Types) > 0 {
		s.Types = append(s.Types, b.Types[row:row+n]...)
	}
	s.Lengths = append(s.Lengths, n)
	s.Follows = append(s.Follows, follows)
	for i := range n {
		s.rows = append(s.rows, row+i)
	}
}

// stepSegments is step over the segments of b in order, with a memory that starts empty. Gradients end at the border of a segment (Dai et
// al. 2019, section 3.2). The loss of a segment is weighted by its number of targets.
func (s *Session) stepSegments(b *data.Batch, o StepOptions) (Result, error) {
	if err := s.m.checkStep(b, o); err != nil {
		return Result{}, err
	}
	if err := needTargets(b); err != nil {
		return Result{}, err
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
		step := StepOptions{Backward: o.Backward && share > 0, Scale: o.Scale * share, Seed: data.Mix(o.Seed + uint64(i)), Memory: &memory,
			Grads: o.Grads, Losses: roomLike(o.Losses, len(part.rows)), Best: roomLike(o.Best, len(part.rows))}
		result, err := s.step(&part.Batch, step)
		if err != nil {
			return Result{}, err
		}
		all.Loss += share * result.Loss
		all.Cost.Add(result.Cost)
		all.ActivationBytes = max(all.ActivationBytes, result.ActivationBytes)
		scatter(o.Losses, step.Losses, part.rows)
		scatter(o.Best, step.Best, part.rows)
	}
	return all, nil
}

// roomLike returns room for n values, or nil if s is nil.
func roomLike[T any](s []T, n int) []T {
	if s == nil {
		return nil
	}
	return make([]T, n)
}

// scatter copies values to their rows of a destination, which may be nil.
func scatter[T any](to, values []T, rows []int) {
	if to == nil {
		return
	}
	for i, row := range rows {
		to[row] = values[i]
	}
}
