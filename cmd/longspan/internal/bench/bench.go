// Package bench measures attention and matrix products beside the machine's peak.
//
// Every row is measured the same way. One run warms up: it fills the caches and the buffer pool, whose bytes are counted. Then runs
// alternate with short measurements of the peak (fused multiply-adds in registers, same threads and element type), so that a busy or hot
// machine slows both. Seconds are the median of the runs. The peak is the highest measured, so that the efficiency, their ratio, errs on
// the low side.
//
// Flops are the useful ones: work of a tile on pairs that the pattern hides is not counted.
package bench

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/longspan/longspan/cmd/longspan/internal/machine"
)

// Progress receives the number of runs done and the number of all runs. It may be nil.
type Progress func(done, all int)

func (p Progress) tell(done, all int) {
	if p != nil {
		p(done, all)
	}
}

// The peaks that efficiencies are relative to. Tests replace them.
var (
	peakFlops     = machine.Flops
	peakBandwidth = machine.Bandwidth
)

// Timing is the measured time of one thing. A field of 0 was not measured.
type Timing struct {
	Level      string  `json:"level"` // of the kernels
	DType      string  `json:"dtype"`
	Threads    int     `json:"threads"`
	Seconds    float64 `json:"seconds"`     // median of the runs
	SecondsMin float64 `json:"seconds_min"` // shortest and longest, which tell how quiet the machine was
	SecondsMax float64 `json:"seconds_max"`
	Runs       int     `json:"runs"`
	Flops      int64   `json:"flops"` // useful ones, of one run
	GFlops     float64 `json:"gflops"`
	PeakGFlops float64 `json:"peak_gflops"`
	Efficiency float64 `json:"efficiency"` // GFlops / PeakGFlops
	PeakBytes  int64   `json:"peak_bytes"` // of the buffer pool: inputs, outputs and scratch
}

// shortest is the least time of a sample. Shorter work is repeated within it: reading the clock and starting the workers takes some
// microseconds, which should stay below a thousandth. Tests shorten it.
var shortest = 20 * time.Millisecond

// sample times f and returns the seconds of one call. repeat is how often to call it.
func sample(repeat int, f func() error) (float64, error) {
	start := time.Now()
	for range repeat {
		if err := f(); err != nil {
			return 0, err
		}
	}
	return time.Since(start).Seconds() / float64(repeat), nil
}

// repeats returns the calls of a sample whose call takes these seconds.
func repeats(seconds float64) int { return int(math.Ceil(shortest.Seconds() / max(seconds, 1e-6))) }

// measure fills in the timing of f. It ends between two samples when ctx is done, with ctx's error.
func (t *Timing) measure(ctx context.Context, f func() error, runs int, peak func() float64, tell Progress) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	once, err := sample(1, f)
	if err != nil {
		return err
	}
	repeat := repeats(once)
	if repeat > 1 {
		// The first call was slowed by cold caches and empty pools; count again with a warm one.
		if once, err = sample(repeat, f); err != nil {
			return err
		}
		repeat = repeats(once)
	}
	seconds := make([]float64, runs)
	t.PeakGFlops = peak()
	for i := range seconds {
		tell.tell(i, runs)
		if err := ctx.Err(); err != nil {
			return err
		}
		if seconds[i], err = sample(repeat, f); err != nil {
			return err
		}
		t.PeakGFlops = max(t.PeakGFlops, peak())
	}
	tell.tell(runs, runs)
	slices.Sort(seconds)
	t.Runs, t.Seconds, t.SecondsMin, t.SecondsMax = runs, median(seconds), seconds[0], seconds[runs-1]
	t.GFlops = float64(t.Flops) / t.Seconds / 1e9
	t.Efficiency = t.GFlops / t.PeakGFlops
	return nil
}

// median of sorted numbers; between the two middle ones where their count is even.
func median(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// checkRuns refuses counts of threads and runs that are out of range.
func checkRuns(threads, runs int) error {
	if threads < 0 || threads > 1024 {
		return fmt.Errorf("bench: found %d threads, expected 1 to 1024, or 0 for all processors", threads)
	}
	if runs < 1 || runs > 1000 {
		return fmt.Errorf("bench: found %d runs, expected 1 to 1000", runs)
	}
	return nil
}
