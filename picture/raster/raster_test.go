package raster_test

import (
	"math"
	"slices"
	"testing"

	"github.com/longspan/longspan/picture/raster"
)

func TestSizes(t *testing.T) {
	for _, size := range [][3]int{{0, 1, 1}, {1, -1, 1}, {1 << 30, 1 << 30, 3}, {2, 2, 0}, {2, 2, 5}} {
		if _, err := raster.New(size[0], size[1], size[2]); err == nil {
			t.Errorf("New made a picture of %v", size)
		}
	}
	for _, m := range []*raster.Image{nil, {}, {Width: 2, Height: 2, Channels: 1, Pix: make([]float32, 3)}} {
		if m.Check() == nil {
			t.Errorf("Check passed %v", m)
		}
	}
}

func TestCrop(t *testing.T) {
	m, err := raster.New(4, 3, 2)
	if err != nil || m.Check() != nil {
		t.Fatal(err)
	}
	for i := range m.Pix {
		m.Pix[i] = float32(i)
	}
	part, err := m.Crop(1, 1, 3, 2)
	if err != nil || part.Check() != nil || part.Row(1)[0] != 18 || part.Row(0)[5] != 15 {
		t.Errorf("found %v, %v", part, err)
	}
	part.Pix[0] = -1
	if m.Row(1)[2] != 10 {
		t.Error("the part shares the picture's values")
	}
	for _, at := range [][4]int{{-1, 0, 1, 1}, {0, 0, 5, 1}, {2, 0, 3, 1}, {0, 3, 1, 1}, {0, 0, 0, 1}, {math.MaxInt, 0, 1, 1}} {
		if _, err := m.Crop(at[0], at[1], at[2], at[3]); err == nil {
			t.Errorf("Crop took %v", at)
		}
	}
}

func TestLumaAndRound(t *testing.T) {
	m := &raster.Image{Width: 2, Height: 1, Channels: 3, Pix: []float32{1, 1, 1, 0, 1, 0}}
	y := m.Luma()
	if math.Abs(float64(y.Pix[0])-1) > 1e-6 || math.Abs(float64(y.Pix[1])-0.587) > 1e-6 {
		t.Errorf("luma is %v", y.Pix)
	}
	n := &raster.Image{Width: 4, Height: 1, Channels: 1, Pix: []float32{-1, 0.5, 7, float32(math.NaN())}}
	if n.Round(255); n.Pix[0] != 0 || n.Pix[1] != 128.0/255 || n.Pix[2] != 1 || n.Pix[3] != 0 {
		t.Errorf("rounded to %v", n.Pix)
	}
}

func TestColoured(t *testing.T) {
	grey := &raster.Image{Width: 2, Height: 1, Channels: 1, Pix: []float32{0.25, 1}}
	m := grey.Coloured()
	if m.Check() != nil || m.Channels != 3 || m.Pix[2] != 0.25 || m.Pix[3] != 1 || m.Coloured() != m {
		t.Errorf("found %+v", m)
	}
}

// What is rounded to 8 bits comes back as it was.
func TestBytes(t *testing.T) {
	m := &raster.Image{Width: 3, Height: 1, Channels: 1, Pix: []float32{-1, 0.2, 3}}
	b := raster.Pack(m)
	m.Round(255)
	if got := b.Image(); got.Check() != nil || !slices.Equal(got.Pix, m.Pix) {
		t.Errorf("found %v, want %v", got, m)
	}
}
