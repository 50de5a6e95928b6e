package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/longspan/longspan/internal/filename"
	"github.com/longspan/longspan/picture/file"
	"github.com/longspan/longspan/picture/filters"
	"github.com/longspan/longspan/picture/measure"
	"github.com/longspan/longspan/picture/patchflow"
	"github.com/longspan/longspan/picture/raster"
	"github.com/longspan/longspan/safetensors"
)

// tinyPictures writes a model of pictures of few drawn weights to a folder.
func tinyPictures(t *testing.T, dir string) {
	t.Helper()
	bank := func(scale int) *filters.Bank {
		b := &filters.Bank{Scale: scale, Bounds: []float32{0.1, 0.2, 0.3, 0.3, 0.6}, Weights: make([]float32, filters.Clusters*scale*scale*49)}
		for i := range b.Weights {
			b.Weights[i] = 0.0005 * float32(1+i/49%5)
		}
		return b
	}
	m, err := patchflow.New(patchflow.Config{
		Enlarge:   &patchflow.Network{Patch: 4, Width: 16, Layers: 1, Heads: 2, Hidden: 16, Attention: "relu", Every: 1},
		Draw:      &patchflow.Network{Patch: 8, Width: 16, Layers: 1, Heads: 2, Hidden: 16, Attention: "relu", Every: 1},
		Precision: "f32",
	}, patchflow.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	m.Keep(&patchflow.Base{By2: bank(2), By4: bank(4), Rho: [3]float32{0.3, 0.6, 1.2}})
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
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// madePhoto writes a picture of rings.
func madePhoto(t *testing.T, path string, phase float64) {
	t.Helper()
	m, err := raster.New(160, 128, 3)
	if err != nil {
		t.Fatal(err)
	}
	for i := range m.Pix {
		x, y := float64(i/3%m.Width)+phase, float64(i/3/m.Width)
		m.Pix[i] = float32(0.5 + (0.4-0.1*float64(i%3))*math.Sin(math.Hypot(x-70, y-50)/4+x*y/3000))
	}
	if err := file.Save(path, &file.Picture{Image: m, Bits: 8}, 0); err != nil {
		t.Fatal(err)
	}
}

// The report of a tiny model has its files, and the page shows what is in the numbers, with names of files as text.
func TestImageEvaluate(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"run", "test", "train"} {
		if err := os.Mkdir(at(name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	tinyPictures(t, at("run"))
	madePhoto(t, at("test/a<b>&c.png"), 0)
	madePhoto(t, at("train/d.png"), 40)
	var out, stderr bytes.Buffer
	v := imageEvaluateOptions{run: at("run"), test: at("test"), train: at("train"), out: at("report"), scales: []int{4}, steps: []int{1},
		tracks: []string{"sharp"}, generate: 1, size: "700x200", distance: measure.SWDOptions{Patches: 200, Projections: 10}}
	r, err := v.evaluate(newOutput(&out, &stderr, false))
	if err != nil {
		t.Fatal(err)
	}
	var document bytes.Buffer
	if err := newOutput(&document, &stderr, true).print(r, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := oneDocument(document.Bytes()); err != nil {
		t.Error(err)
	}
	writeImageEvaluation(&out, r)
	for _, want := range []string{"sharp ×4, means (photographs: 1)", "network over filters: ", "generated at 700×200 (pictures: 1)",
		"Lanczos of their base",
		"chroma of left and right, train photographs", "note: Photographs of fewer than 1920×1080 pixels"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output lacks %q:\n%s", want, out.String())
		}
	}
	var numbers struct {
		Level    string `json:"cpu_level"`
		Enlarged []struct {
			Photos []struct{ Methods []struct{ PSNR float64 } }
		}
	}
	text, err := os.ReadFile(at("report/evaluate.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &numbers); err != nil || numbers.Level == "" || len(numbers.Enlarged[0].Photos[0].Methods) != 3 {
		t.Fatalf("found %+v, %v", numbers, err)
	}
	page, err := os.ReadFile(at("report/index.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a&lt;b&gt;&amp;c.png", `src="data:image/jpeg;base64,`, `href="crops/01-a_b__c-sharp-x4-network.png"`,
		"prefers-color-scheme: dark",
		`href="generated-001.png"`, "image-rendering: pixelated"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, bad := range []string{"ZgotmplZ", "a<b>", "%!", "<no value>"} {
		if strings.Contains(string(page), bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	for name, size := range map[string]int{"report/crops/01-a_b__c-sharp-x4-original.png": 160, "report/generated-001.png": 700} {
		if w, _, err := file.Size(at(name)); err != nil || w != size {
			t.Errorf("%s is %d wide, want %d, %v", name, w, size, err)
		}
	}
}

func TestImageEvaluateRefusals(t *testing.T) {
	dir := t.TempDir()
	madePhoto(t, filepath.Join(dir, "a.png"), 0)
	good := []string{"image", "evaluate", "--run", dir, "--test", dir, "--out", filepath.Join(dir, "report")}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"image", "evaluate", "--test", dir}, "found no --out, expected --test, --out"},
		{good, "expected the folder of a model of pictures"},
		{append(good, "--steps", "1,2"), "found 2 numbers in --steps, expected 1 or 3"},
		{append(good, "--size", "4K"), `found --size "4K", expected a size in pixels`},
		{append(good, "--tracks", "blurred"), `found the track "blurred", expected soft or sharp`},
		{append(good, "--train", dir), "found --train without --generate"},
		{append(good, "--train", dir, "--generate", "1"), "expected two folders that share none"},
		{append(good, "--out", filepath.Join(dir, "a.png")), "which is a file, expected a folder"},
		{append(good, "picture.png"), "found the arguments \"picture.png\""},
	} {
		var out, stderr bytes.Buffer
		if status := run(c.args, &out, &stderr); status != exitUsage || !strings.Contains(stderr.String(), c.want) {
			t.Errorf("%v: exit status %d, %q; want %q", c.args[2:], status, stderr.String(), c.want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "report")); err == nil {
		t.Error("a refused command made the folder of its report")
	}
}
