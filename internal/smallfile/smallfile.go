// Package smallfile reads files that are small by their nature, such as configurations.
package smallfile

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Read reads a regular file of at most most bytes. It does not open anything else: to open a pipe may wait for ever. A missing file is an
// error that wraps fs.ErrNotExist.
func Read(path string, most int) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("found %s of type %s, expected a regular file", path, info.Mode().Type())
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	if len(text) > most {
		err = fmt.Errorf("%s: found more than %d bytes, the largest size of such a file; check that it is one", path, most)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return text, nil
}
