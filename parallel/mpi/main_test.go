//go:build mpi && linux && (amd64 || arm64)

package mpi

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// asRank makes a copy of this test program a rank, which does what the value names.
const asRank = "LONGSPAN_TEST_RANK"

// testFile is a file that ranks make, for the test or for each other.
const testFile = "LONGSPAN_TEST_FILE"

func TestMain(m *testing.M) {
	if name := os.Getenv(asRank); name != "" {
		Exit(beRank(name)) // never the tests: they start this program again
	}
	os.Exit(m.Run())
}

// launcher starts ranks.
type launcher struct {
	name    string
	mpirun  string
	args    []string
	library string // LONGSPAN_MPI; "": found by the engine
}

// hydra is whether it is that of MPICH.
func (l launcher) hydra() bool { return strings.HasPrefix(l.name, "mpich") }

// required is whether these tests are those of CI, with launchers that must be there and times that must be kept.
func required() bool { return os.Getenv("LONGSPAN_REQUIRE_MPI") != "" }

// launchers are those that are installed, and those of LONGSPAN_TEST_MPI: "name,mpirun,library" of each, separated by spaces. A name begins
// with openmpi or mpich. LONGSPAN_REQUIRE_MPI lists names without which the tests fail.
func launchers(t *testing.T) []launcher {
	t.Helper()
	all := []launcher{{name: "openmpi", mpirun: "mpirun.openmpi"}, {name: "mpich", mpirun: "mpirun.mpich"}}
	for _, text := range strings.Fields(os.Getenv("LONGSPAN_TEST_MPI")) {
		f := append(strings.Split(text, ","), "", "")
		all = append(all, launcher{name: f[0], mpirun: f[1], library: f[2]})
	}
	var found []launcher
	for _, l := range all {
		path, err := exec.LookPath(l.mpirun)
		if err != nil {
			if strings.Contains(os.Getenv("LONGSPAN_REQUIRE_MPI"), l.name) {
				t.Fatalf("LONGSPAN_REQUIRE_MPI names %s: %v", l.name, err)
			}
			t.Logf("%s is missing here: its tests are skipped", l.mpirun)
			continue
		}
		if l.mpirun = path; !l.hydra() {
			l.args = []string{"--allow-run-as-root", "--oversubscribe"}
		}
		found = append(found, l)
	}
	if len(found) == 0 {
		t.Skip("no mpirun here")
	}
	return found
}

// outcome is how a run ended.
type outcome struct {
	status         int
	stdout, stderr string
	seconds        float64
}

// run starts ranks that do what name says, and waits for their end. It fails the test where that takes longer than a minute.
func (l launcher) run(t *testing.T, ranks int, name string, env ...string) outcome {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, l.mpirun, append(append([]string{}, l.args...), "-n", fmt.Sprint(ranks), program)...)
	c.Env = append(os.Environ(), asRank+"="+name)
	if l.library != "" {
		c.Env = append(c.Env, "LONGSPAN_MPI="+l.library)
	}
	c.Env = append(c.Env, env...)
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) } // the launcher ends its ranks
	c.WaitDelay = 5 * time.Second
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	began := time.Now()
	err = c.Run()
	o := outcome{c.ProcessState.ExitCode(), stdout.String(), stderr.String(), time.Since(began).Seconds()}
	if ctx.Err() != nil {
		t.Fatalf("%s, %d ranks, %s: not ended after a minute: %v\n%s%s", l.name, ranks, name, err, o.stdout, o.stderr)
	}
	return o
}

// each runs a test for each launcher.
func each(t *testing.T, f func(t *testing.T, l launcher)) {
	for _, l := range launchers(t) {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			f(t, l)
		})
	}
}
