package evaluate

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/picture/file"
	"github.com/longspan/longspan/picture/filters"
	"github.com/longspan/longspan/picture/measure"
	"github.com/longspan/longspan/picture/patchflow"
	"github.com/longspan/longspan/picture/raster"
	"github.com/longspan/longspan/picture/resample"
	"github.com/longspan/longspan/tensor"
)

// texture is a picture with edges at all angles.
func texture(width, height int, phase float64) *raster.Image {
	m := &raster.Image{Width: width, Height: height, Channels: 3, Pix: make([]float32, width*height*3)}
	for y := range height {
		for x := range width {
			u, v := float64(x)+phase, float64(y)
			value := 0.5 + 0.2*math.Sin(math.Hypot(u-90, v-70)/5) + 0.1*math.Sin(u*v/900)
			if math.Sin(u/17+phase)+math.Cos(v/23) > 0.3 {
				value += 0.2
			}
			for q := range 3 {
				m.Row(y)[x*3+q] = float32(value * (1 - (0.1+phase/900)*float64(q)))
			}
		}
	}
	m.Round(255)
	return m
}

// base is one whose filters pull pixels to the mean of their neighbours, some more than others.
func base() *patchflow.Base {
	bank := func(scale int) *filters.Bank {
		b := &filters.Bank{Scale: scale, Bounds: []float32{0.1, 0.2, 0.3, 0.3, 0.6}, Weights: make([]float32, filters.Clusters*scale*scale*49)}
		for i := range b.Weights {
			b.Weights[i] = 0.0005 * float32(1+i/49%5)
		}
		return b
	}
	return &patchflow.Base{By2: bank(2), By4: bank(4), Rho: [3]float32{0.3, 0.6, 1.2}}
}

