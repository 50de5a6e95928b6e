package parallel_test

import (
	"testing"

	"github.com/longspan/longspan/parallel"
)

func TestRankList(t *testing.T) {
	var odd []int
	for r := range 20 {
		odd = append(odd, 2*r+1)
	}
	for _, c := range []struct {
		ranks []int
		want  string
	}{
		{nil, "ranks "},
		{[]int{3}, "rank 3"},
		{[]int{3, 3}, "rank 3"},
		{[]int{5, 0, 4, 2, 3}, "ranks 0, 2 … 5"},
		{[]int{7, 6}, "ranks 6, 7"},
		{odd, "ranks 1, 3, 5, 7, 9, 11, 13, 15, and 12 more"},
	} {
		if got := parallel.RankList(c.ranks); got != c.want {
			t.Errorf("%v: got %q, expected %q", c.ranks, got, c.want)
		}
	}
}
