package plan

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train"
)

// counting is an engine that moves, and counts what it moves by name.
type counting struct {
	parallel.Engine
	mu     sync.Mutex
	counts map[string]parallel.Counts
}

func (c *counting) Begin(name string, send, recv []parallel.Part) parallel.Pending {
	c.mu.Lock()
	n := c.counts[name]
	n.Add(parallel.CountParts(send, recv))
	c.counts[name] = n
	c.mu.Unlock()
	return c.Engine.Begin(name, send, recv)
}

// repeated is a source of one batch again and again.
type repeated struct{ batch data.Batch }

func (r *repeated) Next(b *data.Batch) error { *b = r.batch; return nil }
func (*repeated) State() []byte              { return nil }
func (*repeated) Restore([]byte) error       { return nil }

// overJobs are jobs over ranks, without their number.
func overJobs() map[string]Job {
	return map[string]Job{
		"window": job(model.Config{Layers: 2, Attention: []string{"window(300)"}}, 2100),
		"longformer": job(model.Config{Layers: 2, Kind: model.Encoder, Attention: []string{"window(128) | global(0)"}, Recompute: "every"},
			1900, 300),
		"performer": job(model.Config{Layers: 2, Kind: model.Encoder, Head: model.Classify, Classes: 3, Precision: "bf16",
			Attention: []string{"performer(features=16)"}}, 1300, 900),
		"dense": job(model.Config{Layers: 2}, 2100),
		"mixed": job(model.Config{Layers: 3, Attention: []string{"window(100)", "full"}, Recompute: "2"}, 1600),
	}
}

// measured is what a rank of a run took.
type measured struct {
	counts map[string]parallel.Counts // of a step
	peak   int64
}

// runOver trains j over its ranks, which are goroutines.
func runOver(t *testing.T, j Job) []measured {
	t.Helper()
	all, errs := make([]measured, j.ranks()), make([]error, j.ranks())
	dir := filepath.Join(t.TempDir(), "run")
	var wait sync.WaitGroup
	for i, e := range parallel.Local(j.ranks()) {
		wait.Go(func() {
			if all[i], errs[i] = runRank(j, e, dir); errs[i] != nil {
				e.Abort(1, errs[i].Error())
			}
		})
	}
	wait.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return all
}

func runRank(j Job, e parallel.Engine, dir string) (measured, error) {
	c := &counting{Engine: e, counts: map[string]parallel.Counts{}}
	x := tensor.Exec{Threads: j.Threads, Pool: tensor.NewPool()}
	m, err := model.NewOf(j.Model, model.Options{Pool: x.Pool, Train: true})
	if err != nil {
		return measured{}, err
	}
	defer m.Close()
	j = j.sharded()
	j.Train.Steps, j.Train.Optimizer.Warmup, j.Train.Precision = 1, 0, j.Model.Precision
	b := *j.batch()
	r := rand.New(rand.NewPCG(1, 2))
	for i := range b.Tokens {
		b.Tokens[i] = int32(r.IntN(j.Model.Vocab))
	}
	_, err = train.Run(context.Background(), dir, train.Job{Config: j.Train, Model: m, Train: &repeated{b}, Exec: x, Ranks: c})
	return measured{c.counts, x.Pool.Peak()}, err
}

// layout is ranks, shards, shards of a sequence and of features, and batches of each data shard.
type layout struct{ ranks, shards, sequence, tensor, batches int }

// What ranks exchange and take is what was planned: every count of every rank exactly, and the pool's peak within a tenth. Of shards that
// run side by side the peaks are planned to come at once, which they may not.
func TestOverRanksIsTheRun(t *testing.T) {
	all := overJobs()
	for name := range all {
		for _, l := range []layout{{2, 2, 2, 1, 1}, {4, 4, 4, 1, 1}} {
			t.Run(fmt.Sprintf("%s %+v", name, l), func(t *testing.T) { checkOver(t, all[name], l) })
		}
	}
	for _, l := range []layout{{4, 4, 2, 1, 2}, {2, 4, 4, 1, 1}, {2, 8, 2, 1, 1}, {1, 4, 4, 1, 1}, {2, 2, 1, 1, 1}, {3, 3, 3, 1, 1},
		{2, 2, 1, 2, 1}, {4, 4, 2, 2, 1}, {4, 8, 2, 2, 1}} {
		t.Run(fmt.Sprintf("window %+v", l), func(t *testing.T) { checkOver(t, all["window"], l) })
	}
}

