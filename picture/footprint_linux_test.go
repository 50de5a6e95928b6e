package picture

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/longspan/longspan/picture/file"
)

// footprintRun names the run that a copy of this test program measures, and the work that it does.
const footprintRun = "LONGSPAN_TEST_PICTURE_FOOTPRINT"

// footprints are the works that are measured, by name.
var footprints = map[string]func(t *testing.T, m *Model) int64{
	"mean": func(t *testing.T, m *Model) int64 { return upscaled(t, m, UpscaleOptions{Scale: 2}) },
	"detail": func(t *testing.T, m *Model) int64 {
		return upscaled(t, m, UpscaleOptions{Scale: 1.9, Detail: 0.5, Steps: 1})
	},
	"paint": func(t *testing.T, m *Model) int64 {
		o := GenerateOptions{Width: 960, Height: 540, Steps: [3]int{2, 2, 2}} // the second step reads what the first one left
		p, err := m.paint(o)
		if err != nil {
			t.Fatal(err)
		}
		part, err := m.pictures.NeedPaint(p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Generate(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		return paintNeed(part, o).total()
	},
	"filters": func(t *testing.T, m *Model) int64 { return upscaled(t, m, UpscaleOptions{Scale: 4, Filters: true}) },
}

// upscaled enlarges a picture and makes an image of it, and returns the planned bytes.
func upscaled(t *testing.T, m *Model, o UpscaleOptions) int64 {
	p := picture(640, 360, 3)
	w, err := m.upscaling(SourceOf(p), o)
	if err != nil {
		t.Fatal(err)
	}
	n, err := w.need()
	if err != nil {
		t.Fatal(err)
	}
	if p, err = m.UpscalePicture(t.Context(), p, o); err != nil {
		t.Fatal(err)
	}
	if _, err := file.ToImage(p); err != nil {
		t.Fatal(err)
	}
	return n.total()
}

// footprint is what a process found out about itself, in bytes.
type footprint struct{ Planned, Growth int64 }

// TestFootprintOfThisProcess is no test: it is what a child does.
func TestFootprintOfThisProcess(t *testing.T) {
	folder, work, ok := strings.Cut(os.Getenv(footprintRun), " ")
	if !ok {
		t.Skip("for a process of its own")
	}
	m, err := Open(folder, Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	before := residentMemory(t, "VmRSS")
	planned := footprints[work](t, m)
	text, err := json.Marshal(footprint{planned, residentMemory(t, "VmHWM") - before})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("\n%s%s\n", footprintRun, text)
}

// residentMemory is a line of /proc/self/status, in bytes: VmRSS is what is in memory now, VmHWM the most that ever was.
func residentMemory(t *testing.T, name string) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			var kib int64
			if _, err := fmt.Sscan(rest, &kib); err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatalf("no %s in /proc/self/status", name)
	return 0
}

// growthTolerance is how far a process may grow from what was planned, as a share of the plan, and smallGrowth what does not count in small
// works.
const (
	growthTolerance = 0.15
	smallGrowth     = 8 << 20
)

// The process grows as planned, by enlarging to half a million pixels and more.
func TestProcessGrowsAsPlanned(t *testing.T) {
	if testing.Short() {
		t.Skip("enlarges for some seconds")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for work := range footprints {
		cmd := exec.Command(program, "-test.run=^TestFootprintOfThisProcess$", "-test.v")
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s", footprintRun, run, work))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", work, err, out)
		}
		_, text, ok := bytes.Cut(out, []byte("\n"+footprintRun))
		text, _, _ = bytes.Cut(text, []byte("\n"))
		var f footprint
		if err := json.Unmarshal(text, &f); !ok || err != nil {
			t.Fatalf("%s: %v: %s", work, err, out)
		}
		const mib = 1 << 20
		t.Logf("%s: planned %.1f MiB, grew by %.1f: %.3f of it", work, float64(f.Planned)/mib, float64(f.Growth)/mib,
			float64(f.Growth)/float64(f.Planned))
		if d := math.Abs(float64(f.Growth - f.Planned)); d > growthTolerance*float64(f.Planned) && d > smallGrowth {
			t.Errorf("%s: planned %d bytes, and the process grew by %d", work, f.Planned, f.Growth)
		}
	}
}
