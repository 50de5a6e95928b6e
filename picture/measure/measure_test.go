package measure_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/picture/measure"
	"github.com/longspan/longspan/picture/raster"
	"github.com/longspan/longspan/picture/resample"
)

// random is a picture of noise.
func random(t testing.TB, seed uint64, width, height, channels int) *raster.Image {
	t.Helper()
	im, err := raster.New(width, height, channels)
	if err != nil {
		t.Fatal(err)
	}
	r := data.NewRandom(seed, 0)
	for i := range im.Pix {
		im.Pix[i] = float32(r.Float64())
	}
	return im
}

// blurred is a picture after shrinking by 3 and enlarging.
func blurred(t testing.TB, im *raster.Image) *raster.Image {
	t.Helper()
	small, err := resample.Resize(im, im.Width/3, im.Height/3, resample.Bicubic, 0)
	if err != nil {
		t.Fatal(err)
	}
	out, err := resample.Resize(small, im.Width, im.Height, resample.Bicubic, 0)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func flat(width, height int, v float32) *raster.Image {
	return &raster.Image{Width: width, Height: height, Channels: 1, Pix: slices.Repeat([]float32{v}, width*height)}
}

func TestEqualPictures(t *testing.T) {
	im := random(t, 1, 65, 70, 3)
	if v, err := measure.PSNRLuma(im, im, 2); err != nil || !math.IsInf(v, 1) {
		t.Errorf("PSNR is %g, %v", v, err)
	}
	if v, err := measure.PSNRDetail(im, im); err != nil || !math.IsInf(v, 1) {
		t.Errorf("PSNR of detail is %g, %v", v, err)
	}
	if v, err := measure.SSIM(im, im); err != nil || math.Abs(v-1) > 1e-12 {
		t.Errorf("SSIM is %g, %v", v, err)
	}
	if v, err := measure.GMSD(im, im); err != nil || v > 1e-12 {
		t.Errorf("GMSD is %g, %v", v, err)
	}
}

// A step of 0.1 everywhere is 20 dB. The border is not looked at.
func TestPSNRBorder(t *testing.T) {
	a, b := flat(7, 6, 0.5), flat(7, 6, 0.6)
	b.Pix[0], b.Pix[7*6-1] = 9, -9
	if v, err := measure.PSNRLuma(a, b, 1); err != nil || math.Abs(v-20) > 1e-5 {
		t.Errorf("found %g, %v; expected 20 dB", v, err)
	}
}

// Luma of 16 … 235, of a peak of 255, has errors of 219/255.
func TestLimitedRange(t *testing.T) {
	if want := measure.PSNR(219. / 255 * 219. / 255); math.Abs(measure.LimitedRange-want) > 1e-12 {
		t.Errorf("found %g dB, expected %g", measure.LimitedRange, want)
	}
}

func TestSeamSeesPatches(t *testing.T) {
	im := random(t, 2, 64, 64, 1)
	none, err := measure.Seam(im, 8, 2)
	if err != nil || math.Abs(none-1) > 0.1 {
		t.Errorf("noise has the seam %g, %v", none, err)
	}
	for i := range im.Pix {
		if x, y := i%64, i/64; (x/8+y/8)%2 == 0 {
			im.Pix[i]++
		}
	}
	if v, err := measure.Seam(im, 8, 2); err != nil || v < 2 {
		t.Errorf("patches of other brightness have the seam %g, %v", v, err)
	}
}

func TestTopOctaveSeesBlur(t *testing.T) {
	im := random(t, 3, 60, 48, 1)
	sharp, err := measure.TopOctave(im)
	if err != nil || sharp < 0.04 || sharp > 0.08 { // noise has the variance 1/12, and three quarters of it are in the top octave
		t.Errorf("noise has %g, %v", sharp, err)
	}
	if soft, err := measure.TopOctave(blurred(t, im)); err != nil || soft > sharp/50 {
		t.Errorf("blurred noise has %g, %v", soft, err)
	}
	if v, err := measure.TopOctave(flat(5, 5, 0.3)); err != nil || v > 1e-12 {
		t.Errorf("a flat picture has %g, %v", v, err)
	}
}

func TestRefusals(t *testing.T) {
	im, other, colour, small := flat(70, 65, 0.5), flat(65, 70, 0.5), random(t, 1, 70, 65, 3), flat(5, 5, 0.5)
	broken := &raster.Image{Width: 70, Height: 65, Channels: 1}
	psnr := func(border int) func(a, b *raster.Image) error {
		return func(a, b *raster.Image) error { _, err := measure.PSNRLuma(a, b, border); return err }
	}
	ssim := func(a, b *raster.Image) error { _, err := measure.SSIM(a, b); return err }
	gmsd := func(a, b *raster.Image) error { _, err := measure.GMSD(a, b); return err }
	detail := func(a, b *raster.Image) error { _, err := measure.PSNRDetail(a, b); return err }
	tile := func(a, b *raster.Image) error {
		_, err := measure.TileErrors(a, b, []measure.Tile{{11, 0}})
		return err
	}
	octave := func(a, _ *raster.Image) error { _, err := measure.TopOctave(a); return err }
	seam := func(patch, pitch int) func(a, b *raster.Image) error {
		return func(a, _ *raster.Image) error { _, err := measure.Seam(a, patch, pitch); return err }
	}
	for _, c := range []struct {
		f    func(a, b *raster.Image) error
		a, b *raster.Image
		want string
	}{
		{psnr(0), im, nil, "no picture"},
		{psnr(0), im, broken, "with 0 values"},
		{psnr(0), im, other, "pictures of 70×65×1 and 65×70×1, expected one size"},
		{psnr(0), im, colour, "70×65×1 and 70×65×3"},
		{psnr(33), im, im, "expected sides of at least 67"},
		{psnr(-1), im, im, "a border of -1"},
		{psnr(math.MaxInt), im, im, "a border of "},
		{ssim, im, other, "expected one size"},
		{ssim, small, small, "a picture of 5×5, expected sides of at least 11"},
		{gmsd, im, other, "expected one size"},
		{gmsd, small, small, "at least 6"},
		{detail, im, other, "expected one size"},
		{detail, small, small, "at least 60"},
		{tile, im, im, "a tile at (11, 0)"},
		{octave, broken, nil, "with 0 values"},
		{octave, flat(1, 9, 0), nil, "at least 2"},
		{seam(8, 3), im, nil, "patches of 8 pixels on a grid of 3"},
		{seam(8, 8), im, nil, "expected a multiple of the grid"},
		{seam(8, 0), im, nil, "grid of 0"},
		{seam(math.MaxInt, 1), im, nil, "on a grid of 1"},
		{seam(66, 1), im, nil, "at least 67"},
		{seam(8, 2), im, nil, "expected a picture that is not flat"},
	} {
		if err := c.f(c.a, c.b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("found the error %v, expected %q", err, c.want)
		}
	}
}
