package measure_test

import (
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/picture/measure"
	"github.com/longspan/longspan/picture/raster"
)

func TestSlicedWasserstein(t *testing.T) {
	o := measure.SWDOptions{Patches: 4000, Projections: 40, Levels: 2, Seed: 5}
	a := []*raster.Image{random(t, 1, 160, 150, 3), random(t, 2, 133, 141, 3)}
	other := []*raster.Image{random(t, 3, 160, 150, 3), random(t, 4, 160, 150, 3), random(t, 5, 160, 150, 3)}
	soft := []*raster.Image{blurred(t, a[0]), blurred(t, a[1])}
	of := func(a, b []*raster.Image) *measure.SWD {
		t.Helper()
		d, err := measure.SlicedWasserstein(a, b, o)
		if err != nil || len(d.Levels) != o.Levels || math.Abs((d.Levels[0]+d.Levels[1])/2-d.Mean) > 1e-12 {
			t.Fatalf("found %v, %v", d, err)
		}
		return d
	}
	if d := of(a, a); d.Mean != 0 {
		t.Errorf("a set has the distance %v to itself", d)
	}
	same, blur := of(a, other), of(a, soft)
	if !(same.Mean > 0 && 2*same.Mean < blur.Mean) {
		t.Errorf("noise has the distance %v to noise, and %v to blurred noise", same, blur)
	}
	old := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(old)
	if again := of(a, soft); !slices.Equal(again.Levels, blur.Levels) {
		t.Errorf("one thread finds %v, more find %v", again, blur)
	}
}

// Pictures that are made one at a time have the distances of pictures in memory, and errors of making them are returned.
func TestSlicedWassersteinOf(t *testing.T) {
	o := measure.SWDOptions{Patches: 500, Projections: 10, Levels: 2}
	a, b := []*raster.Image{random(t, 1, 60, 50, 3), random(t, 2, 55, 61, 3)}, []*raster.Image{random(t, 3, 60, 50, 3)}
	want, err := measure.SlicedWasserstein(a, b, o)
	if err != nil {
		t.Fatal(err)
	}
	made := 0
	set := measure.Set{Len: 2, At: func(i int) (*raster.Image, error) {
		made++
		return a[i], nil
	}}
	one := measure.Set{Len: 1, At: func(int) (*raster.Image, error) { return b[0], nil }}
	found, err := measure.SlicedWassersteinOf(set, one, o)
	if err != nil || !slices.Equal(found.Levels, want.Levels) || made != 2 {
		t.Errorf("found %v after %d pictures, %v; want %v", found, made, err, want)
	}
	failed := errors.New("no such picture")
	bad := measure.Set{Len: 1, At: func(int) (*raster.Image, error) { return nil, failed }}
	if _, err := measure.SlicedWassersteinOf(one, bad, o); !errors.Is(err, failed) {
		t.Errorf("found the error %v", err)
	}
}

func TestSlicedWassersteinRefusals(t *testing.T) {
	im, colour, small := flat(70, 65, 0.5), random(t, 1, 70, 65, 3), flat(5, 5, 0.5)
	set := func(ims ...*raster.Image) []*raster.Image { return ims }
	for _, c := range []struct {
		o    measure.SWDOptions
		b    []*raster.Image
		want string
	}{
		{measure.SWDOptions{}, set(im, small), "sides of at least 49 pixels: picture 1"},
		{measure.SWDOptions{}, set(im, nil), "no picture: picture 1"},
		{measure.SWDOptions{}, set(im, colour), "pictures of 1 and 3 channels"},
		{measure.SWDOptions{Patches: -1}, set(im, im), "found -1 patches"},
		{measure.SWDOptions{Projections: 1 << 30}, set(im, im), "projections, expected 1 to 65536"},
		{measure.SWDOptions{Levels: 17}, set(im, im), "found 17 levels"},
		{measure.SWDOptions{}, nil, "a set without pictures"},
	} {
		for _, sets := range [][2][]*raster.Image{{set(im), c.b}, {c.b, set(im)}} {
			if _, err := measure.SlicedWasserstein(sets[0], sets[1], c.o); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("found the error %v, expected %q", err, c.want)
			}
		}
	}
}
