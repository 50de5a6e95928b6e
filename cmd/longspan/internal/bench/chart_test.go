package bench

import (
	"bytes"
	"image/color"
	"image/png"
	"math"
	"strings"
	"testing"
)

const peersText = `{"machine": {"cpu": "some CPU", "level": "avx2", "threads": 2, "date": "2026-11-29", "libraries": {"torch": "2.15.0"}},
"rows": [
 {"peer": "PyTorch SDPA, full", "shape": "T=4,096", "pass": "forward", "dtype": "f32",
  "ours_seconds": [1, 2, 1], "theirs_seconds": [2, 6, 4]},
 {"peer": "FlexAttention", "pass": "backward", "ours_seconds": [], "theirs_seconds": [], "failed": "not supported"},
 {"peer": "transformers Longformer", "shape": "T=4,096", "pass": "forward", "dtype": "f32",
  "ours_seconds": [0.03], "theirs_seconds": [0.6]}]}`

func TestReadPeers(t *testing.T) {
	p, err := ReadPeers(strings.NewReader(peersText))
	if err != nil || len(p.Rows) != 2 || p.Machine.Threads != 2 {
		t.Fatalf("%+v, %v", p, err)
	}
	for i, want := range []struct {
		speedup float64
		result  string
	}{{3, "3.0× (1 s, theirs 4 s)"}, {20, "20.0× (30 ms, theirs 600 ms)"}} {
		if r := p.Rows[i]; math.Abs(r.Speedup()-want.speedup) > 1e-12 || r.result() != want.result {
			t.Errorf("%s: %g times as fast, %q; expected %g, %q", r.Peer, r.Speedup(), r.result(), want.speedup, want.result)
		}
	}
	if got, want := p.about(), "some CPU, 2 threads, avx2 kernels, 2026-11-29; torch 2.15.0"; got != want {
		t.Errorf("found %q, expected %q", got, want)
	}
}

func TestReadPeersRefuses(t *testing.T) {
	for want, text := range map[string]string{
		"found no JSON as bench/peers/run.py writes it": "| a table |",
		"found 0 measured rows":                         `{"rows": [{"peer": "a", "failed": "why"}]}`,
		"found 61 measured rows":                        `{"rows": [` + strings.Repeat(`{"peer": "a"},`, 60) + `{"peer": "a"}]}`,
		"found 1 and 0 seconds of a":                    `{"rows": [{"peer": "a", "ours_seconds": [1]}]}`,
		"found 0 seconds of a":                          `{"rows": [{"peer": "a", "ours_seconds": [1], "theirs_seconds": [0]}]}`,
		"found -1 seconds of a":                         `{"rows": [{"peer": "a", "ours_seconds": [-1], "theirs_seconds": [1]}]}`,
	} {
		if _, err := ReadPeers(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found the error %v, expected one with %q", err, want)
		}
	}
}

func TestChart(t *testing.T) {
	p, err := ReadPeers(strings.NewReader(peersText))
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := Chart(&file, p); err != nil {
		t.Fatal(err)
	}
	image, err := png.Decode(&file)
	if err != nil {
		t.Fatal(err)
	}
	// The bar of 20 has more of its colour than the bar of 3 has.
	pixels := map[color.RGBA]int{}
	for y := range image.Bounds().Dy() {
		for x := range image.Bounds().Dx() {
			r, g, b, a := image.At(x, y).RGBA()
			pixels[color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), uint8(a >> 8)}]++
		}
	}
	short, long := pixels[families[0].color], pixels[families[1].color]
	if short == 0 || long < 4*short || pixels[families[2].color] != 0 {
		t.Errorf("found %d pixels of a bar of 3 and %d of a bar of 20", short, long)
	}
}

// FuzzReadPeers: what is read has speedups that can be drawn.
func FuzzReadPeers(f *testing.F) {
	f.Add(peersText)
	f.Add(`{"rows": [{"ours_seconds": [1e-9], "theirs_seconds": [1e300]}]}`)
	f.Add(`{"rows": [{"peer": "\u0000é", "ours_seconds": [2e-9], "theirs_seconds": [1e9]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ReadPeers(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, r := range p.Rows {
			if s := r.Speedup(); !(s > 0) || math.IsInf(s, 0) {
				t.Errorf("%+v is %g times as fast", r, s)
			}
		}
	})
}
