package attention

import (
	"math"
	"strings"
	"testing"

	"github.com/longspan/longspan/tensor"
)

// The frequencies and amplitudes are those of transformers 4.57.6, modeling_rope_utils.py, for heads of 16.
func TestRotaryScalingIsThatOfTransformers(t *testing.T) {
	for _, c := range []struct {
		scaling   RotaryScaling
		base      float64
		want      []float64
		amplitude float64
	}{
		{Llama3{Factor: 8, Low: 1, High: 4, Original: 8192}, 500000,
			[]float64{1, 0.193922758, 0.0376060307, 0.00729266508, 0.000524846022, 3.42810235e-05, 6.64786967e-06, 1.28917316e-06}, 1},
		{YaRN{Factor: 4, Fast: 32, Slow: 1, Original: 2048}, 150000,
			[]float64{1, 0.225418001, 0.0381099544, 0.00572711322, 0.000645497232, 0.000145506696, 3.27998277e-05, 7.39367169e-06},
			1.138629436111989},
		{YaRN{Factor: 32, Fast: 32, Slow: 1, Original: 4096, Exact: true, Amplitude: 1.25}, 150000,
			[]float64{1, 0.225418001, 0.0508132726, 0.00679495931, 0.000456483918, 1.8188337e-05, 4.09997847e-06, 9.24208962e-07}, 1.25},
	} {
		for p, want := range c.want {
			if got := c.scaling.frequency(p, c.base, 16); math.Abs(got/want-1) > 1e-6 { // those are float32
				t.Errorf("%+v: frequency %d is %.9g, want %.9g", c.scaling, p, got, want)
			}
		}
		if got := c.scaling.amplitude(); got != c.amplitude {
			t.Errorf("%+v: amplitude %v, want %v", c.scaling, got, c.amplitude)
		}
	}
}

// A rotated row has the amplitude of its scaling, and RotateBack is the transpose of Rotate.
func TestRotaryScalingRotates(t *testing.T) {
	r, err := NewRotary(RotaryConfig{HeadDim: 8, Scaling: YaRN{Factor: 4, Fast: 32, Slow: 1, Original: 100, Amplitude: 3}}, 500)
	if err != nil {
		t.Fatal(err)
	}
	a, b := normal(tensor.F32, 1, 8, 1), normal(tensor.F32, 1, 8, 2)
	ra, rb := tensor.New(tensor.F32, 1, 8), tensor.New(tensor.F32, 1, 8)
	if err := r.Rotate(tensor.Exec{}, ra, a, []int32{321}); err != nil {
		t.Fatal(err)
	}
	if err := r.RotateBack(tensor.Exec{}, rb, b, []int32{321}); err != nil {
		t.Fatal(err)
	}
	dot := func(x, y tensor.Mat) (sum float64) {
		for i := range x.F32 {
			sum += float64(x.F32[i]) * float64(y.F32[i])
		}
		return sum
	}
	if got, want := dot(ra, b), dot(a, rb); math.Abs(got-want) > 1e-5 {
		t.Errorf("⟨Ra, b⟩ = %g, ⟨a, Rᵀb⟩ = %g", got, want)
	}
	if got, want := dot(ra, ra), 9*dot(a, a); math.Abs(got/want-1) > 1e-5 {
		t.Errorf("the square of a rotated row is %g, want %g", got, want)
	}
}

func TestRotaryScalingIsRefused(t *testing.T) {
	for _, s := range []RotaryScaling{
		Llama3{}, Llama3{Factor: 8, Low: 4, High: 1, Original: 9}, Llama3{Factor: math.NaN(), Low: 1, High: 4, Original: 9},
		YaRN{}, YaRN{Factor: 2, Fast: 1, Slow: 32, Original: 9}, YaRN{Factor: 2, Fast: 32, Slow: 1, Original: 9, Amplitude: -1},
	} {
		if _, err := NewRotary(RotaryConfig{HeadDim: 8, Scaling: s}, 9); err == nil || !strings.Contains(err.Error(), "found rotary scaling") {
			t.Errorf("%+v: found the error %v", s, err)
		}
	}
}