// pictures is a model of few drawn weights.
func pictures(t *testing.T) *patchflow.Pictures {
	t.Helper()
	m, err := patchflow.New(patchflow.Config{
		Enlarge:   &patchflow.Network{Patch: 4, Width: 16, Layers: 1, Heads: 2, Hidden: 16, Attention: "relu", Every: 1},
		Draw:      &patchflow.Network{Patch: 8, Width: 16, Layers: 1, Heads: 2, Hidden: 16, Attention: "relu", Every: 1},
		Precision: "f32",
	}, patchflow.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return &patchflow.Pictures{Base: base(), Model: m, Exec: tensor.Exec{Threads: 2}}
}

// folder makes photographs of a size.
func folder(t *testing.T, n, width, height int) string {
	t.Helper()
	dir := t.TempDir()
	for i := range n {
		name := filepath.Join(dir, string(rune('a'+i))+".png")
		if err := file.Save(name, &file.Picture{Image: texture(width, height, 30+50*float64(i)), Bits: 8}, 0); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func list(t *testing.T, dir string) []string {
	t.Helper()
	all, err := List(dir)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// The numbers of a report are those of package measure, of pictures that are made here once more.
func TestEnlarging(t *testing.T) {
	s := pictures(t)
	o := Options{Test: list(t, folder(t, 2, 250, 243)), Scales: []int{4, 8}, Tracks: []Track{Sharp}, Detail: true, Steps: [3]int{1, 1, 2},
		Seed: 3}
	crops := map[string]int{}
	o.Crop = func(c Crop, method string, m *raster.Image) error {
		if m.Width != CropSide || m.Height != CropSide || c.X != 0 || c.Y != 0 || c.Track != "sharp" {
			t.Errorf("%s: a crop of %d×%d from %+v", method, m.Width, m.Height, c)
		}
		crops[method]++
		return nil
	}
	steps, size := 0, 0
	o.Step = func(_ string, done, of int) { steps, size = max(steps, done), of }
	r, err := Run(context.Background(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	if want := (2 + 2) * 2; crops[Original] != 4 || crops[Lanczos] != 4 || crops[Flow] != 2 || steps != size || size != 2*want-2 {
		t.Errorf("found crops %v and %d of %d steps", crops, steps, size)
	}
	if len(r.Enlarged) != 2 || len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "fewer than 1920×1080 pixels") ||
		!strings.HasSuffix(r.Notes[0], ": a.png (248×240), b.png (248×240)") {
		t.Fatalf("found %d tables and the notes %q", len(r.Enlarged), r.Notes)
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
	at := r.Enlarged[1].Photos[1]
	original, err := texture(250, 243, 80).Crop(1, 1, 248, 240)
	if err != nil {
		t.Fatal(err)
	}
	low, err := resample.Resize(original, 31, 30, resample.Bicubic, 1)
	if err != nil {
		t.Fatal(err)
	}
	low.Round(255)
	lanczos, err := resample.Resize(low, 248, 240, resample.Lanczos3, 1)
	if err != nil {
		t.Fatal(err)
	}
	flow, err := s.Enlarge(context.Background(), low, 8, patchflow.Draw{Detail: 1, Steps: 2, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range map[int]*raster.Image{0: lanczos, 3: flow} {
		m.Round(255)
		checkMeasured(t, at, i, m, original)
	}
}

// checkMeasured compares row i of a photograph with the measures of m.
func checkMeasured(t *testing.T, p EnlargedPhoto, i int, m, original *raster.Image) {
	t.Helper()
	found := p.Methods[i]
	if want := []string{Lanczos, Filters, Network, Flow}[i]; found.Method != want {
		t.Fatalf("row %d is of %s, want %s", i, found.Method, want)
	}
	get := func(v float64, err error) float64 {
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	top := get(measure.TopOctave(original))
	for name, pair := range map[string][2]float64{
		"PSNR":              {found.PSNR, get(measure.PSNRLuma(m, original, 8)) + measure.LimitedRange},
		"gain":              {found.Gain, found.PSNR - p.Methods[0].PSNR},
		"PSNR of detail":    {found.Detail, get(measure.PSNRDetail(m, original)) + measure.LimitedRange},
		"SSIM":              {found.SSIM, get(measure.SSIM(m, original))},
		"GMSD":              {found.GMSD, get(measure.GMSD(m, original))},
		"top octave":        {found.TopOctave, get(measure.TopOctave(m)) / top},
		"seam":              {found.Seam, get(measure.Seam(m, 4, 1))},
		"original's octave": {p.TopOctave, top},
		"original's seam":   {p.Seam.Index, get(measure.Seam(original, 4, 1))},
	} {
		if math.Abs(pair[0]-pair[1]) > 1e-9 {
			t.Errorf("%s: %s is %g, want %g", found.Method, name, pair[0], pair[1])
		}
	}
	for _, w := range []struct {
		name  string
		worse bool
	}{{"psnr", found.PSNR < p.Methods[0].PSNR}, {"ssim", found.SSIM < p.Methods[0].SSIM}, {"gmsd", found.GMSD > p.Methods[0].GMSD}} {
		if slices.Contains(found.Worse, w.name) != w.worse {
			t.Errorf("%s: worse in %v", found.Method, found.Worse)
		}
	}
}

// Means are over photographs, and the gain is that of the network over the filters.
func TestMeans(t *testing.T) {
	e := Enlarged{Photos: []EnlargedPhoto{
		{Methods: []Measured{{Method: Lanczos, PSNR: 30}, {Method: Filters, PSNR: 31, SSIM: 0.5}, {Method: Network, PSNR: 33, Seconds: 2}}},
		{Methods: []Measured{{Method: Lanczos, PSNR: 40}, {Method: Filters, PSNR: 40, SSIM: 0.7}, {Method: Network, PSNR: 41, Seconds: 4}}},
	}}
	if err := e.summarise(1); err != nil {
		t.Fatal(err)
	}
	if e.Mean[0].PSNR != 35 || math.Abs(e.Mean[1].SSIM-0.6) > 1e-12 || e.Mean[2].Seconds != 3 || e.Gain.Difference.Mean != 1.5 ||
		e.Gain.Difference.Low != 1 || e.Gain.Difference.High != 2 {
		t.Errorf("found %+v and %+v", e.Mean, e.Gain)
	}
}

// The gain of errors that are half of others is 3.01 dB, certainly where the ratio is the same everywhere.
func TestTileGain(t *testing.T) {
	j := &judge{original: texture(600, 310, 0)}
	var err error
	if j.tiles, err = measure.Tiles(j.original); err != nil {
		t.Fatal(err)
	}
	blocks := j.blocks()
	if len(j.tiles) != 50 || len(blocks) != 6 || len(blocks[0]) != 16 || !slices.Equal(blocks[5], []int{48, 49}) {
		t.Fatalf("found %d tiles in the blocks %v", len(j.tiles), blocks)
	}
	a, b := make([]float64, 50), make([]float64, 50)
	for i := range a {
		a[i], b[i] = 0.001*float64(1+i%7), 0.002*float64(1+i%7)
	}
	want := 10 * math.Log10(2)
	if g := tileGain(a, b, blocks, 1); math.Abs(g.Mean-want) > 1e-9 || math.Abs(g.Low-want) > 1e-9 || math.Abs(g.High-want) > 1e-9 {
		t.Errorf("found %+v, want %g", g, want)
	}
	for _, i := range blocks[0] {
		a[i] = 2 * b[i]
	}
	g := tileGain(a, b, blocks, 1)
	if !(g.Low < g.Mean && g.Mean < g.High && g.High < want+1e-9) || g != tileGain(a, b, blocks, 1) {
		t.Errorf("found %+v", g)
	}
	if g := tileGain(make([]float64, 50), make([]float64, 50), blocks, 1); g.Mean != 0 {
		t.Errorf("no error over no error is %+v", g)
	}
}

// Photographs that are large enough get the size of the track, from their middle; others keep theirs.
func TestOriginal(t *testing.T) {
	track := Track{"made", 160, 90}
	m := texture(400, 300, 0)
	found, own, err := track.original(m, 8, 1)
	if err != nil || own {
		t.Fatal(own, err)
	}
	middle, err := m.Crop(0, 37, 400, 225)
	if err != nil {
		t.Fatal(err)
	}
	want, err := resample.Resize(middle, 160, 90, resample.Lanczos3, 1)
	if err != nil {
		t.Fatal(err)
	}
	want.Round(255)
	if !slices.Equal(found.Pix, want.Pix) {
		t.Error("the original is another picture")
	}
	if found, own, err := track.original(texture(159, 200, 0), 8, 1); err != nil || !own || found.Width != 152 || found.Height != 200 {
		t.Errorf("found %+v, %v, %v", found, own, err)
	}
	if _, _, err := track.original(texture(71, 500, 0), 16, 1); err != nil {
		t.Error(err)
	}
	if _, _, err := track.original(texture(63, 500, 0), 8, 1); err == nil || !strings.Contains(err.Error(), "found a photograph of 63×500") {
		t.Errorf("found the error %v", err)
	}
}

// Crops are where the detail is.
func TestWindow(t *testing.T) {
	m := texture(700, 500, 0)
	for y := range m.Height {
		for x := range m.Width {
			if x < 300 || y < 120 || y >= 360 || x >= 540 {
				m.Row(y)[3*x], m.Row(y)[3*x+1], m.Row(y)[3*x+2] = 0.5, 0.5, 0.5
			}
		}
	}
	if w := newWindow(m); w != (window{300, 120, 240, 240}) {
		t.Errorf("found %+v", w)
	}
	if w := newWindow(texture(100, 300, 0)); w.width != 100 || w.height != 240 || w.x != 0 {
		t.Errorf("found %+v", w)
	}
}

func TestSeamPitch(t *testing.T) {
	for _, c := range [][3]int{{4, 2, 2}, {4, 4, 1}, {4, 8, 1}, {8, 4, 4}, {6, 4, 1}} {
		if p := pitch(c[0], c[1]); p != c[2] {
			t.Errorf("patches of %d at ×%d: found %d, want %d", c[0], c[1], p, c[2])
		}
	}
}

func TestRefusals(t *testing.T) {
	s := pictures(t)
	dir := folder(t, 1, 64, 64)
	flat := filepath.Join(dir, "flat.png")
	grey, err := raster.New(80, 80, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Save(flat, &file.Picture{Image: grey, Bits: 8}, 0); err != nil {
		t.Fatal(err)
	}
	good := Options{Test: []string{filepath.Join(dir, "a.png")}, Scales: []int{2}, Tracks: []Track{Sharp}, Steps: [3]int{1, 1, 1}}
	for _, c := range []struct {
		change func(o *Options)
		want   string
	}{
		{func(o *Options) { o.Test = nil }, "found no photographs"},
		{func(o *Options) { o.Tracks = nil }, "no scales or no tracks"},
		{func(o *Options) { o.Scales = []int{4, 2} }, "found the scales [4 2]"},
		{func(o *Options) { o.Scales = []int{3} }, "expected some of 2, 4 and 8"},
		{func(o *Options) { o.Detail = true }, "found detail without the scale 8"},
		{func(o *Options) { o.Detail, o.Scales, o.Steps = true, []int{8}, [3]int{1, 1, 0} }, "found 0 steps"},
		{func(o *Options) { o.Test = []string{flat} }, "no step of luma"},
		{func(o *Options) { o.Test = []string{filepath.Join(dir, "none.png")} }, "none.png"},
		{func(o *Options) { o.Test = append(slices.Clone(o.Test), list(t, folder(t, 1, 100, 60))...) },
			"a.png: evaluate: found a photograph of 100×60"},
	} {
		o := good
		c.change(&o)
		if _, err := Run(context.Background(), s, o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("found the error %v, want %q", err, c.want)
		}
	}
	stopped, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Run(stopped, s, good); !errors.Is(err, context.Canceled) {
		t.Errorf("found the error %v", err)
	}
	for _, names := range [][]string{{"hard"}, {"soft", "soft"}} {
		if _, err := ParseTracks(names); err == nil || !strings.Contains(err.Error(), "found the track") {
			t.Errorf("%v: found the error %v", names, err)
		}
	}
	if _, err := List(t.TempDir()); err == nil || !strings.Contains(err.Error(), "has no pictures") {
		t.Errorf("found the error %v", err)
	}
	if _, err := List(flat); err == nil || !strings.Contains(err.Error(), "expected a folder") {
		t.Errorf("found the error %v", err)
	}
	if err := Apart([]string{flat}, []string{good.Test[0], flat}); err == nil || !strings.Contains(err.Error(), "share none") {
		t.Errorf("found the error %v", err)
	}
}
