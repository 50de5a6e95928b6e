package parallel_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/longspan/longspan/parallel"
)

// TestWaitInAnyOrder checks that ranks may await their exchanges in orders of their own.
func TestWaitInAnyOrder(t *testing.T) {
	err := each(parallel.Local(2), func(e parallel.Engine) error {
		var open []parallel.Pending
		other := 1 - e.Rank()
		for range 3 {
			data := make([]byte, 2)
			open = append(open, e.Begin("test", []parallel.Part{{Rank: other, Data: data[:1]}}, []parallel.Part{{Rank: other, Data: data[1:]}}))
		}
		for i := range open {
			if e.Rank() == 1 {
				i = len(open) - 1 - i
			}
			if err := open[i].Wait(); err != nil {
				return err
			}
			if err := open[i].Wait(); err != nil { // a second call has the result of the first
				return err
			}
		}
		return e.Close()
	})
	if err != nil {
		t.Error(err)
	}
}

// TestAbort checks that an abort on one rank ends the exchanges of all others, those that have been begun and later ones, with its reason.
func TestAbort(t *testing.T) {
	for name, engines := range map[string][]parallel.Engine{"local": parallel.Local(4), "split": splits(t, 2, 4), "one rank": splits(t, 1, 4)} {
		errs := make([]error, len(engines))
		var all sync.WaitGroup
		for i, e := range engines {
			all.Go(func() {
				if i == 3 {
					e.Abort(5, "the disk is full")
				}
				// A ring: rank 2 waits for rank 1 alone, on the same rank or on another.
				data := make([]byte, 2)
				left, right := (i+3)%4, (i+1)%4
				for errs[i] == nil {
					p := e.Begin("ring", []parallel.Part{{Rank: right, Data: data[:1]}}, []parallel.Part{{Rank: left, Data: data[1:]}})
					errs[i] = p.Wait()
					if again := p.Wait(); !errors.Is(again, errs[i]) {
						t.Errorf("%s, rank %d: the second Wait returned %v, the first %v", name, i, again, errs[i])
					}
				}
			})
		}
		all.Wait()
		for i, err := range errs {
			if !errors.Is(err, parallel.ErrAborted) || !strings.Contains(err.Error(), "the disk is full") {
				t.Errorf("%s, rank %d: got %v, expected the abort with its reason", name, i, err)
			}
		}
	}
}
