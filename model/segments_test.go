package model

import (
	"slices"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/tensor"
)

func TestSegmentsCoverTheBatch(t *testing.T) {
	b := &data.Batch{Lengths: []int{5, 2, 7}}
	for i := range 14 {
		b.Tokens, b.Targets = append(b.Tokens, int32(i)), append(b.Targets, int32(100+i))
	}
	segments := segmentsOf(b, 3)
	if len(segments) != 3 {
		t.Fatalf("%d segments", len(segments))
	}
	for i, want := range []struct{ tokens, follows []int }{
		{[]int{0, 1, 2, 5, 6, 7, 8, 9}, []int{-1, -1, -1}},
		{[]int{3, 4, 10, 11, 12}, []int{0, 2}},
		{[]int{13}, []int{1}},
	} {
		s := segments[i]
		if !slices.Equal(s.rows, want.tokens) || !slices.Equal(s.Follows, want.follows) {
			t.Errorf("segment %d: tokens %v follow %v, want %v and %v", i, s.rows, s.Follows, want.tokens, want.follows)
		}
		for j, row := range s.rows {
			if s.Tokens[j] != int32(row) || s.Targets[j] != int32(100+row) {
				t.Errorf("segment %d: token %d is %d with target %d", i, row, s.Tokens[j], s.Targets[j])
			}
		}
	}
}

// Read in segments with a memory of all that came before, a Transformer-XL predicts what it predicts of whole sequences.
func TestSegmentsEqualTheWhole(t *testing.T) {
	b := batch(1, 30, 12, 40) // classes of the last tokens only
	for i := range b.Targets {
		if i != 29 && i != 41 && i != 81 {
			b.Targets[i] = data.Ignore
		}
	}
	outcome := func(segment int) (Result, []float32, []int32) {
		c := zoo()["transformer-xl"]
		c.Memory, c.Segment = 64, segment
		m := newModel(t, c, nil)
		run := StepOptions{Losses: make([]float32, len(b.Tokens)), Best: make([]int32, len(b.Tokens))}
		result, err := m.step(&m.progress, tensor.Exec{}, b, run, &m.progress.reading)
		if err != nil {
			t.Fatal(err)
		}
		return result, run.Losses, run.Best
	}
	whole, losses, best := outcome(0)
	parts, partLosses, partBest := outcome(7)
	if d := whole.Loss - parts.Loss; d > 1e-5 || d < -1e-5 || whole.Targets != 3 || parts.Targets != 3 {
		t.Errorf("the whole has loss %g of %d targets, segments %g of %d", whole.Loss, whole.Targets, parts.Loss, parts.Targets)
	}
	near(t, "losses", partLosses, losses, 2e-5)
	if !slices.Equal(best, partBest) {
		t.Errorf("the most probable classes are %v in segments, %v of the whole", partBest, best)
	}
}
