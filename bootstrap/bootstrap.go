// Package bootstrap gives means over documents, pictures or queries with intervals, and compares two systems on the same ones: the
// bootstrap and the paired randomisation test. Its callers name what they measure; here a value belongs to a document.
package bootstrap

import (
	"fmt"
	"math"
	"slices"

	"github.com/longspan/longspan/internal/random"
)

// Resampling are the settings of intervals and tests. The zero value is 10,000 resamples of seed 0 and intervals of 95 %.
type Resampling struct {
	Samples int     // number of resamples, 100 … 1,000,000; 0 is 10,000
	Level   float64 // share of the resamples between the ends of an interval, 0 … 1 exclusive; 0 is 0.95
	Seed    uint64  // the same seed draws the same documents for every measure and system
}

// Interval is a mean over documents with the ends of its bootstrap interval.
type Interval struct {
	Mean float64 `json:"mean"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Comparison is the difference of two systems on the same documents, the first minus the second.
type Comparison struct {
	Difference Interval `json:"difference"`
	// Better is the share of the resamples in which the first system is better, ties counted half (Koehn 2004, "Statistical significance
	// tests for machine translation evaluation").
	Better float64 `json:"better"`
	// P is the two-sided p-value of the paired randomisation test, which swaps the systems of each document at random (Noreen 1989): how
	// often a difference as large comes by chance. It is at least 1/(Samples+1).
	P float64 `json:"p"`
}

// withDefaults checks r.
func (r Resampling) withDefaults() (Resampling, error) {
	if r.Samples == 0 {
		r.Samples = 10_000
	}
	if r.Level == 0 {
		r.Level = 0.95
	}
	if r.Samples < 100 || r.Samples > 1_000_000 {
		return r, fmt.Errorf("bootstrap: found %d resamples, expected 100 to 1000000", r.Samples)
	}
	if !(r.Level > 0 && r.Level < 1) {
		return r, fmt.Errorf("bootstrap: found a level of %g, expected a share between 0 and 1, such as 0.95", r.Level)
	}
	return r, nil
}

// Mean returns the mean of values, one a document, and its percentile interval (Efron 1979): the documents are drawn again, with
// replacement, Samples times. The same values and seed give the same bits. Cost: Samples times the number of values.
func Mean(values []float64, r Resampling) (Interval, error) {
	r, err := r.withDefaults()
	if err == nil {
		err = checkValues(values)
	}
	if err != nil {
		return Interval{}, err
	}
	return r.interval(values, r.means(values)), nil
}

// Paired compares two systems by their values on the same documents, in the same order.
func Paired(a, b []float64, r Resampling) (c Comparison, err error) {
	r, err = r.withDefaults()
	if err != nil {
		return c, err
	}
	if len(a) != len(b) {
		return c, fmt.Errorf("bootstrap: found %d and %d values, expected one of each system for each document", len(a), len(b))
	}
	differences := make([]float64, len(a))
	for i := range a {
		differences[i] = a[i] - b[i]
	}
	if err := checkValues(differences); err != nil {
		return c, err
	}
	means := r.means(differences)
	better := 0.0
	for _, m := range means {
		if m > 0 {
			better++
		} else if m == 0 {
			better += 0.5
		}
	}
	c.Better = better / float64(len(means))
	c.Difference = r.interval(differences, means)
	c.P = r.swapped(differences)
	return c, nil
}

func checkValues(values []float64) error {
	if len(values) == 0 {
		return fmt.Errorf("bootstrap: found no values, expected one for each document")
	}
	for i, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("bootstrap: found %g as value %d, expected a finite number", v, i)
		}
	}
	return nil
}

// means are the means of the resamples.
func (r Resampling) means(values []float64) []float64 {
	means := make([]float64, r.Samples)
	for s := range means {
		draw := random.NewSplitMix(r.Seed, uint64(s))
		sum := 0.0
		for range values {
			sum += values[draw.Below(len(values))]
		}
		means[s] = sum / float64(len(values))
	}
	return means
}

// interval is the mean of values between the percentiles of the means of resamples.
func (r Resampling) interval(values, means []float64) Interval {
	slices.Sort(means)
	tail := (1 - r.Level) / 2
	return Interval{mean(values), percentile(means, tail), percentile(means, 1-tail)}
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// percentile interpolates linearly between the sorted values, as NumPy does.
func percentile(sorted []float64, share float64) float64 {
	at := share * float64(len(sorted)-1)
	low := int(at)
	if low+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	part := at - float64(low)
	return sorted[low]*(1-part) + sorted[low+1]*part
}

// swapSeed keeps the draws of the randomisation test apart from those of the bootstrap.
const swapSeed = 0x5377617073

// swapped is the share of the random sign changes whose sum is as far from 0 as that of the differences, which count as one of them.
func (r Resampling) swapped(differences []float64) float64 {
	observed := 0.0
	for _, d := range differences {
		observed += d
	}
	// Sums of the same numbers in another order of signs differ by their rounding.
	observed = math.Abs(observed) * (1 - 1e-12)
	extreme := 1
	for s := range r.Samples {
		draw := random.NewSplitMix(r.Seed, swapSeed, uint64(s))
		sum, signs := 0.0, uint64(0)
		for i, d := range differences {
			if i%64 == 0 {
				signs = draw.Next()
			}
			if signs&1 == 1 {
				d = -d
			}
			signs >>= 1
			sum += d
		}
		if math.Abs(sum) >= observed {
			extreme++
		}
	}
	return float64(extreme) / float64(r.Samples+1)
}
