package picture

import (
	"errors"
	"image"
	"image/color"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/picture/file"
)

// A picture of any size is painted, with previews and progress, and with the same bits for any number of threads.
func TestGenerate(t *testing.T) {
	o := GenerateOptions{Width: 500, Height: 284, Steps: [3]int{2, 1, 1}, Seed: 3}
	var previews []image.Point
	var last Progress
	o.Preview = func(im image.Image) { previews = append(previews, im.Bounds().Size()) }
	o.Progress = func(p Progress) { last = p }
	one, err := open(t, Options{Threads: 1}).Generate(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if one.Bounds().Size() != image.Pt(500, 284) || !slices.Equal(previews, []image.Point{{170, 97}}) {
		t.Errorf("found %v after %v", one.Bounds(), previews)
	}
	if last.Pass != 9 || last.Passes != 9 || last.Patches-last.Done != 85*49 {
		t.Errorf("the last pass is %+v", last)
	}
	three, err := open(t, Options{Threads: 3}).Generate(t.Context(), o)
	if err != nil || !slices.Equal(one.(*image.RGBA).Pix, three.(*image.RGBA).Pix) {
		t.Errorf("%v, or the pictures of 1 and of 3 threads differ", err)
	}
}

// A sketch of strength 0 is kept and enlarged, whatever its kind; transparent parts are white.
func TestGenerateFromSketch(t *testing.T) {
	m := open(t, Options{})
	half := image.NewNRGBA(image.Rect(0, 0, 240, 136))
	for i := range 240 * 136 {
		if i%240 < 120 {
			half.Set(i%240, i/240, color.NRGBA{R: 200, A: 255})
		}
	}
	grey, err := file.ToImage(&file.Picture{Image: texture(240, 136, 1), Bits: 16})
	if err != nil {
		t.Fatal(err)
	}
	for _, sketch := range []image.Image{half, grey} {
		im, err := m.Generate(t.Context(), GenerateOptions{Width: 240, Height: 136, Steps: [3]int{1, 1, 1}, Sketch: sketch})
		if err != nil {
			t.Fatal(err)
		}
		want := color.NRGBAModel.Convert(sketch.At(20, 70)).(color.NRGBA)
		if got := color.NRGBAModel.Convert(im.At(20, 70)).(color.NRGBA); got != want {
			t.Errorf("%T: found %v, want %v", sketch, got, want)
		}
		if r, _, _, _ := im.At(220, 70).RGBA(); sketch == half && r != 0xffff {
			t.Errorf("the transparent half is %x", r)
		}
	}
}

func TestGenerateRefuses(t *testing.T) {
	m := open(t, Options{})
	for _, c := range []struct {
		o    GenerateOptions
		want string
	}{
		{GenerateOptions{}, "found a size of 0×0"},
		{GenerateOptions{Width: 1 << 30, Height: 1 << 30}, "expected 1×1 to"},
		{GenerateOptions{Width: 10, Height: 10, Steps: [3]int{1, 0, 1}}, "expected three numbers"},
		{GenerateOptions{Width: 10, Height: 10, Steps: [3]int{1, 1, 1 << 20}}, "steps"},
		{GenerateOptions{Width: 10, Height: 10, Strength: 0.5}, "without a sketch"},
		{GenerateOptions{Width: 10, Height: 10, Sketch: image.NewGray(image.Rect(0, 0, 10, 20))}, "the sketch: a picture of 10×20"},
		{GenerateOptions{Width: 10, Height: 10, Sketch: image.NewGray(image.Rect(0, 0, 9, 9)), Strength: 2}, "expected 0 to 1"},
	} {
		if _, err := m.Generate(t.Context(), c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want an error with %q", c.o, err, c.want)
		}
		if _, err := m.PlanGenerate(t.Context(), c.o); err == nil {
			t.Errorf("%+v was planned", c.o)
		}
	}
}

// Plans count what the work has, and what does not fit is refused before it begins.
func TestPlans(t *testing.T) {
	m := open(t, Options{MaxBytes: 20 << 20})
	p, err := m.PlanUpscale(t.Context(), Source{Width: 960, Height: 540}, UpscaleOptions{Scale: 4, Detail: 0.5, Steps: 3})
	if err != nil || p.Width != 3840 || p.Passes != 7 || p.Longest != 960*540 ||
		p.Patches != 960*540+2*(480*270+481*271)+481*270+480*271 {
		t.Errorf("found %+v, %v", p, err)
	}
	// Four pictures of float32 at least.
	if p.Bytes < 4*12*3840*2160 || !(p.Seconds > 0) {
		t.Errorf("found %+v", p)
	}
	for _, from := range []Source{{30, 20, true, true, 16}, {30, 20, false, true, 8}} {
		if p, err := m.PlanUpscale(t.Context(), from, UpscaleOptions{Scale: 20, Filters: true}); err != nil || p.Passes != 0 || p.Width != 600 {
			t.Errorf("%+v: found %+v, %v", from, p, err)
		}
	}
	g, err := m.PlanGenerate(t.Context(), GenerateOptions{Width: 3840, Height: 2160})
	if err != nil || g.Passes != 73 || g.Longest != 481*271 || g.Bytes < p.Bytes/2 {
		t.Errorf("found %+v, %v", g, err)
	}
	var tooBig *memory.Error
	_, err = m.Generate(t.Context(), GenerateOptions{Width: 3840, Height: 2160})
	if !errors.As(err, &tooBig) || tooBig.Need != g.Bytes {
		t.Errorf("found %v, want a memory error of %d bytes", err, g.Bytes)
	}
	if _, err = m.UpscalePicture(t.Context(), picture(300, 200, 3), UpscaleOptions{Scale: 8}); !errors.As(err, &tooBig) {
		t.Errorf("found %v, want a memory error", err)
	}
}
