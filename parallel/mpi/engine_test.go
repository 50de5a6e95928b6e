//go:build mpi && linux && (amd64 || arm64)

package mpi

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/longspan/longspan/internal/mpitest"
	"github.com/longspan/longspan/internal/rankcheck"
)

// expected is what rank 0 of the scripts checks and pieces prints of the checks, computed by goroutines.
func expected(t *testing.T, ranks int, shards ...int) []string {
	t.Helper()
	var all []string
	for _, c := range rankcheck.Engines() {
		for _, s := range shards {
			if s > 0 && c.Unsplit {
				continue
			}
			hashes, err := rankcheck.Reference(c, ranks*max(1, s))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, line(c, s, hashes))
		}
	}
	return all
}

// TestSameBits checks that MPI gives the bits of goroutines: sums, gathers, all-to-alls and random exchanges, of ranks and of shards.
func TestSameBits(t *testing.T) {
	t.Parallel()
	mpitest.Each(t, func(t *testing.T, l mpitest.Launcher) {
		for _, ranks := range []int{2, 3, 4} {
			o := run(t, l, ranks, "checks")
			lines := strings.Split(strings.TrimSpace(o.Stdout), "\n")
			want := expected(t, ranks, 0, 2)
			if o.Status != 0 || len(lines) != len(want)+1 {
				t.Fatalf("%d ranks: status %d\n%s%s", ranks, o.Status, o.Stdout, o.Stderr)
			}
			for i, w := range want {
				if lines[i] != w {
					t.Errorf("%d ranks over MPI: %s\ngoroutines: %s", ranks, lines[i], w)
				}
			}
			t.Logf("%d ranks have the bits of goroutines over %s", ranks, lines[len(want)])
		}
	})
}

// TestPieces checks parts of several messages.
func TestPieces(t *testing.T) {
	t.Parallel()
	mpitest.Each(t, func(t *testing.T, l mpitest.Launcher) {
		o := run(t, l, 2, "pieces")
		if want := strings.Join(expected(t, 2, 0), "\n"); o.Status != 0 || strings.TrimSpace(o.Stdout) != want {
			t.Errorf("status %d\n%s%s\nexpected\n%s", o.Status, o.Stdout, o.Stderr, want)
		}
	})
}

// anyFailure stands for every status but 0: MPICH's launcher joins the status of the culprit with those of the ranks that it kills.
const anyFailure = -1

// TestEnds checks that whatever happens to one rank ends all of them with a message and a status.
func TestEnds(t *testing.T) {
	t.Parallel()
	all := mpitest.Launchers(t)
	for _, c := range []struct {
		script string
		open   int    // status of Open MPI's launcher
		mpich  int    // status of MPICH's
		want   string // in standard error

		patience time.Duration // after which the ranks notice
	}{
		{"nothing", 0, 0, "", 0},
		{"nil", 0, 0, "", 0},
		{"again", 1, 1, "mpi: Open was called twice", 0},
		{"closed", 1, 1, "parallel: too late: the engine is closed", 0},
		{"no rank", 1, 1, "keys: found a part of rank 3, channel 0, on rank", 0},
		{"longer", ExitExchange, ExitExchange, " sent more than 5 bytes to rank %d, which expected 5; ending all ranks", 0},
		{"shorter", ExitExchange, ExitExchange, " sent 4 bytes to rank %d, which expected 5; ending all ranks", 0},
		{"longer by a piece", ExitExchange, ExitExchange, " sent more than 4 bytes to rank %d, which expected 4; ending all ranks", 0},
		{"shorter by a piece", ExitExchange, ExitExchange, " sent 4 bytes to rank %d, which expected 8; ending all ranks", 0},
		{"abort", 7, 7, "longspan: rank 1 of 3 on HOST: panic: the disk is full; ending all ranks", 0},
		{"panic elsewhere", 2, anyFailure, "panic: the disk is full", 0},
		{"kill", 137, 9, "", 0},
		{"stop", ExitPatience, ExitPatience, "nothing came from rank 1", shortPatience},
		{"early end", ExitPatience, ExitPatience, "waited 1", 0},
	} {
		for _, l := range all {
			t.Run(l.Name+"/"+c.script, func(t *testing.T) {
				t.Parallel()
				file := filepath.Join(t.TempDir(), "event")
				o := run(t, l, 3, c.script, testFile+"="+file)
				ended := time.Now()
				status := c.open
				if l.Hydra() {
					status = c.mpich
				}
				if o.Status != status && (status != anyFailure || o.Status == 0) || !anyRank(o.Stderr, c.want) {
					t.Errorf("status %d, expected %d and %q in\n%s", o.Status, status, c.want, o.Stderr)
				}
				info, err := os.Stat(file)
				if err != nil {
					return // nothing has happened to a rank
				}
				seconds := ended.Sub(info.ModTime()).Seconds()
				t.Logf("status %d, %.1f s after the event", o.Status, seconds)
				if limit := 5 + c.patience.Seconds(); mpitest.Required() && seconds > limit {
					t.Errorf("ended %.1f s after the event, expected at most %.1f", seconds, limit)
				}
			})
		}
	}
}

