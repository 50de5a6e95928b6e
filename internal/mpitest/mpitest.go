// Package mpitest starts ranks by the MPI launchers of this machine, for tests.
package mpitest

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

// Launcher starts ranks.
type Launcher struct {
	Name    string
	Path    string   // of its mpirun
	Args    []string // that it always needs here
	Library string   // LONGSPAN_MPI; "": the engine finds it
}

// Hydra is whether it is that of MPICH.
func (l Launcher) Hydra() bool { return strings.HasPrefix(l.Name, "mpich") }

// Required is whether the tests are those of CI: the launchers that LONGSPAN_REQUIRE_MPI lists must be there, and times must be kept.
func Required() bool { return os.Getenv("LONGSPAN_REQUIRE_MPI") != "" }

// Launchers are those of Debian that are installed, and those of LONGSPAN_TEST_MPI: "name,mpirun,library" of each, separated by spaces. A
// name begins with openmpi or mpich. Without any it skips the test.
func Launchers(t *testing.T) []Launcher {
	t.Helper()
	all := []Launcher{{Name: "openmpi", Path: "mpirun.openmpi"}, {Name: "mpich", Path: "mpirun.mpich"}}
	for _, text := range strings.Fields(os.Getenv("LONGSPAN_TEST_MPI")) {
		f := append(strings.Split(text, ","), "", "")
		all = append(all, Launcher{Name: f[0], Path: f[1], Library: f[2]})
	}
	var found []Launcher
	for _, l := range all {
		path, err := exec.LookPath(l.Path)
		if err != nil {
			if strings.Contains(os.Getenv("LONGSPAN_REQUIRE_MPI"), l.Name) {
				t.Fatalf("LONGSPAN_REQUIRE_MPI names %s: %v", l.Name, err)
			}
			t.Logf("%s is missing here: its tests are skipped", l.Path)
			continue
		}
		if l.Path = path; !l.Hydra() {
			l.Args = []string{"--allow-run-as-root", "--oversubscribe"}
		}
		found = append(found, l)
	}
	if len(found) == 0 {
		t.Skip("no mpirun here")
	}
	return found
}

// Each runs a test for each launcher, side by side.
func Each(t *testing.T, f func(t *testing.T, l Launcher)) {
	for _, l := range Launchers(t) {
		t.Run(l.Name, func(t *testing.T) {
			t.Parallel()
			f(t, l)
		})
	}
}

// Group is ranks of one program.
type Group struct {
	Ranks   int
	Program string   // "": the test program
	Args    []string // of the program
	Env     []string // "NAME=value", for these ranks alone
}

// Outcome is how a run ended.
type Outcome struct {
	Status         int
	Stdout, Stderr string
}

// Run starts groups of ranks with the environment of this process and env, and waits for their end. It fails the test where that takes
// longer than a minute.
func (l Launcher) Run(t *testing.T, env []string, groups ...Group) Outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	args := append([]string{}, l.Args...)
	for i, g := range groups {
		if i > 0 {
			args = append(args, ":")
		}
		args = append(args, l.group(t, g)...)
	}
	c := exec.CommandContext(ctx, l.Path, args...)
	c.Env = append(append(os.Environ(), env...), Sessions(t))
	if l.Library != "" {
		c.Env = append(c.Env, "LONGSPAN_MPI="+l.Library)
	}
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) } // the launcher ends its ranks
	c.WaitDelay = 5 * time.Second
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	err := c.Run()
	if ctx.Err() != nil || c.ProcessState == nil {
		t.Fatalf("%s %v: %v\n%s%s", l.Path, args, err, &stdout, &stderr)
	}
	return Outcome{c.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// Sessions is a setting of the environment that gives a launcher a folder of its own for its sessions. Those of Open MPI share one for all
// runs of a user, which the last run takes away while the next one looks for it.
func Sessions(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "mpi") // a short name: it becomes a part of those of sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return "TMPDIR=" + dir
}

// group is the arguments that start g.
func (l Launcher) group(t *testing.T, g Group) []string {
	args := []string{"-n", fmt.Sprint(g.Ranks)}
	for _, e := range g.Env {
		if name, value, _ := strings.Cut(e, "="); l.Hydra() {
			args = append(args, "-env", name, value)
		} else {
			args = append(args, "-x", e)
		}
	}
	program := g.Program
	if program == "" {
		var err error
		if program, err = os.Executable(); err != nil {
			t.Fatal(err)
		}
	}
	return append(append(args, program), g.Args...)
}
