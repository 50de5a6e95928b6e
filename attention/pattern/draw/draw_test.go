package draw

import (
	"bytes"
	"errors"
	"image/color"
	"image/png"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/attention/pattern"
)

func TestWritePNG(t *testing.T) {
	long := make([]int, 3000)
	for i := range long {
		long[i] = 2 * i
	}
	for _, c := range []struct {
		p    pattern.Pattern
		s    pattern.Shape
		side int
	}{
		{pattern.Longformer(512, 0), pattern.Square(1_000_000), 512}, {pattern.Causal(), pattern.Square(1), 64}, {pattern.Causal(),
			pattern.Square(13), 300},
		{pattern.Causal(), pattern.Shape{Tq: 1, Tk: 5000, Offset: 4999}, 400}, {pattern.Full(), pattern.Shape{Tq: 5000, Tk: 1}, 400},
		{pattern.None(), pattern.Square(100), 64},
		{pattern.Global(long...), pattern.Square(6000), 200},
		{pattern.BigBird(64, 3, 2, 3, 1), pattern.Square(4096), 512},
	} {
		var b bytes.Buffer
		if err := WritePNG(&b, c.p, c.s, c.side); err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(&b)
		if err != nil {
			t.Fatal(err)
		}
		if size := img.Bounds().Size(); size.X > c.side+600 || size.Y > c.side+400 || max(size.X, size.Y) < c.side/2 {
			t.Errorf("%.40v, %+v in %d pixels: image of %v", c.p, c.s, c.side, size)
		}
	}
}

// The colour of every cell is that of its density.
func TestPNGShades(t *testing.T) {
	p, s := pattern.Or(pattern.Window(2), pattern.Global(0)), pattern.Square(64)
	g, err := pattern.Picture(p, s, 32)
	if err != nil {
		t.Fatal(err)
	}
	c, err := newCanvas(g, 320)
	if err != nil {
		t.Fatal(err)
	}
	c.drawMatrix()
	seen := map[color.RGBA]bool{}
	for r := range g.Rows {
		for k := range g.Cols {
			visible, all := g.Cell(r, k)
			got := c.image.RGBAAt(c.matrix.Min.X+k*c.wide+3, c.matrix.Min.Y+r*c.high+3)
			if want := shade(float64(visible) / float64(all)); got != want {
				t.Fatalf("cell (%d, %d) is %v, expected %v", r, k, got, want)
			}
			seen[got] = true
		}
	}
	if len(seen) < 4 {
		t.Errorf("%d colours in a picture of empty, full and partial cells", len(seen))
	}
	before := luminance(shade(0))
	for d := range 101 {
		now := luminance(shade(float64(d) / 100))
		if d > 0 && now >= before {
			t.Errorf("density %d%% is no darker than the one before", d)
		}
		before = now
	}
}

func luminance(c color.RGBA) int { return 2126*int(c.R) + 7152*int(c.G) + 722*int(c.B) }

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		want string
		p    pattern.Pattern
		s    pattern.Shape
		side int
	}{
		{"found a picture of -1 pixels", pattern.Full(), pattern.Square(10), -1},
		{"found a picture of 63 pixels, expected 64 to 4096", pattern.Full(), pattern.Square(10), MinPixels - 1},
		{"found a picture of 4097 pixels", pattern.Full(), pattern.Square(10), MaxPixels + 1},
		{"found no pattern", nil, pattern.Square(10), 100},
		{"window(-1): found -1 before", pattern.Window(-1), pattern.Square(10), 100},
		{"found position 10 in a sequence of 10 keys", pattern.Global(10), pattern.Square(10), 100},
		{"found 0 queries and 0 keys, expected some of both", pattern.Full(), pattern.Square(0), 100},
	} {
		var b bytes.Buffer
		if err := WritePNG(&b, c.p, c.s, c.side); err == nil || !strings.Contains(err.Error(), c.want) || b.Len() > 0 {
			t.Errorf("found error %v and %d bytes, expected %q and none", err, b.Len(), c.want)
		}
	}
	if err := WritePNG(noSpace{}, pattern.Full(), pattern.Square(10), 100); !errors.Is(err, errFull) {
		t.Errorf("a writer's error came back as %v", err)
	}
}

var errFull = errors.New("no space left")

type noSpace struct{}

func (noSpace) Write([]byte) (int, error) { return 0, errFull }

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		lo, hi, limit int
		want          []int
	}{
		{0, 4096, 8, []int{0, 512, 1024, 1536, 2048, 2560, 3072, 3584, 4096}},
		{0, 4096, 4, []int{0, 1024, 2048, 3072, 4096}},
		{0, 1000, 8, []int{0, 200, 400, 600, 800, 1000}},
		{0, 1010, 8, []int{0, 200, 400, 600, 800, 1010}},
		{0, 7, 8, []int{0, 1, 2, 3, 4, 5, 6, 7}},
		{0, 1, 8, []int{0, 1}},
		{99, 100, 0, []int{99, 100}},
		{990, 2010, 5, []int{990, 1200, 1400, 1600, 1800, 2010}},
		{0, pattern.MaxTokens, 2, []int{0, pattern.MaxTokens / 2, pattern.MaxTokens}},
	} {
		if got := ticks(c.lo, c.hi, c.limit); !slices.Equal(got, c.want) {
			t.Errorf("%d to %d in %d: %v, expected %v", c.lo, c.hi, c.limit, got, c.want)
		}
	}
}

func TestLabels(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1048576: "1,048,576"} {
		if got := grouped(n); got != want {
			t.Errorf("%d is %q, expected %q", n, got, want)
		}
	}
	for share, want := range map[float64]string{1: "100%", 0: "0%", 0.03125: "3.12%", 0.5: "50%"} {
		if got := percent(share); got != want {
			t.Errorf("%v is %q, expected %q", share, got, want)
		}
	}
	one, err := pattern.Picture(pattern.Full(), pattern.Square(1), 64)
	if err != nil {
		t.Fatal(err)
	}
	f, err := newCanvas(one, 64)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "window(5)", strings.Repeat("window(5) | ", 100000), strings.Repeat("…", 3000)} {
		cut := fit(f.small, text, 300)
		if width(f.small, cut) > 300 || (cut != text && !strings.HasSuffix(cut, "…")) {
			t.Errorf("%.20q… was cut to %q", text, cut)
		}
	}
}
