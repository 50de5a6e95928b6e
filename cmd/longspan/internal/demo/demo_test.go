package demo

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/longspan/longspan/cmd/longspan/internal/machine"
	"github.com/longspan/longspan/data/genome"
	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/train"
)

// tiny is a demo that takes a second: its windows are short, and the model is as small as they come.
func tiny(dir string) Options {
	return Options{Out: filepath.Join(dir, "demo"), Order: 1, Set: []string{"model.width=8", "model.heads=1", "model.layers=1",
		"model.hidden=8", "model.attention=[window(4)]", "data.genome.tokens=4096"}}
}

func watch(w io.Writer) Watch {
	return Watch{Say: func(string) {}, Train: train.NewProgress(w, train.Lines)}
}

// TestRun lets the demo choose the steps, interrupts the training, and resumes it.
func TestRun(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir()) // with rates, so that the demo does not measure the machine
	rates := machine.Rates{Identity: machine.Identify(0), Matmul: [2]float64{50, 50}, Attention: [2]float64{50, 50}, Bandwidth: 10,
		Steps: [2][4]float64{{1, 1, 1, 1}, {1, 1, 1, 1}}}
	if err := machine.Keep(rates); err != nil {
		t.Fatal(err)
	}
	o := tiny(t.TempDir())
	o.Time = time.Nanosecond // there is time for none, and so the fewest are done
	ctx, stop := context.WithCancel(t.Context())
	r, err := Run(ctx, o, watch(stopper{stop}))
	if err != nil || !r.Interrupted || r.Steps != leastSteps || r.StepSeconds <= 0 {
		t.Fatalf("%v, interrupted %v, %d steps of %g s; want %d", err, r.Interrupted, r.Steps, r.StepSeconds, leastSteps)
	}
	o.Resume, o.Set, o.Time = true, []string{"model.norm_place=post"}, 0
	_, err = Run(t.Context(), o, watch(io.Discard))
	if !errors.Is(err, train.ErrInput) || !strings.Contains(err.Error(), "model.norm_place: pre → post") {
		t.Errorf("resumed with another model: %v; want an error that names the setting", err)
	}
	o.Set = nil
	r, err = Run(t.Context(), o, watch(io.Discard))
	if err != nil || r.Interrupted || r.Steps != leastSteps {
		t.Fatalf("resumed: %v, interrupted %v, %d steps; want the %d that were chosen first", err, r.Interrupted, r.Steps, leastSteps)
	}
	checkNumbers(t, r)
	checkFiles(t, r)
	o.Resume = false
	var mistake Mistake
	if _, err := Run(t.Context(), o, watch(io.Discard)); !errors.Is(err, train.ErrExists) || !errors.As(err, &mistake) {
		t.Errorf("over a run that is there: %v", err)
	}
}

func checkNumbers(t *testing.T, r Result) {
	t.Helper()
	if len(r.Markov) != 1 || len(r.Best) != extremesShown || len(r.Worst) != extremesShown {
		t.Errorf("%d Markov models, %d and %d genes", len(r.Markov), len(r.Best), len(r.Worst))
	}
	// Regions part the test: each base lies inside genes or between them, and the means add up to the whole.
	between, inside := r.Regions[0], r.Regions[1]
	if between.Bases+inside.Bases != r.Test.Len() {
		t.Errorf("%d bases between genes and %d inside; want %d together", between.Bases, inside.Bases, r.Test.Len())
	}
	sum := between.Model*float64(between.Bases) + inside.Model*float64(inside.Bases)
	if got := sum / float64(r.Test.Len()); math.Abs(got-r.Bits) > 1e-9 {
		t.Errorf("the regions take %g bits a base, and the whole %g", got, r.Bits)
	}
	sum = between.Markov*float64(between.Bases) + inside.Markov*float64(inside.Bases)
	if got := sum / float64(r.Test.Len()); math.Abs(got-r.MarkovBits) > 1e-9 {
		t.Errorf("the regions take the Markov model %g bits a base, and the comparison says %g", got, r.MarkovBits)
	}
}

