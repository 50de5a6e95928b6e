package model

import (
	"slices"
	"testing"
)

// The factor of a sequence is 1 − trained over the share of its tokens that are no masks.
func TestTokenFactors(t *testing.T) {
	const mask = 9
	d := &TokenDropout{Mask: mask, Trained: 0.12}
	got := tokenFactors(d, []int{2, 4, 2, 1}, []int32{5, 6, 5, mask, 7, mask, mask, mask, 8})
	want := []float32{0.88, 0.88, 1.76, 0, 1.76, 0, 0, 0, 0.88}
	if !slices.Equal(got, want) {
		t.Errorf("factors %v, want %v", got, want)
	}
}
