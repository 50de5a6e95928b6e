package file_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/longspan/longspan/picture/file"
	"github.com/longspan/longspan/picture/raster"
)

const pillow = "testdata/pillow"

func open(t *testing.T, name string) *file.Picture {
	t.Helper()
	p, err := file.Open(filepath.Join(pillow, name), file.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// far is the largest difference in steps of 8 bits; an alpha that is missing is 1.
func far(t *testing.T, a, b *raster.Image) float32 {
	t.Helper()
	if a == nil {
		a = ones(b)
	}
	if b == nil {
		b = ones(a)
	}
	if a == nil {
		return 0
	}
	if a.Width != b.Width || a.Height != b.Height || a.Channels != b.Channels {
		t.Fatalf("found %d×%d×%d; want %d×%d×%d", a.Width, a.Height, a.Channels, b.Width, b.Height, b.Channels)
	}
	var most float32
	for i, v := range a.Pix {
		most = max(most, (v-b.Pix[i])*255, (b.Pix[i]-v)*255)
	}
	return most
}

func ones(m *raster.Image) *raster.Image {
	if m == nil {
		return nil
	}
	out := &raster.Image{Width: m.Width, Height: m.Height, Channels: m.Channels, Pix: make([]float32, len(m.Pix))}
	for i := range out.Pix {
		out.Pix[i] = 1
	}
	return out
}

// Pictures that other programs wrote are read as Pillow reads them. JPEG and WebP may differ by the rounding of transforms.
func TestReadsAsPillow(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(pillow, "*.png"))
	if err != nil || len(files) < 30 {
		t.Fatal(len(files), err)
	}
	for _, golden := range files {
		path, name := strings.TrimSuffix(golden, ".png"), strings.TrimSuffix(filepath.Base(golden), ".png")
		if _, err := os.Stat(path); err != nil {
			continue // the picture itself
		}
		t.Run(name, func(t *testing.T) {
			want, got := open(t, name+".png"), open(t, name)
			tolerance := map[string]float32{".jpg": 3, ".webp": 3}[filepath.Ext(name)]
			if d := far(t, got.Image, want.Image); d > tolerance+0.01 {
				t.Errorf("colours differ by %.2f of 255", d)
			}
			if d := far(t, got.Alpha, want.Alpha); d > 0.01 {
				t.Errorf("alpha differs by %.2f of 255", d)
			}
			if got.Bits != want.Bits {
				t.Errorf("%d bits; want %d", got.Bits, want.Bits)
			}
		})
	}
}