func checkOver(t *testing.T, j Job, l layout) {
	j.Ranks, j.Train.Shards, j.Train.SequenceShards, j.Train.TensorShards = l.ranks, l.shards, l.sequence, l.tensor
	j.Train.Accumulate = l.shards / l.sequence / l.tensor * l.batches
	e, err := Make(j)
	if err != nil {
		t.Fatal(err)
	}
	got := runOver(t, j)
	x, m, _, err := j.sharded().dry(true)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.optimizer(x, m); err != nil {
		t.Fatal(err)
	}
	w := newWalker(j.sharded(), m)
	var peak int64
	for rank, run := range got {
		planned, err := w.rank(x, rank)
		if err != nil {
			t.Fatal(err)
		}
		for name, c := range planned.engine.ByName {
			if c != run.counts[name] {
				t.Errorf("rank %d, %s: planned %+v, counted %+v", rank, name, c, run.counts[name])
			}
		}
		for name := range run.counts {
			if _, ok := planned.engine.ByName[name]; !ok && name != "state of the run" && name != "state of the run (length)" {
				t.Errorf("rank %d: %s was not planned", rank, name)
			}
		}
		ratio := float64(run.peak) / float64(planned.peak)
		t.Logf("rank %d: planned %d bytes, took %.3f of it", rank, planned.peak, ratio)
		if ratio < 0.9 && l.shards/l.ranks == 1 || ratio < 0.6 || ratio > 1.1 {
			t.Errorf("rank %d: planned %d bytes, took %d, %.2f of it", rank, planned.peak, run.peak, ratio)
		}
		peak = max(peak, planned.peak)
	}
	if e.Bytes.Pool() != peak {
		t.Errorf("the plan has %d bytes, its fullest rank %d", e.Bytes.Pool(), peak)
	}
}

// The exchanges of the layers are those of the step, but for the losses and the means of sequences.
func TestLayersAddUpToTheStep(t *testing.T) {
	for name, j := range overJobs() {
		j.Ranks, j.Train.Shards, j.Model.Recompute = 2, 4, "none"
		e, err := Make(j)
		if err != nil {
			t.Fatal(name, err)
		}
		var sum parallel.Counts
		layers := 0
		for _, l := range e.Over.Layers {
			layers += len(l.Layers)
			sum.Add(l.Forward.Times(int64(len(l.Layers))))
			sum.Add(l.Backward.Times(int64(len(l.Layers))))
		}
		for _, x := range e.Over.ByName {
			if x.Name == "losses" || strings.Contains(x.Name, "means of sequences") {
				sum.Add(x.Counts)
			}
		}
		if sum != e.Over.Exchange || layers != len(j.Model.Layers) {
			t.Errorf("%s: %d layers exchange %+v, the step %+v", name, layers, sum, e.Over.Exchange)
		}
		var all parallel.Counts
		for _, x := range e.Over.ByName {
			all.Add(x.Counts)
		}
		all.Add(e.Over.Exchange.Times(-1))
		if all != e.Over.Sums || all.Received == 0 {
			t.Errorf("%s: sums of gradients of %+v, found %+v", name, all, e.Over.Sums)
		}
	}
}

// Linear attention hands on sums from rank to rank: a step waits for the hops of all others, forward, again forward, and backward.
func TestChain(t *testing.T) {
	j := job(model.Config{Layers: 3, Attention: []string{"performer(features=16)", "window(8)"}, Recompute: "1"}, 5000)
	j.Ranks, j.Train.Accumulate, j.Train.SequenceShards = 8, 2, 8
	e, err := Make(j)
	if err != nil {
		t.Fatal(err)
	}
	const hops, passes = 6, 2 + 3 // two layers of three, of which the first is recomputed
	if got := e.Over.Chain; got.Exchanges != 2*hops*passes || got.Messages != got.Exchanges || got.Received == 0 {
		t.Errorf("found the chain %+v, expected %d exchanges", got, 2*hops*passes)
	}
	n, o := Network{Rate: 1e9, Latency: 1}, *e.Over
	with := o.Seconds(n, 1, 1).Exchange
	o.Chain = parallel.Counts{}
	if without := o.Seconds(n, 1, 1).Exchange; with < without+2*hops*passes {
		t.Errorf("exchanges take %g s with the chain, %g s without", with, without)
	}
}

