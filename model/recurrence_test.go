package model

import (
	"math"
	"slices"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/tensor"
)

// With a memory that covers all that came before, segments give what the whole gives; sums are cut elsewhere, so not to the bit.
func TestMemoryEqualsTheWhole(t *testing.T) {
	for _, name := range []string{"transformer-xl", "xl rotary"} {
		c := zoo()[name]
		c.Memory = 60
		m := newModel(t, c, nil)
		whole := batch(1, 60)
		want := make([]float32, 60)
		if _, err := m.NewSession(tensor.Exec{}).Step(whole, StepOptions{Losses: want}); err != nil {
			t.Fatal(err)
		}
		memory := &Memory{}
		var got []float32
		for i := 0; i < 60; i += 13 {
			n := min(13, 60-i)
			part := &data.Batch{Tokens: whole.Tokens[i : i+n], Targets: whole.Targets[i : i+n], Lengths: []int{n}, Follows: []int{0}}
			losses := make([]float32, n)
			if _, err := m.NewSession(tensor.Exec{}).Step(part, StepOptions{Losses: losses, Memory: memory}); err != nil {
				t.Fatal(err)
			}
			got = append(got, losses...)
		}
		near(t, name, got, want, 2e-5)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	c := zoo()["transformer-xl"]
	m := newModel(t, c, nil)
	memory := &Memory{}
	for range 5 {
		b := batch(1, 13)
		b.Follows = []int{0}
		if _, err := m.NewSession(tensor.Exec{}).Step(b, StepOptions{Memory: memory}); err != nil {
			t.Fatal(err)
		}
	}
	if got := memory.Tokens(); !slices.Equal(got, []int{c.Memory}) {
		t.Errorf("the memory holds %v tokens, want %d", got, c.Memory)
	}
	bytes, err := memory.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	again, err := m.RestoreMemory(nil, bytes)
	if err != nil {
		t.Fatal(err)
	}
	for i := range memory.layers {
		if !slices.Equal(memory.layers[i].F32, again.layers[i].F32) {
			t.Errorf("layer %d came back changed", i)
		}
	}
	for _, cut := range []int{0, 3, 10, len(bytes) - 1} {
		if _, err := m.RestoreMemory(nil, bytes[:cut]); err == nil {
			t.Errorf("%d of %d bytes were taken", cut, len(bytes))
		}
	}
}

func FuzzRestoreMemory(f *testing.F) {
	m, err := New(zoo()["transformer-xl"], Options{})
	if err != nil {
		f.Fatal(err)
	}
	empty, _ := (&Memory{}).MarshalBinary()
	f.Add(empty)
	f.Add([]byte{1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		memory, err := m.RestoreMemory(nil, b)
		if err != nil {
			return
		}
		again, err := memory.MarshalBinary()
		if err != nil || string(again) != string(b) {
			t.Errorf("what was read is written otherwise: %v", err)
		}
	})
}

// A batch with nothing to predict has no loss, and moves a memory on all the same.
func TestBatchesWithoutTargets(t *testing.T) {
	m := newModel(t, zoo()["transformer-xl"], nil)
	b := batch(1, 12)
	for i := range b.Targets {
		b.Targets[i] = data.Ignore
	}
	memory := &Memory{}
	result, err := m.NewSession(tensor.Exec{}).Step(b, StepOptions{Backward: true, Memory: memory})
	if err != nil || result.Targets != 0 || result.Loss != 0 {
		t.Errorf("%+v, %v", result, err)
	}
	if !slices.Equal(memory.Tokens(), []int{12}) {
		t.Errorf("the memory holds %v tokens, want 12", memory.Tokens())
	}
}

// A pass whose loss overflows, as may happen in fp16, leaves no memory: the next one would be lost with it.
func TestAnOverflowIsNotRemembered(t *testing.T) {
	c := zoo()["transformer-xl"]
	c.Precision = "fp16"
	m := newModel(t, c, nil)
	memory := &Memory{}
	if _, err := m.NewSession(tensor.Exec{}).Step(batch(1, 12), StepOptions{Memory: memory}); err != nil || len(memory.Tokens()) != 1 {
		t.Fatalf("%v, %v", memory.Tokens(), err)
	}
	table := m.target.tokens.Weight.Value
	table.F32[0] = 1e6 // beyond fp16
	b := batch(2, 12)
	b.Tokens[3], b.Follows = 0, []int{0}
	result, err := m.NewSession(tensor.Exec{}).Step(b, StepOptions{Backward: true, Memory: memory})
	if err != nil || !math.IsNaN(result.Loss) {
		t.Fatalf("%+v, %v; want a loss that is NaN", result, err)
	}
	table.F32[0] = 0
	result, err = m.NewSession(tensor.Exec{}).Step(b, StepOptions{Backward: true, Memory: memory})
	if err != nil || math.IsNaN(result.Loss) {
		t.Errorf("%+v, %v; the memory holds what overflowed", result, err)
	}
}
