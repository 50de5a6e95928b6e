package patchflow

import (
	"bytes"
	"context"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/internal/filename"
	"github.com/longspan/longspan/picture/raster"
	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/tensor"
)

// tiny is a model of few weights.
func tiny() Config {
	return Config{
		Enlarge:   &Network{Patch: 4, Width: 16, Layers: 2, Heads: 2, Hidden: 16, Attention: "relu", Every: 2},
		Draw:      &Network{Patch: 8, Width: 16, Layers: 2, Heads: 2, Hidden: 16, Margin: 2, Attention: "relu", Every: 1},
		Precision: "f32",
	}
}

func tinyData() DataConfig {
	return DataConfig{Enlarge: CropConfig{Batch: 3, Side: 6, Turns: 1}, Draw: CropConfig{Batch: 3, Side: 4, Paint: 0.4, Turns: 2}}
}

// texture is a picture with edges at all angles, and finer detail than a quarter of its pixels can tell.
func texture(width, height int, phase float64) *raster.Image {
	m := &raster.Image{Width: width, Height: height, Channels: channels, Pix: make([]float32, width*height*channels)}
	for y := range height {
		for x := range width {
			u, v := float64(x)+phase, float64(y)
			value := 0.5 + 0.2*math.Sin(math.Hypot(u-90, v-70)/5) + 0.1*math.Sin(u*v/900)
			if math.Sin(u/17+phase)+math.Cos(v/23) > 0.3 {
				value += 0.2
			}
			for q := range channels {
				m.Row(y)[x*channels+q] = float32(value * (1 - 0.1*float64(q)))
			}
		}
	}
	return m
}

// fitted are photographs and their base, made once.
var fitted = sync.OnceValue(func() (f struct {
	photos *Photos
	base   *Base
}) {
	f.photos = &Photos{}
	for i := range 2 {
		if err := f.photos.Add(texture(300, 280, 40*float64(i)), 1); err != nil {
			panic(err)
		}
	}
	var err error
	if f.base, err = FitBase(context.Background(), f.photos, 1, func(string) {}); err != nil {
		panic(err)
	}
	return f
})

