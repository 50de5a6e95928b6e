package plan

import (
	"strings"
	"testing"

	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/sampling/beam"
	"github.com/longspan/longspan/tensor"
)

// A search is planned as it runs, but for the order of its beams, which moves no memory.
func TestBeamsPeakIsThatOfTheRun(t *testing.T) {
	for name, c := range map[string]model.Config{
		"full": {}, "window": {Attention: []string{"window(16)"}}, "encoder-decoder": {Kind: model.EncoderDecoder},
		"transformer-xl": {Kind: model.TransformerXL, Memory: 48},
	} {
		spec := job(c).Model
		search := Search{Prompt: 40, Tokens: 30, Beams: 3}
		if c.Kind == model.EncoderDecoder {
			search.Source = 50
		}
		e, err := Beams(spec, search, 2)
		if err != nil {
			t.Fatal(name, err)
		}
		x := tensor.Exec{Threads: 2, Pool: tensor.NewPool()}
		m, err := model.NewOf(spec, model.Options{Pool: x.Pool})
		if err != nil {
			t.Fatal(name, err)
		}
		g, err := m.NewSession(x).Decode(make([]int32, search.Source))
		if err != nil {
			t.Fatal(name, err)
		}
		if _, err := g.Step(make([]int32, search.Prompt)); err != nil {
			t.Fatal(name, err)
		}
		b, err := g.Fork(search.Beams)
		if err != nil {
			t.Fatal(name, err)
		}
		for i := range search.Tokens - 1 {
			if _, err := b.Step([]beam.Move{{Parent: i % 3}, {Parent: 1}, {Parent: 1}}); err != nil {
				t.Fatal(name, err)
			}
		}
		if got := x.Pool.InUse() - e.Bytes.Weights; got != e.Bytes.Activations {
			t.Errorf("%s: the beams have %d bytes of state, the plan %d", name, got, e.Bytes.Activations)
		}
		if got := x.Pool.Peak(); got > e.Bytes.Pool() {
			t.Errorf("%s: the peak is %d bytes, the plan has %d", name, got, e.Bytes.Pool())
		}
		b.Close()
		m.Close()
	}
}

func TestBeamsRefuse(t *testing.T) {
	spec := job(model.Config{}).Model
	for want, s := range map[string]Search{
		"found 0 tokens after a prompt of 3":     {Prompt: 3, Beams: 2},
		"found 65 beams, expected 1 to 64":       {Prompt: 3, Tokens: 1, Beams: 65},
		"found a source of 4 tokens for a model": {Source: 4, Prompt: 3, Tokens: 1, Beams: 2},
	} {
		if _, err := Beams(spec, s, 1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found error %v, want %q", err, want)
		}
	}
}
