//go:build unix && !solaris && !aix

package mmap

import (
	"os"

	"golang.org/x/sys/unix"
)

// Map maps a whole file of size bytes for reading. It returns nil where the process cannot address as much.
func Map(file *os.File, size int64) ([]byte, error) {
	if int64(int(size)) != size {
		return nil, nil
	}
	return unix.Mmap(int(file.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
}

// Unmap ends what Map began.
func Unmap(b []byte) error { return unix.Munmap(b) }
