package picture

import (
	"context"
	"fmt"
	"image"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/picture/file"
	"github.com/longspan/longspan/picture/raster"
	"github.com/longspan/longspan/picture/recipe"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train"
)

// texture is a picture with edges at all angles.
func texture(width, height, channels int) *raster.Image {
	m := &raster.Image{Width: width, Height: height, Channels: channels, Pix: make([]float32, width*height*channels)}
	for i := range width * height {
		x, y := float64(i%width), float64(i/width)
		v := 0.5 + 0.2*math.Sin(math.Hypot(x-90, y-70)/5) + 0.1*math.Sin(x*y/900)
		if math.Sin(x/17)+math.Cos(y/23) > 0.3 {
			v += 0.2
		}
		for c := range channels {
			m.Pix[i*channels+c] = float32(v * (1 - 0.1*float64(c)))
		}
	}
	return m
}

func picture(width, height, channels int) *file.Picture {
	return &file.Picture{Image: texture(width, height, channels), Bits: 8}
}

// tiny is the recipe of a run of two steps, with a place for the folder of its photographs.
const tiny = `
model:
  enlarge: {patch: 4, width: 16, layers: 2, heads: 2, hidden: 16, attention: relu, attention_every: 2}
  draw: {patch: 8, width: 16, layers: 2, heads: 2, hidden: 16, attention: relu, attention_every: 1}
  precision: f32
data: {photos: [%s], crops: {enlarge: {batch: 2, side: 4, large: 0}, draw: {batch: 2, side: 4, large: 0}}}
train: {steps: 2, optimizer: {warmup: 0}}
`

// run is the folder of the run that all tests use.
var run string

func TestMain(m *testing.M) {
	if os.Getenv("LONGSPAN_TEST_PICTURE_FOOTPRINT") != "" { // a copy of this program, with the run of its parent
		os.Exit(m.Run())
	}
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "picture")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		run = filepath.Join(dir, "run")
		if err := trainTiny(dir, run); err != nil {
			panic(err)
		}
		return m.Run()
	}())
}

func trainTiny(dir, run string) error {
	if err := file.Save(filepath.Join(dir, "a.png"), picture(280, 276, 3), 0); err != nil {
		return err
	}
	r, err := recipe.Parse(fmt.Appendf(nil, tiny, dir), "tiny.yaml", nil)
	if err != nil {
		return err
	}
	job, err := r.Job(context.Background(), tensor.Exec{}, func(string) {})
	if err != nil {
		return err
	}
	_, err = train.Run(context.Background(), run, job)
	return err
}

func open(t *testing.T, o Options) *Model {
	t.Helper()
	m, err := Open(run, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

func TestTarget(t *testing.T) {
	for _, c := range []struct {
		from image.Point
		o    UpscaleOptions
		to   image.Point // zero: refused with words
		want string
	}{
		{image.Pt(960, 540), UpscaleOptions{Width: 3840, Height: 2160}, image.Pt(3840, 2160), ""},
		{image.Pt(960, 540), UpscaleOptions{Width: 3840}, image.Pt(3840, 2160), ""},
		{image.Pt(960, 540), UpscaleOptions{Height: 1080}, image.Pt(1920, 1080), ""},
		{image.Pt(101, 50), UpscaleOptions{Scale: 1.5}, image.Pt(152, 75), ""},
		{image.Pt(1365, 768), UpscaleOptions{Width: 1920, Height: 1080}, image.Pt(1920, 1080), ""}, // 16:9, rounded
		{image.Pt(100, 67), UpscaleOptions{Width: 1500, Height: 1000}, image.Pt(1500, 1000), ""},   // 3:2, rounded
		{image.Pt(1, 1000), UpscaleOptions{Scale: 0.01}, image.Pt(1, 10), ""},
		{image.Pt(640, 400), UpscaleOptions{Width: 1920, Height: 1080}, image.Point{}, "expected 1920×1200 (give the width alone) or 1728×1080"},
		{image.Pt(640, 400), UpscaleOptions{}, image.Point{}, "found no size"},
		{image.Pt(640, 400), UpscaleOptions{Scale: 2, Width: 5}, image.Point{}, "expected one of them"},
		{image.Pt(640, 400), UpscaleOptions{Scale: math.NaN()}, image.Point{}, "expected positive numbers"},
		{image.Pt(640, 400), UpscaleOptions{Scale: math.Inf(1)}, image.Point{}, "expected positive numbers"},
		{image.Pt(640, 400), UpscaleOptions{Scale: 1e6}, image.Point{}, "expected at most"},
		{image.Pt(640, 400), UpscaleOptions{Width: math.MaxInt}, image.Point{}, "expected at most"},
		{image.Pt(640, 400), UpscaleOptions{Width: 1 << 20, Height: 1 << 20}, image.Point{}, "expected 1×1 to"},
		{image.Point{}, UpscaleOptions{Scale: 2}, image.Point{}, "expected at least 1×1"},
	} {
		to, err := c.o.Target(c.from)
		if c.want == "" && (err != nil || to != c.to) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v, %+v: %v, %v; want %v or an error with %q", c.from, c.o, to, err, c.to, c.want)
		}
	}
}

func TestFactors(t *testing.T) {
	for _, c := range []struct {
		from, to image.Point
		want     []int
	}{
		{image.Pt(100, 50), image.Pt(100, 50), nil},
		{image.Pt(100, 50), image.Pt(10, 5), nil},
		{image.Pt(100, 50), image.Pt(200, 100), []int{2}},
		{image.Pt(100, 50), image.Pt(201, 100), []int{4}},
		{image.Pt(100, 50), image.Pt(500, 250), []int{8}},
		{image.Pt(100, 50), image.Pt(1500, 750), []int{8, 2}},
		{image.Pt(1, 1), image.Pt(1000, 1000), []int{8, 8, 8, 2}},
	} {
		if got, err := factors(c.from, c.to, false); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%v to %v: %v, %v; want %v", c.from, c.to, got, err, c.want)
		}
	}
	if got, err := factors(image.Pt(100, 50), image.Pt(200, 100), true); err != nil || !slices.Equal(got, []int{4}) {
		t.Errorf("drawn: %v, %v; want 4", got, err)
	}
	if _, err := factors(image.Pt(7000, 7000), image.Pt(15000, 15000), false); err == nil || !strings.Contains(err.Error(), "on the way") {
		t.Errorf("28000×28000 on the way: %v", err)
	}
}

