package evaluate

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/picture/measure"
	"github.com/longspan/longspan/picture/patchflow"
	"github.com/longspan/longspan/picture/raster"
)

// The numbers of what is generated are those of package measure, of pictures that are made here once more.
func TestGenerating(t *testing.T) {
	s := pictures(t)
	o := Options{Test: list(t, folder(t, 2, 720, 410)), Train: list(t, folder(t, 1, 300, 200)), Scales: []int{8}, Tracks: []Track{Sharp},
		Steps: [3]int{1, 1, 1}, Seed: 1, Generate: 2, Width: 700, Height: 400, Distance: measure.SWDOptions{Patches: 1000, Projections: 20}}
	var shown []*raster.Image
	o.Picture = func(seed uint64, m *raster.Image) error {
		if seed != uint64(len(shown))+1 {
			t.Errorf("found picture %d after %d", seed, len(shown))
		}
		shown = append(shown, m)
		return nil
	}
	r, err := Run(context.Background(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
	g := r.Generated
	if len(shown) != 2 || len(g.Pictures) != 2 || len(g.HeldOut) != 2 || g.HeldOut[1].Photo != "b.png" || g.HeldOut[0].Of != "a.png" ||
		g.Patch != 8 || g.Pitch != 4 || len(g.Distances) != 4 || len(g.Agreements) != 3 || g.Agreements[0].Pictures != samples ||
		g.Agreements[1].Pictures != cropsOf || g.Agreements[2].Pictures != 2*cropsOf {
		t.Fatalf("found %+v", g)
	}
	again, base := painted(t, s, o, 2)
	if !slices.Equal(again.Pix, shown[1].Pix) {
		t.Error("the picture of seed 2 is another one")
	}
	checkSeams(t, s, g, again, base)
	checkDistances(t, g, o, shown, base)
}

// painted makes the picture of a seed, and its last level but one.
func painted(t *testing.T, s *patchflow.Pictures, o Options, seed uint64) (m, base *raster.Image) {
	t.Helper()
	m, err := s.Generate(context.Background(), patchflow.Painting{Width: o.Width, Height: o.Height, Steps: o.Steps, Seed: seed,
		Preview: func(level *raster.Image) { base = level }})
	if err != nil {
		t.Fatal(err)
	}
	m.Round(255)
	base.Round(255)
	return m, base
}

func checkSeams(t *testing.T, s *patchflow.Pictures, g *Generated, m, base *raster.Image) {
	t.Helper()
	tiles, err := tiled(context.Background(), s, base, 4, patchflow.Draw{Detail: 1, Steps: 1, Seed: 2, Noise: patchflow.LevelNoise})
	if err != nil {
		t.Fatal(err)
	}
	if tiles, err = fit(tiles, 700, 400, 1); err != nil {
		t.Fatal(err)
	}
	tiles.Round(255)
	for found, m := range map[float64]*raster.Image{g.Pictures[1].Seam: m, g.Pictures[1].TiledSeam: tiles} {
		if want, err := measure.Seam(m, 8, 4); err != nil || found != want {
			t.Errorf("found the index %g, want %g, %v", found, want, err)
		}
	}
}

func checkDistances(t *testing.T, g *Generated, o Options, shown []*raster.Image, base *raster.Image) {
	t.Helper()
	var tests []*raster.Image
	for i := range 2 {
		m, err := fit(texture(720, 410, 30+50*float64(i)), 700, 400, 1)
		if err != nil {
			t.Fatal(err)
		}
		m.Round(255)
		tests = append(tests, m)
	}
	want, err := measure.SlicedWasserstein(shown, tests, measure.SWDOptions{Patches: 1000, Projections: 20, Seed: o.Seed})
	if err != nil {
		t.Fatal(err)
	}
	if d := g.Distances[0]; d.Of != Whole || d.Pictures != 2 || !slices.Equal(d.Levels, want.Levels) || d.Mean != want.Mean {
		t.Errorf("found %+v, want %+v", d, want)
	}
	for i, of := range []string{Whole, Base, Tiled, Trains} {
		if d := g.Distances[i]; d.Of != of || !(d.Mean > 0) {
			t.Errorf("found %+v, want one of %s", d, of)
		}
	}
	near := &nearest{}
	if err := near.add("a.png", texture(300, 200, 30), 1); err != nil {
		t.Fatal(err)
	}
	if len(near.set) != 3 || near.set[0].Width != 240 || near.set[2].Width != 343 {
		t.Errorf("found %d train pictures", len(near.set))
	}
	if n, err := near.of(shown[1], 1); err != nil || *n != *g.Pictures[1].Nearest {
		t.Errorf("found %+v, want %+v, %v", g.Pictures[1].Nearest, n, err)
	}
	closer := 0
	for _, p := range g.Pictures {
		if p.Nearest.Distance < min(g.HeldOut[0].Distance, g.HeldOut[1].Distance) {
			closer++
		}
	}
	if g.Closer != closer {
		t.Errorf("found %d closer, want %d", g.Closer, closer)
	}
}

// A picture that is a part of a train photograph is found there, at its share.
func TestNearestFindsCopies(t *testing.T) {
	photo := texture(800, 500, 0)
	near := &nearest{}
	for _, m := range []*raster.Image{texture(800, 500, 300), photo} {
		if err := near.add("photo", m, 1); err != nil {
			t.Fatal(err)
		}
	}
	copied, err := near.set[5].Crop(70, 31, firstWidth, firstHeight)
	if err != nil {
		t.Fatal(err)
	}
	n, err := near.of(copied, 1)
	if err != nil || n.Share != 0.7 || n.X != 70 || n.Y != 31 || n.Picture != 5 || n.Distance > 1e-6 {
		t.Errorf("found %+v, %v", n, err)
	}
	var none *nearest
	if n, err := none.of(copied, 1); n != nil || err != nil {
		t.Errorf("found %v, %v", n, err)
	}
}

func TestPlaces(t *testing.T) {
	for _, c := range []struct {
		n    int
		want []place
	}{
		{100, []place{{0, 100, 100}}},
		{128, []place{{0, 128, 128}}},
		{129, []place{{0, 128, 129}, {1, 128, 129}}},
		{240, []place{{0, 128, 240}, {112, 128, 240}}},
		{300, []place{{0, 128, 300}, {112, 128, 300}, {172, 128, 300}}},
	} {
		if found := places(c.n, 128, 16); !slices.Equal(found, c.want) {
			t.Errorf("%d pixels: found %v, want %v", c.n, found, c.want)
		}
	}
}

// Tiles of a picture are that picture where they are blended, and the weights of two neighbours add up to one.
func TestBlend(t *testing.T) {
	m := texture(700, 500, 0)
	out, err := raster.New(700, 500, 3)
	if err != nil {
		t.Fatal(err)
	}
	total := make([]float32, 700*500)
	for _, y := range places(500, tileSide, tileOverlap) {
		for _, x := range places(700, tileSide, tileOverlap) {
			tile, err := m.Crop(x.at, y.at, x.length, y.length)
			if err != nil {
				t.Fatal(err)
			}
			blend(out, total, tile, x, y)
		}
	}
	for i, v := range out.Pix {
		if math.Abs(float64(v/total[i/3]-m.Pix[i])) > 1e-5 {
			t.Fatalf("value %d is %g, want %g", i, v/total[i/3], m.Pix[i])
		}
	}
	a, b := place{0, 512, 960}, place{448, 512, 960}
	for i := range tileOverlap {
		if w := a.weight(448+i) + b.weight(i); math.Abs(float64(w)-1) > 1e-6 {
			t.Errorf("pixel %d of the overlap has the weight %g", i, w)
		}
	}
	if a.weight(0) != 1 || b.weight(511) != 1 || a.weight(447) != 1 {
		t.Error("weights fall outside of the overlap")
	}
}

// Chroma is by the formula of BT.601, of the outer thirds.
func TestChroma(t *testing.T) {
	m, err := raster.New(9, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 18 {
		switch x := i % 9; {
		case x < 3:
			m.Pix[3*i] = 1 // red
		case x >= 6:
			m.Pix[3*i+2] = 1 // blue
		default:
			m.Pix[3*i+1] = 1
		}
	}
	c := chromaOf(m)
	for i, pair := range [][2]float64{{c.left[0], -0.299 / 1.772}, {c.left[1], 0.5}, {c.right[0], 0.5}, {c.right[1], -0.114 / 1.402}} {
		if math.Abs(pair[0]-pair[1]) > 1e-6 {
			t.Errorf("chroma %d is %g, want %g", i, pair[0], pair[1])
		}
	}
}

func TestAgreement(t *testing.T) {
	var same, opposite, known [][]chroma
	for i := range 20 {
		v := float64(i*7%20) / 20
		same = append(same, []chroma{{[2]float64{v, 1 - v}, [2]float64{2 * v, 3 - v}}})
		opposite = append(opposite, []chroma{{[2]float64{v, 0}, [2]float64{-v, 0}}})
	}
	if a := agreement("x", same, 1); math.Abs(a.Correlation.Mean-1) > 1e-12 || math.Abs(a.Correlation.Low-1) > 1e-12 || a.Pictures != 20 {
		t.Errorf("found %+v", a)
	}
	if a := agreement("x", opposite, 1); math.Abs(a.Correlation.Mean+0.5) > 1e-12 { // −1 of Cb, and Cr is the same everywhere
		t.Errorf("found %+v", a)
	}
	for _, p := range [][2]float64{{1, 2}, {2, 1}, {3, 4}, {4, 3}} { // Pearson's correlation is 3/5
		known = append(known, []chroma{{[2]float64{p[0], p[0]}, [2]float64{p[1], p[1]}}})
	}
	a := agreement("x", known, 1)
	if math.Abs(a.Correlation.Mean-0.6) > 1e-12 || !(a.Correlation.Low < 0.6 && a.Correlation.High > 0.6) {
		t.Errorf("found %+v", a)
	}
}

func TestGeneratingRefusals(t *testing.T) {
	s := pictures(t)
	good := Options{Test: list(t, folder(t, 1, 64, 64)), Scales: []int{2}, Tracks: []Track{Sharp}, Steps: [3]int{1, 1, 1}, Generate: 1,
		Width: 64, Height: 64}
	for _, c := range []struct {
		change func(o *Options)
		want   string
	}{
		{func(o *Options) { o.Generate = -1 }, "found -1 pictures to generate"},
		{func(o *Options) { o.Width = 63 }, "found pictures of 63×64"},
		{func(o *Options) { o.Width, o.Height = 1<<20, 1<<20 }, "found pictures of 1048576×1048576"},
		{func(o *Options) { o.Generate, o.Width, o.Height = 22, 3840, 2160 }, "expected at most 21: more do not fit"},
		{func(o *Options) { o.Steps[0] = 0 }, "found 0 steps"},
	} {
		o := good
		c.change(&o)
		if _, err := Run(context.Background(), s, o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("found the error %v, want %q", err, c.want)
		}
	}
	m, err := patchflow.New(patchflow.Config{Enlarge: s.Model.Config().Enlarge, Precision: "f32"}, patchflow.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	alone := &patchflow.Pictures{Base: base(), Model: m}
	if _, err := Run(context.Background(), alone, good); err == nil || !strings.Contains(err.Error(), "no network that draws") {
		t.Errorf("found the error %v", err)
	}
}

func TestPack(t *testing.T) {
	m := texture(33, 20, 0)
	if found := raster.Pack(m).Image(); found.Width != 33 || found.Height != 20 || !slices.Equal(found.Pix, m.Pix) {
		t.Error("a packed picture has changed")
	}
}