func newModel(t *testing.T, c Config, train bool) *Model {
	t.Helper()
	m, err := New(c, Options{Seed: 1, Train: train})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func newSource(t *testing.T, c Config, threads int) *Source {
	t.Helper()
	s, err := NewSource(c, tinyData(), fitted().base, fitted().photos, 1, threads)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What a picture has over its base, added to the base, is the picture, in patches that are covered in part too.
func TestResidualsAddUp(t *testing.T) {
	for _, size := range [][2]int{{16, 8}, {13, 21}, {1, 1}} {
		y, base := texture(size[0], size[1], 3), texture(size[0], size[1], 5)
		c := newContrast(base, 8, 1)
		row := make([]float32, outputs(8))
		for k := range c.sigma {
			c.residual(row, k, y, 0.7)
			c.add(k, row, 0.7)
		}
		for i, v := range base.Pix {
			if math.Abs(float64(v-y.Pix[i])) > 1e-6 {
				t.Fatalf("%v: value %d is %g, want %g", size, i, v, y.Pix[i])
			}
		}
	}
}

// The base of a crop has the pixels that the base of the whole picture has.
func TestMarginsAreEnough(t *testing.T) {
	m := texture(40, 36, 0)
	for _, factor := range []int{2, 4, 8} {
		whole, err := fitted().base.Enlarge(m, factor, 1)
		if err != nil {
			t.Fatal(err)
		}
		part, err := m.Crop(4, 3, 30, 28)
		if err != nil {
			t.Fatal(err)
		}
		got, err := fitted().base.enlargeInside(part, factor)
		if err != nil {
			t.Fatal(err)
		}
		want, err := whole.Crop((4+margin)*factor, (3+margin)*factor, (30-2*margin)*factor, (28-2*margin)*factor)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.Pix, want.Pix) {
			t.Errorf("×%d: the base of a part differs", factor)
		}
	}
}

// Batches are crops of the shapes that the settings say, one of the first network and two of the second in turn. They are equal whatever
// the threads, and after a Restore.
func TestSource(t *testing.T) {
	one, three := newSource(t, tiny(), 1), newSource(t, tiny(), 3)
	var a, b data.Batch
	var state []byte
	for i := range 6 {
		if i == 2 {
			state = three.State()
		}
		if err := one.Next(&a); err != nil {
			t.Fatal(err)
		}
		if err := three.Next(&b); err != nil {
			t.Fatal(err)
		}
		if a.Patches.Network != min(i%3, 1) || a.Check(1) != nil || !slices.Equal(a.Patches.Inputs, b.Patches.Inputs) ||
			!slices.Equal(a.Patches.Targets, b.Patches.Targets) {
			t.Fatalf("batch %d: network %d, %v, or the batches differ", i, a.Patches.Network, a.Check(1))
		}
		if i%3 == 0 && !slices.Equal(a.Lengths, []int{36, 36, 36}) {
			t.Errorf("batch %d has lengths of %v", i, a.Lengths)
		}
	}
	again := newSource(t, tiny(), 1)
	if err := again.Restore(state); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if err := again.Next(&b); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(a.Patches.Inputs, b.Patches.Inputs) {
		t.Error("after Restore the batches differ")
	}
	if again.Restore(state[1:]) == nil || newSource(t, Config{Enlarge: tiny().Enlarge, Precision: "f32"}, 1).Restore(state) == nil {
		t.Error("a state of other settings is taken")
	}
}

// A picture of more patches than are made at a time is that of one pass: patches that are blended are read over the borders of the bands.
func TestBandsAreOnePicture(t *testing.T) {
	m := newModel(t, tiny(), false)
	base := texture(8*100, 8*2*(band/100+1), 0)
	net, c := m.nets[drawNet], newContrast(base, 8, 0)
	n := c.grid.Height * c.grid.Width
	got, rows := make([]float32, n*outputs(8)), tensor.New(tensor.F32, n, inputs(8))
	o := Condition{Factor: 4, Time: 0.5}
	use := func(t int, r []float32) { copy(got[t*outputs(8):], r) }
	if err := m.predict(context.Background(), tensor.Exec{}, task{net, c, nil, o}, use); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		c.input(rows.Row(i), i, nil, o)
	}
	p := m.pass(tensor.Exec{}, []int{n}, false)
	defer p.Close()
	want := p.G.Keep(net.apply(p, p.G.Input(rows), []autograd.Grid{c.grid}))
	if err := p.G.Forward(); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if !slices.Equal(got[i*outputs(8):(i+1)*outputs(8)], want.Value().Row(i)) {
			t.Fatalf("patch %d in row %d differs from that of one pass", i, i/c.grid.Width)
		}
	}
}

// The weights of the four grids of the last step add up to 1 in every pixel, whatever the patch.
func TestGridsAddUp(t *testing.T) {
	for patch := range 9 {
		if patch == 0 {
			continue
		}
		for at := range 3 * patch {
			if sum := gridWeight(at, 0, patch) + gridWeight(at, patch/2, patch); math.Abs(float64(sum)-1) > 1e-6 {
				t.Errorf("patches of %d, pixel %d: the weights add up to %g", patch, at, sum)
			}
		}
	}
}

// Pixels that are split and mixed in one grid after another keep their clean residual and their noise; blended over the four grids the
// residual is the picture again.
func TestFlowKeepsPixels(t *testing.T) {
	y, base := texture(45, 37, 3), texture(45, 37, 0)
	f := &flow{s: &Pictures{}, base: newContrast(base, 8, 0), rho: 2, seed: 1}
	f.clean, f.noise = make([]float32, len(base.Pix)), make([]float32, len(base.Pix))
	addNoise(f.noise, 1, data.NewRandom(2, 0))
	noise, sum := slices.Clone(f.noise), make([]float32, len(base.Pix))
	for i := range 2 * grids {
		look, r, before, after := f.grid(i), make([]float32, outputs(8)), make([]float32, outputs(8)), make([]float32, outputs(8))
		for token := range look.sigma {
			look.residual(r, token, y, f.rho)
			f.mix(before, look, token, 0.7)
			f.split(look, token, r, 0.7)
			f.mix(after, look, token, 0.7)
			for k := range before {
				if math.Abs(float64(before[k]-after[k])) > 1e-4 {
					t.Fatalf("grid %d, token %d: number %d became %g, want %g", i, token, k, after[k], before[k])
				}
			}
			if i < grids {
				look.blend(sum, token, r, f.rho)
			}
		}
		if i == 0 {
			copy(noise, f.noise) // what the first prediction leaves
		}
	}
	for i := range noise {
		if want := y.Pix[i] - base.Pix[i]; math.Abs(float64(f.clean[i]-want)) > 1e-5 || math.Abs(float64(sum[i]-want)) > 1e-5 {
			t.Fatalf("number %d of the picture is %g and %g, want %g", i, f.clean[i], sum[i], want)
		}
		if math.Abs(float64(f.noise[i]-noise[i])) > 1e-4 {
			t.Fatalf("number %d of the noise is %g, want %g", i, f.noise[i], noise[i])
		}
	}
}

