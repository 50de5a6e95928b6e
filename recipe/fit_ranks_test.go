package recipe_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/recipe"
)

// A rank needs less than one rank alone, and is what the room is compared with.
func TestFitMemoryOfARank(t *testing.T) {
	bytesOf := func(room recipe.Room, text string) (int64, string, error) {
		r, err := recipe.Parse([]byte(text), "test", nil)
		if err != nil {
			t.Fatal(err)
		}
		sets, err := r.Data.Open(r.Train.Seed)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Fit(sets); err != nil {
			t.Fatal(err)
		}
		b, err := r.FitMemory(sets, room)
		return b.Total(), r.Model.Recompute, err
	}
	const text = "data: {batch: 1, genome: {tokens: 6000}}\n" +
		"model: {width: 32, layers: 4, heads: 2, attention: [\"window(64)\"], recompute: %s}\n"
	none, auto := fmt.Sprintf(text, "none"), fmt.Sprintf(text, "auto")
	one, _, err := bytesOf(recipe.Room{Threads: 1}, none)
	if err != nil {
		t.Fatal(err)
	}
	four, _, err := bytesOf(recipe.Room{Threads: 1, Ranks: 4}, none)
	if err != nil || four > one*7/10 {
		t.Errorf("one of four ranks takes %d bytes, one rank %d: %v", four, one, err)
	}
	if _, policy, err := bytesOf(recipe.Room{Threads: 1, Ranks: 4, Bytes: four}, auto); policy != "0" || err != nil {
		t.Errorf("in the bytes of a rank that keeps all: recomputes %q, %v", policy, err)
	}
	if _, policy, err := bytesOf(recipe.Room{Threads: 1, Bytes: one - 1<<20}, auto); policy == "0" || err != nil {
		t.Errorf("in fewer bytes than one rank takes that keeps all: recomputes %q, %v", policy, err)
	}
	_, _, err = bytesOf(recipe.Room{Threads: 1, Ranks: 4, Bytes: four - 1}, none)
	const want = "a step of this training on one of 4 ranks takes"
	if !errors.As(err, new(*memory.Error)) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "plan --ranks 4 lists") {
		t.Errorf("in one byte less: error %v, want one with %q", err, want)
	}
	_, _, err = bytesOf(recipe.Room{Ranks: 3}, none+"train: {shards: 2}")
	if err == nil || !strings.Contains(err.Error(), "found 2 shards for 3 ranks") {
		t.Errorf("two shards on three ranks: %v", err)
	}
}
