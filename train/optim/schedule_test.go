package optim_test

import (
	"math"
	"strings"
	"testing"

	"github.com/longspan/longspan/train/optim"
)

func TestSchedule(t *testing.T) {
	s := optim.Schedule{Peak: 2, Warmup: 10, Total: 110, MinRatio: 0.1}
	for _, c := range []struct {
		shape optim.Shape
		step  int64
		want  float64
	}{
		{optim.Cosine, 1, 0.2}, {optim.Cosine, 9, 1.8}, {optim.Cosine, 10, 2}, {optim.Cosine, 60, 2 * 0.55},
		{optim.Cosine, 35, 2 * (0.1 + 0.9*(1+math.Sqrt2/2)/2)}, {optim.Cosine, 110, 0.2}, {optim.Cosine, 500, 0.2},
		{optim.Linear, 5, 1}, {optim.Linear, 10, 2}, {optim.Linear, 60, 2 * 0.55}, {optim.Linear, 85, 2 * 0.325}, {optim.Linear, 110, 0.2},
		{optim.Constant, 5, 1}, {optim.Constant, 110, 2}, {optim.Constant, 111, 2},
	} {
		s.Shape = c.shape
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
		if got := s.LR(c.step); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s, step %d: rate %g; want %g", c.shape, c.step, got, c.want)
		}
	}
	short := optim.Schedule{Peak: 3, Warmup: 4, Total: 4, Shape: optim.Linear}
	if got := short.LR(3); got != 3*0.75 {
		t.Errorf("a run that is all warm-up has the rate %g at step 3; want 2.25", got)
	}
	if got := short.LR(4); got != 3 {
		t.Errorf("a run that is all warm-up ends at the rate %g; want 3", got)
	}
}

func TestScheduleRefuses(t *testing.T) {
	good := optim.Schedule{Peak: 1, Total: 10, Shape: optim.Linear}
	for want, change := range map[string]func(s *optim.Schedule){
		"must be positive": func(s *optim.Schedule) { s.Peak = math.NaN() },
		"both must be":     func(s *optim.Schedule) { s.Total = 0 },
		"longer than":      func(s *optim.Schedule) { s.Warmup = 11 },
		"min_lr_ratio is":  func(s *optim.Schedule) { s.MinRatio = 1.5 },
		"not known":        func(s *optim.Schedule) { s.Shape = "square" },
	} {
		s := good
		change(&s)
		if err := s.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v; want one with %q", s, err, want)
		}
	}
}

func TestScaler(t *testing.T) {
	s := optim.NewScaler()
	observe := func(overflow bool) string {
		t.Helper()
		change, err := s.Observe(overflow)
		if err != nil {
			t.Fatal(err)
		}
		return change
	}
	if s.Scale != 65536 {
		t.Fatalf("the scale begins at %g; want 65536", s.Scale)
	}
	for i := range 1999 {
		if change := observe(false); change != "" {
			t.Fatalf("step %d: %s", i, change)
		}
	}
	if change := observe(false); s.Scale != 131072 || !strings.Contains(change, "65536 → 131072") {
		t.Errorf("after 2,000 clean steps the scale is %g, %q", s.Scale, change)
	}
	for range 1999 {
		observe(false)
	}
	if change := observe(true); s.Scale != 65536 || s.Clean != 0 || s.Skipped != 1 || !strings.Contains(change, "skipped") {
		t.Errorf("after an overflow: %+v, %q", *s, change)
	}
	if observe(false); s.Scale != 65536 {
		t.Errorf("one clean step after an overflow changed the scale to %g", s.Scale)
	}
	for range 16 {
		observe(true)
	}
	if s.Scale != 1 {
		t.Fatalf("the scale is %g; want 1", s.Scale)
	}
	if _, err := s.Observe(true); err == nil || s.Scale != 1 {
		t.Errorf("an overflow at scale 1: error %v, scale %g", err, s.Scale)
	}
	s = optim.NewScaler()
	for range 100_000 {
		observe(false)
	}
	if s.Scale != 1<<24 {
		t.Errorf("after 100,000 clean steps the scale is %g; want 2²⁴", s.Scale)
	}
}