// Times are as even as they are shifted, from the start of a sketch too.
func TestShiftedTimes(t *testing.T) {
	for _, c := range []struct{ t, shift, want float64 }{{1, 4, 1}, {0, 4, 0}, {0.5, 4, 0.8}, {0.5, 1, 0.5}} {
		if got := shifted(c.t, c.shift); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("shifted(%g, %g) is %g, want %g", c.t, c.shift, got, c.want)
		}
	}
}

// Both networks learn a batch by steps against their gradients, and the untrained enlarger changes nearly nothing.
func TestModelLearns(t *testing.T) {
	m, s := newModel(t, tiny(), true), newSource(t, tiny(), 1)
	for _, name := range []string{"enlarge", "draw"} {
		var b data.Batch
		if err := s.Next(&b); err != nil {
			t.Fatal(err)
		}
		var first, last float64
		for step := range 60 {
			for _, p := range m.Params() {
				clear(p.Grad.F32)
			}
			loss, err := m.Train(tensor.Exec{}, &b, data.Pass{Weight: 1})
			if err != nil {
				t.Fatal(err)
			}
			if last = loss; step == 0 {
				first = loss
			}
			norm := 0.0
			for _, p := range m.Params() {
				for _, g := range p.Grad.F32 {
					norm += float64(g) * float64(g)
				}
			}
			for _, p := range m.Params() {
				for i, g := range p.Grad.F32 {
					p.Value.F32[i] -= float32(0.1/math.Sqrt(norm)) * g
				}
			}
		}
		if !(last < 0.9*first) {
			t.Errorf("%s: the loss went from %.4f to %.4f", name, first, last)
		}
	}
}

