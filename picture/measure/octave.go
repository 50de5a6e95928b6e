package measure

import (
	"github.com/longspan/longspan/picture/raster"
	"github.com/longspan/longspan/picture/resample"
)

// TopOctave is the energy of luma in the top octave: the mean square of what is lost when luma is shrunk by 2 and enlarged again, both with
// Lanczos3. Report the ratio to the energy of the original: blurred pictures have less than 1, noisy ones more. It returns an error for a
// picture that is none and for sides below 2.
func TopOctave(im *raster.Image) (float64, error) {
	if err := checkOne(im, 2); err != nil {
		return 0, err
	}
	luma := im.Luma()
	small, err := resample.Resize(luma, (im.Width+1)/2, (im.Height+1)/2, resample.Lanczos3, 0)
	if err != nil {
		return 0, err
	}
	smooth, err := resample.Resize(small, im.Width, im.Height, resample.Lanczos3, 0)
	if err != nil {
		return 0, err
	}
	sum := sumRows(0, im.Height, func(_, y int) float64 { return squaredError(luma.Row(y), smooth.Row(y), im.Width) })
	return sum / float64(im.Width) / float64(im.Height), nil
}
