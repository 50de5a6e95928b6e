package nn

import "github.com/longspan/longspan/parallel"

// PassOver is the lengths and the positions of the pieces of this rank, for a Pass over a share.
func PassOver(s *parallel.Share) (lengths, starts []int) {
	for _, p := range s.Pieces(s.Engine.Rank()) {
		lengths, starts = append(lengths, p.Len()), append(starts, p.From)
	}
	return lengths, starts
}

// Whole are the lengths of the sequences of the whole batch.
func (p *Pass) Whole() []int {
	if p.Share != nil {
		return p.Share.Lengths
	}
	return p.Lengths
}

// firstRow is the row of the whole batch that is row 0 of this pass.
func (p *Pass) firstRow() int {
	if p.Share == nil {
		return 0
	}
	lo, _ := p.Share.Own()
	return lo
}

// Own returns the elements of this rank's rows, of one for each row of the whole batch.
func Own[T any](p *Pass, all []T) []T {
	if p.Share == nil || len(all) == 0 {
		return all
	}
	lo, hi := p.Share.Own()
	return all[lo:hi]
}
