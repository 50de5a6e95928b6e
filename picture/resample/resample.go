// Package resample changes the size of pictures, as Pillow's Image.resize does.
//
// An output pixel is a weighted mean of the pixels under a kernel, first along rows and then along columns. The kernel is centred where the
// output pixel's centre lies in the picture. It is stretched by the factor of shrinking, so that shrinking does not alias. Pixels outside
// the picture are left out, and the other weights are scaled to the sum 1.
//
// Pillow rounds pictures of 8 bits between the two passes and after them, and cuts off what is below black and above white both times. This
// package computes in float32, without rounding and without cutting off. Its results are those of Pillow's mode "F" to the last bits.
package resample

import (
	"fmt"

	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/picture/raster"
)

// Resize returns im in another size. Values are resampled as they are coded, and may leave 0 … 1 beside edges with Bicubic and Lanczos3.
// A channel of opacity is resampled as any other: multiply the others by it before.
//
// threads is the number of threads; 0 uses all. The result has the same bits for any.
//
// It returns an error for a picture that is none, an unknown kernel, a size that raster.New refuses, and where the picture between the
// passes, width × im.Height, is such a size. The cost is 2·support·factor multiply-adds a value and pass, where factor is the factor of
// shrinking, at least 1. The picture between the passes is held beside the result.
func Resize(im *raster.Image, width, height int, k Kernel, threads int) (*raster.Image, error) {
	if err := im.Check(); err != nil {
		return nil, fmt.Errorf("resample: %w", err)
	}
	if int(k) >= len(kernels) {
		return nil, fmt.Errorf("resample: found %v, expected box, triangle, bicubic or lanczos3", k)
	}
	out, err := raster.New(width, height, im.Channels)
	if err != nil {
		return nil, fmt.Errorf("resample: %w", err)
	}
	between := im
	if width != im.Width {
		if between, err = raster.New(width, im.Height, im.Channels); err != nil {
			return nil, fmt.Errorf("resample: from %d×%d to %d×%d, the picture between the passes: %w", im.Width, im.Height, width, height, err)
		}
		rows(between, im, newTaps(im.Width, width, k), threads)
	}
	if height == im.Height {
		copy(out.Pix, between.Pix)
		return out, nil
	}
	columns(out, between, newTaps(im.Height, height, k), threads)
	return out, nil
}

// rows resamples along rows.
func rows(out, im *raster.Image, t *taps, threads int) {
	pool.Run(threads, out.Height, func(_, y int) {
		dst, src := out.Row(y), im.Row(y)
		switch im.Channels {
		case 1:
			row1(dst, src, t)
		case 3:
			row3(dst, src, t)
		default:
			row(dst, src, t, im.Channels)
		}
	})
}

// row1, row3 and row are one row of one, three, and any channels. Sums in registers make the first two several times as fast.
func row1(dst, src []float32, t *taps) {
	for x := range dst {
		weights, first := t.of(x)
		under := src[first : first+len(weights)]
		var s float32
		for i, w := range weights {
			s += w * under[i]
		}
		dst[x] = s
	}
}

func row3(dst, src []float32, t *taps) {
	for x := range len(dst) / 3 {
		weights, first := t.of(x)
		under := src[3*first : 3*(first+len(weights))]
		var r, g, b float32
		for _, w := range weights {
			r += w * under[0]
			g += w * under[1]
			b += w * under[2]
			under = under[3:]
		}
		to := dst[3*x : 3*x+3]
		to[0], to[1], to[2] = r, g, b
	}
}

func row(dst, src []float32, t *taps, channels int) {
	for x := range len(dst) / channels {
		weights, first := t.of(x)
		for c := range channels {
			var s float32
			for i, w := range weights {
				s += w * src[(first+i)*channels+c]
			}
			dst[x*channels+c] = s
		}
	}
}

// columns resamples along columns: an output row is a sum of whole rows.
func columns(out, im *raster.Image, t *taps, threads int) {
	pool.Run(threads, out.Height, func(_, y int) {
		weights, first := t.of(y)
		dst := out.Row(y)
		kernel.Scale(dst, weights[0], im.Row(first))
		for i, w := range weights[1:] {
			kernel.Axpy(dst, w, im.Row(first+1+i))
		}
	})
}
