package recipe_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/internal/cpu"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/plan"
	"github.com/longspan/longspan/recipe"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train"
)

// examples lists the recipes of the project.
func examples(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("../examples/*.yaml")
	if err != nil || len(paths) < 9 {
		t.Fatalf("found the examples %v, %v; want nine or more", paths, err)
	}
	return slices.DeleteFunc(paths, func(path string) bool {
		return filepath.Base(path) == "photos.yaml" // a recipe of package picture/recipe
	})
}

// brief makes r a run of some steps, with evaluations and checkpoints among them.
func brief(r *recipe.Recipe, steps int64) {
	r.Train.Steps, r.Train.Optimizer.Warmup = steps, 0
	r.Train.Eval.Every, r.Train.Eval.Batches = max(1, steps/2), 1
	r.Train.Checkpoint.Every, r.Train.Log.Every = 0, 1
}

// shrink makes the steps of r short, and leaves everything else about it.
func shrink(r *recipe.Recipe) {
	d := &r.Data
	d.Batch = min(d.Batch, 2)
	switch {
	case d.Genome != nil:
		d.Genome.Tokens = min(d.Genome.Tokens, 1024)
	case d.Text != nil:
		d.Text.Tokens = min(d.Text.Tokens, 256)
	case d.Pairs != nil:
		d.Pairs.Tokens = min(d.Pairs.Tokens, 256)
	case d.Contrastive != nil:
		d.Contrastive.Tokens = min(d.Contrastive.Tokens, 256)
	case d.ListOps != nil:
		d.ListOps.MinTokens, d.ListOps.MaxTokens = 100, 400
	case d.Recall != nil:
		d.Recall.Tokens = min(d.Recall.Tokens, 256)
	}
	if r.Model.Memory > 0 {
		r.Model.Memory = 256
	}
}

// opened is a recipe with its data and its plan.
type opened struct {
	recipe *recipe.Recipe
	sets   *data.Bundle
	plan   plan.Estimate
}

func open(t *testing.T, r *recipe.Recipe) opened {
	t.Helper()
	sets, err := r.OpenAvailable()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Fit(sets); err != nil {
		t.Fatal(err)
	}
	if _, err := r.FitMemory(sets, recipe.Room{Threads: 2}); err != nil {
		t.Fatal(err)
	}
	job, err := r.Plan(sets, 2)
	if err != nil {
		t.Fatal(err)
	}
	e, err := plan.Make(job)
	if err != nil {
		t.Fatal(err)
	}
	return opened{r, sets, e}
}

// run trains as the tool does, and returns the pool that it used.
func (o opened) run(t *testing.T, report func(train.Report)) *tensor.Pool {
	t.Helper()
	x := tensor.Exec{Threads: 2, Pool: tensor.NewPool()}
	x.Pool.Reserve(o.plan.Bytes.Pool() * 5 / 4)
	m, err := o.recipe.Build(o.sets, model.Options{Pool: x.Pool, Train: true})
	if err != nil {
		t.Fatal(err)
	}
	job, err := o.recipe.Job(o.sets, m, x)
	if err != nil {
		t.Fatal(err)
	}
	job.Report = report
	_, err = train.Run(context.Background(), filepath.Join(t.TempDir(), "run"), job)
	if err != nil {
		t.Fatal(err)
	}
	m.Close()
	return x.Pool
}

// peakTolerance is how far the pool's peak may lie from the plan, as a share of the plan.
const peakTolerance = 0.05

func checkPeak(t *testing.T, r *recipe.Recipe) {
	t.Helper()
	o := open(t, r)
	pool := o.run(t, nil)
	defer pool.Trim()
	planned, peak := o.plan.Bytes.Pool(), pool.Peak()
	t.Logf("planned %d, peak %d bytes: %.3f; touched %d", planned, peak, float64(peak)/float64(planned), pool.Touched())
	if d := float64(peak) - float64(planned); d > peakTolerance*float64(planned) || d < -peakTolerance*float64(planned) {
		t.Errorf("planned %d bytes, the pool's peak is %d: %.3f of it", planned, peak, float64(peak)/float64(planned))
	}
}

func TestPeakOfTheExamples(t *testing.T) {
	if kernel.Level() == cpu.Generic {
		t.Skip("no kernel takes memory, and plain Go takes minutes")
	}
	for _, path := range examples(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			r, err := recipe.Load(path, nil)
			if err != nil {
				t.Fatal(err)
			}
			withoutDownloads(t, r)
			shrink(r)
			brief(r, 6)
			checkPeak(t, r)
		})
	}
}

