//go:build linux || darwin || freebsd || netbsd || openbsd

package tensor

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// mapWords asks the system for n words of zeros outside of the Go heap. A page becomes resident at its first write. The result is nil
// where it refuses.
func mapWords(n int) []float32 {
	memory, err := unix.Mmap(-1, 0, 4*n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&memory[0])), n)
}

// unmapWords gives back what mapWords gave.
func unmapWords(words []float32) {
	// It fails for addresses alone that are not mapped, and these are.
	_ = unix.Munmap(unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), 4*len(words)))
}
