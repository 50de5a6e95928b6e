//go:build mpi && linux && (amd64 || arm64)

package mpi

import (
	"os"
	"time"

	"github.com/ebitengine/purego"
)

// Exit ends the process with a status, as os.Exit does, but by way of the C library's exit where MPI was started. The MPI library leaves
// work for that: MPICH 5 tells its launcher there that the rank is done, and the launcher kills all others without that word.
//
// Where it failed, it waits a moment: for the launcher to pass on what was printed before it ends all ranks.
func Exit(code int) {
	if code != 0 && started.Load() {
		time.Sleep(grace / 10)
	}
	switch {
	case abandoned.Load():
		sayDone()
	case started.Load():
		if exit, err := purego.Dlsym(purego.RTLD_DEFAULT, "exit"); err == nil {
			purego.SyscallN(exit, uintptr(code))
		}
	}
	os.Exit(code)
}
