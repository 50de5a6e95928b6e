//go:build mpi && linux && (amd64 || arm64)

package mpi

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// MPI_Finalize is not free of faults. With MPICH 4.0 over UCX 1.13 and TCP it often hangs, in a C program as well: a rank that closes its
// connections later than another waits for ever for one that the other has closed, and the other waits for it in a barrier of the launcher
// (openucx/ucx#2254 and others are of this kind). All ranks have closed their engines by then, so nothing is lost but the exit status: the
// launcher takes a rank that leaves without a word for a crashed one. So the engine gives that word, by the process management interface
// (PMI 1.1) on the socket that MPICH's launcher passes.

// stuckAfter is how long MPI_Finalize may take where the launcher can be told. It is the patience elsewhere.
const stuckAfter = 3 * time.Second

// abandoned is whether the process leaves without MPI_Finalize.
var abandoned atomic.Bool

// launcherSocket is the socket of the launcher, and -1 without one.
var launcherSocket atomic.Int64

func init() {
	launcherSocket.Store(-1)
	if socket, err := strconv.Atoi(os.Getenv("PMI_FD")); err == nil {
		launcherSocket.Store(int64(socket))
	}
}

// awaitFinalize waits for MPI_Finalize. Where it hangs, the process may leave without it by Exit.
func (e *Engine) awaitFinalize() error {
	limit := stuckAfter
	if launcherSocket.Load() < 0 {
		limit = time.Duration(e.patience.Load())
	}
	if e.finalizedIn(limit / 2) {
		return e.finalized
	}
	// By now each rank spins for a connection or waits in the launcher's barrier. Those that spin go first: the others may go on then.
	spins := e.spins()
	if e.finalizedIn(limit/2) || !spins && e.finalizedIn(limit) {
		return e.finalized
	}
	e.say(fmt.Sprintf("warning: all is done, but MPI_Finalize of %s does not return; the rank leaves without it", e.lib.version))
	takeLauncherSocket()
	if spins {
		askLauncher("cmd=barrier_in") // for the others, which are there already
	}
	abandoned.Store(true)
	return nil
}

// finalizedIn waits for MPI_Finalize for a while.
func (e *Engine) finalizedIn(d time.Duration) bool {
	select {
	case <-e.served:
		return true
	case <-time.After(d):
		return false
	}
}

// spins is whether the thread of MPI runs, and does not wait for the system.
func (e *Engine) spins() bool {
	running := 0
	for range 10 {
		text, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/stat", e.thread))
		// The state is the field after the name, which stands in brackets and may contain any.
		if i := strings.LastIndex(string(text), ") "); err == nil && i >= 0 && strings.HasPrefix(string(text[i+2:]), "R") {
			running++
		}
		time.Sleep(5 * time.Millisecond)
	}
	return running >= 5
}

// takeLauncherSocket puts another socket in the place of the launcher's, to which nobody answers: should the library go on after all, it
// must not mix its commands with those of this process.
func takeLauncherSocket() {
	socket := int(launcherSocket.Load())
	if socket < 0 {
		return
	}
	own, err := unix.Dup(socket)
	if err != nil {
		return
	}
	silent, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return
	}
	if err := unix.Dup3(silent[0], socket, unix.O_CLOEXEC); err == nil {
		launcherSocket.Store(int64(own))
	}
}

// sayDone tells the launcher that this rank is done.
func sayDone() { askLauncher("cmd=finalize") }

// askLauncher sends a command to the launcher, and waits a while for the answer.
func askLauncher(command string) {
	socket := int(launcherSocket.Load())
	if socket < 0 {
		return
	}
	if _, err := unix.Write(socket, []byte(command+"\n")); err != nil {
		return
	}
	answer := []unix.PollFd{{Fd: int32(socket), Events: unix.POLLIN}}
	if n, err := unix.Poll(answer, int(stuckAfter.Milliseconds())); err == nil && n == 1 {
		_, _ = unix.Read(socket, make([]byte, 1024)) // what it says changes nothing
	}
}
