package recipe_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/recipe"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train"
)

// The recipes train in a moment; together they have every kind of model, head and data that goes with the loop.
var smallRecipes = map[string]string{
	"decoder on DNA": `
model: {width: 32, layers: 2, heads: 2, attention: ["window(16)"], dropout: 0.1}
data: {batch: 2, genome: {tokens: 96}}
`,
	"masked encoder on DNA, bf16": `
model: {kind: encoder, width: 32, layers: 2, heads: 2, precision: bf16,
  attention: [performer(features=32), "window(8) | global(0)"], recompute: every}
data: {batch: 2, genome: {tokens: 64}}
`,
	"transformer-xl on DNA, stateful": `
model: {kind: transformer-xl, width: 32, layers: 2, heads: 2, memory: 40, dropout: 0.1}
data: {batch: 3, genome: {paths: [DIR/short.fa], tokens: 24, stateful: true}}
`,
	"transformer-xl on text": `
model: {kind: transformer-xl, width: 32, layers: 2, heads: 2, memory: 40, dropout: 0.1}
data: {batch: 2, text: {train: [DIR], hold_out: 3, tokens: 32, stateful: true}}
`,
	"hierarchical on text, learned positions": `
model: {kind: hierarchical, width: 32, layers: 2, heads: 2, segment: 8, position: learned}
data: {batch: 2, text: {train: [DIR], hold_out: 3, tokens: 32}}
`,
	"classifier on ListOps, fp16": `
model: {width: 32, layers: 2, heads: 2, precision: fp16, dropout: 0.1}
data: {batch: 4, listops: {min_tokens: 5, max_tokens: 40, depth: 3, args: 4, examples: 100, validation_examples: 8}}
train: {optimizer: {name: adafactor, lr: 1e-2}}
`,
	"transformer-xl on ListOps, in segments": `
model: {kind: transformer-xl, width: 32, layers: 2, heads: 2, memory: 32, segment: 16}
data: {batch: 4, listops: {min_tokens: 5, max_tokens: 40, depth: 3, args: 4, examples: 100, validation_examples: 8}}
`,
	"recall by an encoder": `
model: {kind: encoder, head: tag, width: 32, layers: 2, heads: 2, attention: ["nystrom(landmarks=4)"]}
data: {batch: 4, recall: {tokens: 40, pairs: 4, queries: 3, examples: 50, validation_examples: 8}}
`,
	"tags of genes": `
model: {width: 32, layers: 2, heads: 2, attention: ["window(16)"]}
data: {batch: 2, genes: {tokens: 96}}
`,
	"classifier of documents": `
model: {kind: encoder, width: 32, layers: 2, heads: 2, head: classify, dropout: 0.1}
data: {batch: 4, labelled: {train: [DIR/examples.jsonl], hold_out: 3, tokens: 24, too_long: split}}
`,
	"regression of documents": `
model: {width: 32, layers: 2, heads: 2}
data: {batch: 4, labelled: {train: [DIR/examples.jsonl], hold_out: 3, number: number, tokens: 24, too_long: truncate}}
`,
	"encoder-decoder on pairs": `
model: {width: 32, layers: 2, heads: 2, position: learned, dropout: 0.1}
data: {batch: 4, pairs: {train: [DIR/examples.jsonl], hold_out: 3, source: text, target: answer, tokens: 24, too_long: truncate}}
`,
	"recall, averaged": `
model: {width: 32, layers: 2, heads: 2, tied: true}
data: {batch: 4, recall: {tokens: 40, pairs: 4, examples: 50, validation_examples: 8}}
train: {ema: 0.9, accumulate: 2}
`,
}

