//go:build mpi && linux && (amd64 || arm64)

package mpi

import (
	"os"

	"github.com/ebitengine/purego"
)

// Exit ends the process with a status, as os.Exit does, but by way of the C library's exit where MPI was started. The MPI library leaves
// work for that: MPICH 5 tells its launcher there that the rank is done, and the launcher kills all others without that word.
func Exit(code int) {
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
