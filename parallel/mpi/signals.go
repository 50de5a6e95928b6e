//go:build mpi && linux && (amd64 || arm64)

package mpi

import (
	"syscall"
	"unsafe"
)

// action is the kernel's struct sigaction of amd64 and arm64.
type action struct {
	handler, flags, restorer uintptr
	mask                     uint64
}

// actions is what the process does at each signal. Go turns a nil dereference into a panic by SIGSEGV, and a library that takes the signal
// ends the process instead: UCX, below MPICH on most clusters, takes it when it is loaded, and MPI_Init takes others. So the actions are
// read before the library is loaded, and put back once MPI runs.
type actions [signals + 1]action

const signals = 64

func readActions() *actions {
	all := new(actions)
	for s := 1; s <= signals; s++ {
		sigaction(s, nil, &all[s])
	}
	return all
}

// restore puts back the actions that have changed, and lists their signals.
func (a *actions) restore() (changed []int) {
	for s := 1; s <= signals; s++ {
		var now action
		if !sigaction(s, nil, &now) || now == a[s] {
			continue
		}
		sigaction(s, &a[s], nil)
		changed = append(changed, s)
	}
	return changed
}

// sigaction is the system call, which the C library's function and Go's runtime both make.
func sigaction(signal int, set, old *action) bool {
	const maskBytes = 8
	_, _, e := syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(signal), uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(old)),
		maskBytes, 0, 0)
	return e == 0
}