// Windows over pictures have the width of each batch. Two widths in one batch are refused before anything is made.
func TestWindows(t *testing.T) {
	c, d := tiny(), tinyData()
	c.Enlarge.Attention, c.Draw.Attention = "window2d(1)", "window2d(2)"
	_, err := NewSource(c, d, fitted().base, fitted().photos, 1, 1)
	if err == nil || !strings.Contains(err.Error(), "draw: paint is 0.4; expected 0 or 1") {
		t.Errorf("found %v", err)
	}
	d.Draw.Paint = 0
	s, err := NewSource(c, d, fitted().base, fitted().photos, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	m := newModel(t, c, true)
	var b data.Batch
	for range 2 {
		if err := s.Next(&b); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Train(tensor.Exec{}, &b, data.Pass{Weight: 1}); err != nil {
			t.Error(err)
		}
	}
	m = newModel(t, c, true)
	b.Patches.Widths[0] = b.Lengths[0]
	_, err = m.Train(tensor.Exec{}, &b, data.Pass{Weight: 1})
	if err == nil || !strings.Contains(err.Error(), "expected one width in a batch for window2d(2)") {
		t.Errorf("found %v", err)
	}
}

// Crops that cannot be are refused by the key that says so.
func TestCropsAreChecked(t *testing.T) {
	for want, change := range map[string]func(c *Config, d *DataConfig){
		"enlarge: side is 3; expected crops of a multiple of 4 pixels: with patches of 2 a multiple of 2": func(c *Config, d *DataConfig) {
			c.Enlarge.Patch, d.Enlarge.Side = 2, 3
		},
		"draw: large is 3; expected crops of a multiple of 8 pixels: with patches of 5 a multiple of 8": func(c *Config, d *DataConfig) {
			c.Draw.Patch, d.Draw.Side, d.Draw.Large = 5, 8, 3
		},
		"enlarge: paint is 0.5; expected 0": func(_ *Config, d *DataConfig) { d.Enlarge.Paint = 0.5 },
	} {
		c, d := tiny(), tinyData()
		change(&c, &d)
		if err := d.CheckFor(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found %v, want %s", err, want)
		}
	}
}

// Files that were damaged are refused, and none of them panics.
func TestDamagedFiles(t *testing.T) {
	m := newModel(t, tiny(), false)
	m.Keep(fitted().base)
	good, err := m.Files()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"found 2 numbers in rho": strings.Replace(string(good[ConfigName]), ",\n    "+lastRho(good[ConfigName]), "", 1),
		"more than one document": string(good[ConfigName]) + "{}",
		"residuals of size":      strings.Replace(string(good[ConfigName]), lastRho(good[ConfigName]), "1e38", 1),
		"EOF":                    "",
	} {
		files := map[string][]byte{ConfigName: []byte(text), FiltersName: good[FiltersName]}
		if _, err := OpenFiles(files, tensor.Exec{}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("found %v, want %s", err, name)
		}
	}
	for n := range 40 {
		files := map[string][]byte{ConfigName: good[ConfigName], FiltersName: good[FiltersName][:n*len(good[FiltersName])/40]}
		if _, err := OpenFiles(files, tensor.Exec{}); err == nil {
			t.Errorf("%d of 40 parts of the filters were taken", n)
		}
	}
}

// lastRho is the text of the last number of rho.
func lastRho(text []byte) string {
	fields := strings.Fields(string(text))
	return fields[len(fields)-3]
}