// Pictures of all kinds are enlarged to any size, and keep what they are. The networks of two steps are nearly the filters.
func TestUpscaleKeeps(t *testing.T) {
	m := open(t, Options{})
	for _, c := range []struct {
		name     string
		channels int
		alpha    bool
		bits     int
		o        UpscaleOptions
	}{
		{"colour", 3, false, 8, UpscaleOptions{Scale: 2}},
		{"16 bits to an odd size", 3, false, 16, UpscaleOptions{Width: 83}},
		{"grey", 1, false, 8, UpscaleOptions{Scale: 2}},
		{"grey and alpha", 1, true, 16, UpscaleOptions{Scale: 1.5}},
		{"alpha, drawn", 3, true, 8, UpscaleOptions{Scale: 3, Detail: 0.5, Steps: 1}},
		{"twice", 3, false, 8, UpscaleOptions{Scale: 9}},
		{"smaller", 3, true, 8, UpscaleOptions{Scale: 0.5}},
		{"as it is", 1, false, 8, UpscaleOptions{Scale: 1}},
		{"filters", 1, true, 8, UpscaleOptions{Scale: 2.5, Filters: true}},
	} {
		p := &file.Picture{Image: texture(24, 17, c.channels), Bits: c.bits, Notes: []string{"a note"}}
		if c.alpha {
			p.Alpha = texture(24, 17, 1)
			for i := range 24 {
				p.Alpha.Pix[i] = 0
			}
		}
		before := slices.Clone(p.Image.Pix)
		passes, patches := 0, int64(0)
		c.o.Progress = func(now Progress) { passes, patches = now.Passes-now.Pass, now.Patches-now.Done }
		got, err := m.UpscalePicture(t.Context(), p, c.o)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		to, err := c.o.Target(image.Pt(24, 17))
		if err != nil || got.Image.Width != to.X || got.Image.Height != to.Y || got.Image.Channels != c.channels || got.Bits != c.bits ||
			(got.Alpha != nil) != c.alpha || got.Check() != nil {
			t.Errorf("%s: %v, %v: %d×%d×%d of %d bits", c.name, err, got.Check(), got.Image.Width, got.Image.Height, got.Image.Channels, got.Bits)
		}
		if passes != 0 || patches < 0 {
			t.Errorf("%s: %d passes and %d patches are left at the last pass", c.name, passes, patches)
		}
		if !slices.Equal(p.Image.Pix, before) {
			t.Errorf("%s: the picture itself has changed", c.name)
		}
		wantNotes := 1
		if to.X <= 24 {
			wantNotes = 2
		}
		if len(got.Notes) != wantNotes {
			t.Errorf("%s: notes %q", c.name, got.Notes)
		}
	}
}

