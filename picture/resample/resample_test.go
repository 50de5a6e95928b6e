package resample_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/internal/golden"
	"github.com/longspan/longspan/picture/raster"
	"github.com/longspan/longspan/picture/resample"
)

var all = []resample.Kernel{resample.Box, resample.Triangle, resample.Bicubic, resample.Lanczos3}

// picture has random values of 0 … 1.
func picture(t testing.TB, width, height, channels int) *raster.Image {
	t.Helper()
	im, err := raster.New(width, height, channels)
	if err != nil {
		t.Fatal(err)
	}
	r := data.NewRandom(1, 0)
	for i := range im.Pix {
		im.Pix[i] = float32(r.Float64())
	}
	return im
}

func resize(t testing.TB, im *raster.Image, width, height int, k resample.Kernel, threads int) *raster.Image {
	t.Helper()
	out, err := resample.Resize(im, width, height, k, threads)
	if err != nil {
		t.Fatal(err)
	}
	if err := out.Check(); err != nil || out.Width != width || out.Height != height || out.Channels != im.Channels {
		t.Fatalf("found %d×%d×%d, %v", out.Width, out.Height, out.Channels, err)
	}
	return out
}

// Pillow's mode "F" is met to 1e-5 of white, and its mode of 8 bits to one level: half a level is lost in each pass.
func TestPillow(t *testing.T) {
	for _, name := range golden.Names(t) {
		f := golden.Open(t, name)
		from, to, channels := f.Ints("from"), f.Ints("to"), f.Int("channels")
		im := &raster.Image{Width: from[0], Height: from[1], Channels: channels}
		for _, v := range golden.Wide(f.Mat("in")) {
			im.Pix = append(im.Pix, float32(v/255))
		}
		for _, k := range all {
			got := resize(t, im, to[0], to[1], k, 0)
			exact, rounded := golden.Wide(f.Mat(k.String()+"F")), golden.Wide(f.Mat(k.String()+"8"))
			for i, v := range got.Pix {
				if d := math.Abs(float64(v) - exact[i]/255); !(d <= f.Tolerance) {
					t.Errorf("%s, %v, value %d: %g, expected %g", name, k, i, v, exact[i]/255)
				}
				if d := math.Abs(255*float64(min(max(v, 0), 1)) - rounded[i]); !(d <= 1) {
					t.Errorf("%s, %v, value %d: %g, expected %g of 255 within 1", name, k, i, 255*v, rounded[i])
				}
			}
		}
	}
}

// A picture of one value stays one, in any size: the weights sum to 1.
func TestFlat(t *testing.T) {
	for _, from := range []int{1, 2, 3, 7, 16, 61} {
		for to := 1; to < 70; to++ {
			for _, k := range all {
				im := &raster.Image{Width: from, Height: 1, Channels: 1, Pix: slices.Repeat([]float32{0.5}, from)}
				for i, v := range resize(t, im, to, 1, k, 1).Pix {
					if math.Abs(float64(v)-0.5) > 1e-6 {
						t.Fatalf("%v, %d to %d: pixel %d is %g", k, from, to, i, v)
					}
				}
			}
		}
	}
}

func TestMeansAndRepeats(t *testing.T) {
	im := &raster.Image{Width: 2, Height: 2, Channels: 1, Pix: []float32{0, 1, 2, 5}}
	if got := resize(t, im, 1, 1, resample.Box, 0).Pix; got[0] != 2 {
		t.Errorf("the mean is %v", got)
	}
	if got := resize(t, im, 4, 2, resample.Box, 0).Pix; !slices.Equal(got, []float32{0, 0, 1, 1, 2, 2, 5, 5}) {
		t.Errorf("repeated: %v", got)
	}
}

// The same size is a copy of its own.
func TestSameSize(t *testing.T) {
	im := picture(t, 5, 4, 3)
	for _, k := range all {
		got := resize(t, im, 5, 4, k, 0)
		if !slices.Equal(got.Pix, im.Pix) {
			t.Errorf("%v changed the picture", k)
		}
		if got.Pix[0] = -1; im.Pix[0] == -1 {
			t.Errorf("%v shares the picture's values", k)
		}
	}
}

// Channels do not mix: a picture of any channels is its channels side by side, to the last bits.
func TestChannels(t *testing.T) {
	for channels := 1; channels <= 4; channels++ {
		im := picture(t, 11, 9, channels)
		got := resize(t, im, 6, 14, resample.Lanczos3, 0)
		for c := range channels {
			one := &raster.Image{Width: 11, Height: 9, Channels: 1}
			for i := c; i < len(im.Pix); i += channels {
				one.Pix = append(one.Pix, im.Pix[i])
			}
			for i, v := range resize(t, one, 6, 14, resample.Lanczos3, 0).Pix {
				if d := math.Abs(float64(v - got.Pix[i*channels+c])); d > 1e-6 {
					t.Fatalf("channel %d of %d, pixel %d differs by %g", c, channels, i, d)
				}
			}
		}
	}
}

func TestThreads(t *testing.T) {
	im := picture(t, 61, 47, 3)
	for _, k := range all {
		want := resize(t, im, 100, 30, k, 1)
		for _, threads := range []int{0, 2, 7} {
			if got := resize(t, im, 100, 30, k, threads); !slices.Equal(got.Pix, want.Pix) {
				t.Errorf("%v with %d threads has other bits", k, threads)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	im := picture(t, 3, 2, 1)
	tall := &raster.Image{Width: 1, Height: 1 << 15, Channels: 1, Pix: make([]float32, 1<<15)}
	for _, c := range []struct {
		im            *raster.Image
		width, height int
		k             resample.Kernel
		want          string
	}{
		{nil, 1, 1, resample.Box, "no picture"},
		{&raster.Image{Width: 2, Height: 2, Channels: 1}, 1, 1, resample.Box, "with 0 values"},
		{im, 0, 1, resample.Box, "a picture of 0×1"},
		{im, 1 << 20, 1 << 20, resample.Box, "a picture of 1048576×1048576"},
		{im, 1, 1, 9, "found kernel 9, expected box"},
		{tall, 1 << 15, 1, resample.Box, "between the passes"},
	} {
		if _, err := resample.Resize(c.im, c.width, c.height, c.k, 0); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("found the error %v, expected %q", err, c.want)
		}
	}
}

func TestNames(t *testing.T) {
	for _, k := range all {
		if got, err := resample.Parse(k.String()); err != nil || got != k {
			t.Errorf("Parse(%q) is %v, %v", k.String(), got, err)
		}
	}
	if _, err := resample.Parse("nearest"); err == nil || !strings.Contains(err.Error(), `"nearest" is not known; use box`) {
		t.Errorf("found the error %v", err)
	}
}

func BenchmarkResize(b *testing.B) {
	for _, c := range []struct {
		name     string
		from, to [2]int
	}{
		{name: "1080p_to_4K", from: [2]int{1920, 1080}, to: [2]int{3840, 2160}},
		{name: "4K_to_960x540", from: [2]int{3840, 2160}, to: [2]int{960, 540}},
	} {
		b.Run(c.name, func(b *testing.B) {
			im := picture(b, c.from[0], c.from[1], 3)
			for b.Loop() {
				resize(b, im, c.to[0], c.to[1], resample.Lanczos3, 0)
			}
		})
	}
}
