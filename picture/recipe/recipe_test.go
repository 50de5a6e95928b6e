package recipe_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/longspan/longspan/picture/file"
	"github.com/longspan/longspan/picture/raster"
	"github.com/longspan/longspan/picture/recipe"
	"github.com/longspan/longspan/picture/sample"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train"
)

// parts writes a part of the photograph in the program, and one to the right of it, to files: to learn from, and to evaluate on.
func parts(t *testing.T, learn, evaluate, height int) (left, right string) {
	t.Helper()
	p, err := sample.Photo()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	save := func(name string, x, width int) string {
		m, err := p.Image.Crop(x, 0, width, height)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := file.Save(path, &file.Picture{Image: m, Bits: 8}, 0); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return save("left.png", 0, learn), save("right.png", p.Image.Width-evaluate, evaluate)
}

const small = `
model:
  precision: f32
  enlarge: {patch: 4, width: 16, layers: 2, heads: 2, hidden: 16, attention: relu, attention_every: 2}
  draw: {patch: 8, width: 16, layers: 2, heads: 2, hidden: 16, attention: relu, attention_every: 2}
data:
  validation_batches: 1
  crops: {enlarge: {batch: 2, side: 6, large: 8}, draw: {batch: 2, side: 4, large: 6, paint: 0.5}}
train: {steps: 4, ema: 0.9, optimizer: {warmup: 0}, checkpoint: {every: 2}}
`

func load(t *testing.T, photos, validation string, set ...string) *recipe.Recipe {
	t.Helper()
	set = append([]string{"data.photos=[" + photos + "]", "data.validation=[" + validation + "]"}, set...)
	r, err := recipe.Parse([]byte(small), "small.yaml", set)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func job(t *testing.T, r *recipe.Recipe) train.Job {
	t.Helper()
	j, err := r.Job(context.Background(), tensor.Exec{Pool: tensor.NewPool()}, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// A run that was stopped and resumed has the weights of one that was not.
func TestResumed(t *testing.T) {
	left, right := parts(t, 280, 280, 280)
	whole, resumed := t.TempDir()+"/whole", t.TempDir()+"/resumed"
	if _, err := train.Run(context.Background(), whole, job(t, load(t, left, right))); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	j := job(t, load(t, left, right))
	j.Report = func(r train.Report) {
		if r.Step == 2 {
			stop()
		}
	}
	if r, err := train.Run(ctx, resumed, j); err != nil || !r.Interrupted {
		t.Fatalf("found %+v, %v, want an interrupted run", r, err)
	}
	if _, err := train.Resume(context.Background(), resumed, job(t, load(t, left, right))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{train.ModelName, "picture.json", "filters.safetensors"} {
		a, err := os.ReadFile(filepath.Join(whole, name))
		if err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(filepath.Join(resumed, name)); err != nil || !bytes.Equal(a, b) {
			t.Errorf("%s differs: %v", name, err)
		}
	}
	// Other photographs are refused.
	if _, err := train.Resume(context.Background(), resumed, job(t, load(t, right, left, "train.steps=6"))); err == nil {
		t.Error("a run was resumed with other photographs")
	}
}

// YAML is read back as it was written, and the example is a recipe.
func TestYAML(t *testing.T) {
	r, err := recipe.Load("../../examples/photos.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := r.YAML()
	if err != nil {
		t.Fatal(err)
	}
	again, err := recipe.Parse(text, "again", nil)
	if err != nil {
		t.Fatal(err)
	}
	if other, err := again.YAML(); err != nil || !bytes.Equal(text, other) {
		t.Errorf("written again it is\n%s", other)
	}
}

func TestRefusals(t *testing.T) {
	for set, want := range map[string]string{
		"data.photos=[]":                   "data: photos is missing",
		"model.precision=f8":               `model: precision is "f8"; use f32, bf16 or fp16`,
		"model.draw.width=0":               "model: draw: width is 0; expected 1 to",
		"model.draw.heads=4":               "model: draw: heads is 4; expected heads of a multiple of 8 features",
		"data.crops.enlarge.paint=0.5":     "data: crops: enlarge: paint is 0.5; expected 0",
		"model.enlarge.heads=3":            "small.yaml: line 4: model: enlarge: width is 16; expected a multiple of heads, 3",
		"model.enlarge.attention=windo(3)": `model: enlarge: attention is "windo(3)"`,
		"data.crops.draw.paint=2":          "data: crops: draw: paint is 2; expected 0 to 1",
		"data.crops.enlarge.batch=0":       "data: crops: enlarge: batch is 0",
		"data.validation_batches=0":        "data: validation_batches is 0",
		"train.shards=2":                   "train: shards is 2; models of pictures train on one rank",
		"train.step=2":                     "steps",
	} {
		_, err := recipe.Parse([]byte(small), "small.yaml", []string{"data.photos=[x]", set})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: found %v, want %s", set, err, want)
		}
	}
}

// A photograph that is held out under another name is not learned from.
func TestHeldOutByLink(t *testing.T) {
	left, right := parts(t, 280, 280, 280)
	link := filepath.Join(t.TempDir(), "link.png")
	if err := os.Symlink(left, link); err != nil {
		t.Skip(err) // systems without links
	}
	r, err := recipe.Parse([]byte(small), "small.yaml", []string{"data.photos=[" + left + "]", "data.hold_out=[" + link + "]",
		"data.validation=[" + right + "]"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Job(context.Background(), tensor.Exec{}, func(string) {})
	if err == nil || !strings.Contains(err.Error(), "all 1 photographs are held out") {
		t.Errorf("found %v", err)
	}
}

// What cannot be learned from is named.
func TestPhotographs(t *testing.T) {
	dir := t.TempDir()
	tiny := filepath.Join(dir, "tiny.png")
	m, err := raster.New(40, 40, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Save(tiny, &file.Picture{Image: m, Bits: 8}, 0); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(dir, "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		tiny:                         "found no photographs of",
		empty:                        "has no pictures, expected files that end in .jpg",
		filepath.Join(dir, "absent"): "no such file",
	} {
		r, err := recipe.Parse([]byte(small), "small.yaml", []string{"data.photos=[" + path + "]"})
		if err != nil {
			t.Fatal(err)
		}
		var notes strings.Builder
		_, err = r.Job(context.Background(), tensor.Exec{}, func(s string) { notes.WriteString(s + "\n") })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: found %v, want %s", path, err, want)
		}
		if path == tiny && !strings.Contains(notes.String(), "tiny.png is left out: it has 40×40 pixels") {
			t.Errorf("the notes are %s", notes.String())
		}
	}
}
