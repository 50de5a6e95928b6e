package filters

import (
	"math"

	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/picture/raster"
)

// The neighbourhood of a pixel, and the bins of a cluster.
const (
	radius     = 3
	side       = 2*radius + 1
	taps       = side * side
	angles     = 12
	strengths  = 4
	coherences = 3
	// Clusters is the number of clusters.
	Clusters = angles * strengths * coherences
)

// sigma is the deviation of the Gaussian weights over the neighbourhood, in pixels: the outermost of 7 have a third of the middle's weight.
const sigma = 2

// bounds divide gradients by their strength and their coherence. They are fitted, so that the bins have equal shares of the samples.
type bounds struct {
	Strength  [strengths - 1]float32
	Coherence [coherences - 1]float32
}

// structure is the gradient around each pixel of a band of rows: its angle, 0 … π, strength and coherence, 0 … 1.
type structure struct{ angle, strength, coherence float32 }

// tensors are the products of gradients of luma, xx, xy and yy for each pixel, smoothed over the neighbourhood.
type tensors struct {
	width, height int
	xx, xy, yy    []float32
}

// newTensors computes the structure tensors of luma: central differences, products, and Gaussian weights along rows and columns.
func newTensors(luma *raster.Image, threads int) *tensors {
	w, h := luma.Width, luma.Height
	t := &tensors{w, h, make([]float32, w*h), make([]float32, w*h), make([]float32, w*h)}
	pool.Run(threads, h, func(_, y int) {
		above, row, below := luma.Row(max(y-1, 0)), luma.Row(y), luma.Row(min(y+1, h-1))
		for x := range row {
			gx, gy := row[min(x+1, w-1)]-row[max(x-1, 0)], below[x]-above[x]
			t.xx[y*w+x], t.xy[y*w+x], t.yy[y*w+x] = gx*gx, gx*gy, gy*gy
		}
	})
	weights := gaussian()
	for _, plane := range []*[]float32{&t.xx, &t.xy, &t.yy} {
		*plane = smooth(*plane, w, h, weights, threads)
	}
	return t
}

// gaussian are weights of −radius … radius, of sum 1.
func gaussian() (weights [side]float32) {
	sum := 0.0
	for i := range weights {
		sum += math.Exp(-float64((i-radius)*(i-radius)) / (2 * sigma * sigma))
	}
	for i := range weights {
		weights[i] = float32(math.Exp(-float64((i-radius)*(i-radius))/(2*sigma*sigma)) / sum)
	}
	return weights
}

// smooth weighs a plane along columns, then along rows. Outside of the plane its border goes on.
func smooth(plane []float32, w, h int, weights [side]float32, threads int) []float32 {
	out := make([]float32, len(plane))
	pool.Run(threads, h, func(_, y int) {
		column := make([]float32, w+2*radius)
		middle := column[radius : radius+w]
		for i, weight := range weights {
			for x, v := range plane[min(max(y+i-radius, 0), h-1)*w:][:w] {
				middle[x] += weight * v
			}
		}
		for i := range radius {
			column[i], column[radius+w+i] = middle[0], middle[w-1]
		}
		for x := range w {
			sum := float32(0)
			for i, weight := range weights {
				sum += weight * column[x+i]
			}
			out[y*w+x] = sum
		}
	})
	return out
}

// at is the structure of pixel i.
func (t *tensors) at(i int) structure {
	xx, xy, yy := float64(t.xx[i]), float64(t.xy[i]), float64(t.yy[i])
	// The eigenvalues of a symmetric 2×2 matrix are its half trace plus and minus the root.
	half, root := (xx+yy)/2, math.Sqrt((xx-yy)*(xx-yy)/4+xy*xy)
	large, small := math.Sqrt(max(half+root, 0)), math.Sqrt(max(half-root, 0))
	angle := math.Atan2(2*xy, xx-yy) / 2
	if angle < 0 {
		angle += math.Pi
	}
	s := structure{angle: float32(angle), strength: float32(large)}
	if large+small > 0 {
		s.coherence = float32((large - small) / (large + small))
	}
	return s
}

// cluster is the index of a structure's filters.
func (b *bounds) cluster(s structure) int {
	bin := func(v float32, limits []float32) int {
		for i, limit := range limits {
			if v < limit {
				return i
			}
		}
		return len(limits)
	}
	angle := 0
	if bin := float64(s.angle)/math.Pi*angles + 0.5; bin > 0 && bin < angles { // else it is past the last bin, which is the first, or NaN
		angle = int(bin)
	}
	return (angle*strengths+bin(s.strength, b.Strength[:]))*coherences + bin(s.coherence, b.Coherence[:])
}
