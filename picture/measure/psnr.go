package measure

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/picture/raster"
)

// PSNR is the peak signal-to-noise ratio of a mean squared error, in decibels: −10·log₁₀, where the peak is 1. It is +Inf for 0.
func PSNR(meanSquare float64) float64 { return -10 * math.Log10(meanSquare) }

// LimitedRange is what published tables of enlargers have more than PSNRLuma and PSNRDetail, in decibels: 20·log₁₀(255/219). Their luma is
// that of ITU-R BT.601 for studios, where black is 16 and white is 235, and their peak is 255. Differences of two methods are the same.
const LimitedRange = 1.3219213118767368

// PSNRLuma is the PSNR of luma, in decibels, without the pixels that are nearer than border to the edge. Enlargers are compared with their
// factor as the border. Equal pictures have +Inf. It returns an error for pictures of different sizes, and where the border leaves nothing.
func PSNRLuma(a, b *raster.Image, border int) (float64, error) {
	if border < 0 || border > raster.MaxPixels {
		return 0, fmt.Errorf("measure: found a border of %d pixels, expected 0 or more, and less than half of the picture", border)
	}
	if err := checkPair(a, b, 2*border+1); err != nil {
		return 0, err
	}
	la, lb := a.Luma(), b.Luma()
	width, height := a.Width-2*border, a.Height-2*border
	sum := sumRows(0, height, func(_, y int) float64 {
		return squaredError(la.Row(y + border)[border:], lb.Row(y + border)[border:], width)
	})
	return PSNR(sum / float64(width) / float64(height)), nil
}

// squaredError is Σ (a − b)² over the first n values.
func squaredError(a, b []float32, n int) float64 {
	sum := 0.0
	for i, v := range a[:n] {
		sum += square(float64(v) - float64(b[i]))
	}
	return sum
}