// A model that is saved and opened makes the same picture.
func TestSave(t *testing.T) {
	s := pictures(t, tensor.Exec{Threads: 1})
	dir := t.TempDir()
	if err := s.Save(dir, tensor.F32); err != nil {
		t.Fatal(err)
	}
	again, err := Open(dir, tensor.Exec{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	var made []*raster.Image
	for _, one := range []*Pictures{s, again} {
		m, err := one.Enlarge(context.Background(), texture(20, 11, 0), 4, Draw{Detail: 0.5, Steps: 1})
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, m)
	}
	if !slices.Equal(made[0].Pix, made[1].Pix) {
		t.Error("the pictures differ")
	}
}

func pictures(t *testing.T, x tensor.Exec) *Pictures {
	m := newModel(t, tiny(), false)
	m.Keep(fitted().base)
	files, err := m.Files()
	if err != nil {
		t.Fatal(err)
	}
	var weights []safetensors.Tensor
	for _, p := range m.Params() {
		weights = append(weights, safetensors.Matrix(p.Name, p.Value))
	}
	var text bytes.Buffer
	if err := safetensors.Write(&text, weights, nil); err != nil {
		t.Fatal(err)
	}
	files[filename.Weights] = text.Bytes()
	s, err := OpenFiles(files, x)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Pictures of any size are enlarged, with the same bits for any number of threads. Without training they are nearly their base.
func TestEnlarge(t *testing.T) {
	one, three := pictures(t, tensor.Exec{Threads: 1}), pictures(t, tensor.Exec{Threads: 3})
	for _, size := range [][2]int{{1, 1}, {7, 5}, {33, 18}} {
		for _, factor := range []int{2, 4, 8} {
			for _, detail := range []float64{0, 0.5, 1} {
				if factor == 2 && detail > 0 {
					continue
				}
				d := Draw{Detail: detail, Steps: 2, Seed: 5}
				a, err := one.Enlarge(context.Background(), texture(size[0], size[1], 0), factor, d)
				if err != nil {
					t.Fatal(err)
				}
				b, err := three.Enlarge(context.Background(), texture(size[0], size[1], 0), factor, d)
				if err != nil || !slices.Equal(a.Pix, b.Pix) {
					t.Fatalf("%v ×%d detail %g: %v, or the pictures differ", size, factor, detail, err)
				}
				if a.Width != factor*size[0] || a.Height != factor*size[1] {
					t.Errorf("%v ×%d: found %d×%d", size, factor, a.Width, a.Height)
				}
				base, err := one.Base.Enlarge(texture(size[0], size[1], 0), factor, 1)
				if err != nil {
					t.Fatal(err)
				}
				for i, v := range a.Pix {
					if detail == 0 && math.Abs(float64(v-base.Pix[i])) > 0.01 {
						t.Fatalf("%v ×%d: value %d is %g, its base %g", size, factor, i, v, base.Pix[i])
					}
				}
			}
		}
	}
	for factor, d := range map[int]Draw{3: {}, 2: {Detail: 1, Steps: 1}, 4: {Detail: 1}, 8: {Detail: 2, Steps: 1}} {
		if _, err := one.Enlarge(context.Background(), texture(4, 4, 0), factor, d); err == nil {
			t.Errorf("×%d was taken with %+v", factor, d)
		}
	}
	stopped, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := one.Enlarge(stopped, texture(4, 4, 0), 2, Draw{}); err == nil {
		t.Error("a cancelled context was not seen")
	}
}

// The last level is the picture, or a little more.
func TestLevels(t *testing.T) {
	for _, c := range []struct {
		width, height int
		want          []level
	}{
		{240, 136, []level{{240, 136, 1}}},
		{960, 544, []level{{240, 136, 1}, {960, 544, 4}}},
		{1000, 1000, []level{{250, 250, 1}, {1000, 1000, 4}}},
		{1920, 1080, []level{{240, 135, 1}, {1920, 1080, 8}}},
		{3840, 2160, []level{{240, 135, 1}, {960, 540, 4}, {3840, 2160, 4}}},
		{2160, 3840, []level{{135, 240, 1}, {540, 960, 4}, {2160, 3840, 4}}},
		{7680, 4320, []level{{240, 135, 1}, {960, 540, 4}, {7680, 4320, 8}}},
		{400, 300, []level{{170, 128, 1}, {680, 512, 4}}},
		{10, 1, []level{{170, 17, 1}}},
	} {
		if got := levels(c.width, c.height); !slices.Equal(got, c.want) {
			t.Errorf("%d×%d: found %v, want %v", c.width, c.height, got, c.want)
		}
	}
}

// Pictures of any size are painted, and their passes are counted before.
func TestGenerate(t *testing.T) {
	one, three := pictures(t, tensor.Exec{Threads: 1}), pictures(t, tensor.Exec{Threads: 3})
	for _, size := range [][2]int{{240, 136}, {100, 300}, {500, 40}} {
		p := Painting{Width: size[0], Height: size[1], Steps: [3]int{2, 1, 1}, Seed: 3}
		last, passes := 0, 0
		one.Step = func(pass, all, _ int) { last, passes = pass, all }
		a, err := one.Generate(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		b, err := three.Generate(context.Background(), p)
		if err != nil || !slices.Equal(a.Pix, b.Pix) {
			t.Fatalf("%v: %v, or the pictures differ", size, err)
		}
		if a.Width != size[0] || a.Height != size[1] || last != passes {
			t.Errorf("%v: found %d×%d after pass %d of %d", size, a.Width, a.Height, last, passes)
		}
	}
}

// No bytes of a model's folder make opening it panic.
func FuzzOpenFiles(f *testing.F) {
	m, err := New(tiny(), Options{Seed: 1})
	if err != nil {
		f.Fatal(err)
	}
	m.Keep(fitted().base)
	files, err := m.Files()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(files[ConfigName], files[FiltersName], []byte{})
	f.Add([]byte(`{"model": {"precision": "f32"}, "rho": [1, 1, 1]}`), files[FiltersName][:100], []byte("x"))
	f.Fuzz(func(t *testing.T, config, banks, weights []byte) {
		files := map[string][]byte{ConfigName: config, FiltersName: banks, filename.Weights: weights}
		if s, err := OpenFiles(files, tensor.Exec{}); err == nil && s == nil {
			t.Error("no model and no error")
		}
	})
}
