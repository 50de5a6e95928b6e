package model

import (
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/tensor"
)

// t5Spec is an encoder with T5's bias, of eight buckets up to a distance of 20.
func t5Spec(t *testing.T) Spec {
	t.Helper()
	s, err := Config{Kind: Encoder, Vocab: 11, Width: 16, Layers: 3, Heads: 2, Position: "t5", Seed: 5}.Spec()
	if err != nil {
		t.Fatal(err)
	}
	for i := range s.Layers {
		s.Layers[i].Attention.T5Buckets, s.Layers[i].Attention.T5MaxDistance = 8, 20
	}
	return s
}

func TestT5TablesAreRefused(t *testing.T) {
	for want, change := range map[string]func(a *Attention){
		"layers: 1: attention: found 6 T5 buckets up to distance 20": func(a *Attention) { a.T5Buckets = 6 },
		"layers: 1: attention: found 8 T5 buckets up to distance 2,": func(a *Attention) { a.T5MaxDistance = 2 },
		"found 8 up to distance 70000, expected at most 65536":       func(a *Attention) { a.T5MaxDistance = 70000 },
		"found -4 T5 buckets":                                         func(a *Attention) { a.T5Buckets = -4 },
		"heads: found 2 after 2, with 12 buckets after 8":             func(a *Attention) { a.T5Buckets = 12 },
		"t5_buckets: found 8 up to distance 20 with the position non": func(a *Attention) { a.Position = "none" },
	} {
		s := t5Spec(t)
		change(&s.Layers[1].Attention)
		if err := s.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// Layers share a table of the given buckets, or have tables of their own, whose gradients are their own.
func TestT5Tables(t *testing.T) {
	s := t5Spec(t)
	s.Layers[1].Attention.T5Own, s.Layers[1].Attention.T5Buckets = true, 12
	m := newOf(t, s, Options{Train: true})
	if r := step(t, m, tensor.Exec{}); !(r.Loss > 0) {
		t.Errorf("loss %g", r.Loss)
	}
	rows := map[string]int{}
	for _, p := range m.Params() {
		if strings.HasSuffix(p.Name, ".t5") {
			rows[p.Name] = p.Value.Rows
			if !slices.ContainsFunc(p.Grad.F32, func(x float32) bool { return x != 0 }) {
				t.Errorf("%s has no gradient", p.Name)
			}
		}
	}
	if len(rows) != 2 || rows["blocks.t5"] != 8 || rows["blocks.1.attention.t5"] != 12 {
		t.Errorf("tables %v", rows)
	}
}
