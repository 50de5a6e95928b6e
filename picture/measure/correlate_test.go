package measure

import (
	"math"
	"slices"
	"testing"

	"github.com/longspan/longspan/picture/raster"
)

func TestSmooth(t *testing.T) {
	for n, want := range map[int]int{1: 1, 7: 8, 13: 15, 121: 125, 240: 240, 271: 288} {
		if got := smooth(n); got != want {
			t.Errorf("from %d on: %d, expected %d", n, got, want)
		}
	}
}

// The correlation is that of the sum, at every shift inside.
func TestCorrelation(t *testing.T) {
	for _, size := range [][5]int{{7, 5, 3, 4, 2}, {1, 1, 1, 1, 1}, {2, 9, 1, 2, 1}, {11, 1, 3, 4, 1}, {6, 7, 2, 6, 7}} {
		im, small := spoilt(waves(size[0], size[1], size[2])), waves(size[3], size[4], size[2])
		c := newCorrelator(im)
		got := c.with(small)
		for y := range size[1] - size[4] + 1 {
			for x := range size[0] - size[3] + 1 {
				part, err := im.Crop(x, y, size[3], size[4])
				if err != nil {
					t.Fatal(err)
				}
				want := 0.0
				for i, v := range part.Pix {
					want += float64(v) * float64(small.Pix[i])
				}
				if math.Abs(got[y*c.width+x]-want) > 1e-12 {
					t.Errorf("%v at (%d, %d): %g, expected %g", size, x, y, got[y*c.width+x], want)
				}
			}
		}
	}
}

func TestMirroredOf(t *testing.T) {
	im := &raster.Image{Width: 2, Height: 2, Channels: 2, Pix: []float32{1, 2, 3, 4, 5, 6, 7, 8}}
	if got := mirroredOf(im).Pix; !slices.Equal(got, []float32{3, 4, 1, 2, 7, 8, 5, 6}) {
		t.Errorf("mirrored: %v", got)
	}
}
