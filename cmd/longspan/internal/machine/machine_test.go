package machine

import (
	"testing"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/plan"
)

func TestSecondsAddUp(t *testing.T) {
	m := Rates{Matmul: [2]float64{100, 200}, Attention: [2]float64{50, 80}, Bandwidth: 10,
		Steps: [2][len(widths)]float64{{4, 3, 2, 1}, {2, 2, 2, 2}}}
	e := plan.Estimate{Width: 512, Cost: autograd.Cost{Matmul: 2e11, Attention: 1e11, Streamed: 5e9},
		Bytes: plan.Bytes{Weights: 1e9, Gradients: 1e9, Optimizer: 2e9}}
	// 2 s + 2 s of products, 0.5 s of streams, 9 GB of update at 10 GB/s.
	if got := m.Seconds(e, autograd.F32()); got != 2+2+0.5+0.9 {
		t.Errorf("%g seconds, want 5.4", got)
	}
	// In bf16 it all takes twice as long as its parts, but for the update; so does a width of 256, and one between as much as between them.
	if got := m.Seconds(e, autograd.BF16()); got != 2*(1+1.25+0.5)+0.9 {
		t.Errorf("%g seconds in bf16, want 6.4", got)
	}
	for width, want := range map[int]float64{8: 4, 64: 4, 128: 3, 256: 2, 512: 1, 4096: 1} {
		if got := m.slowdown(width, 0); got != want {
			t.Errorf("a width of %d is slower by %g, want %g", width, got, want)
		}
	}
	if got := m.slowdown(192, 0); !(got > 2 && got < 3) {
		t.Errorf("a width of 192 is slower by %g, want 2 to 3", got)
	}
}

func TestKnownMachinesAreNotMeasuredAgain(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	ones := [2][len(widths)]float64{{1, 1, 1, 1}, {1, 1, 1, 1}}
	want := Rates{Identity: Identify(1), Steps: ones, Matmul: [2]float64{1, 2}, Attention: [2]float64{3, 4}, Bandwidth: 5}
	if err := Keep(want); err != nil {
		t.Fatal(err)
	}
	if got, err := Known(1); err != nil || got != want {
		t.Errorf("%+v, %v; want what is in the cache, %+v", got, err, want)
	}
	other := func(change func(*Rates)) Rates {
		m := want
		change(&m)
		return m
	}
	for _, broken := range []Rates{{}, other(func(m *Rates) { m.Threads = 2 }), other(func(m *Rates) { m.CPU = "another" }),
		other(func(m *Rates) { m.Version-- }), other(func(m *Rates) { m.Steps[1][2] = 0 })} {
		if broken.usable(1) {
			t.Errorf("%+v was taken for a measurement with one thread", broken)
		}
	}
}

func TestMeasure(t *testing.T) {
	runs, limit := measureRuns, stepSeconds
	measureRuns, stepSeconds = 1, 0.001
	defer func() { measureRuns, stepSeconds = runs, limit }()
	if r, err := Measure(0); err != nil || !r.usable(0) {
		t.Errorf("%+v, %v; want rates that are complete", r, err)
	}
}
