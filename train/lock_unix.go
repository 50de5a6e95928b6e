//go:build unix && !solaris && !aix

package train

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lock locks the file at path. The system unlocks it when the process ends, however it ends.
func lock(path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = errors.New("another process is training in this folder; wait until it ends, or choose another folder")
		}
		return nil, errors.Join(err, f.Close())
	}
	return f.Close, nil
}
