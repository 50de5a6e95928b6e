//go:build mpi && linux && (amd64 || arm64)

package mpi

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ebitengine/purego"
	"golang.org/x/sys/unix"
)

// abandoned is whether MPI_Finalize hangs.
var abandoned atomic.Bool

// Exit ends the process with a status, as os.Exit does, but by way of the C library's exit where MPI was started. The MPI library leaves
// work for that: MPICH 5 tells its launcher there that the rank is done, and the launcher kills all others without that word.
func Exit(code int) {
	switch {
	case abandoned.Load():
		askLauncher("cmd=finalize") // it would take the rank for a crashed one
	case started.Load():
		if exit, err := purego.Dlsym(purego.RTLD_DEFAULT, "exit"); err == nil {
			purego.SyscallN(exit, uintptr(code))
		}
	}
	os.Exit(code)
}

// finalizeGrace is how long MPI_Finalize may take. It is short where the launcher can be told that the rank leaves without it: MPICH 4.0 over
// UCX 1.13 and TCP often hangs there. The rank that comes second waits for a connection that the first has closed, and the first waits in a
// barrier of the launcher. A C program hangs as well; openucx/ucx#2254 and others are of this kind.
func (e *Engine) finalizeGrace() time.Duration {
	if _, ok := launcherSocket(); ok {
		return 5 * time.Second
	}
	return time.Duration(e.patience.Load())
}

// abandon gives up on MPI_Finalize. All ranks have closed their engines, so nothing is lost.
func (e *Engine) abandon() {
	abandoned.Store(true)
	e.say(fmt.Sprintf("warning: all is done, but MPI_Finalize of %s does not return; the rank leaves without it", e.lib.version))
	askLauncher("cmd=barrier_in") // others wait there
}

// launcherSocket is the socket that the launcher of MPICH has passed. Other launchers pass none.
func launcherSocket() (socket int, ok bool) {
	socket, err := strconv.Atoi(os.Getenv("PMI_FD"))
	return socket, err == nil
}

// askLauncher sends a command of the process management interface (PMI 1.1) to the launcher of MPICH, and waits a while for the answer.
func askLauncher(command string) {
	socket, ok := launcherSocket()
	if !ok {
		return
	}
	if _, err := syscall.Write(socket, []byte(command+"\n")); err != nil {
		return
	}
	answer := []unix.PollFd{{Fd: int32(socket), Events: unix.POLLIN}}
	if n, err := unix.Poll(answer, 5000); err == nil && n == 1 {
		_, _ = syscall.Read(socket, make([]byte, 1024)) // what it says changes nothing
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
