package model

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/tensor"
)

// sourceSpec is an encoder-decoder of 16 learned positions.
func sourceSpec(t *testing.T) Spec {
	t.Helper()
	s, err := Config{Kind: EncoderDecoder, Vocab: 11, Width: 16, Layers: 2, Heads: 2, Position: "learned", MaxTokens: 16, Seed: 3}.Spec()
	if err != nil {
		t.Fatal(err)
	}
	s.Embed.Norm, s.Embed.Scale, s.Embed.FirstPosition = &Norm{Kind: "layer"}, 4, 2
	return s
}

// sourceBatch has two sequences with sources.
func sourceBatch() *data.Batch {
	b := batch(1, 5, 9)
	b.Source = batch(2, 13, 4)
	return b
}

// An embedding of the source with the weights of the target's gives the bits of one embedding for both.
func TestSourceEmbedding(t *testing.T) {
	shared := sourceSpec(t)
	want, err := newOf(t, shared, Options{}).NewSession(tensor.Exec{}).Predict(sourceBatch(), StepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, ownTable := range []bool{false, true} {
		s := sourceSpec(t)
		s.SourceEmbed = &SourceEmbedding{Embedding: s.Embed, OwnTable: ownTable}
		m := newOf(t, s, Options{})
		from := newOf(t, shared, Options{})
		for _, p := range m.Params() {
			name := p.Name
			if own := from.params.Named(strings.TrimPrefix(name, "source.")); own != nil && from.params.Named(name) == nil {
				name = own.Name
			}
			copy(p.Value.F32, from.params.Named(name).Value.F32)
		}
		got, err := m.NewSession(tensor.Exec{}).Predict(sourceBatch(), StepOptions{})
		if err != nil || !slices.Equal(got.F32, want.F32) {
			t.Errorf("own table %t: logits %v, want %v: %v", ownTable, got.F32[:4], want.F32[:4], err)
		}
	}
}

// Every weight of both embeddings learns, with the same bits where layers are recomputed.
func TestSourceEmbeddingTrains(t *testing.T) {
	s := sourceSpec(t)
	s.SourceEmbed = &SourceEmbedding{Embedding: Embedding{Positions: 20, TokenTypes: 2, Norm: &Norm{Kind: "rms"}}, OwnTable: true}
	b := sourceBatch()
	b.Source.Types = make([]int32, len(b.Source.Tokens))
	b.Source.Types[3] = 1
	var models []*Model
	for _, s.Recompute = range []string{"", "every"} {
		m := newOf(t, s, Options{Train: true})
		if _, err := m.NewSession(tensor.Exec{}).Step(b, StepOptions{Backward: true}); err != nil {
			t.Fatal(err)
		}
		models = append(models, m)
	}
	if !slices.Equal(grads(models[0]), grads(models[1])) {
		t.Error("recomputed layers have other gradients")
	}
	for _, p := range models[0].Params() {
		if slices.Max(p.Grad.F32) == 0 && slices.Min(p.Grad.F32) == 0 {
			t.Errorf("no gradient reached %s", p.Name)
		}
	}
	text, err := json.Marshal(s)
	var again Spec
	if err == nil {
		err = json.Unmarshal(text, &again)
	}
	if err != nil || !reflect.DeepEqual(s, again) {
		t.Errorf("read back %+v, wrote %+v: %v", again, s, err)
	}
}

// The states of the encoder do not depend on the other sources of a batch, and the last of them is what the decoder reads.
func TestSourceStates(t *testing.T) {
	s := sourceSpec(t)
	s.SourceEmbed = &SourceEmbedding{Embedding: Embedding{Positions: 20}}
	session := newOf(t, s, Options{}).NewSession(tensor.Exec{})
	all, err := session.SourceStates(sourceBatch().Source)
	if err != nil || len(all) != 4 { // embeddings, two layers and the last norm
		t.Fatalf("%d states, %v", len(all), err)
	}
	one := &data.Batch{Tokens: sourceBatch().Source.Tokens[:13], Lengths: []int{13}}
	alone, err := session.SourceStates(one)
	if err != nil {
		t.Fatal(err)
	}
	for i := range alone {
		if !slices.Equal(alone[i].F32, all[i].SliceRows(0, 13).F32) {
			t.Errorf("state %d of a source depends on the other source", i)
		}
	}
	for want, sources := range map[string]*data.Batch{
		"found no batch": nil,
		"sequence 0 has 21 tokens, the model has 20 learned positions": batch(1, 21),
		"token 0 of the batch is 11":                                   {Tokens: []int32{11}, Lengths: []int{1}},
	} {
		if _, err := session.SourceStates(sources); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	decoder := newOf(t, specs(t)["qk norms"], Options{})
	if _, err := decoder.NewSession(tensor.Exec{}).SourceStates(one); err == nil || !strings.Contains(err.Error(), "reads no source") {
		t.Errorf("sources of a decoder: %v", err)
	}
}

// The learned positions of the source bound the source, and those of the target the target.
func TestSourcePositions(t *testing.T) {
	s := sourceSpec(t)
	s.SourceEmbed = &SourceEmbedding{Embedding: Embedding{Positions: 40, FirstPosition: 1}}
	if got, want := [2]int{s.MaxSource(), s.MaxTokens()}, [2]int{39, 14}; got != want {
		t.Errorf("limits %v, want %v", got, want)
	}
	session := newOf(t, s, Options{}).NewSession(tensor.Exec{})
	b := batch(1, 14)
	b.Source = batch(2, 39)
	if _, err := session.Predict(b, StepOptions{}); err != nil {
		t.Error(err)
	}
	b.Source = batch(2, 40)
	if _, err := session.Predict(b, StepOptions{}); err == nil || !strings.Contains(err.Error(), "39 learned positions") {
		t.Errorf("a source that is too long: %v", err)
	}
	if _, err := session.Decode(b.Source.Tokens); err == nil || !strings.Contains(err.Error(), "of the sources") {
		t.Errorf("a source that is too long: %v", err)
	}
}

func TestSourceEmbeddingIsRefused(t *testing.T) {
	for want, e := range map[string]Embedding{
		"source_embed: first_position: found row 9": {Positions: 9, FirstPosition: 9},
		"source_embed: found hashed_ngrams":         {HashedNgrams: []int{2}, HashedNgramRows: 8},
		"source_embed: embed.scale: found -1":       {Scale: -1},
		"source_embed: nn: norm \"batch\"":          {Norm: &Norm{Kind: "batch"}},
	} {
		s := sourceSpec(t)
		s.SourceEmbed = &SourceEmbedding{Embedding: e}
		if err := s.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	s := specs(t)["qk norms"]
	s.SourceEmbed = &SourceEmbedding{}
	if err := s.Check(); err == nil || !strings.Contains(err.Error(), "source_embed: found in a model of kind decoder") {
		t.Errorf("a decoder with an embedding of a source: %v", err)
	}
}
