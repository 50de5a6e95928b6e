package measure

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/picture/raster"
)

// Seam tells how visible the borders of patches are: the mean |step of luma| between neighbours across patch borders, over that across the
// other borders of the grid. Patches are patch × patch pixels, and the grid has a border every pitch pixels, both from the upper left
// corner. 1 is no seam.
//
// An enlarged picture has steps at the borders of the pixels that it was made from, with or without patches. So pitch is the factor of
// enlarging. A picture that was not enlarged has the pitch 1. patch is a multiple of pitch, and at least two of them.
//
// It returns an error for other values, for a picture with a side of one patch or less, and for one without any step at the other borders.
func Seam(im *raster.Image, patch, pitch int) (float64, error) {
	if pitch < 1 || patch <= pitch || patch%pitch != 0 || patch > raster.MaxPixels {
		return 0, fmt.Errorf("measure: found patches of %d pixels on a grid of %d, expected a multiple of the grid, at least two times it",
			patch, pitch)
	}
	if err := checkOne(im, patch+1); err != nil {
		return 0, err
	}
	luma := im.Luma()
	var patches, others border
	for y := range im.Height {
		row := luma.Row(y)
		for x := pitch; x < im.Width; x += pitch {
			choose(&patches, &others, x%patch == 0).add(row[x] - row[x-1])
		}
		if y == 0 || y%pitch != 0 {
			continue
		}
		to, above := choose(&patches, &others, y%patch == 0), luma.Row(y-1)
		for x, v := range row {
			to.add(v - above[x])
		}
	}
	if !(others.sum > 0) {
		return 0, fmt.Errorf("measure: found no step of luma at the grid of %d pixels, expected a picture that is not flat", pitch)
	}
	return patches.mean() / others.mean(), nil
}

func choose(patches, others *border, isPatch bool) *border {
	if isPatch {
		return patches
	}
	return others
}

// border sums the steps across borders.
type border struct {
	sum   float64
	count int
}

func (b *border) add(step float32) {
	b.sum += math.Abs(float64(step))
	b.count++
}

func (b *border) mean() float64 { return b.sum / float64(b.count) }