// Every setting that takes or saves memory, each with some of the others.
func TestPeakOfTheSettings(t *testing.T) {
	const genome = "\ndata: {batch: 2, genome: {tokens: 512}}"
	for name, text := range map[string]string{
		"bf16, every, adafactor": "model: {width: 64, layers: 3, heads: 4, precision: bf16, recompute: every}" + genome + "\n" +
			"train: {optimizer: {name: adafactor}}",
		"fp16, sqrt, accumulate": "model: {width: 64, layers: 4, heads: 4, precision: fp16, recompute: sqrt}" + genome + "\n" +
			"train: {accumulate: 3}",
		"two layers, average": "model: {width: 64, layers: 4, heads: 4, recompute: '2'}" + genome + "\ntrain: {ema: 0.99}",
		"auto":                "model: {width: 64, layers: 2, heads: 4, recompute: auto}" + genome,
		"nystrom, dropout": "model: {kind: encoder, head: mlm, width: 64, layers: 2, heads: 4, dropout: " +
			"0.1, attention: ['nystrom(landmarks=16)']}" + genome,
		"alibi, grouped heads": "model: {width: 64, layers: 2, heads: 4, kv_heads: 2, position: alibi, " +
			"activation: swiglu, attention: ['window(64)']}" + genome,
		"t5, sinks, post": "model: {width: 64, layers: 2, heads: 4, position: t5, sinks: true, norm_place: post}" + genome,
		"tagged, learned": "model: {kind: encoder, head: tag, width: 64, layers: 2, heads: 4, position: learned}\n" +
			"data: {batch: 2, recall: {tokens: 256}}",
		"segments of a sequence": "model: {kind: transformer-xl, width: 64, layers: 2, heads: 4, memory: 96, segment: 64}\n" +
			"data: {batch: 2, recall: {tokens: 256}}",
		"transformer-xl, bf16": "model: {kind: transformer-xl, width: 64, layers: 2, heads: 4, memory: 128, precision: bf16}\n" +
			"data: {batch: 2, text: {tokens: 64, stateful: true}}",
		"transformer-xl, streams": "model: {kind: transformer-xl, width: 64, layers: 2, heads: 4, memory: 128}\n" +
			"data: {batch: 2, genome: {tokens: 128, stateful: true}}",
		"hierarchical, causal": "model: {kind: hierarchical, width: 64, layers: 2, heads: 4, segment: 32}" + genome,
		"sequences of all lengths": "model: {width: 64, layers: 2, heads: 4, kind: encoder, head: classify}\n" +
			"data: {batch: 4, listops: {min_tokens: 50, max_tokens: 500}}",
	} {
		t.Run(name, func(t *testing.T) {
			r, err := recipe.Parse([]byte(text), name, nil)
			if err != nil {
				t.Fatal(err)
			}
			brief(r, 6)
			checkPeak(t, r)
		})
	}
}

// Validation documents may be far longer than those to train on: an evaluation then takes more than a step.
func TestPeakOfLongValidation(t *testing.T) {
	var short, long []string
	for i := range 12 {
		short = append(short, fmt.Sprintf(`{"text": "abc", "label": %d, "source": "abc", "target": "ab"}`, i%2))
		long = append(long, fmt.Sprintf(`{"text": %[1]q, "label": %[2]d, "source": %[1]q, "target": "ab"}`, strings.Repeat("ab", 3000), i%2))
	}
	files := fmt.Sprintf("train: [%s], validation: [%s], tokens: 8192", lines(t, short...), lines(t, long...))
	for name, text := range map[string]string{
		"classes": "model: {kind: encoder, head: classify, width: 64, layers: 2, heads: 4, attention: ['window(16)']}\n" +
			"data: {batch: 2, labelled: {" + files + "}}",
		"pairs": "model: {kind: encoder-decoder, width: 64, layers: 2, heads: 4}\ndata: {batch: 2, pairs: {" + files + "}}",
	} {
		t.Run(name, func(t *testing.T) {
			r, err := recipe.Parse([]byte(text), name, nil)
			if err != nil {
				t.Fatal(err)
			}
			brief(r, 2)
			checkPeak(t, r)
		})
	}
}
