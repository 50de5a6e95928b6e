// Package durable replaces files so that a reader finds the old content or the new one, never a part, even
// when the process is killed, the machine loses power or the disk fills up half way.
package durable

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// mark is in the name of every file still being written.
const mark = ".partial-"

// Write replaces the file at path with what fill writes. The bytes go to a new file in the same directory, which
// is synced and then renamed to path, and the directory is synced after it. On any error before the rename, fill's
// own included, path is as it was and the new file is removed; after it, path has the new content, which the error
// says may be lost with the power.
func Write(path string, fill func(w io.Writer) error) (err error) {
	dir, base := filepath.Split(path)
	f, err := os.CreateTemp(dir, "."+base+mark+"*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err = fillAndSync(f, fill); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, errors.Join(err, os.Remove(f.Name())))
	}
	if err = SyncDir(dir); err != nil {
		return fmt.Errorf("writing %s: it is written, but may be lost with the power: %w", path, err)
	}
	return nil
}

// fillAndSync writes f through a buffer, syncs and closes it.
func fillAndSync(f *os.File, fill func(w io.Writer) error) error {
	// 1 MiB: large enough that the system calls cost nothing beside the disk.
	buffered := bufio.NewWriterSize(f, 1<<20)
	err := fill(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	if err == nil {
		err = f.Chmod(0o644) // CreateTemp makes files that only their owner can read
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// SyncDir makes the names in a directory durable: until then a rename may be lost with the power, though never
// half done. An empty dir is the current one. Windows has no such call and needs none.
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	if dir == "" {
		dir = "."
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Partial reports whether a name is that of a file which a call of Write has not finished.
func Partial(name string) bool { return strings.HasPrefix(name, ".") && strings.Contains(name, mark) }

// Sweep removes what killed calls of Write left in dir. Nothing else may be writing there.
func Sweep(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Type().IsRegular() && Partial(e.Name()) {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}
