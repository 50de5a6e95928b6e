package verify

import (
	"fmt"
	"hash/fnv"
	"math"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/internal/rankcheck"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
)

// sharedModels are small models whose layers are shared in different ways.
var sharedModels = []struct {
	name, about string
	config      model.Config
}{
	{"window", "a decoder with windows: halos", model.Config{Attention: []string{"window(300)"}}},
	{"longformer", "an encoder with windows and global tokens: halos and sums of spans",
		model.Config{Kind: model.Encoder, Head: model.Tag, Classes: 5, Attention: []string{"window(300) | global(0)"}}},
	{"bigbird", "an encoder with BigBird's blocks: halos with gaps",
		model.Config{Kind: model.Encoder, Head: model.Tag, Classes: 5, Attention: []string{"bigbird"}}},
	{"full", "an encoder that sees everything: heads", model.Config{Kind: model.Encoder, Head: model.Tag, Classes: 5}},
	{"performer", "a decoder with linear attention: sums over keys", model.Config{Attention: []string{"performer(features=32)"}}},
}

// modelChecks lists the checks of models: hidden states have the bits of one rank, and gradients those of goroutines.
func modelChecks() []rankcheck.Check {
	var all []rankcheck.Check
	for _, m := range sharedModels {
		all = append(all, rankcheck.Check{Name: m.name, About: m.about, Run: func(e parallel.Engine) (uint64, error) {
			return stepOver(e, m.config)
		}})
	}
	return all
}

// sharedBatch is packed documents: one that several ranks have, and short ones.
func sharedBatch() *data.Batch {
	b, r := &data.Batch{Lengths: []int{1100, 7, 513}}, data.NewRandom(1, 0)
	for range 1100 + 7 + 513 {
		b.Tokens, b.Targets = append(b.Tokens, int32(r.IntN(11))), append(b.Targets, int32(r.IntN(5)))
	}
	return b
}

// equalsOne returns an error if hidden states over ranks are not those of one rank.
func equalsOne(m *model.Model, b *data.Batch, several tensor.Mat, ranks int) error {
	one, err := m.NewSession(tensor.Exec{}).Hidden(b, model.StepOptions{})
	if err != nil {
		return err
	}
	for i, v := range one.F32 {
		if math.Float32bits(v) != math.Float32bits(several.F32[i]) {
			return fmt.Errorf("verify: found %g in hidden state %d of token %d over %d ranks, and %g on one", several.F32[i], i%one.Cols,
				i/one.Cols, ranks, v)
		}
	}
	return nil
}

// stepOver hashes the gradients of this rank's share of a step. On rank 0 it compares the hidden states with those of one rank.
func stepOver(e parallel.Engine, c model.Config) (uint64, error) {
	c.Vocab, c.Width, c.Layers, c.Heads, c.Seed = 11, 64, 2, 4, 3
	m, err := model.New(c, model.Options{Train: true})
	if err != nil {
		return 0, err
	}
	defer m.Close()
	b, x := sharedBatch(), tensor.Exec{Threads: 1}
	several, err := m.NewSessionOver(x, e).Hidden(b, model.StepOptions{})
	if err == nil && e.Rank() == 0 {
		err = equalsOne(m, b, several, e.Size())
	}
	if err != nil {
		return 0, err
	}
	grads := map[string]tensor.Mat{}
	for _, p := range m.Params() {
		grads[p.Name] = tensor.New(tensor.F32, p.Grad.Rows, p.Grad.Cols)
	}
	team := parallel.Team{All: e, Sequence: e, Tensor: parallel.Whole().Tensor}
	loss, err := m.TrainShare(x, b, data.Pass{Weight: 1}, team, grads)
	if err != nil {
		return 0, err
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "%x", math.Float64bits(loss))
	for _, p := range m.Params() {
		for _, v := range grads[p.Name].F32 {
			fmt.Fprintf(h, "%08x", math.Float32bits(v))
		}
	}
	return h.Sum64(), nil
}
