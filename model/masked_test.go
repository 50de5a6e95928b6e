package model

import (
	"math"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/tensor"
)

// maskedModel is an encoder of five tokens that never hides token 4.
func maskedModel(t *testing.T) *Model {
	t.Helper()
	m, err := New(Config{Kind: Encoder, Vocab: 5, Width: 16, Layers: 1, Heads: 2, Seed: 1, NeverMasked: []int{4}},
		Options{Pool: tensor.NewPool()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// sequencesOf returns n sequences of 5 … 44 tokens.
func sequencesOf(n int) (all [][]int32) {
	r := data.NewRandom(3, 0)
	for range n {
		s := make([]int32, 5+r.IntN(40))
		for i := range s {
			s[i] = int32(r.IntN(5))
		}
		all = append(all, s)
	}
	return all
}

func TestMaskedEvaluationDoesNotDependOnTheBatch(t *testing.T) {
	m := maskedModel(t)
	all := sequencesOf(24)
	var want data.Outcome
	for _, size := range []int{24, 1, 5} {
		var got data.Outcome
		for at := 0; at < len(all); at += size {
			var b data.Batch
			for _, s := range all[at:min(at+size, len(all))] {
				b.Tokens, b.Lengths = append(b.Tokens, s...), append(b.Lengths, len(s))
			}
			o, err := m.Eval(tensor.Exec{Threads: 1}, &b, at)
			if err != nil {
				t.Fatal(err)
			}
			got.Loss += o.Loss * float64(o.Targets)
			got.Targets += o.Targets
			got.Correct += o.Correct
		}
		if size == 24 {
			want = got
		}
		// The means are float32: 24 numbers of about 1.6 per target.
		if got.Targets != want.Targets || got.Correct != want.Correct || math.Abs(got.Loss-want.Loss) > 1e-6*want.Loss || got.Targets < 24 {
			t.Errorf("batches of %d give %+v, want %+v", size, got, want)
		}
	}
}

// Equal sequences have other tokens hidden: places are not the same throughout an evaluation.
func TestMaskedEvaluationHidesOtherPlaces(t *testing.T) {
	m := maskedModel(t)
	b := data.Batch{Tokens: make([]int32, 200), Lengths: []int{100, 100}}
	_, targets := m.hideEach(&b, 0, 0)
	same, hidden := 0, 0
	for i, target := range targets[:100] {
		if target != data.Ignore {
			hidden++
			if targets[100+i] != data.Ignore {
				same++
			}
		}
	}
	if hidden < 5 || same > hidden/2 {
		t.Errorf("of %d hidden tokens %d are hidden in the next sequence too", hidden, same)
	}
}

func TestNeverMaskedTokensAreNoTargets(t *testing.T) {
	m := maskedModel(t)
	for i, tokens := range append(sequencesOf(50), []int32{4, 4, 2, 4}, []int32{4}) {
		_, targets := m.hide(tokens, data.NewRandom(uint64(i), 0))
		n := 0
		for j, target := range targets {
			switch {
			case target == data.Ignore:
			case tokens[j] == 4 || target != tokens[j]:
				t.Fatalf("token %d has the target %d", tokens[j], target)
			default:
				n++
			}
		}
		if least := min(1, m.maskable(tokens)); n < least {
			t.Errorf("%v has no target", tokens)
		}
	}
	blank := data.Batch{Tokens: []int32{4, 4}, Lengths: []int{2}}
	if n := m.Targets(&blank); n != 0 {
		t.Errorf("a batch without tokens to hide has %d targets", n)
	}
	if o, err := m.Eval(tensor.Exec{Threads: 1}, &blank, 0); err != nil || o.Targets != 0 {
		t.Errorf("it is evaluated to %+v, %v", o, err)
	}
	if _, err := New(Config{Kind: Encoder, Vocab: 5, NeverMasked: []int{5}}, Options{}); err == nil || !strings.Contains(err.Error(),
		"never_masked: found the token 5") {
		t.Errorf("error %v, want one about never_masked", err)
	}
}
