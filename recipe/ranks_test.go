package recipe_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/recipe"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train"
)

// Recipes whose batches are shared by ranks: a window decoder, a Longformer encoder with hidden tokens, a Performer with labels.
var sharedRecipes = map[string]string{
	"window": `
model: {width: 32, layers: 2, heads: 2, attention: ["window(256)"], dropout: 0.1}
data: {batch: 1, genome: {tokens: 1500}}`,
	"longformer": `
model: {kind: encoder, width: 32, layers: 2, heads: 2, attention: ["window(128) | global(0)"], recompute: every}
data: {batch: 1, genome: {tokens: 1100}}`,
	"performer": `
model: {kind: encoder, width: 32, layers: 2, heads: 2, attention: ["performer(features=32)"], precision: bf16}
data: {batch: 2, genome: {tokens: 700}}`,
}

const sharedTraining = `
train:
  steps: 3
  accumulate: 2
  optimizer: {warmup: 0, lr: 1e-3}
  eval: {every: 2, batches: 2}
  checkpoint: {every: 1}
  log: {every: 1}
  shards: %d
  sequence_shards: %d
  tensor_shards: %d
`

// runOver trains a recipe over ranks that are goroutines. Rank 0 is asked to stop after step stop, if that is not 0.
func runOver(t *testing.T, ranks int, text, dir string, stop int64) {
	t.Helper()
	errs := make([]error, ranks)
	var all sync.WaitGroup
	for i, e := range parallel.Local(ranks) {
		all.Go(func() {
			if errs[i] = trainRank(e, text, dir, stop); errs[i] != nil {
				e.Abort(1, errs[i].Error())
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// trainOver trains a recipe over ranks that are goroutines, and returns the model and the log.
func trainOver(t *testing.T, ranks int, text, dir string) (weights []byte, log []train.Record) {
	t.Helper()
	runOver(t, ranks, text, dir, 0)
	return outcomeOf(t, dir)
}

// outcomeOf returns the model and the log of a run, without times and notes.
func outcomeOf(t *testing.T, dir string) (weights []byte, log []train.Record) {
	t.Helper()
	weights, err := os.ReadFile(filepath.Join(dir, train.ModelName))
	if err != nil {
		t.Fatal(err)
	}
	if log, err = train.ReadLog(filepath.Join(dir, train.LogName)); err != nil {
		t.Fatal(err)
	}
	for i := range log {
		log[i].Seconds, log[i].TokensPerSecond = 0, 0
	}
	return weights, slices.DeleteFunc(log, func(r train.Record) bool { return r.Note != "" })
}

// trainRank trains a recipe on one rank, or resumes a run.
func trainRank(e parallel.Engine, text, dir string, stop int64) error {
	r, err := recipe.Parse([]byte(text), "test", nil)
	if err != nil {
		return err
	}
	sets, err := r.Data.Open(r.Train.Seed)
	if err != nil {
		return err
	}
	if err := r.Fit(sets); err != nil {
		return err
	}
	x := tensor.Exec{Pool: tensor.NewPool(), Threads: 1}
	m, err := r.Build(sets, model.Options{Pool: x.Pool, Train: true})
	if err != nil {
		return err
	}
	defer m.Close()
	job, err := r.Job(sets, m, x)
	if err != nil {
		return err
	}
	job.Ranks = e
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if e.Rank() == 0 && stop > 0 {
		job.Report = func(r train.Report) {
			if r.Step+1 == stop { // the ranks tell each other in the next step
				cancel()
			}
		}
	}
	do := train.Run
	if _, err := os.Stat(filepath.Join(dir, train.ConfigName)); err == nil && stop == 0 {
		do = train.Resume
	}
	_, err = do(ctx, dir, job)
	return err
}

// TestResumeOnOtherRanks checks that a run that was stopped on four ranks, and resumed on two and on one, has the bits of one that was not.
func TestResumeOnOtherRanks(t *testing.T) {
	for name, text := range sharedRecipes {
		text += fmt.Sprintf(strings.Replace(sharedTraining, "steps: 3", "steps: 5", 1), 4, 2, 1)
		want, wantLog := trainOver(t, 1, text, filepath.Join(t.TempDir(), "run"))
		dir := filepath.Join(t.TempDir(), "run")
		runOver(t, 4, text, dir, 2)
		if _, err := os.Stat(filepath.Join(dir, train.ModelName)); err == nil {
			t.Fatalf("%s: the run was not stopped", name)
		}
		got, log := trainOver(t, 2, text, dir)
		if !bytes.Equal(got, want) {
			t.Errorf("%s: the model differs from that of a run that was not stopped", name)
		}
		if diff := cmp.Diff(wantLog, log); diff != "" {
			t.Errorf("%s: the log differs:\n%s", name, diff)
		}
	}
}

// TestRanks checks that a run has the same model and log on any number of ranks that hold its shards.
func TestRanks(t *testing.T) {
	for name, text := range sharedRecipes {
		for _, split := range [][3]int{{2, 1, 1}, {4, 4, 1}, {4, 2, 1}, {4, 2, 2}} {
			t.Run(fmt.Sprintf("%s, %d shards, %d of a sequence, %d of features", name, split[0], split[1], split[2]), func(t *testing.T) {
				whole := text + fmt.Sprintf(sharedTraining, split[0], split[1], split[2])
				want, wantLog := trainOver(t, 1, whole, filepath.Join(t.TempDir(), "run"))
				for ranks := 2; ranks <= split[0]; ranks *= 2 {
					got, log := trainOver(t, ranks, whole, filepath.Join(t.TempDir(), "run"))
					if !bytes.Equal(got, want) {
						t.Errorf("%d ranks: the model differs from that of one rank", ranks)
					}
					if diff := cmp.Diff(wantLog, log); diff != "" {
						t.Errorf("%d ranks: the log differs (-one +%d):\n%s", ranks, ranks, diff)
					}
				}
			})
		}
	}
}

// TestDataShards checks kinds whose batches alone can be shared.
func TestDataShards(t *testing.T) {
	for name, text := range map[string]string{
		"hierarchical":   "{kind: hierarchical, width: 32, layers: 2, heads: 2, segment: 64}",
		"transformer-xl": "{kind: transformer-xl, width: 32, layers: 2, heads: 2, segment: 128, memory: 64}",
	} {
		text = fmt.Sprintf("model: %s\ndata: {batch: 1, genome: {tokens: 300}}\n", text) +
			fmt.Sprintf(strings.Replace(sharedTraining, "accumulate: 2", "accumulate: 4", 1), 4, 1, 1)
		want, wantLog := trainOver(t, 1, text, filepath.Join(t.TempDir(), "run"))
		for _, ranks := range []int{2, 4} {
			got, log := trainOver(t, ranks, text, filepath.Join(t.TempDir(), "run"))
			if !bytes.Equal(got, want) {
				t.Errorf("%s, %d ranks: the model differs from that of one rank", name, ranks)
			}
			if diff := cmp.Diff(wantLog, log); diff != "" {
				t.Errorf("%s, %d ranks: the log differs:\n%s", name, ranks, diff)
			}
		}
	}
}

// TestShardsNearOne checks that the loss over shards is that of one shard, but for rounding.
func TestShardsNearOne(t *testing.T) {
	for name, text := range sharedRecipes {
		_, one := trainOver(t, 1, text+fmt.Sprintf(sharedTraining, 1, 1, 1), filepath.Join(t.TempDir(), "run"))
		for _, split := range [][2]int{{4, 1}, {2, 2}} {
			_, four := trainOver(t, 1, text+fmt.Sprintf(sharedTraining, 4, split[0], split[1]), filepath.Join(t.TempDir(), "run"))
			for i := range one {
				if d := one[i].Loss - four[i].Loss; d > 1e-4 || d < -1e-4 {
					t.Errorf("%s: line %d has the loss %g over %v shards, expected %g", name, i+1, four[i].Loss, split, one[i].Loss)
				}
			}
		}
	}
}

// TestRanksRefused checks what cannot be cut.
func TestRanksRefused(t *testing.T) {
	text := sharedRecipes["window"]
	for _, c := range []struct {
		ranks int
		train string
		want  string
	}{
		{3, "train: {shards: 4}", "4 shards for 3 ranks"},
		{1, "train: {shards: 4, sequence_shards: 3}", "sequence_shards is 3; it must divide the 4 shards"},
		{1, "train: {shards: 4, sequence_shards: 1, accumulate: 2}", "accumulate is 2; it must be a multiple of the 4 shards"},
		{2, "train: {shards: 6}", "use a power of two"},
	} {
		err := trainRank(parallel.Local(c.ranks)[0], text+"\n"+c.train, filepath.Join(t.TempDir(), "run"), 0)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, expected %q", c.train, err, c.want)
		}
	}
}
