package parallel

import (
	"cmp"
	"fmt"
	"slices"
)

// ShareUnit is what the borders of shares are multiples of, from the first token of each sequence. The backward pass of attention works on
// chunks of 512 keys, so that a chunk of a share has the bits of the same chunk of the whole.
const ShareUnit = 512

// Share says which rows of a packed batch each rank has. All ranks make the same one. A rank has neighbouring rows, possibly none.
type Share struct {
	Engine  Engine
	Lengths []int // tokens of each sequence of the whole batch
	Cuts    []int // rank r has rows Cuts[r] … Cuts[r+1]−1 of the batch
}

// Piece is a part of a sequence that a rank has.
type Piece struct {
	Sequence int // index in the batch
	From, To int // positions in the sequence
}

// Len is the tokens of the piece.
func (p Piece) Len() int { return p.To - p.From }

// NewShare cuts a batch of sequences of the given lengths. A sequence is cut at multiples of ShareUnit from its first token, or at its
// ends. The cuts are those nearest to equal numbers of tokens. It returns an error for a negative length.
func NewShare(e Engine, lengths []int) (*Share, error) {
	borders, total := []int{0}, 0
	for i, n := range lengths {
		if n < 0 {
			return nil, fmt.Errorf("parallel: found length %d of sequence %d, expected 0 or more", n, i)
		}
		for at := min(n, ShareUnit); at < n; at += ShareUnit {
			borders = append(borders, total+at)
		}
		if total += n; n > 0 {
			borders = append(borders, total)
		}
	}
	s := &Share{Engine: e, Lengths: lengths}
	for r := range e.Size() + 1 {
		s.Cuts = append(s.Cuts, nearest(borders, total/e.Size()*r+total%e.Size()*r/e.Size()))
	}
	return s, nil
}

// nearest is the number nearest to want, the lower of two. borders rise.
func nearest(borders []int, want int) int {
	i, _ := slices.BinarySearch(borders, want)
	switch {
	case i == 0:
		return borders[0]
	case i == len(borders) || want-borders[i-1] <= borders[i]-want:
		return borders[i-1]
	}
	return borders[i]
}

// Starts are the rows of the batch at which the sequences begin.
func (s *Share) Starts() []int {
	starts := make([]int, len(s.Lengths))
	for i := 1; i < len(starts); i++ {
		starts[i] = starts[i-1] + s.Lengths[i-1]
	}
	return starts
}

// Rows are the rows of the batch that rank has: lo … hi−1.
func (s *Share) Rows(rank int) (lo, hi int) { return s.Cuts[rank], s.Cuts[rank+1] }

// Own are the rows of the batch that this rank has.
func (s *Share) Own() (lo, hi int) { return s.Rows(s.Engine.Rank()) }

// Owner is the rank that has a row of the batch.
func (s *Share) Owner(row int) int {
	r, found := slices.BinarySearchFunc(s.Cuts, row, cmp.Compare[int])
	if !found {
		return r - 1
	}
	for r+1 < len(s.Cuts) && s.Cuts[r+1] == row { // ranks without rows
		r++
	}
	return r
}

// Pieces are the parts of sequences that rank has, in the order of its rows.
func (s *Share) Pieces(rank int) []Piece {
	lo, hi := s.Rows(rank)
	var all []Piece
	start := 0
	for i, n := range s.Lengths {
		if from, to := max(lo, start)-start, min(hi, start+n)-start; from < to {
			all = append(all, Piece{i, from, to})
		}
		start += n
	}
	return all
}
