//go:build mpi && linux && (amd64 || arm64)

package launch

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/longspan/longspan/internal/cpu"
	"github.com/longspan/longspan/internal/mpitest"
)

// asRank makes a copy of this test program a rank, which does what the value names.
const asRank = "LONGSPAN_TEST_RANK"

// testSteps is the value of the setting "steps" of a rank.
const testSteps = "LONGSPAN_TEST_STEPS"

func TestMain(m *testing.M) {
	if name := os.Getenv(asRank); name != "" {
		Exit(beRank(name)) // never the tests: they start this program again
	}
	os.Exit(m.Run())
}

func beRank(script string) int {
	options := Options{Config: []Setting{{"width", "64"}, {"steps", os.Getenv(testSteps)}}, Status: func(error) int { return 3 }}
	err := Run(options, func(w *World) error {
		switch {
		case script == "fail" && w.Rank() == 1:
			return errors.New("the disk is full")
		case script == "panic" && w.Rank() == 1:
			panic("the disk is full")
		case script == "size" && w.Rank() == 0:
			fmt.Println(w.Size(), len(w.Ranks), w.Ranks[1].Threads, w.Library)
		}
		return nil
	})
	var refused *Refusal
	if errors.As(err, &refused) && (refused.Rank == 0 || !refused.Shared) {
		fmt.Println(refused)
	}
	if err != nil {
		return 2
	}
	return 0
}

func TestRun(t *testing.T) {
	t.Parallel()
	mpitest.Each(t, func(t *testing.T, l mpitest.Launcher) {
		for _, c := range []struct {
			script string
			status int
			want   string // in the output
		}{
			{"size", 0, "3 3 1 "},
			{"fail", 3, "longspan: rank 1 of 3 on HOST: the disk is full; ending all ranks"},
			{"panic", ExitPanic, "longspan: rank 1 of 3 on HOST: panic: the disk is full; ending all ranks"},
		} {
			host, err := os.Hostname()
			if err != nil {
				t.Fatal(err)
			}
			o := l.Run(t, []string{asRank + "=" + c.script, "GOMAXPROCS=1"}, mpitest.Group{Ranks: 3})
			want := strings.ReplaceAll(c.want, "HOST", host)
			if o.Status != c.status || !strings.Contains(o.Stdout+o.Stderr, want) {
				t.Errorf("%s: status %d, expected %d and %q in\n%s%s", c.script, o.Status, c.status, want, o.Stdout, o.Stderr)
			}
		}
	})
}

// TestRefusals checks that ranks that differ end with one message that names the difference.
func TestRefusals(t *testing.T) {
	t.Parallel()
	other := filepath.Join(t.TempDir(), "other")
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// Another file that does the same: bytes after the end of an executable are not read.
	if out, err := exec.Command("sh", "-c", `cp "$0" "$1" && echo >>"$1"`, program, other).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	mpitest.Each(t, func(t *testing.T, l mpitest.Launcher) {
		for _, c := range []struct {
			name  string
			group mpitest.Group // of rank 2
			want  string
		}{
			{"setting", mpitest.Group{Env: []string{testSteps + "=20"}}, `the ranks have different values of steps: "10" on ranks 0, 1 (host `},
			{"level", mpitest.Group{Env: []string{"LONGSPAN_CPU=generic"}},
				"the ranks have different kernel levels, and bits differ between levels: "},
			{"program", mpitest.Group{Program: other}, "the ranks run different programs: sha256 "},
		} {
			if c.name == "level" && len(cpu.Levels()) == 1 {
				continue // there is no other
			}
			c.group.Ranks = 1
			o := l.Run(t, []string{asRank + "=size", testSteps + "=10"}, mpitest.Group{Ranks: 2}, c.group)
			if o.Status != 2 || strings.Count(o.Stdout, "launch: ") != 1 || !strings.Contains(o.Stdout, c.want) {
				t.Errorf("%s: status %d, expected 2 and once %q in\n%s%s", c.name, o.Status, c.want, o.Stdout, o.Stderr)
			}
		}
	})
}
