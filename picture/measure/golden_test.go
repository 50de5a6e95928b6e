package measure

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/longspan/longspan/picture/raster"
)

// pairs is testdata/golden/pairs.json.
type pairs struct {
	Pairs []struct {
		Size           [3]int  `json:"size"`
		PSNR           float64 `json:"psnr"`
		PSNRBorder3    float64 `json:"psnr_border_3"`
		SSIM           float64 `json:"ssim"`
		GMSD           float64 `json:"gmsd"`
		OctaveOriginal float64 `json:"octave_original"`
		OctaveSpoilt   float64 `json:"octave_spoilt"`
		Seam84         float64 `json:"seam_8_4"`
		Seam81         float64 `json:"seam_8_1"`
	} `json:"pairs"`
	Detail struct {
		Tiles  [][2]int  `json:"tiles"`
		Errors []float64 `json:"errors"`
		PSNR   float64   `json:"psnr"`
	} `json:"detail"`
}

// expected reads a file of testdata/golden.
func expected[E any](t *testing.T, name string) (e E) {
	t.Helper()
	text, err := os.ReadFile("testdata/golden/" + name)
	if err == nil {
		err = json.Unmarshal(text, &e)
	}
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// noise is an integer of 0 … 255 that looks random.
func noise(i int) int { return int(uint32(i) * 2654435761 >> 24) }

// waves and spoilt are the pictures of pairs.py: waves whose frequency grows to the right and downwards, and the same with noise.
func waves(width, height, channels int) *raster.Image {
	im := &raster.Image{Width: width, Height: height, Channels: channels}
	for i := range width * height * channels {
		c, x, y := i%channels, i/channels%width, i/channels/width
		im.Pix = append(im.Pix, float32(((x*x*3+y*y*5+x*y*7)>>5+c*41)&255)/256)
	}
	return im
}

func spoilt(im *raster.Image) *raster.Image {
	out := &raster.Image{Width: im.Width, Height: im.Height, Channels: im.Channels}
	for i, v := range im.Pix {
		out.Pix = append(out.Pix, float32((int(v*256)*7+noise(i))>>3)/256)
	}
	return out
}

// near fails the test where got is further from want than 1e-5 of it: luma is summed in float32.
func near(t *testing.T, what string, got float64, err error, want float64) {
	t.Helper()
	if err != nil || !(math.Abs(got-want) <= 1e-5*math.Abs(want)) {
		t.Errorf("%s is %.9g, %v; expected %.9g", what, got, err, want)
	}
}

func TestPairs(t *testing.T) {
	for _, e := range expected[pairs](t, "pairs.json").Pairs {
		a := waves(e.Size[0], e.Size[1], e.Size[2])
		b := spoilt(a)
		got, err := PSNRLuma(a, b, 0)
		near(t, "PSNR", got, err, e.PSNR)
		got, err = PSNRLuma(b, a, 3)
		near(t, "PSNR without a border", got, err, e.PSNRBorder3)
		got, err = SSIM(a, b)
		near(t, "SSIM", got, err, e.SSIM)
		got, err = GMSD(a, b)
		near(t, "GMSD", got, err, e.GMSD)
		got, err = TopOctave(a)
		near(t, "the top octave of the original", got, err, e.OctaveOriginal)
		got, err = TopOctave(b)
		near(t, "the top octave of the spoilt picture", got, err, e.OctaveSpoilt)
		got, err = Seam(b, 8, 4)
		near(t, "the seam on a grid of 4", got, err, e.Seam84)
		got, err = Seam(b, 8, 1)
		near(t, "the seam on a grid of 1", got, err, e.Seam81)
	}
}

func TestDetail(t *testing.T) {
	e, a := expected[pairs](t, "pairs.json").Detail, waves(250, 190, 1)
	tiles, err := DetailTiles(a)
	if err != nil || len(tiles) != len(e.Tiles) {
		t.Fatalf("found %v, %v; expected %v", tiles, err, e.Tiles)
	}
	errors, err := TileErrors(spoilt(a), a, tiles)
	if err != nil {
		t.Fatal(err)
	}
	for i, tile := range tiles {
		if tile != (Tile{e.Tiles[i][0], e.Tiles[i][1]}) {
			t.Errorf("tile %d is %v, expected %v", i, tile, e.Tiles[i])
		}
		near(t, "the error of a tile", errors[i], nil, e.Errors[i])
	}
	got, err := PSNRDetail(spoilt(a), a)
	near(t, "PSNR of the detailed tiles", got, err, e.PSNR)
}
