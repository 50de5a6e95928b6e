package pathfinder

import (
	"bytes"
	"fmt"
	"image/png"
	"math"
	"slices"
	"testing"

	"github.com/longspan/longspan/data"
)

func newTask(t testing.TB, c Config) *Task {
	t.Helper()
	task, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return task
}

func example(t testing.TB, task *Task, index int) (pixels []int32, label int32) {
	t.Helper()
	var b data.Batch
	if err := task.Append(&b, 0, index); err != nil {
		t.Fatal(err)
	}
	if err := b.Check(Vocab); err != nil {
		t.Fatal(err)
	}
	return b.Tokens, b.Labels[0]
}

// solve sees the pixels only. Pixels that are as bright as dots alone can be make two spots; from one of them it
// walks over lit pixels, stepping over gaps of up to 2.3 pixels, and says whether it comes to the other.
func solve(pixels []int32, size int) (joined int32, err error) {
	const lit, bright, stride = 90, 230, 2.3 // half a dash's light; more than a dash can have
	spot := make([]int, size*size)
	spots := 0
	for i, v := range pixels {
		if v >= bright && spot[i] == 0 {
			spots++
			walk(pixels, size, i, bright, 1.5, func(at int) { spot[at] = spots })
		}
	}
	if spots != 2 {
		return 0, fmt.Errorf("%d dots", spots)
	}
	start := 0
	for i, s := range spot {
		if s == 1 {
			start = i
		}
	}
	walk(pixels, size, start, lit, stride, func(at int) {
		if spot[at] == 2 {
			joined = 1
		}
	})
	return joined, nil
}

// walk visits all pixels of at least level that can be reached from start by steps of up to stride.
func walk(pixels []int32, size, start int, level int32, stride float64, visit func(at int)) {
	seen := map[int]bool{start: true}
	reach := int(stride)
	for queue := []int{start}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		visit(at)
		for dy := -reach; dy <= reach; dy++ {
			for dx := -reach; dx <= reach; dx++ {
				x, y := at%size+dx, at/size+dy
				if x < 0 || y < 0 || x >= size || y >= size || math.Hypot(float64(dx), float64(dy)) > stride {
					continue
				}
				if next := y*size + x; pixels[next] >= level && !seen[next] {
					seen[next] = true
					queue = append(queue, next)
				}
			}
		}
	}
}

func TestEveryImageCanBeSolved(t *testing.T) {
	for _, test := range []struct {
		config Config
		images int
	}{
		{Config{Seed: 1}, 150}, {Config{Size: 16}, 200}, {Config{Size: 64}, 60}, {Config{Size: 128, Dashes: 14}, 20},
		{Config{Size: 48, Distractors: -1, Split: data.Test}, 60}, {Config{Size: 128}, 10},
	} {
		task := newTask(t, test.config)
		ones := 0
		for i := range test.images {
			pixels, label := example(t, task, i)
			if len(pixels) != task.Size()*task.Size() {
				t.Fatalf("an image of %d pixels", len(pixels))
			}
			got, err := solve(pixels, task.Size())
			if err != nil || got != label {
				t.Fatalf("%+v, image %d: solved as %d, %v; its label is %d", test.config, i, got, err, label)
			}
			ones += int(label)
		}
		// Half, within four standard deviations.
		if half := float64(test.images) / 2; math.Abs(float64(ones)-half) > 4*math.Sqrt(half/2) {
			t.Errorf("%+v: %d of %d are joined", test.config, ones, test.images)
		}
	}
}

// TestBrightnessDoesNotTell: how much light an image has must not give its label away.
func TestBrightnessDoesNotTell(t *testing.T) {
	task := newTask(t, Config{Seed: 2})
	var sum, squares, n [2]float64
	for i := range 300 {
		pixels, label := example(t, task, i)
		light := 0.0
		for _, v := range pixels {
			light += float64(v)
		}
		sum[label] += light
		squares[label] += light * light
		n[label]++
	}
	mean := [2]float64{sum[0] / n[0], sum[1] / n[1]}
	variance := squares[0]/n[0] - mean[0]*mean[0]
	if difference := math.Abs(mean[0] - mean[1]); difference > 4*math.Sqrt(variance*(1/n[0]+1/n[1])) {
		t.Errorf("mean light is %.0f without and %.0f with a path", mean[0], mean[1])
	}
}

