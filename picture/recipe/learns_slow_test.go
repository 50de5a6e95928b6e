//go:build slow

package recipe_test

import (
	"context"
	"testing"

	"github.com/longspan/longspan/train"
)

// A minute or two of training on three quarters of one photograph makes the last quarter better than its filters do, at ×2 and ×4.
func TestLearnsAPhotograph(t *testing.T) {
	left, right := parts(t, 880, 400, 720)
	r := load(t, left, right, "model.draw=null", "model.enlarge={patch: 4, width: 32, layers: 4, heads: 2, hidden: 64, attention: relu, "+
		"attention_every: 4}", "data.crops.enlarge={batch: 8, side: 24, large: 0}", "train.steps=700", "train.eval.every=350", "train.ema=0.99",
		"train.optimizer.lr=4e-3", "train.optimizer.warmup=50", "train.checkpoint.every=0", "data.validation_batches=8", "model.precision=bf16")
	j := job(t, r)
	source, err := j.Valid()
	if err != nil {
		t.Fatal(err)
	}
	before, err := train.Evaluate(context.Background(), j.Exec, j.Model, source, 0)
	if err != nil {
		t.Fatal(err)
	}
	var after train.Score
	j.Scored = func(_ int64, s train.Score, _ bool) { after = s }
	if _, err := train.Run(context.Background(), t.TempDir()+"/run", j); err != nil {
		t.Fatal(err)
	}
	t.Logf("the weighted error of the base is %.4f, and %.4f after training", before.Loss, after.Loss)
	if !(after.Loss < 0.99*before.Loss) {
		t.Errorf("the weighted error went from %.4f to %.4f, want 1 %% less or more", before.Loss, after.Loss)
	}
}
