package stats

import (
	"fmt"
	"math"
	"slices"

	"github.com/longspan/longspan/internal/random"
)

// Interval is a number with the ends of its 95 % interval.
type Interval struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// level is the share of the resamples between the ends of an interval.
const level = 0.95

// Resamples are the weights of blocks in each resample: how often it has drawn the block.
type Resamples [][]float64

// MinBlocks is the least number of blocks for an interval: of fewer, resamples repeat each other.
const MinBlocks = 5

// NewResamples draws samples resamples of blocks, with replacement (Efron 1979; for blocks, Künsch 1989, doi:10.1214/aos/1176347265). All
// scores that use them are compared in pairs.
func NewResamples(blocks, samples int, seed uint64) (Resamples, error) {
	switch {
	case blocks < MinBlocks:
		return nil, fmt.Errorf("stats: found %d blocks, expected at least %d: give a longer region, or shorter blocks", blocks, MinBlocks)
	case samples < 100 || samples > 100_000:
		return nil, fmt.Errorf("stats: found %d resamples, expected 100 to 100000", samples)
	}
	r := random.NewSplitMix(seed)
	all := make(Resamples, samples)
	for i := range all {
		all[i] = make([]float64, blocks)
		for range blocks {
			all[i][r.Below(blocks)]++
		}
	}
	return all, nil
}

// Of is a measure in each resample.
func (r Resamples) Of(measure func(weights []float64) float64) []float64 {
	all := make([]float64, len(r))
	for i, weights := range r {
		all[i] = measure(weights)
	}
	return all
}

// IntervalOf is the percentile interval of a value. Resamples that have no number, such as those without a case, are left out. With less
// than half of them left ok is false.
func IntervalOf(value float64, resampled []float64) (i Interval, ok bool) {
	sorted := make([]float64, 0, len(resampled))
	for _, v := range resampled {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			sorted = append(sorted, v)
		}
	}
	if math.IsNaN(value) || math.IsInf(value, 0) || 2*len(sorted) < len(resampled) || len(sorted) == 0 {
		return Interval{}, false
	}
	slices.Sort(sorted)
	return Interval{value, quantile(sorted, (1-level)/2), quantile(sorted, (1+level)/2)}, true
}

// quantile is the value below which a share of the sorted values lies, between neighbours in a line.
func quantile(sorted []float64, share float64) float64 {
	at := share * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
}

// Differences are a − b, resample by resample.
func Differences(a, b []float64) []float64 {
	all := make([]float64, min(len(a), len(b)))
	for i := range all {
		all[i] = a[i] - b[i]
	}
	return all
}