// parseSmall reads one of smallRecipes with settings that make it short.
func parseSmall(t *testing.T, text, dir string) *recipe.Recipe {
	t.Helper()
	overrides := []string{"train.steps=12", "train.log.every=3", "train.eval={every: 5, batches: 2}", "train.checkpoint.every=4",
		"train.optimizer.warmup=3"}
	r, err := recipe.Parse([]byte(strings.ReplaceAll(text, "DIR", dir)), "small", overrides)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func textFiles(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for i := range 9 {
		text := fmt.Sprintf("document %d: %s", i, strings.Repeat("one two three, ", 20))
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.txt", i)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var bases strings.Builder
	random := data.NewRandom(1, 1)
	for range 1200 {
		bases.WriteByte("ACGT"[random.IntN(4)])
	}
	if err := os.WriteFile(filepath.Join(dir, "short.fa"), []byte(">a\n"+bases.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var examples strings.Builder
	for i := range 20 {
		fmt.Fprintf(&examples, "{\"text\":%q,\"label\":%d,\"number\":%d.5,\"answer\":\"%d\"}\n", strings.Repeat("ab cd"[i%4:], 1+i%6), i%3, i, i)
	}
	if err := os.WriteFile(filepath.Join(dir, "examples.jsonl"), []byte(examples.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// session trains until the run ends or, where stop is positive, a step after stop is done. It returns the model
// file and newest checkpoint, and the pool's bytes left in use.
func session(t *testing.T, r *recipe.Recipe, dir string, threads int, stop int64, resume bool) train.Result {
	t.Helper()
	sets, err := r.Data.Open(r.Train.Seed)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Fit(sets); err != nil {
		t.Fatal(err)
	}
	x := tensor.Exec{Threads: threads, Pool: tensor.NewPool()}
	m, err := r.Build(sets, model.Options{Pool: x.Pool, Train: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	job, err := r.Job(sets, m, x)
	if err != nil {
		t.Fatal(err)
	}
	job.Report = func(report train.Report) {
		if stop > 0 && report.Step >= stop {
			cancel()
		}
	}
	do := train.Run
	if resume {
		do = train.Resume
	}
	result, err := do(ctx, dir, job)
	if err != nil {
		t.Fatal(err)
	}
	m.Close()
	if left := x.Pool.InUse(); left != 0 {
		t.Errorf("%d bytes are not back in the pool", left)
	}
	return result
}

func contents(t *testing.T, paths ...string) (all string) {
	t.Helper()
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all += string(b)
	}
	return all
}

// A run on one thread gives the same bits as one on three that is interrupted and resumed twice.
func TestStoppedAndResumedOnOtherThreads(t *testing.T) {
	texts := textFiles(t)
	for name, text := range smallRecipes {
		t.Run(name, func(t *testing.T) {
			whole, parts := t.TempDir(), t.TempDir()
			want := session(t, parseSmall(t, text, texts), whole, 1, 0, false)
			if math.IsNaN(want.Loss) || want.Valid.Targets == 0 {
				t.Fatalf("the run ended with %+v", want)
			}
			session(t, parseSmall(t, text, texts), parts, 3, 3, false)
			session(t, parseSmall(t, text, texts), parts, 2, 10, true)
			got := session(t, parseSmall(t, text, texts), parts, 3, 0, true)
			for _, path := range []string{train.ModelName, filepath.Join("checkpoints", filepath.Base(want.Checkpoint))} {
				if contents(t, filepath.Join(whole, path)) != contents(t, filepath.Join(parts, path)) {
					t.Errorf("%s differs", path)
				}
			}
			if got.Valid != want.Valid || got.Loss != want.Loss {
				t.Errorf("ended with %+v; want %+v", got, want)
			}
		})
	}
}

func TestFitRefuses(t *testing.T) {
	texts := textFiles(t)
	for _, c := range []struct{ text, want string }{
		{"model: {vocab: 3}\ndata: {genome: {}}", "vocab is 3 and the data has 5"},
		{"model: {head: classify, kind: encoder}\ndata: {genome: {}}", "needs labels"},
		{"model: {head: lm}\ndata: {pathfinder: {}}", "predicts tokens"},
		{"model: {head: classify}\ndata: {recall: {queries: 2}}", "needs labels"},
		{"model: {head: classify}\ndata: {needle: {answer: 2}}", "needs labels"},
		{"model: {kind: encoder, head: tag}\ndata: {genome: {}}", "the head tag learns classes of tokens"},
		{"model: {kind: encoder, head: tag, classes: 3}\ndata: {recall: {}}", "classes is 3 and the answers are among 144 tokens"},
		{"data: {genome: {repeats: 0.7}}", "repeats is 0.7"},
		{"model: {head: regress}\ndata: {genome: {}}", "regress"},
		{"model: {classes: 4}\ndata: {listops: {}}", "classes is 4 and the data has 10"},
		{"model: {kind: transformer-xl}\ndata: {text: {train: [" + texts + "], hold_out: 3}}", "data.text.stateful"},
		{"model: {kind: encoder-decoder}\ndata: {genome: {}}", "pairs of a source and a target"},
		{"model: {kind: decoder}\ndata: {pairs: {too_long: truncate}}", "only an encoder-decoder reads the sources"},
		{"model: {kind: encoder}\ndata: {pairs: {too_long: truncate}}", "only an encoder-decoder reads the sources"},
		{"model: {head: classify}\ndata: {pairs: {too_long: truncate}}", "needs labels"},
		{"model: {kind: transformer-xl}\ndata: {genome: {}}", "set model.segment"},
		{"model: {kind: transformer-xl}\ndata: {genome: {}}", "set data.genome.stateful to true"},
		{"model: {kind: transformer-xl, segment: 64}\ndata: {genome: {stateful: true}}", "leave segment out"},
		{"data: {genome: {stateful: true}}", "the kind is decoder, which has no memory"},
		{"data: {genome: {stateful: true, stride: 7}}", "stride or repeats"},
		{"model: {head: lm}\ndata: {labelled: {too_long: truncate}}", "use the head classify"},
		{"model: {kind: encoder, head: regress}\ndata: {labelled: {too_long: truncate}}", "needs a number for each sequence"},
		{"model: {head: lm}\ndata: {genes: {}}", "use the head tag"},
		{"model: {width: 30, heads: 4}\ndata: {genome: {}}", "model"},
	} {
		r, err := recipe.Parse([]byte(c.text), "r", nil)
		if err == nil {
			sets, openErr := r.Data.Open(1)
			if openErr != nil {
				t.Fatal(openErr)
			}
			if err = r.Fit(sets); err == nil {
				_, err = r.Build(sets, model.Options{Pool: tensor.NewDryPool(), Train: true})
			}
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error\n  %v\nwant one with\n  %s", c.text, err, c.want)
		}
	}
}

func TestEvaluationLeavesTrainingAlone(t *testing.T) {
	texts := textFiles(t)
	r := parseSmall(t, smallRecipes["transformer-xl on text"], texts)
	sets, err := r.Data.Open(1)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Fit(sets); err != nil {
		t.Fatal(err)
	}
	x := tensor.Exec{Pool: tensor.NewPool()}
	m, err := r.Build(sets, model.Options{Pool: x.Pool, Train: true})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	evaluate := func() train.Score {
		source, err := sets.Validation()
		if err != nil {
			t.Fatal(err)
		}
		score, err := train.Evaluate(context.Background(), x, m, source, 0)
		if err != nil {
			t.Fatal(err)
		}
		return score
	}
	var b data.Batch
	if err := sets.Train.Next(&b); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Train(x, &b, data.Pass{Step: 1, Weight: 1}); err != nil {
		t.Fatal(err)
	}
	before, first := string(m.State()), evaluate()
	if want := 4 * len(b.Tokens) * 32 * 2; len(before) < want { // two layers of 32 features
		t.Errorf("training carries %d bytes; want %d at least", len(before), want)
	}
	if second := evaluate(); first != second {
		t.Errorf("the second evaluation gives %+v; the first gave %+v", second, first)
	}
	if string(m.State()) != before {
		t.Error("what training carries has changed")
	}
	if err := m.Restore([]byte{1, 2, 3}); err == nil {
		t.Error("a damaged memory was restored")
	}
}

// A masked language model that is certain has a loss of 0, and is right all the same.
func TestCertainGuessesCount(t *testing.T) {
	r, err := recipe.Parse([]byte("model: {kind: encoder, head: mlm, width: 16, layers: 1, heads: 2, bias: true}\n"+
		"data: {genome: {tokens: 64}}"), "r", nil)
	if err != nil {
		t.Fatal(err)
	}
	sets := setsOf(t, &r.Data)
	if err := r.Fit(sets); err != nil {
		t.Fatal(err)
	}
	x := tensor.Exec{Pool: tensor.NewPool()}
	m, err := r.Build(sets, model.Options{Pool: x.Pool})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for _, p := range m.Params() {
		if p.Name == "head.bias" {
			p.Value.F32[0] = 1000
		}
	}
	b := &data.Batch{Tokens: make([]int32, 64), Lengths: []int{64}}
	o, err := m.Eval(x, b, 0)
	if err != nil || o.Loss != 0 || o.Targets == 0 || o.Correct != o.Targets {
		t.Errorf("%+v, %v; want a loss of 0 and every target right", o, err)
	}
}
