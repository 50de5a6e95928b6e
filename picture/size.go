package picture

import (
	"fmt"
	"image"
	"math"

	"github.com/longspan/longspan/picture/raster"
)

// Target is the size that a picture of a size is enlarged to. It returns an error for a size that is missing or too large, and for one that
// would stretch the picture.
func (o UpscaleOptions) Target(from image.Point) (image.Point, error) {
	if from.X < 1 || from.Y < 1 {
		return image.Point{}, fmt.Errorf("found a picture of %d×%d, expected at least 1×1", from.X, from.Y)
	}
	to, err := o.asked(from)
	if err != nil {
		return to, err
	}
	if err := checkSize(to.X, to.Y); err != nil {
		return to, err
	}
	if o.Width == 0 || o.Height == 0 {
		return to, nil
	}
	return to, checkAspect(from, to)
}

// asked is the size asked for.
func (o UpscaleOptions) asked(from image.Point) (image.Point, error) {
	w, h := float64(from.X), float64(from.Y)
	switch {
	case o.Width < 0 || o.Height < 0 || !(o.Scale >= 0) || math.IsInf(o.Scale, 0):
		return image.Point{}, fmt.Errorf("found a size of %d×%d and a scale of %g, expected positive numbers", o.Width, o.Height, o.Scale)
	case o.Scale > 0 && (o.Width > 0 || o.Height > 0):
		return image.Point{}, fmt.Errorf("found a size and a scale, expected one of them")
	case o.Scale > 0:
		return rounded(w*o.Scale, h*o.Scale)
	case o.Width > 0 && o.Height > 0:
		return image.Pt(o.Width, o.Height), nil
	case o.Width > 0:
		return rounded(float64(o.Width), h*float64(o.Width)/w)
	case o.Height > 0:
		return rounded(w*float64(o.Height)/h, float64(o.Height))
	}
	return image.Point{}, fmt.Errorf("found no size, expected a width, a height or a scale")
}

// rounded is the nearest size, at least 1×1.
func rounded(w, h float64) (image.Point, error) {
	if w > raster.MaxPixels || h > raster.MaxPixels {
		return image.Point{}, fmt.Errorf("found a size of %.4g×%.4g, expected at most %d pixels", w, h, raster.MaxPixels)
	}
	return image.Pt(max(1, int(w+0.5)), max(1, int(h+0.5))), nil
}

func checkSize(w, h int) error {
	if w < 1 || h < 1 || int64(w) > raster.MaxPixels || int64(h) > raster.MaxPixels || int64(w)*int64(h) > raster.MaxPixels {
		return fmt.Errorf("found a size of %d×%d, expected 1×1 to %d pixels", w, h, raster.MaxPixels)
	}
	return nil
}

// checkAspect refuses a size that stretches a picture more than rounding does. A side of n pixels is known to half a pixel, and stands for
// n−½ … n+½, so that the two sides of a picture give two ranges of factors. There must be a factor in both.
func checkAspect(from, to image.Point) error {
	least := func(n, of int) float64 { return (float64(n) - 0.5) / (float64(of) + 0.5) }
	most := func(n, of int) float64 { return (float64(n) + 0.5) / (float64(of) - 0.5) }
	if least(to.X, from.X) <= most(to.Y, from.Y) && least(to.Y, from.Y) <= most(to.X, from.X) {
		return nil
	}
	wide, _ := rounded(float64(to.X), float64(from.Y)*float64(to.X)/float64(from.X))
	high, _ := rounded(float64(from.X)*float64(to.Y)/float64(from.Y), float64(to.Y))
	return fmt.Errorf("a picture of %d×%d does not fit %d×%d without being stretched; expected %d×%d (give the width alone) "+
		"or %d×%d (the height alone), or cut the picture first", from.X, from.Y, to.X, to.Y, wide.X, wide.Y, high.X, high.Y)
}

// factors are those of the passes that make a picture at least as large as a target: of 2, 4 and 8 the least that reaches it, after as many
// times 8 as needed. A drawn picture has 4 or 8, which the flow has learned. A picture that has the target's size already, or more, has
// none.
func factors(from, to image.Point, drawn bool) (all []int, err error) {
	for from.X < to.X || from.Y < to.Y {
		f := 2
		if drawn {
			f = 4
		}
		for f < 8 && (from.X*f < to.X || from.Y*f < to.Y) {
			f *= 2
		}
		all = append(all, f)
		from = from.Mul(f)
		if int64(from.X)*int64(from.Y) > raster.MaxPixels {
			return nil, fmt.Errorf("a picture of %d×%d on the way to %d×%d has more than %d pixels; enlarge to less, or cut the picture first",
				from.X, from.Y, to.X, to.Y, raster.MaxPixels)
		}
	}
	return all, nil
}
