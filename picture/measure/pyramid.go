package measure

import (
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/picture/raster"
)

// binomial is the low pass filter of pyramids (Burt and Adelson 1983, doi:10.1109/TCOM.1983.1095851).
var binomial = [5]float32{1. / 16, 4. / 16, 6. / 16, 4. / 16, 1. / 16}

// pyramid is the Laplacian pyramid of a picture, finest level first: what each level has beyond the next one, and the last level itself. A
// level is half as large as the one before, rounded up.
func pyramid(im *raster.Image, levels int) []*raster.Image {
	all := []*raster.Image{im}
	for len(all) < levels {
		fine := all[len(all)-1]
		coarse := transform(fine, halving(fine.Width), halving(fine.Height))
		smooth := transform(coarse, doubling(fine.Width), doubling(fine.Height))
		for i, v := range smooth.Pix {
			smooth.Pix[i] = fine.Pix[i] - v
		}
		all[len(all)-1] = smooth
		all = append(all, coarse)
	}
	return all
}

// tap is a pixel with its weight.
type tap struct {
	at     int
	weight float32
}

// halving keeps every second pixel of n, filtered.
func halving(n int) [][]tap {
	axis := make([][]tap, (n+1)/2)
	for i := range axis {
		for d, w := range binomial {
			axis[i] = append(axis[i], tap{mirror(2*i+d-2, n), w})
		}
	}
	return axis
}

// doubling puts zeros between pixels, up to the length n, and filters them with twice the weights.
func doubling(n int) [][]tap {
	axis := make([][]tap, n)
	for i := range axis {
		for d, w := range binomial {
			if at := mirror(i+d-2, n); at%2 == 0 {
				axis[i] = append(axis[i], tap{at / 2, 2 * w})
			}
		}
	}
	return axis
}

// mirror reflects a place, at most n−1 outside, about the first or last of n pixels.
func mirror(i, n int) int {
	if i < 0 {
		i = -i
	}
	if i >= n {
		i = 2*(n-1) - i
	}
	return i
}

// transform filters rows and then columns.
func transform(im *raster.Image, xs, ys [][]tap) *raster.Image {
	c := im.Channels
	between := &raster.Image{Width: len(xs), Height: im.Height, Channels: c, Pix: make([]float32, len(xs)*im.Height*c)}
	pool.Run(0, im.Height, func(_, y int) {
		src, dst := im.Row(y), between.Row(y)
		for x, taps := range xs {
			for _, t := range taps {
				for k := range c {
					dst[x*c+k] += t.weight * src[t.at*c+k]
				}
			}
		}
	})
	out := &raster.Image{Width: len(xs), Height: len(ys), Channels: c, Pix: make([]float32, len(xs)*len(ys)*c)}
	pool.Run(0, len(ys), func(_, y int) {
		for _, t := range ys[y] {
			kernel.Axpy(out.Row(y), t.weight, between.Row(t.at))
		}
	})
	return out
}