func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		panic(err)
	}
	return name
}

// anyRank is whether text has what is wanted of any of three ranks.
func anyRank(text, want string) bool {
	if !strings.Contains(want, "%d") {
		return strings.Contains(text, strings.ReplaceAll(want, "HOST", hostname()))
	}
	for r := range 3 {
		if strings.Contains(text, fmt.Sprintf(want, r)) {
			return true
		}
	}
	return false
}

// TestWaitingRank checks that a rank that waits leaves its core to others.
func TestWaitingRank(t *testing.T) {
	t.Parallel()
	mpitest.Each(t, func(t *testing.T, l mpitest.Launcher) {
		o := run(t, l, 2, "wait")
		share, err := strconv.ParseFloat(strings.TrimSpace(o.Stdout), 64)
		if err != nil || o.Status != 0 || share > 0.15 {
			t.Errorf("status %d, a waiting rank uses %s of a core, expected at most 0.15\n%s", o.Status, o.Stdout, o.Stderr)
		}
		t.Logf("a waiting rank uses %.1f%% of a core", 100*share)
	})
}

// TestSilentSender checks that a message arrives although its sender begins nothing more. Over TCP with MPICH 4.0 the end is a test of
// Finalize too.
func TestSilentSender(t *testing.T) {
	t.Parallel()
	mpitest.Each(t, func(t *testing.T, l mpitest.Launcher) {
		for _, transport := range []string{"", "tcp"} {
			env := []string{testFile + "=" + filepath.Join(t.TempDir(), "arrived")}
			if transport != "" {
				env = append(env, "UCX_TLS=tcp,self", "OMPI_MCA_btl=tcp,self")
			}
			if o := run(t, l, 2, "silent sender", env...); o.Status != 0 {
				t.Errorf("%q: status %d\n%s", transport, o.Status, o.Stderr)
			}
		}
	})
}

// TestOtherLibrary checks that a library that does not belong to the launcher is refused.
func TestOtherLibrary(t *testing.T) {
	t.Parallel()
	all := mpitest.Launchers(t)
	library := map[bool]string{}
	for _, l := range all {
		file := l.Library
		if file == "" && l.Hydra() {
			file = "libmpich.so.12"
		} else if file == "" {
			file = "libmpi.so.40"
		}
		library[l.Hydra()] = file
	}
	for _, l := range all {
		t.Run(l.Name, func(t *testing.T) {
			t.Parallel()
			other := library[!l.Hydra()]
			if other == "" {
				t.Skip("only one family of libraries here")
			}
			l.Library = other
			o := run(t, l, 2, "nothing")
			ours := strings.Contains(o.Stderr, "mpi: the launcher has started 2 ranks (") && strings.Contains(o.Stderr, "sees 1")
			theirs := strings.Contains(o.Stderr, "unsupported PMI version") // MPICH 5 ends the process itself
			if o.Status != 2 && !theirs || !ours && !theirs {
				t.Errorf("%s under %s: status %d, expected 2 and the reason in\n%s", other, l.Path, o.Status, o.Stderr)
			}
		})
	}
}

// TestNoLibrary checks the errors of files that are no MPI library.
func TestNoLibrary(t *testing.T) {
	t.Parallel()
	mpitest.Each(t, func(t *testing.T, l mpitest.Launcher) {
		for file, want := range map[string]string{
			"libnone.so.1":  "mpi: found no MPI library: there is no libnone.so.1; load the MPI module",
			"libm.so.6":     "mpi: found no MPI_Init_thread in libm.so.6, expected an MPI library",
			"/proc/version": "could load no MPI library: /proc/version: ",
		} {
			l.Library = file
			if o := run(t, l, 2, "nothing"); o.Status != 2 || !strings.Contains(o.Stderr, want) {
				t.Errorf("%s: status %d, expected 2 and %q in\n%s", file, o.Status, want, o.Stderr)
			}
		}
	})
}
