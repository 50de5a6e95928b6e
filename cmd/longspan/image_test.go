package main

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/longspan/longspan/picture/file"
	"github.com/longspan/longspan/picture/raster"
)

// photo FILE WxH writes a made picture, with edges at all angles.
func photo(ts *testscript.TestScript, not bool, args []string) {
	if not || len(args) != 2 {
		ts.Fatalf("usage: photo FILE WxH")
	}
	w, h, err := imageSize("photo", args[1])
	ts.Check(err)
	m, err := raster.New(w, h, 3)
	ts.Check(err)
	for i := range m.Pix {
		x, y, c := float64(i/3%w), float64(i/3/w), float64(i%3)
		v := 0.5 + 0.2*math.Sin(math.Hypot(x-90, y-70)/5) + 0.1*math.Sin(x*y/900)
		if math.Sin(x/17)+math.Cos(y/23) > 0.3 {
			v += 0.2
		}
		m.Pix[i] = float32(v * (1 - 0.1*c))
	}
	path := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(filepath.Dir(path), 0o755))
	ts.Check(file.Save(path, &file.Picture{Image: m, Bits: 8}, 0))
}

func TestImageSize(t *testing.T) {
	for text, want := range map[string][2]int{
		"3840x2160": {3840, 2160}, "3840×2160": {3840, 2160}, "3840X2160": {3840, 2160}, "3840x": {3840, 0}, "x2160": {0, 2160},
		"": {}, "x": {}, "3840": {}, "0x5": {}, "-1x5": {}, "1x2x3": {}, "ax5": {}, "99999999999999999999x5": {},
	} {
		w, h, err := imageSize("--to", text)
		if refused := want == [2]int{}; (err != nil) != refused || !refused && (w != want[0] || h != want[1]) {
			t.Errorf("%q: %d, %d, %v; want %v", text, w, h, err, want)
		}
	}
}
