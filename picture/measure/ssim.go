package measure

import (
	"math"

	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/picture/raster"
)

// The constants of SSIM (Wang et al. 2004, doi:10.1109/TIP.2003.819861, section III.C).
const (
	ssimSide  = 11
	ssimSigma = 1.5
	ssimC1    = 0.01 * 0.01 // (K1·L)², where L, the range of values, is 1
	ssimC2    = 0.03 * 0.03
)

// SSIM is the mean structural similarity of luma (Wang et al. 2004, doi:10.1109/TIP.2003.819861, equation 13): −1 … 1, where 1 is equal.
// Windows are Gaussian, 11 × 11, and lie inside the picture. Later programs of the authors shrink the picture first; this does not.
//
// It returns an error for pictures of different sizes and for sides below 11. Cost: 110 multiply-adds a pixel.
func SSIM(a, b *raster.Image) (float64, error) {
	if err := checkPair(a, b, ssimSide); err != nil {
		return 0, err
	}
	window, la, lb := gaussian(ssimSide, ssimSigma), a.Luma(), b.Luma()
	width, height := a.Width-ssimSide+1, a.Height-ssimSide+1
	workers := make([]moments, pool.Threads(0))
	for i := range workers {
		workers[i] = newMoments(a.Width)
	}
	sum := sumRows(len(workers), height, func(worker, y int) float64 {
		m, row := workers[worker], 0.0
		m.down(la, lb, y, window)
		for x := range width {
			row += ssim(m.at(x, window))
		}
		return row
	})
	return sum / float64(width) / float64(height), nil
}

// gaussian are the weights of a Gaussian window, with the sum 1.
func gaussian(side int, sigma float64) []float64 {
	w, sum := make([]float64, side), 0.0
	for i := range w {
		w[i] = math.Exp(-square(float64(i-side/2)/sigma) / 2)
		sum += w[i]
	}
	for i := range w {
		w[i] /= sum
	}
	return w
}

// moments are weighted sums over the columns under one row of windows: of a, b, a², b² and ab.
type moments [5][]float64

func newMoments(width int) (m moments) {
	for i := range m {
		m[i] = make([]float64, width)
	}
	return m
}

// down fills m for the windows whose first row is y.
func (m moments) down(a, b *raster.Image, y int, window []float64) {
	for i := range m {
		clear(m[i])
	}
	for i, w := range window {
		ra, rb := a.Row(y+i), b.Row(y+i)
		for x := range ra {
			va, vb := float64(ra[x]), float64(rb[x])
			m[0][x] += w * va
			m[1][x] += w * vb
			m[2][x] += w * va * va
			m[3][x] += w * vb * vb
			m[4][x] += w * va * vb
		}
	}
}

// at is the moments of the window whose first column is x.
func (m moments) at(x int, window []float64) (of [5]float64) {
	for i := range m {
		for j, v := range m[i][x : x+len(window)] {
			of[i] += window[j] * v
		}
	}
	return of
}

// ssim is the similarity in one window.
func ssim(m [5]float64) float64 {
	a, b := m[0], m[1]
	varA, varB, cov := m[2]-a*a, m[3]-b*b, m[4]-a*b
	return (2*a*b + ssimC1) * (2*cov + ssimC2) / ((a*a + b*b + ssimC1) * (varA + varB + ssimC2))
}
