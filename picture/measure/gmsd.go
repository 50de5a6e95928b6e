package measure

import (
	"math"

	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/picture/raster"
)

// gmsdC keeps the similarity of flat places near 1. The paper's constant is 170 for values of 0 … 255.
const gmsdC = 170.0 / (255 * 255)

// gmsdLeast is the least side: three pixels after halving, for one whole Prewitt filter.
const gmsdLeast = 6

// GMSD is the gradient magnitude similarity deviation of luma (Xue et al. 2014, arXiv:1308.3052): 0 is equal, larger is worse. Luma is
// halved by means of 2 × 2 pixels. Gradients are those of Prewitt. Pixels outside the picture are 0, as in the authors' program.
//
// It returns an error for pictures of different sizes and for sides below 6.
func GMSD(a, b *raster.Image) (float64, error) {
	if err := checkPair(a, b, gmsdLeast); err != nil {
		return 0, err
	}
	ha, hb := halved(a.Luma()), halved(b.Luma())
	similar := make([]float64, len(ha.v))
	pool.Run(0, ha.height, func(_, y int) {
		for x := range ha.width {
			ga, gb := ha.prewitt(x, y), hb.prewitt(x, y)
			similar[y*ha.width+x] = (2*math.Sqrt(ga*gb) + gmsdC) / (ga + gb + gmsdC)
		}
	})
	return deviation(similar), nil
}

// plane is one channel in float64, in a surrounding of zeros.
type plane struct {
	width, height int
	v             []float64 // [height][width]
}

func (p *plane) at(x, y int) float64 {
	if x < 0 || y < 0 || x >= p.width || y >= p.height {
		return 0
	}
	return p.v[y*p.width+x]
}

// halved is the means of 2 × 2 pixels. An odd last row or column is averaged with zeros.
func halved(luma *raster.Image) *plane {
	p := &plane{width: (luma.Width + 1) / 2, height: (luma.Height + 1) / 2}
	p.v = make([]float64, p.width*p.height)
	for y := range luma.Height {
		to := p.v[y/2*p.width:]
		for x, v := range luma.Row(y) {
			to[x/2] += float64(v) / 4
		}
	}
	return p
}

// prewitt is the squared magnitude of the gradient.
func (p *plane) prewitt(x, y int) float64 {
	dx, dy := 0.0, 0.0
	for i := -1; i <= 1; i++ {
		dx += p.at(x+1, y+i) - p.at(x-1, y+i)
		dy += p.at(x+i, y+1) - p.at(x+i, y-1)
	}
	return (dx*dx + dy*dy) / 9
}

// deviation is the standard deviation of a sample.
func deviation(x []float64) float64 {
	mean := 0.0
	for _, v := range x {
		mean += v
	}
	mean /= float64(len(x))
	sum := 0.0
	for _, v := range x {
		sum += square(v - mean)
	}
	return math.Sqrt(sum / float64(len(x)-1))
}
