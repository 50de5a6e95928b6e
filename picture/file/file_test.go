package file_test

import (
	"bytes"
	"image/jpeg"
	"image/png"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/picture/file"
	"github.com/longspan/longspan/picture/raster"
)

// made is a picture without a pattern that repeats.
func made(t *testing.T, channels, bits, alphaChannels int) *file.Picture {
	t.Helper()
	levels := float32(int(1)<<bits - 1)
	fill := func(channels, seed int) *raster.Image {
		m, err := raster.New(7, 5, channels)
		if err != nil {
			t.Fatal(err)
		}
		for i := range m.Pix {
			m.Pix[i] = float32((i*7919+seed)%int(levels+1)) / levels
		}
		return m
	}
	p := &file.Picture{Image: fill(channels, 11), Bits: bits}
	if alphaChannels > 0 {
		p.Alpha = fill(1, 5)
	}
	return p
}

// profile is a profile as far as it is checked: the header, and bytes.
func profile(space string, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i * 31)
	}
	p[0], p[1], p[2], p[3] = byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
	copy(p[16:], space)
	copy(p[36:], "acsp")
	return p
}

func read(t *testing.T, data []byte) *file.Picture {
	t.Helper()
	p, err := file.Read(bytes.NewReader(data), "made", file.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func write(t *testing.T, p *file.Picture, format string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := file.Write(&b, p, format, 0); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func same(a, b *raster.Image) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Width == b.Width && a.Height == b.Height && a.Channels == b.Channels && slices.Equal(a.Pix, b.Pix)
}

func TestPNGKeepsEverything(t *testing.T) {
	for _, c := range []struct {
		what                  string
		channels, bits, alpha int
		icc                   []byte
	}{
		{"grey", 1, 8, 0, profile("GRAY", 300)},
		{"grey of 16 bits", 1, 16, 0, nil},
		{"grey with alpha", 1, 8, 1, profile("GRAY", 128)},
		{"grey of 16 bits with alpha", 1, 16, 1, nil},
		{"colour", 3, 8, 0, profile("RGB ", 70_000)},
		{"colour of 16 bits", 3, 16, 0, nil},
		{"colour with alpha", 3, 8, 1, profile("RGB ", 3000)},
		{"colour of 16 bits with alpha", 3, 16, 1, profile("RGB ", 3001)},
	} {
		p := made(t, c.channels, c.bits, c.alpha)
		p.ICC = c.icc
		got := read(t, write(t, p, file.PNG))
		if !same(got.Image, p.Image) || !same(got.Alpha, p.Alpha) || got.Bits != p.Bits || !bytes.Equal(got.ICC, p.ICC) {
			t.Errorf("%s: wrote %+v, read %+v", c.what, p, got)
		}
		if got.Format != file.PNG || len(got.Notes) > 0 {
			t.Errorf("%s: read as %s with %q", c.what, got.Format, got.Notes)
		}
	}
}

func TestJPEGKeepsSizeGreyAndProfile(t *testing.T) {
	for _, c := range []struct {
		channels, bits, alpha int
		icc                   []byte
	}{
		{1, 8, 0, profile("GRAY", 65519)},
		{3, 8, 0, profile("RGB ", 65520)},
		{3, 16, 1, profile("RGB ", 200_000)},
		{1, 8, 1, nil},
	} {
		p := made(t, c.channels, c.bits, c.alpha)
		p.ICC = c.icc
		got := read(t, write(t, p, file.JPEG))
		if got.Image.Width != 7 || got.Image.Height != 5 || got.Image.Channels != c.channels || got.Bits != 8 || got.Alpha != nil {
			t.Errorf("%v: read %+v", c, got)
		}
		if !bytes.Equal(got.ICC, c.icc) || len(got.Notes) > 0 {
			t.Errorf("a profile of %d bytes came back as %d; %q", len(c.icc), len(got.ICC), got.Notes)
		}
	}
}

func TestSaveAndOpen(t *testing.T) {
	p := made(t, 3, 8, 0)
	for _, name := range []string{"a.png", "a.JPG", "a.jpeg"} {
		path := filepath.Join(t.TempDir(), name)
		if err := file.Save(path, p, 90); err != nil {
			t.Fatal(err)
		}
		got, err := file.Open(path, file.Limits{})
		if err != nil || got.Image.Width != 7 || strings.HasSuffix(name, "png") != (got.Format == file.PNG) {
			t.Errorf("%s: read %+v, %v", name, got, err)
		}
		if w, h, err := file.Size(path); w != 7 || h != 5 || err != nil {
			t.Errorf("Size is %d×%d, %v", w, h, err)
		}
	}
}

func TestGoReadsWhatIsWritten(t *testing.T) {
	p := made(t, 1, 16, 1)
	if m, err := png.Decode(bytes.NewReader(write(t, p, file.PNG))); err != nil || m.Bounds().Dx() != 7 {
		t.Error(err)
	}
	if m, err := jpeg.Decode(bytes.NewReader(write(t, p, file.JPEG))); err != nil || m.Bounds().Dx() != 7 {
		t.Error(err)
	}
}
