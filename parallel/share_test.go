package parallel_test

import (
	"fmt"
	"testing"

	"github.com/longspan/longspan/parallel"
)

func TestShare(t *testing.T) {
	for _, c := range []struct {
		lengths []int
		ranks   int
		want    string
	}{
		{[]int{1}, 4, "[0 0 0 0 1]"},
		{[]int{513}, 4, "[0 0 0 512 513]"},
		{[]int{6000}, 2, "[0 3072 6000]"},
		{[]int{100, 200, 300}, 2, "[0 300 600]"},
		{[]int{0, 700, 0, 700}, 3, "[0 512 700 1400]"},
		{nil, 2, "[0 0 0]"},
	} {
		s, err := parallel.NewShare(parallel.Local(c.ranks)[0], c.lengths)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(s.Cuts); got != c.want {
			t.Errorf("%v over %d ranks: got %s, expected %s", c.lengths, c.ranks, got, c.want)
		}
	}
	if _, err := parallel.NewShare(parallel.Local(1)[0], []int{-1}); err == nil {
		t.Error("a negative length was taken")
	}
}

// TestSharePieces checks that the pieces of all ranks make the batch, that inner cuts are multiples of the unit, and that each row has its
// owner.
func TestSharePieces(t *testing.T) {
	lengths := []int{7, 1500, 0, 512, 4000, 1}
	for ranks := 1; ranks <= 9; ranks++ {
		s, err := parallel.NewShare(parallel.Local(ranks)[0], lengths)
		if err != nil {
			t.Fatal(err)
		}
		at := make([]int, len(lengths))
		row := 0
		for r := range ranks {
			for _, p := range s.Pieces(r) {
				if p.From != at[p.Sequence] || p.From%parallel.ShareUnit != 0 {
					t.Fatalf("%d ranks: rank %d has %+v, expected it to begin at %d", ranks, r, p, at[p.Sequence])
				}
				at[p.Sequence] = p.To
				for range p.Len() {
					if got := s.Owner(row); got != r {
						t.Fatalf("%d ranks: the owner of row %d is %d, expected %d", ranks, row, got, r)
					}
					row++
				}
			}
		}
		if fmt.Sprint(at) != fmt.Sprint(lengths) {
			t.Errorf("%d ranks: the pieces reach %v, expected %v", ranks, at, lengths)
		}
	}
}
