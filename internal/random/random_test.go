package random

import "testing"

// The first two numbers of SplitMix64 from the seed 1234567 are those of the authors' code.
func TestKnownNumbers(t *testing.T) {
	r := SplitMix{1234567}
	for i, want := range []uint64{6457827717110365317, 3203168211198807973} {
		if got := r.Next(); got != want {
			t.Errorf("number %d is %d, expected %d", i, got, want)
		}
	}
	if got := Mix(1234567); got != 6457827717110365317 {
		t.Errorf("Mix is %d, expected the first number of the sequence", got)
	}
}

func TestBelow(t *testing.T) {
	r, seen := NewSplitMix(1, 2), [7]int{}
	for range 700 {
		seen[r.Below(7)]++
	}
	for x, n := range seen {
		if n < 60 || n > 140 {
			t.Errorf("%d came %d times of 700, expected about 100", x, n)
		}
	}
}

func TestSeedsCountInOrder(t *testing.T) {
	a, b := NewSplitMix(1, 2), NewSplitMix(2, 1)
	if a == b {
		t.Error("seeds 1, 2 and 2, 1 give one sequence")
	}
}
