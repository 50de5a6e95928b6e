package model

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/longspan/longspan/tensor"
)

// Vectors that go on from any state have the bits of those that never stopped: amid a text, and between texts.
func TestEmbedGoesOn(t *testing.T) {
	m := tiny(t, "bert_plain")
	texts := []string{long(150), long(3), long(90), long(5)}
	for _, o := range []EmbedOptions{
		{Pooling: "mean", ReadOptions: ReadOptions{Chunk: 32, Overlap: 8, Batch: 64}},
		{Pooling: "last", ReadOptions: ReadOptions{Chunk: 32, Overlap: 8, Batch: 64}},
		{Pooling: "mean", Passages: TokenPassages(20, 4), ReadOptions: ReadOptions{Chunk: 32, Overlap: 8, Batch: 100}},
	} {
		var states []EmbedState
		whole := o
		whole.Saved = func(s func() EmbedState) error { states = append(states, s()); return nil }
		want, err := m.NewSession(tensor.Exec{}).Embed(context.Background(), texts, whole)
		if err != nil {
			t.Fatal(err)
		}
		if len(states) < 4 || states[0].Pieces == 0 || states[len(states)-1].Texts != len(texts) {
			t.Fatalf("found the states %+v", states)
		}
		for _, from := range states {
			rest := o
			rest.From = from
			got, err := m.NewSession(tensor.Exec{}).Embed(context.Background(), texts, rest)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(append(want[:from.Texts:from.Texts], got...), want) {
				t.Errorf("after %d texts and %d chunks the vectors differ", from.Texts, from.Pieces)
			}
		}
	}
}

func TestEmbedStateRefuses(t *testing.T) {
	m := tiny(t, "bert_plain")
	o := EmbedOptions{Pooling: "mean", ReadOptions: ReadOptions{Chunk: 32, Overlap: 8}}
	for _, c := range []struct {
		from EmbedState
		want string
	}{
		{EmbedState{Texts: 2}, "found a state after 2 texts of 1"},
		{EmbedState{Texts: -1}, "found a state after -1 texts of 1"},
		{EmbedState{Pieces: 99}, "found a state of 99 chunks and 0 bytes of sums for a text of 7 chunks and 1 passages"},
		{EmbedState{Pieces: 1, Sums: make([]byte, 9)}, "found a state of 1 chunks and 9 bytes"},
	} {
		o.From = c.from
		if _, err := m.NewSession(tensor.Exec{}).Embed(context.Background(), []string{long(150)}, o); err == nil ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("found the error %v, want %q", err, c.want)
		}
	}
	full := errors.New("full")
	o.From, o.Saved = EmbedState{}, func(func() EmbedState) error { return full }
	if _, err := m.NewSession(tensor.Exec{}).Embed(context.Background(), []string{long(150)}, o); !errors.Is(err, full) {
		t.Errorf("found the error %v, want that of Saved", err)
	}
}