// checkFiles looks at what r left.
func checkFiles(t *testing.T, r Result) {
	t.Helper()
	for _, name := range []string{train.ModelName, train.ConfigName, train.LogName, CurveName} {
		if _, err := os.Stat(filepath.Join(r.Folder, name)); err != nil {
			t.Error(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(r.Folder, ReportName))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"between genes", "codon position 3", r.Best[0].Name, "data:image/png;base64,", showBits(r.Bits),
		"longspan eval"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the report does not have %q", want)
		}
	}
	if strings.Contains(string(text), "ZgotmplZ") {
		t.Error("the report holds a picture that the template took for unsafe")
	}
	text, err = os.ReadFile(filepath.Join(r.Folder, NumberName))
	var back Result
	if err != nil || json.Unmarshal(text, &back) != nil || back.Bits != r.Bits {
		t.Errorf("the numbers: %v, %g bits a base; want %g", err, back.Bits, r.Bits)
	}
}

// stopper ends a context when the first step is shown.
type stopper struct{ stop context.CancelFunc }

func (s stopper) Write(p []byte) (int, error) {
	if strings.Contains(string(p), "tokens/s") {
		s.stop()
	}
	return len(p), nil
}

func TestStepsWithin(t *testing.T) {
	for _, c := range []struct {
		seconds, step float64
		windows       int
		want          int64
	}{
		{104, 1, 8, 86}, // 0.95 · 100 s, and 17 passes forward of half a second
		{104, 0.5, 8, 181},
		{10, 100, 8, leastSteps},
		{-5, 1, 8, leastSteps},
		{1000, 1e-6, 8, mostSteps},
	} {
		if got := stepsWithin(c.seconds, c.step, c.windows); got != c.want {
			t.Errorf("%g s for steps of %g s: %d steps; want %d", c.seconds, c.step, got, c.want)
		}
	}
}

func TestPlaceOf(t *testing.T) {
	forward := genome.Gene{Start: 10, End: 16, Kind: "CDS"}
	reverse := genome.Gene{Start: 10, End: 16, Kind: "CDS", Reverse: true}
	for i, want := range []uint8{forward1, forward2, forward3, forward1, forward2, forward3} {
		if got := placeOf(forward, 10+i); got != want {
			t.Errorf("base %d of a gene: %s; want %s", i, placeNames[got], placeNames[want])
		}
	}
	// A gene on the other strand begins at its end.
	for i, want := range []uint8{reverse3, reverse2, reverse1, reverse3, reverse2, reverse1} {
		if got := placeOf(reverse, 10+i); got != want {
			t.Errorf("base %d of a gene on the other strand: %s; want %s", i, placeNames[got], placeNames[want])
		}
	}
	if got := placeOf(genome.Gene{Kind: "tRNA"}, 0); got != rna {
		t.Errorf("tRNA: %s", placeNames[got])
	}
}

func TestRefusals(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"other letters": func(o *Options) { o.Set = append(o.Set, "model.widht=3") },
		"order":         func(o *Options) { o.Order = 99 },
		"steps":         func(o *Options) { o.Steps = -1 },
		"other genome":  func(o *Options) { o.Set = append(o.Set, "data.genome.paths=[a.fa]") },
		"nothing there": func(o *Options) { o.Resume = true },
	} {
		o := tiny(t.TempDir())
		change(&o)
		var mistake Mistake
		if _, err := Run(t.Context(), o, watch(io.Discard)); !errors.As(err, &mistake) {
			t.Errorf("%s: %v; want a mistake", name, err)
		}
	}
	o := tiny(t.TempDir())
	o.Memory = 1 << 10
	var tooBig *memory.Error
	if _, err := Run(t.Context(), o, watch(io.Discard)); !errors.As(err, &tooBig) {
		t.Errorf("a budget of 1 KiB: %v", err)
	}
	if _, err := os.Stat(o.Out); err == nil {
		t.Error("what did not fit left a folder")
	}
}
