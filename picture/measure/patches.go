package measure

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/picture/raster"
	"github.com/longspan/longspan/tensor"
)

// patchSide is the side of a patch, in pixels of its level.
const patchSide = 7

// drawPatches draws patches of each level of the pyramids of a set, and standardises them. Each picture gives the same number of patches,
// or one more. Only one picture and its pyramid are held at a time. Pictures must have some channels; 0: those of the first.
func drawPatches(set Set, channels int, o SWDOptions) ([]tensor.Mat, error) {
	levels := make([]tensor.Mat, o.Levels)
	for i := range set.Len {
		im, err := set.At(i)
		if err != nil {
			return nil, err
		}
		if err := checkOne(im, (patchSide-1)<<(o.Levels-1)+1); err != nil {
			return nil, fmt.Errorf("%w: picture %d of its set", err, i)
		}
		if channels == 0 {
			channels = im.Channels
		}
		if im.Channels != channels {
			return nil, fmt.Errorf("measure: found pictures of %d and %d channels, expected one number", channels, im.Channels)
		}
		for l, level := range pyramid(im, o.Levels) {
			if i == 0 {
				levels[l] = tensor.New(tensor.F32, o.Patches, patchSide*patchSide*channels)
			}
			r := data.NewRandom(o.Seed, uint64(i*o.Levels+l))
			for p := i; p < o.Patches; p += set.Len {
				x, y := r.IntN(level.Width-patchSide+1), r.IntN(level.Height-patchSide+1)
				copyPatch(levels[l].Row(p), level, x, y)
			}
		}
	}
	for _, m := range levels {
		standardise(m, channels)
	}
	return levels, nil
}

// copyPatch writes the patch from (x, y), row by row.
func copyPatch(to []float32, level *raster.Image, x, y int) {
	n := patchSide * level.Channels
	for i := range patchSide {
		copy(to[i*n:(i+1)*n], level.Row(y + i)[x*level.Channels:])
	}
}

// standardise gives each channel, over all patches of a set, the mean 0 and the variance 1. A channel of one value becomes 0.
func standardise(m tensor.Mat, channels int) {
	n := float64(m.Rows * m.Cols / channels)
	var mean, variance [4]float64
	for i := range m.Rows {
		for j, v := range m.Row(i) {
			mean[j%channels] += float64(v) / n
		}
	}
	for i := range m.Rows {
		for j, v := range m.Row(i) {
			variance[j%channels] += square(float64(v)-mean[j%channels]) / n
		}
	}
	for i := range m.Rows {
		row := m.Row(i)
		for j, v := range row {
			if c := j % channels; variance[c] > 0 {
				row[j] = float32((float64(v) - mean[c]) / math.Sqrt(variance[c]))
			} else {
				row[j] = 0
			}
		}
	}
}
