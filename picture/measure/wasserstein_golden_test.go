package measure

import (
	"math"
	"slices"
	"testing"

	"github.com/longspan/longspan/tensor"
)

// swd is testdata/golden/swd.json.
type swd struct {
	Pyramid [][]float64 `json:"pyramid"`
	Sliced  float64     `json:"sliced"`
}

func TestPyramid(t *testing.T) {
	e := expected[swd](t, "swd.json").Pyramid
	for l, level := range pyramid(waves(22, 17, 3), len(e)) {
		if err := level.Check(); err != nil || len(level.Pix) != len(e[l]) {
			t.Fatalf("level %d has %d values, %v; expected %d", l, len(level.Pix), err, len(e[l]))
		}
		for i, v := range level.Pix {
			if math.Abs(float64(v)-e[l][i]) > 1e-6 {
				t.Fatalf("level %d, value %d is %g, expected %g", l, i, v, e[l][i])
			}
		}
	}
}

func TestSliced(t *testing.T) {
	a, b, to := tensor.New(tensor.F32, 20, 12), tensor.New(tensor.F32, 20, 12), tensor.New(tensor.F32, 7, 12)
	for i := range a.F32 {
		a.F32[i] = float32(noise(i)) / 256
		v := float32(noise(i+len(a.F32))) / 256
		b.F32[i] = v * v
	}
	standardise(a, 3)
	standardise(b, 3)
	for i := range to.Rows {
		row, sum := to.Row(i), 0.0
		for j := range row {
			row[j] = float32(noise(i*12+j))/256 - 0.5
			sum += square(float64(row[j]))
		}
		for j := range row {
			row[j] /= float32(math.Sqrt(sum))
		}
	}
	near(t, "the sliced distance", sliced(a, b, to), nil, expected[swd](t, "swd.json").Sliced)
}

// The directions are as long as they should be, and point nowhere more than elsewhere.
func TestDirections(t *testing.T) {
	m := directions(2000, 5, 3)
	var mean, squares [5]float64
	for i := range m.Rows {
		length := 0.0
		for j, v := range m.Row(i) {
			length += square(float64(v))
			mean[j] += float64(v) / 2000
			squares[j] += square(float64(v)) / 2000
		}
		if math.Abs(length-1) > 1e-5 {
			t.Fatalf("direction %d has the length √%g", i, length)
		}
	}
	for j := range mean { // standard errors: 0.01 and 0.007
		if math.Abs(mean[j]) > 0.04 || math.Abs(squares[j]-0.2) > 0.03 {
			t.Errorf("coordinate %d has the mean %g and the mean square %g, expected 0 and 0.2", j, mean[j], squares[j])
		}
	}
}

func TestSort(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, x := range [][]float32{{}, {3}, {0, -1, inf, 1e-40, -inf, 2, -1e-40, 2, -1}, waves(50, 40, 1).Pix} {
		want := slices.Sorted(slices.Values(x))
		if new(sorter).sort(x); !slices.Equal(x, want) {
			t.Errorf("found %v, expected %v", x, want)
		}
	}
}