// Detail of 0 is nearly the filters after two steps of training, and the same options give the same bits.
func TestUpscaleIsNearlyTheFilters(t *testing.T) {
	im, err := file.ToImage(picture(30, 20, 3))
	if err != nil {
		t.Fatal(err)
	}
	one, err := open(t, Options{Threads: 1}).Upscale(t.Context(), im, UpscaleOptions{Scale: 2})
	if err != nil {
		t.Fatal(err)
	}
	m := open(t, Options{Threads: 3})
	three, err := m.Upscale(t.Context(), im, UpscaleOptions{Scale: 2})
	if err != nil {
		t.Fatal(err)
	}
	base, err := m.Upscale(t.Context(), im, UpscaleOptions{Scale: 2, Filters: true})
	if err != nil {
		t.Fatal(err)
	}
	a, b, f := one.(*image.RGBA), three.(*image.RGBA), base.(*image.RGBA)
	if !slices.Equal(a.Pix, b.Pix) {
		t.Error("the pictures of 1 and of 3 threads differ")
	}
	for i, v := range a.Pix {
		if d := int(v) - int(f.Pix[i]); d < -12 || d > 12 {
			t.Fatalf("value %d is %d, by the filters %d", i, v, f.Pix[i])
		}
	}
}

func TestUpscaleRefuses(t *testing.T) {
	m := open(t, Options{})
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		ctx  context.Context
		o    UpscaleOptions
		want string
	}{
		{t.Context(), UpscaleOptions{Scale: 2, Detail: 2}, "expected 0 to 1"},
		{t.Context(), UpscaleOptions{Scale: 2, Detail: 1, Filters: true}, "filters alone"},
		{t.Context(), UpscaleOptions{Scale: 2, Detail: 1, Steps: -1}, "-1 steps"},
		{t.Context(), UpscaleOptions{Scale: 2, Detail: 1, Steps: 1 << 20}, "steps"},
		{t.Context(), UpscaleOptions{Width: 40, Height: 40}, "stretched"},
		{stopped, UpscaleOptions{Scale: 2}, "canceled"},
	} {
		if _, err := m.UpscalePicture(c.ctx, picture(20, 30, 3), c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want an error with %q", c.o, err, c.want)
		}
	}
	if _, err := m.UpscalePicture(t.Context(), &file.Picture{}, UpscaleOptions{Scale: 2}); err == nil {
		t.Error("an empty picture was taken")
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, want := range map[string]string{
		"nowhere": "no such file", filepath.Join(run, "picture.json"): "is a file", t.TempDir(): "has no picture.json",
	} {
		_, err := Open(name, Options{})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "longspan image train") {
			t.Errorf("%q: %v, want an error with %q and how to make a model", name, err, want)
		}
	}
	if _, err := Open(run, Options{Threads: -1}); err == nil {
		t.Error("-1 threads were taken")
	}
}

// Transparent pixels take the colour beside them, and the others keep theirs.
func TestExtended(t *testing.T) {
	m := &raster.Image{Width: 5, Height: 1, Channels: 1, Pix: []float32{0.9, 0.1, 0.9, 0.5, 0.9}}
	alpha := &raster.Image{Width: 5, Height: 1, Channels: 1, Pix: []float32{0, 1, 0, 0.5, 0}}
	got := extended(m, alpha).Pix
	if want := []float32{0.1, 0.1, 0.5, 0.5}; !slices.Equal(got[:4], want) || !(got[4] > 0.1 && got[4] < 0.5) {
		t.Errorf("found %v, want %v and a mean", got, want)
	}
	if got := extended(m, &raster.Image{Width: 5, Height: 1, Channels: 1, Pix: make([]float32, 5)}).Pix; slices.Max(got) != 0 {
		t.Errorf("of nothing seen it is %v, want black", got)
	}
}

// A disc of one colour over nothing keeps its colour to the edge, whatever the colour of what is not seen.
func TestAlphaHasNoFringe(t *testing.T) {
	p := &file.Picture{Image: texture(40, 40, 3), Alpha: texture(40, 40, 1), Bits: 8}
	for i := range p.Alpha.Pix {
		p.Alpha.Pix[i] = 0
		if math.Hypot(float64(i%40)-20, float64(i/40)-20) < 12 {
			p.Alpha.Pix[i] = 1
			p.Image.Pix[3*i], p.Image.Pix[3*i+1], p.Image.Pix[3*i+2] = 0.5, 0.25, 0.75
		}
	}
	got, err := open(t, Options{}).UpscalePicture(t.Context(), p, UpscaleOptions{Scale: 3, Filters: true})
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range got.Alpha.Pix {
		if a > 0 && math.Abs(float64(got.Image.Pix[3*i])-0.5) > 0.001 {
			t.Fatalf("pixel %d of alpha %g is %g, want 0.5", i, a, got.Image.Pix[3*i])
		}
	}
}
