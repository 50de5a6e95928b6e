package filters_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/picture/filters"
	"github.com/longspan/longspan/picture/raster"
	"github.com/longspan/longspan/picture/resample"
)

func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// discs is a picture of discs with sharp edges on a slope of light.
func discs(t *testing.T, width, height, channels int, seed uint64) *raster.Image {
	m := must[*raster.Image](t)(raster.New(width, height, channels))
	r := data.NewRandom(seed, 0)
	type disc struct{ x, y, radius, value float64 }
	all := make([]disc, 12)
	for i := range all {
		all[i] = disc{r.Float64() * float64(width), r.Float64() * float64(height), 4 + 20*r.Float64(), r.Float64()}
	}
	for y := range height {
		for x := range width {
			v := float64(x) / float64(2*width)
			for _, d := range all {
				// An edge of two pixels, as a lens makes.
				share := min(max((d.radius-math.Hypot(float64(x)-d.x, float64(y)-d.y))/2+0.5, 0), 1)
				v += share * (d.value - v)
			}
			for c := range channels {
				m.Row(y)[x*channels+c] = float32(v * (1 - 0.2*float64(c)))
			}
		}
	}
	return m
}

func fit(t *testing.T, scale int) *filters.Bank {
	t.Helper()
	f := must[*filters.Fitter](t)(filters.NewFitter(scale))
	var small, large []*raster.Image
	for seed := range uint64(8) {
		m := discs(t, 48*scale, 40*scale, 3, seed)
		large = append(large, m)
		small = append(small, must[*raster.Image](t)(resample.Resize(m, 48, 40, resample.Bicubic, 1)))
		if err := f.Look(small[seed], 1); err != nil {
			t.Fatal(err)
		}
	}
	for i := range small {
		if err := f.Add(small[i], large[i], 0, 1, 1); err != nil {
			t.Fatal(err)
		}
	}
	return must[*filters.Bank](t)(f.Fit(100))
}

func meanSquare(a, b *raster.Image) float64 {
	sum := 0.0
	for i, v := range a.Pix {
		sum += float64(v-b.Pix[i]) * float64(v-b.Pix[i])
	}
	return sum / float64(len(a.Pix))
}

// On pictures that the filters were not fitted to, they leave less error than Lanczos.
func TestFiltersAreBetterThanLanczos(t *testing.T) {
	for _, scale := range []int{2, 4} {
		b := fit(t, scale)
		for seed := range uint64(3) {
			large := discs(t, 60*scale, 50*scale, 3, 100+seed)
			small := must[*raster.Image](t)(resample.Resize(large, 60, 50, resample.Bicubic, 1))
			got := must[*raster.Image](t)(b.Enlarge(small, 1))
			lanczos := must[*raster.Image](t)(resample.Resize(small, large.Width, large.Height, resample.Lanczos3, 1))
			if ours, theirs := meanSquare(got, large), meanSquare(lanczos, large); ours > 0.95*theirs {
				t.Errorf("×%d: a mean squared error of %.3g, Lanczos has %.3g", scale, ours, theirs)
			}
		}
	}
}

// A picture without detail stays what it is; one pixel is a picture.
func TestFlat(t *testing.T) {
	b := fit(t, 2)
	for _, size := range [][2]int{{1, 1}, {1, 9}, {9, 1}, {5, 4}} {
		m := must[*raster.Image](t)(raster.New(size[0], size[1], 3))
		for i := range m.Pix {
			m.Pix[i] = 0.25 * float32(i%3)
		}
		got := must[*raster.Image](t)(b.Enlarge(m, 0))
		if got.Width != 2*m.Width || got.Height != 2*m.Height {
			t.Fatalf("found %d×%d", got.Width, got.Height)
		}
		for i, v := range got.Pix {
			if v != 0.25*float32(i%3) {
				t.Fatalf("%v: value %d is %g", size, i, v)
			}
		}
	}
}

func TestThreadsDoNotChangeBits(t *testing.T) {
	b, m := fit(t, 2), discs(t, 61, 47, 3, 7)
	one, three := must[*raster.Image](t)(b.Enlarge(m, 1)), must[*raster.Image](t)(b.Enlarge(m, 3))
	if !slices.Equal(one.Pix, three.Pix) {
		t.Error("the pictures differ")
	}
}

func TestRefusals(t *testing.T) {
	flat := must[*raster.Image](t)(raster.New(8, 8, 1))
	refused := func(err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found %v, want %s", err, want)
		}
	}
	_, err := filters.NewFitter(1)
	refused(err, "a scale of 1, expected 2 to 8")
	f := must[*filters.Fitter](t)(filters.NewFitter(2))
	_, err = f.Fit(1)
	refused(err, "no samples")
	refused(f.Add(flat, flat, 0, 1, 1), "8×8 for 8×8, expected 2 times that")
	refused(f.Add(flat, nil, 0, 1, 1), "no picture")
	half := must[*raster.Image](t)(raster.New(4, 4, 1))
	refused(f.Add(half, flat, 0, 0, 1), "every 0th pixel")
	if err := f.Add(half, flat, 0, 1, 1); err != nil {
		t.Error(err)
	}
	refused(f.Look(flat, 1), "Look after Add")
	_, err = f.Fit(0)
	refused(err, "shrink is 0")
	_, err = (&filters.Bank{Scale: 2}).Enlarge(flat, 1)
	refused(err, "0 bounds of clusters, expected 5")
	_, err = (&filters.Bank{Scale: 2, Bounds: make([]float32, 5)}).Enlarge(flat, 1)
	refused(err, "0 weights of scale 2")
}

// Numbers that no fit makes are refused, and pictures of any numbers do not panic.
func TestDamaged(t *testing.T) {
	good := fit(t, 2)
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for name, change := range map[string]func(b *filters.Bank){
		"the number NaN":     func(b *filters.Bank) { b.Weights[5] = nan },
		"the number 1e+":     func(b *filters.Bank) { b.Weights[5] = 1e9 },
		"expected ascending": func(b *filters.Bank) { b.Bounds[0] = 5 },
	} {
		b := &filters.Bank{Scale: 2, Bounds: slices.Clone(good.Bounds), Weights: slices.Clone(good.Weights)}
		change(b)
		if err := b.Check(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("found %v, want %s", err, name)
		}
	}
	if (*filters.Bank)(nil).Check() == nil {
		t.Error("no bank is a bank")
	}
	m := discs(t, 12, 9, 3, 1)
	for i, v := range []float32{nan, inf, -inf, 1e30} {
		m.Pix[31*i] = v
	}
	if _, err := good.Enlarge(m, 1); err != nil {
		t.Error(err)
	}
	f := must[*filters.Fitter](t)(filters.NewFitter(2))
	if err := f.Add(m, discs(t, 24, 18, 3, 1), 0, 1, 1); err != nil {
		t.Error(err)
	}
}
