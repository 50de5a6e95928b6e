package model

import (
	"github.com/longspan/longspan/data"

	"github.com/longspan/longspan/tensor"
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

// runSegments is model.Model.Run over the segments of b one after the other, with a memory of their own: gradients end where a segment
// does (Dai et al. 2019, section 3.2), and each segment counts by its targets.
func (m *Model) runSegments(x tensor.Exec, b *data.Batch, r Run) (Result, error) {
	var memory Memory
	defer memory.Free()
	all := Result{Targets: b.Scored()}
	scale, seed := r.Scale, r.Seed
	for i, s := range segmentsOf(b, m.s.Segment) {
		run := Run{Backward: r.Backward, Seed: data.Mix(seed + uint64(i)), Memory: &memory}
		if r.Losses != nil {
			run.Losses, run.Best = make([]float32, len(s.rows)), make([]int32, len(s.rows))
		}
		share := float64(s.Scored()) / float64(max(1, all.Targets))
		run.Scale = scale * share
		run.Backward = r.Backward && share > 0
		result, err := m.Run(x, &s.Batch, run)
		if err != nil {
			return Result{}, err
		}
		all.Loss += share * result.Loss
		for j, row := range s.rows {
			if r.Losses != nil {
				r.Losses[row], r.Best[row] = run.Losses[j], run.Best[j]
			}
		}
	}
	return all, nil
}
