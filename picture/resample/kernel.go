package resample

import (
	"fmt"
	"math"
)

// Kernel is the function of distance that weighs the pixels under an output pixel.
type Kernel uint8

// The kernels. Their names and functions are Pillow's.
const (
	// Box is 1 within half a pixel. Shrinking by a whole factor is the mean; enlarging repeats pixels.
	Box Kernel = iota
	// Triangle is 1 − |x|: bilinear interpolation.
	Triangle
	// Bicubic is the cubic convolution of Keys 1981 (doi:10.1109/TASSP.1981.1163711) with a = −1/2.
	Bicubic
	// Lanczos3 is sinc(x)·sinc(x/3) within three pixels (Duchon 1979).
	Lanczos3
)

// kernels are the names and supports, by number. The support is the distance, in pixels, from which on the function is 0.
var kernels = [...]struct {
	name    string
	support float64
	at      func(x float64) float64
}{
	Box:      {"box", 0.5, box},
	Triangle: {"triangle", 1, triangle},
	Bicubic:  {"bicubic", 2, bicubic},
	Lanczos3: {"lanczos3", 3, lanczos3},
}

// String is the kernel's name, which Parse reads.
func (k Kernel) String() string {
	if int(k) < len(kernels) {
		return kernels[k].name
	}
	return fmt.Sprintf("kernel %d", uint8(k))
}

// Parse reads a kernel's name: box, triangle, bicubic or lanczos3.
func Parse(name string) (Kernel, error) {
	for k, known := range kernels {
		if name == known.name {
			return Kernel(k), nil
		}
	}
	return 0, fmt.Errorf("resample: kernel %q is not known; use box, triangle, bicubic or lanczos3", name)
}

// box contains one end only, so that each pixel is in one box.
func box(x float64) float64 {
	if x > -0.5 && x <= 0.5 {
		return 1
	}
	return 0
}

func triangle(x float64) float64 { return max(0, 1-math.Abs(x)) }

func bicubic(x float64) float64 {
	const a = -0.5
	switch x = math.Abs(x); {
	case x < 1:
		return ((a+2)*x-(a+3))*x*x + 1
	case x < 2:
		return (((x-5)*x+8)*x - 4) * a
	}
	return 0
}

func lanczos3(x float64) float64 {
	if x < -3 || x >= 3 {
		return 0
	}
	return sinc(x) * sinc(x/3)
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	x *= math.Pi
	return math.Sin(x) / x
}
