package recipe

import (
	"slices"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
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

// Read in segments with a memory of all that came before, a Transformer-XL says what it says of whole sequences.
func TestSegmentsEqualTheWhole(t *testing.T) {
	outcome := func(segment string) (model.Result, []float32, []int32) {
		r, err := Parse([]byte("model: {kind: transformer-xl, width: 16, layers: 2, heads: 2, memory: 64, segment: "+segment+
			"}\ndata: {batch: 3, listops: {min_tokens: 8, max_tokens: 40, depth: 3, args: 4}}"), "r", nil)
		if err != nil {
			t.Fatal(err)
		}
		sets, err := r.Data.Open(1)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Fit(sets); err != nil {
			t.Fatal(err)
		}
		x := tensor.Exec{Pool: tensor.NewPool()}
		m, err := r.Build(x, true)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		var b data.Batch
		if err := sets.Train.Next(&b); err != nil {
			t.Fatal(err)
		}
		run := model.Run{Losses: make([]float32, len(b.Tokens)), Best: make([]int32, len(b.Tokens))}
		result, err := m.run(x, &b, run, &m.reading)
		if err != nil {
			t.Fatal(err)
		}
		return result, run.Losses, run.Best
	}
	whole, losses, best := outcome("0")
	parts, partLosses, partBest := outcome("7")
	if d := whole.Loss - parts.Loss; d > 1e-5 || d < -1e-5 || whole.Targets != 3 || parts.Targets != 3 {
		t.Errorf("the whole has loss %g of %d targets, segments %g of %d", whole.Loss, whole.Targets, parts.Loss, parts.Targets)
	}
	for i := range losses {
		if d := losses[i] - partLosses[i]; d > 1e-5 || d < -1e-5 || losses[i] != 0 && best[i] != partBest[i] {
			t.Errorf("token %d: loss %g and class %d, in segments %g and %d", i, losses[i], best[i], partLosses[i], partBest[i])
		}
	}
}
