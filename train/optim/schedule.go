package optim

import (
	"fmt"
	"math"
)

// Shape is how the learning rate falls once it has warmed up.
type Shape string

// The shapes. With progress p from 0 to 1 and f = MinRatio, the learning rate is the peak times
const (
	Cosine   Shape = "cosine"   // f + (1−f)·(1 + cos πp)/2: Loshchilov and Hutter 2017, arXiv:1608.03983, equation 5
	Linear   Shape = "linear"   // 1 − (1−f)·p
	Constant Shape = "constant" // 1
)

// Schedule is the learning rate (lr) at each step. It rises linearly from 0 to Peak over the first Warmup steps, and falls to
// MinRatio·Peak at step Total.
type Schedule struct {
	Peak     float64
	Warmup   int64
	Total    int64
	Shape    Shape
	MinRatio float64 // 0 … 1
}

// Check returns an error if a field is out of range.
func (s Schedule) Check() error {
	switch {
	case !(s.Peak > 0) || math.IsInf(s.Peak, 0):
		return fmt.Errorf("the learning rate is %g; it must be positive", s.Peak)
	case s.Warmup < 0 || s.Total <= 0:
		return fmt.Errorf("%d steps with %d of warm-up; both must be positive", s.Total, s.Warmup)
	case s.Warmup > s.Total:
		return fmt.Errorf("the warm-up of %d steps is longer than the run of %d; shorten the warm-up, or train for more steps", s.Warmup, s.Total)
	case !(s.MinRatio >= 0 && s.MinRatio <= 1):
		return fmt.Errorf("min_lr_ratio is %g; it must lie between 0 and 1", s.MinRatio)
	}
	switch s.Shape {
	case Cosine, Linear, Constant:
		return nil
	}
	return fmt.Errorf("the schedule %q is not known; use %s, %s or %s", s.Shape, Cosine, Linear, Constant)
}

// LR is the learning rate of a step, 1 … Total. After Total it stays constant.
func (s Schedule) LR(step int64) float64 {
	if step <= s.Warmup { // the last step of a run that is all warm-up too
		return s.Peak * float64(step) / float64(s.Warmup)
	}
	if s.Shape == Constant {
		return s.Peak
	}
	p := 1.0
	if step < s.Total {
		p = float64(step-s.Warmup) / float64(s.Total-s.Warmup)
	}
	left := 1 - p
	if s.Shape == Cosine {
		left = (1 + math.Cos(math.Pi*p)) / 2
	}
	return s.Peak * (s.MinRatio + (1-s.MinRatio)*left)
}
