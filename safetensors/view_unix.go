//go:build unix && !solaris && !aix

package safetensors

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapFile maps a whole file for reading.
func mapFile(file *os.File, size int64) ([]byte, error) {
	if int64(int(size)) != size {
		return nil, nil // more than this process can address: the elements are read
	}
	return unix.Mmap(int(file.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
}

func unmapFile(b []byte) error { return unix.Munmap(b) }
