package file_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"testing"

	"github.com/longspan/longspan/picture/file"
)

// One colour is read alike from every type of image.
func TestTypesOfImages(t *testing.T) {
	c := color.NRGBA{R: 200, G: 100, B: 50, A: 255}
	r := image.Rect(-3, 5, 2, 9)
	y := image.NewYCbCr(r, image.YCbCrSubsampleRatio420)
	y1, cb, cr := color.RGBToYCbCr(200, 100, 50)
	for _, plane := range []struct {
		pix []byte
		v   byte
	}{{y.Y, y1}, {y.Cb, cb}, {y.Cr, cr}} {
		for i := range plane.pix {
			plane.pix[i] = plane.v
		}
	}
	images := []image.Image{
		image.NewNRGBA(r), image.NewRGBA(r), image.NewNRGBA64(r), image.NewRGBA64(r), image.NewCMYK(r),
		image.NewPaletted(r, color.Palette{c}), y, &image.NYCbCrA{YCbCr: *y, AStride: 5, A: bytes.Repeat([]byte{255}, 20)},
		struct{ image.Image }{image.NewNRGBA(r)},
	}
	for _, m := range images {
		if s, ok := m.(interface{ Set(x, y int, c color.Color) }); ok {
			fill(s, r, c)
		} else if s, ok := m.(struct{ image.Image }); ok {
			fill(s.Image.(*image.NRGBA), r, c)
		}
		p, err := file.FromImage(m)
		if err != nil {
			t.Fatal(err)
		}
		if p.Image.Width != 5 || p.Image.Height != 4 || p.Image.Channels != 3 {
			t.Errorf("%T: %+v", m, p)
		}
		for i, v := range p.Image.Pix {
			want := []float32{200, 100, 50}[i%3] / 255
			if d := v - want; d > 1.01/255 || d < -1.01/255 {
				t.Fatalf("%T: value %d is %v; want %v", m, i, v, want)
			}
		}
	}
}

func fill(m interface{ Set(x, y int, c color.Color) }, r image.Rectangle, c color.Color) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			m.Set(x, y, c)
		}
	}
}

// A JPEG file of a transparent picture has white where nothing is.
func TestTransparentAsJPEG(t *testing.T) {
	p := made(t, 3, 8, 1)
	clear(p.Image.Pix)
	clear(p.Alpha.Pix)
	for _, v := range read(t, write(t, p, file.JPEG)).Image.Pix {
		if v < 0.99 {
			t.Fatalf("found %v; want white", v)
		}
	}
}

func TestPremultiplied(t *testing.T) {
	p := made(t, 3, 8, 1)
	want := bytes.Clone(write(t, p, file.PNG))
	p.Alpha.Pix[3] = 1
	m, err := p.Premultiplied()
	if err != nil {
		t.Fatal(err)
	}
	p.Alpha.Pix[3] = 1.1 // as a resampler may leave it
	if err := file.Unpremultiply(m, p.Alpha); err != nil || p.Alpha.Pix[3] != 1 {
		t.Fatal(p.Alpha.Pix[3], err)
	}
	for i, a := range p.Alpha.Pix {
		for c := 3 * i; c < 3*i+3; c++ {
			if d := m.Pix[c] - p.Image.Pix[c]; a > 0 && (d > 1e-6 || d < -1e-6) {
				t.Errorf("value %d is %v; want %v", c, m.Pix[c], p.Image.Pix[c])
			}
		}
	}
	if len(want) == 0 || file.Unpremultiply(m, m) == nil {
		t.Error("Unpremultiply took an alpha of three channels")
	}
}

// The premultiplied types of Go come back straight.
func TestPremultipliedImages(t *testing.T) {
	p := made(t, 3, 16, 1)
	m, err := file.ToImage(p)
	if err != nil {
		t.Fatal(err)
	}
	r := m.Bounds()
	deep, shallow := image.NewRGBA64(r), image.NewRGBA(r)
	for y := range r.Dy() {
		for x := range r.Dx() {
			deep.Set(x, y, m.At(x, y))
			shallow.Set(x, y, m.At(x, y))
		}
	}
	for _, src := range []image.Image{deep, shallow} {
		got, err := file.FromImage(src)
		if err != nil {
			t.Fatal(err)
		}
		steps := float32(int(1)<<got.Bits - 1)
		for i, a := range got.Alpha.Pix {
			if d := (a - p.Alpha.Pix[i]) * steps; d > 1.1 || d < -1.1 {
				t.Errorf("%T: alpha %d is %v; want %v", src, i, a, p.Alpha.Pix[i])
			}
			for c := 3 * i; c < 3*i+3; c++ {
				if d := (got.Image.Pix[c] - p.Image.Pix[c]) * a * steps; d > 2 || d < -2 {
					t.Errorf("%T: value %d is %v; want %v", src, c, got.Image.Pix[c], p.Image.Pix[c])
				}
			}
		}
	}
}

// Colour at half resolution is interpolated: a ramp of colour stays a ramp, for each ratio.
func TestColourIsInterpolated(t *testing.T) {
	for _, ratio := range []image.YCbCrSubsampleRatio{
		image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420, image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411,
		image.YCbCrSubsampleRatio410, image.YCbCrSubsampleRatio444,
	} {
		m := image.NewYCbCr(image.Rect(0, 0, 32, 32), ratio)
		for i := range m.Y {
			m.Y[i] = 128
		}
		columns, rows := m.CStride, len(m.Cr)/m.CStride
		for i := range m.Cr {
			m.Cb[i] = 128
			m.Cr[i] = byte(96 + 32*(i%columns)/columns + 32*(i/columns)/rows)
		}
		for _, part := range []image.Image{m, m.SubImage(image.Rect(3, 5, 30, 31))} {
			checkRamp(t, fmt.Sprint(ratio, part.Bounds()), part)
		}
	}
}

func checkRamp(t *testing.T, what string, m image.Image) {
	t.Helper()
	p, err := file.FromImage(m)
	if err != nil {
		t.Fatal(err)
	}
	for y := range p.Image.Height {
		row := p.Image.Row(y)
		for x := 1; x < p.Image.Width; x++ {
			if d := (row[3*x] - row[3*x-3]) * 255; d < -0.01 || d > 3.01 {
				t.Fatalf("%s: red rises by %v at (%d, %d)", what, d, x, y)
			}
		}
		if at := m.Bounds().Min; y == 8 { // in the middle, as Go sees it, within the step of a sample
			r, _, _, _ := m.At(at.X+10, at.Y+8).RGBA()
			if d := row[30]*255 - float32(r>>8); d > 6 || d < -6 {
				t.Errorf("%s: red is %v; Go says %d", what, row[30]*255, r>>8)
			}
		}
	}
}
