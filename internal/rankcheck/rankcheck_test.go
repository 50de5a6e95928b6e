package rankcheck_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/longspan/longspan/internal/rankcheck"
	"github.com/longspan/longspan/parallel"
)

// TestSplit checks that shards get the same bits on any number of ranks.
func TestSplit(t *testing.T) {
	for _, c := range rankcheck.Engines() {
		if c.Unsplit {
			continue
		}
		const shards = 6
		want, err := rankcheck.Reference(c, shards)
		if err != nil {
			t.Fatal(err)
		}
		for _, ranks := range []int{1, 2, 3} {
			for r, got := range over(t, ranks, c, shards/ranks) {
				if !slices.Equal(got, want) {
					t.Errorf("%s, %d ranks: rank %d has other hashes than %d goroutines", c.Name, ranks, r, shards)
				}
			}
		}
	}
}

// over runs a check on goroutines with shards.
func over(t *testing.T, ranks int, c rankcheck.Check, shards int) [][]uint64 {
	all, errs := make([][]uint64, ranks), make([]error, ranks)
	var wait sync.WaitGroup
	for i, e := range parallel.Local(ranks) {
		wait.Go(func() { all[i], errs[i] = rankcheck.Over(e, c, shards) })
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestChecksDiffer checks that a hash depends on the rank and on the number of ranks, where the results do: a hash that never changes
// would show nothing.
func TestChecksDiffer(t *testing.T) {
	seen := map[string]string{}
	for _, c := range rankcheck.Engines() {
		for _, n := range []int{2, 3} {
			hashes, err := rankcheck.Reference(c, n)
			if err != nil {
				t.Fatal(err)
			}
			again, err := rankcheck.Reference(c, n)
			if err != nil || !slices.Equal(hashes, again) {
				t.Errorf("%s, %d ranks: got %x, then %x, %v", c.Name, n, hashes, again, err)
			}
			here := fmt.Sprint(c.Name, n)
			key := fmt.Sprint(hashes)
			if other := seen[key]; other != "" {
				t.Errorf("%s has the hashes of %s", here, other)
			}
			seen[key] = here
		}
	}
}