// Of many ranks only those that may need the most are walked, and they have the most of all.
func TestCandidatesHaveTheMost(t *testing.T) {
	for name, j := range map[string]Job{
		"causal window": job(model.Config{Layers: 1, Attention: []string{"window(700)"}}, 512*24),
		"global": job(model.Config{Layers: 1, Kind: model.Encoder, Attention: []string{"window(100) | global(0)"}}, 512*20, 300, 5000,
			4*512),
		"dense":      job(model.Config{Layers: 1}, 512*12+7),
		"by batches": job(model.Config{Layers: 1, Kind: model.Encoder, Attention: []string{"window(100)"}}, 5000, 2000),
	} {
		j.Ranks = 12
		if name == "by batches" {
			j.Ranks, j.Train.Shards, j.Train.SequenceShards, j.Train.Accumulate = 16, 32, 16, 2
		}
		j = j.sharded()
		some := j.candidates()
		if len(some) == j.Ranks {
			t.Errorf("%s: walks all of %d ranks", name, j.Ranks)
		}
		x, m, _, err := j.dry(true)
		if err != nil {
			t.Fatal(name, err)
		}
		w := newWalker(j, m)
		var most, found rankWalk
		var received, foundReceived int64
		for rank := range j.Ranks {
			r, err := w.rank(x, rank)
			if err != nil {
				t.Fatal(name, err)
			}
			n := r.engine.Counts.Received
			received, most.peak, most.cost.Attention = max(received, n), max(most.peak, r.peak), max(most.cost.Attention, r.cost.Attention)
			if slices.Contains(some, rank) {
				foundReceived, found.peak = max(foundReceived, n), max(found.peak, r.peak)
				found.cost.Attention = max(found.cost.Attention, r.cost.Attention)
			}
		}
		if most.peak != found.peak || most.cost != found.cost || received != foundReceived {
			t.Errorf("%s: ranks %v have %d bytes, %d flops and receive %d, the most are %d, %d and %d", name, some, found.peak,
				found.cost.Attention, foundReceived, most.peak, most.cost.Attention, received)
		}
	}
}

// A longer evaluation takes its memory of every rank, and no exchange of a step.
func TestEvaluationOverRanks(t *testing.T) {
	j := job(model.Config{Layers: 1, Kind: model.Encoder, Attention: []string{"window(64)"}}, 1100)
	j.Ranks = 2
	short, err := Make(j)
	if err != nil {
		t.Fatal(err)
	}
	j.EvalLengths = []int{60_000}
	long, err := Make(j)
	if err != nil {
		t.Fatal(err)
	}
	if long.Bytes.Activations < 5*short.Bytes.Activations || long.Cost != short.Cost || long.Over.Exchange != short.Over.Exchange ||
		long.Over.Further != short.Over.Further {
		t.Errorf("with a long evaluation %+v, without %+v", long, short)
	}
}

// A Transformer-XL trains by batches of its own on each rank. A rank keeps the memories of all of its shards.
func TestMemoriesOfShards(t *testing.T) {
	j := job(model.Config{Kind: model.TransformerXL, Memory: 96}, 64, 64)
	j.Ranks, j.Train.Shards, j.Train.Accumulate = 2, 2, 4
	two, err := Make(j)
	if err != nil {
		t.Fatal(err)
	}
	j.Train.Shards = 4
	four, err := Make(j)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := four.Bytes.Activations-two.Bytes.Activations, int64(4*2*96*32*4); got != want {
		t.Errorf("another shard a rank takes %d bytes of activations, expected its memory, %d", got, want)
	}
	if two.Over.Sequence != 1 || len(two.Over.Layers) != 0 {
		t.Errorf("layers that exchange nothing: %+v", two.Over)
	}
}

func TestOverRanksIsChecked(t *testing.T) {
	for want, change := range map[string]func(*Job){
		"found -1 ranks, expected 1 to 16384":         func(j *Job) { j.Ranks = -1 },
		"found 20000 ranks":                           func(j *Job) { j.Ranks = 20000 },
		"found 3 shards for 2 ranks":                  func(j *Job) { j.Ranks, j.Train.Shards = 2, 3 },
		"use a power of two":                          func(j *Job) { j.Ranks, j.Train.Shards = 2, 6 },
		"expected an encoder or a decoder":            func(j *Job) { j.Ranks = 2; *j = xl(*j) },
		"sequence_shards is 3; it must divide the 4 ": func(j *Job) { j.Ranks, j.Train.Shards, j.Train.SequenceShards = 4, 4, 3 },
	} {
		j := job(model.Config{Layers: 1}, 600)
		change(&j)
		if _, err := Make(j); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func xl(j Job) Job {
	j.Model = job(model.Config{Kind: model.TransformerXL, Memory: 8}).Model
	return j
}
