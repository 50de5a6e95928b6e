package train

import (
	"errors"
	"os"

	"github.com/longspan/longspan/internal/filelock"
)

// lock locks the file at path, where the system has locks that end with the process.
func lock(path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	free, err := filelock.Try(f)
	if err == nil && !free {
		err = errors.New("another process is training in this folder; wait until it ends, or choose another folder")
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f.Close, nil
}