// TestDistanceTellsLittle: how far the dots are apart must not give the label away. The best threshold would be right
// in 70 of 100 images of 32 pixels if the curves began anywhere.
func TestDistanceTellsLittle(t *testing.T) {
	for _, test := range []struct{ size, images, most int }{{32, 1000, 62}, {64, 500, 62}} {
		c := newTask(t, Config{Size: test.size, Seed: 3}).config
		var apart [2][]float64 // by label
		for i := range test.images {
			_, dots, joined, err := c.scene(i)
			if err != nil {
				t.Fatal(err)
			}
			apart[joined] = append(apart[joined], math.Hypot(dots[0].x-dots[1].x, dots[0].y-dots[1].y))
		}
		best := 0
		for _, threshold := range append(slices.Clone(apart[0]), apart[1]...) {
			right := 0
			for label, list := range apart {
				for _, d := range list {
					if (d > threshold) == (label == 1) {
						right++
					}
				}
			}
			best = max(best, right, test.images-right)
		}
		t.Logf("size %d: %.3f", test.size, float64(best)/float64(test.images))
		if best > test.most*test.images/100 {
			t.Errorf("size %d: a threshold of the distance is right in %d of %d images", test.size, best, test.images)
		}
	}
}

func TestExamplesAreFixedAndDiffer(t *testing.T) {
	seen := map[string]string{}
	for split := data.Train; split <= data.Test; split++ {
		for seed := range uint64(2) {
			task, again := newTask(t, Config{Split: split, Seed: seed}), newTask(t, Config{Split: split, Seed: seed})
			for i := range 10 {
				pixels, _ := example(t, task, i)
				if same, _ := example(t, again, i); fmt.Sprint(same) != fmt.Sprint(pixels) {
					t.Fatalf("image %d is another when asked for again", i)
				}
				place := fmt.Sprintf("%v, seed %d, %d", split, seed, i)
				if before, ok := seen[fmt.Sprint(pixels)]; ok {
					t.Fatalf("%s is also %s", place, before)
				}
				seen[fmt.Sprint(pixels)] = place
			}
		}
	}
}

func TestPNG(t *testing.T) {
	task := newTask(t, Config{Size: 16})
	pixels, _ := example(t, task, 0)
	var out bytes.Buffer
	if err := WritePNG(&out, pixels, 16, 3); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&out)
	if err != nil {
		t.Fatal(err)
	}
	if img.Bounds().Dx() != 48 {
		t.Fatalf("the picture is %v", img.Bounds())
	}
	for i, v := range pixels {
		if r, _, _, _ := img.At(i%16*3+1, i/16*3+1).RGBA(); int32(r>>8) != v {
			t.Fatalf("pixel %d is %d, want %d", i, r>>8, v)
		}
	}
	if WritePNG(&out, pixels[1:], 16, 1) == nil || WritePNG(&out, pixels, 16, 0) == nil {
		t.Error("a wrong size was taken")
	}
	pixels[3] = 256
	if _, err := Image(pixels, 16); err == nil {
		t.Error("a pixel of 256 was taken")
	}
}

func TestConfigIsChecked(t *testing.T) {
	for _, c := range []Config{{Size: 8}, {Size: 512}, {Dashes: 2}, {Dashes: 100}, {Distractors: 99}, {Examples: -1},
		{Distractors: math.MaxInt}, {Dashes: math.MaxInt}, {Examples: math.MaxInt}} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
	if newTask(t, Config{Examples: 2}).Append(new(data.Batch), 0, 2) == nil {
		t.Error("an example past the end was given")
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{16, 32, 64, 128} {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			task := newTask(b, Config{Size: size})
			var batch data.Batch
			for i := 0; b.Loop(); i++ {
				batch.Reset()
				if err := task.Append(&batch, 0, i); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
