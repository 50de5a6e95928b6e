package recipe_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/longspan/longspan/recipe"
	"github.com/longspan/longspan/train"
)

// footprintRecipe names the recipe that a copy of this test program measures, with overrides after it and a number of steps before.
const footprintRecipe = "LONGSPAN_TEST_FOOTPRINT"

// footprint is what a process found out about itself.
type footprint struct {
	Planned, Growth int64   // bytes
	Pool, Peak      int64   // planned and real
	Step            float64 // seconds: the shortest
}

// TestFootprintOfThisProcess is no test: it is what a child does.
func TestFootprintOfThisProcess(t *testing.T) {
	words := strings.Fields(os.Getenv(footprintRecipe))
	if len(words) == 0 {
		t.Skip("for a process of its own")
	}
	var steps int64
	if _, err := fmt.Sscan(words[0], &steps); err != nil {
		t.Fatal(err)
	}
	r, err := recipe.Load(words[1], words[2:])
	if err != nil {
		t.Fatal(err)
	}
	withoutDownloads(t, r)
	brief(r, steps)
	before := residentMemory(t, "VmRSS")
	o := open(t, r)
	f := footprint{Planned: o.plan.Bytes.Total(), Pool: o.plan.Bytes.Pool(), Step: math.Inf(1)}
	last := time.Now()
	pool := o.run(t, func(train.Report) {
		f.Step = min(f.Step, time.Since(last).Seconds())
		last = time.Now()
	})
	f.Growth, f.Peak = residentMemory(t, "VmHWM")-before, pool.Peak()
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("\n%s%s\n", footprintRecipe, text)
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
// runs.
const (
	growthTolerance = 0.15
	smallGrowth     = 16 << 20
)

// measure trains in a process of its own and compares by how much it grew with the plan.
func measure(t *testing.T, steps int, path string, set ...string) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-test.run=^TestFootprintOfThisProcess$")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s %s", footprintRecipe, steps, path, strings.Join(set, " ")))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	_, text, ok := bytes.Cut(out, []byte("\n"+footprintRecipe))
	text, _, _ = bytes.Cut(text, []byte("\n"))
	var f footprint
	if err := json.Unmarshal(text, &f); !ok || err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	const mib = 1 << 20
	t.Logf("planned %.1f MiB, grew by %.1f: %.3f of it; matrices %.1f, the pool's peak %.1f; %.3f s a step", float64(f.Planned)/mib,
		float64(f.Growth)/mib,
		float64(f.Growth)/float64(f.Planned), float64(f.Pool)/mib, float64(f.Peak)/mib, f.Step)
	if d := math.Abs(float64(f.Growth - f.Planned)); d > growthTolerance*float64(f.Planned) && d > smallGrowth {
		t.Errorf("planned %d bytes, and the process grew by %d: %.2f of it", f.Planned, f.Growth, float64(f.Growth)/float64(f.Planned))
	}
}

// A run of some 200 MiB; every example, at its full size, has its turn under -tags slow.
func TestProcessGrowsAsPlanned(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for a second")
	}
	measure(t, 2, "../examples/recall.yaml")
}
