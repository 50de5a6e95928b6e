package main

import (
	"strings"
	"testing"

	"github.com/longspan/longspan/model"
)

// A text may have many more bytes than tokens: what is planned for it never exceeds the learned positions.
func TestPredictPlansWithinTheLearnedPositions(t *testing.T) {
	texts := []string{"a", strings.Repeat("b", 100)}
	for positions, want := range map[int]int{0: 102, 64: 64, 512: 102} {
		if got := longestOf(&model.Spec{Embed: model.Embedding{Positions: positions}}, texts); got != want {
			t.Errorf("%d positions: planned %d tokens, want %d", positions, got, want)
		}
	}
}
