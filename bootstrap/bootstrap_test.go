package bootstrap

import (
	"math"
	"strings"
	"testing"
)

func TestMean(t *testing.T) {
	values := make([]float64, 200)
	for i := range values {
		values[i] = float64(i%10) / 10
	}
	got, err := Mean(values, Resampling{Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	// The standard error is √(var/n) = √(0.0825/200) = 0.0203; 1.96 of it is 0.0398.
	if got.Mean < 0.4499 || got.Mean > 0.4501 || math.Abs(got.Mean-got.Low-0.0398) > 0.003 || math.Abs(got.High-got.Mean-0.0398) > 0.003 {
		t.Errorf("found %+v, expected 0.45 ± 0.040", got)
	}
	again, _ := Mean(values, Resampling{Seed: 3})
	other, _ := Mean(values, Resampling{Seed: 4})
	if got != again || got == other {
		t.Errorf("one seed: %+v and %+v; another: %+v", got, again, other)
	}
	wide, _ := Mean(values, Resampling{Level: 0.99})
	if wide.High-wide.Low <= got.High-got.Low {
		t.Errorf("the interval of 99 %% %+v is not wider than that of 95 %% %+v", wide, got)
	}
	if one, err := Mean([]float64{0.5}, Resampling{}); err != nil || one != (Interval{0.5, 0.5, 0.5}) {
		t.Errorf("one value: %+v, %v", one, err)
	}
}

func TestPaired(t *testing.T) {
	a, b, noise := make([]float64, 100), make([]float64, 100), make([]float64, 100)
	for i := range a {
		b[i] = float64(i%7) / 10
		a[i] = b[i] + 0.02 + float64(i%3)/100
		noise[i] = b[i] + float64(i%2)*0.02 - 0.01
	}
	better, err := Paired(a, b, Resampling{})
	if err != nil {
		t.Fatal(err)
	}
	if d := better.Difference; d.Low <= 0.02 || d.High >= 0.04 || better.Better != 1 || better.P > 0.0002 {
		t.Errorf("a better system: %+v", better)
	}
	same, err := Paired(noise, b, Resampling{Samples: 2000})
	if err != nil || same.P < 0.5 || same.Difference.Low > 0 || same.Difference.High < 0 || math.Abs(same.Better-0.5) > 0.1 {
		t.Errorf("an equal system: %+v, %v", same, err)
	}
	if itself, err := Paired(a, a, Resampling{Samples: 100}); err != nil || itself.P != 1 || itself.Better != 0.5 {
		t.Errorf("a system with itself: %+v, %v", itself, err)
	}
}

func TestResamplingRefuses(t *testing.T) {
	for _, c := range []struct {
		values []float64
		r      Resampling
		words  string
	}{
		{nil, Resampling{}, "found no values"},
		{[]float64{1, math.NaN()}, Resampling{}, "found NaN as value 1"},
		{[]float64{1}, Resampling{Samples: 5}, "found 5 resamples"},
		{[]float64{1}, Resampling{Samples: 2_000_000}, "expected 100 to 1000000"},
		{[]float64{1}, Resampling{Level: 95}, "found a level of 95"},
		{[]float64{1}, Resampling{Level: math.NaN()}, "found a level of NaN"},
	} {
		if _, err := Mean(c.values, c.r); err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%+v: found %v, expected %q", c.r, err, c.words)
		}
	}
	if _, err := Paired([]float64{1}, []float64{1, 2}, Resampling{}); err == nil || !strings.Contains(err.Error(), "found 1 and 2 values") {
		t.Errorf("unequal numbers of values: %v", err)
	}
}
