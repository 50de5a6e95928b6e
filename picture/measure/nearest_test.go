package measure_test

import (
	"math"
	"strings"
	"testing"

	"github.com/longspan/longspan/picture/measure"
	"github.com/longspan/longspan/picture/raster"
)

// A part that was taken from a picture is found where it was, mirrored or not.
func TestNearestFindsAPart(t *testing.T) {
	set := []*raster.Image{random(t, 1, 31, 22, 3), random(t, 2, 26, 37, 3), random(t, 3, 20, 15, 3)}
	small, err := set[1].Crop(5, 20, 13, 9)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := measure.Nearest(small, set); err != nil || got != (measure.Match{Picture: 1, X: 5, Y: 20}) {
		t.Errorf("found %+v, %v; expected picture 1 at (5, 20)", got, err)
	}
	for y := range small.Height {
		row := small.Row(y)
		for x := range 3 * (small.Width / 2) {
			mirror := 3*(small.Width-1-x/3) + x%3
			row[x], row[mirror] = row[mirror], row[x]
		}
	}
	small.Pix[0] += 0.5
	got, err := measure.Nearest(small, set)
	want := measure.Match{Picture: 1, X: 5, Y: 20, Mirrored: true, Distance: 0.5 / math.Sqrt(13*9*3)}
	if math.Abs(got.Distance-want.Distance) > 1e-7 {
		t.Errorf("found the distance %g, expected %g", got.Distance, want.Distance)
	}
	if got.Distance = want.Distance; err != nil || got != want {
		t.Errorf("found %+v, %v; expected %+v", got, err, want)
	}
}

// The least distance is that of looking at every part.
func TestNearestIsLeast(t *testing.T) {
	im, small := random(t, 1, 14, 11, 1), random(t, 2, 5, 4, 1)
	least := math.Inf(1)
	for _, flip := range []bool{false, true} {
		for y := range 8 {
			for x := range 10 {
				sum := 0.0
				for i, v := range small.Pix {
					dx, dy := i%5, i/5
					if flip {
						dx = 4 - dx
					}
					d := float64(v - im.Row(y + dy)[x+dx])
					sum += d * d
				}
				least = min(least, math.Sqrt(sum/20))
			}
		}
	}
	if got, err := measure.Nearest(small, []*raster.Image{im}); err != nil || math.Abs(got.Distance-least) > 1e-7 {
		t.Errorf("found %+v, %v; expected the distance %g", got, err, least)
	}
}

func TestNearestRefusals(t *testing.T) {
	im, small := flat(70, 65, 0.5), flat(5, 5, 0.5)
	for _, c := range []struct {
		small *raster.Image
		set   []*raster.Image
		want  string
	}{
		{nil, []*raster.Image{im}, "no picture"},
		{small, nil, "no pictures to search"},
		{small, []*raster.Image{im, nil}, "no picture: picture 1"},
		{im, []*raster.Image{small}, "picture 0 of 5×5×1, expected at least 70×65"},
		{small, []*raster.Image{random(t, 1, 9, 9, 3)}, "just 1 channels"},
	} {
		if _, err := measure.Nearest(c.small, c.set); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("found the error %v, expected %q", err, c.want)
		}
	}
}
