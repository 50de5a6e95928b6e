package pool

import (
	"slices"
	"testing"
)

// TestTurns holds that pieces have their turns in the order of their numbers, whichever worker is first.
func TestTurns(t *testing.T) {
	for threads := 1; threads <= 4; threads++ {
		var turns Turns
		var order, want []int
		Run(threads, 100, func(_, piece int) { turns.Do(piece, func() { order = append(order, piece) }) })
		for i := range 100 {
			want = append(want, i)
		}
		if !slices.Equal(order, want) {
			t.Errorf("%d threads: turns %v", threads, order)
		}
	}
}
