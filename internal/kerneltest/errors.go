package kerneltest

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// Float is what an error can be measured of.
type Float interface{ ~float32 | ~float64 }

// Error is how far numbers are from the truth.
type Error struct {
	Max, RMS float64 // of the absolute differences; Inf where one side is NaN or infinite and the other is not the same
	Pairs    string  // the first five elements that differ by more than half of Max
}

// Measure compares got with want, element by element. Equal infinities, and two NaNs, differ by 0.
func Measure[T Float](got []T, want []float64) Error {
	if len(got) != len(want) {
		return Error{Max: math.Inf(1), RMS: math.Inf(1), Pairs: fmt.Sprintf("%d elements, want %d", len(got), len(want))}
	}
	var e Error
	squares := 0.0
	for i := range got {
		d := Distance(float64(got[i]), want[i])
		e.Max = max(e.Max, d)
		squares += d * d
	}
	if len(got) > 0 {
		e.RMS = math.Sqrt(squares / float64(len(got)))
	}
	var pairs strings.Builder
	for i, shown := 0, 0; i < len(got) && shown < 5 && e.Max > 0; i++ {
		if Distance(float64(got[i]), want[i]) > e.Max/2 {
			fmt.Fprintf(&pairs, "\n  [%d] got %v want %v", i, got[i], want[i])
			shown++
		}
	}
	e.Pairs = pairs.String()
	return e
}

// Distance is |got − want|: 0 for equal infinities and for two NaNs, +Inf where only one is NaN or infinite.
func Distance(got, want float64) float64 {
	switch {
	case got == want, math.IsNaN(got) && math.IsNaN(want):
		return 0
	case math.IsNaN(got), math.IsNaN(want):
		return math.Inf(1)
	}
	return math.Abs(got - want)
}

// String shows the two measures and the pairs.
func (e Error) String() string { return fmt.Sprintf("max %.3g, rms %.3g%s", e.Max, e.RMS, e.Pairs) }

// Within fails the test unless err(got) ≤ factor·err(reference) + floor, where both errors are the largest distance to
// want. reference is the plain float32 computation of the same thing.
func Within[T Float](t testing.TB, got, reference []T, want []float64, factor, floor float64) {
	t.Helper()
	limit := factor*Measure(reference, want).Max + floor
	if e := Measure(got, want); !(e.Max <= limit) {
		t.Fatalf("error above %.3g = %v × the float32 reference's + %.3g: %v", limit, factor, floor, e)
	}
}

// Near fails the test unless the largest distance of got to want is at most limit.
func Near[T Float](t testing.TB, got []T, want []float64, limit float64) {
	t.Helper()
	if e := Measure(got, want); !(e.Max <= limit) {
		t.Fatalf("error above %.3g: %v", limit, e)
	}
}

// Float64 widens x.
func Float64[T Float](x []T) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// ULP is the number of representable numbers between got and the float32 nearest to want.
func ULP(got float32, want float64) int64 {
	a, b := ordered(got), ordered(float32(want))
	if a > b {
		return a - b
	}
	return b - a
}

// ordered maps float32 to integers that count them in order.
func ordered(x float32) int64 {
	b := int64(math.Float32bits(x))
	if b >= 1<<31 {
		return 1<<31 - b
	}
	return b
}
