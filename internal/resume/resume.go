// Package resume writes files that take long: one that was stopped, killed or lost with the power is gone on with, and has the bytes that
// it would have had. The bytes go to PATH.partial; PATH.state says how many of them are safe, and how far the work was. When the work ends
// the file becomes PATH.
package resume

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/longspan/longspan/internal/durable"
	"github.com/longspan/longspan/internal/filelock"
)

// version is that of the state's format.
const version = 1

// Fact is something on which the bytes of a file depend, such as the model.
type Fact struct {
	What  string `json:"what"`
	Value string `json:"value"`
}

// state is the file PATH.state.
type state struct {
	Longspan int             `json:"longspan_resume"` // version of the format
	Facts    []Fact          `json:"facts"`
	Bytes    int64           `json:"bytes"` // of PATH.partial that are safe
	Progress json.RawMessage `json:"progress"`
}

// File is a file that grows. One goroutine uses it at a time.
type File struct {
	path  string
	facts []Fact
	f     *os.File
	w     *bufio.Writer
	bytes int64
}

// Partial is the name of the file while it grows, and State that of what is known about it.
func Partial(path string) string { return path + ".partial" }

// State is the name of the file that says how far the work is.
func State(path string) string { return path + ".state" }

// Create begins a file, and removes what is left of an earlier one. It is an error that another process writes the file.
func Create(path string, facts []Fact) (*File, error) {
	f, err := locked(path, os.O_CREATE)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(remove(State(path)), f.Truncate(0)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &File{path: path, facts: facts, f: f, w: bufio.NewWriterSize(f, 1<<20)}, nil
}

// locked opens PATH.partial. No other process has it open by locked until it is closed.
func locked(path string, flags int) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil, fmt.Errorf("found the folder %s, expected the name of a file to write", path)
	}
	for {
		f, err := os.OpenFile(Partial(path), os.O_RDWR|flags, 0o644)
		if err != nil {
			return nil, err
		}
		free, err := filelock.Try(f)
		if err == nil && !free {
			err = fmt.Errorf("another process is writing %s; wait until it ends, or choose another name", path)
		}
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		if still, err := named(f, Partial(path)); still || err != nil {
			return f, err
		}
		if err := f.Close(); err != nil { // a process that had the lock renamed or removed the file
			return nil, err
		}
	}
}

// named reports whether an open file has a name.
func named(f *os.File, name string) (bool, error) {
	have, err := f.Stat()
	if err != nil {
		return false, err
	}
	now, err := os.Stat(name)
	return err == nil && os.SameFile(have, now), nil
}

// Open goes on with a file, behind the last Save, whose progress it decodes. Without a state the error is fs.ErrNotExist: begin with
// Create. Other facts than those of the state are an error.
func Open(path string, facts []Fact, progress any) (*File, error) {
	if _, err := os.Stat(State(path)); err != nil {
		return nil, err
	}
	f, err := locked(path, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("found %s but no %s, to which it belongs; delete it to begin anew", State(path), Partial(path))
	}
	if err != nil {
		return nil, err
	}
	s, err := read(State(path)) // by the lock no other process changes it
	if err == nil {
		err = s.same(path, facts)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if err := json.Unmarshal(s.Progress, progress); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w; delete it to begin anew", State(path), err), f.Close())
	}
	if err := cut(f, s.Bytes); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &File{path: path, facts: facts, f: f, w: bufio.NewWriterSize(f, 1<<20), bytes: s.Bytes}, nil
}

// read reads a state.
func read(path string) (s state, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(text, &s); err != nil || s.Longspan != version || s.Bytes < 0 {
		return s, fmt.Errorf("%s: found no state of format %d, expected one; delete it to begin anew", path, version)
	}
	return s, nil
}

// same refuses a state of other facts.
func (s state) same(path string, facts []Fact) error {
	for _, want := range facts {
		i := slices.IndexFunc(s.Facts, func(f Fact) bool { return f.What == want.What })
		if i < 0 || s.Facts[i].Value != want.Value {
			found := "none"
			if i >= 0 {
				found = s.Facts[i].Value
			}
			return fmt.Errorf("%s is of a run with another %s: found %s, expected %s; go on with that, or delete it to begin anew", State(path),
				want.What, found, want.Value)
		}
	}
	return nil
}

// cut takes what was written after the last Save off a file, and goes to its end.
func cut(f *os.File, bytes int64) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() < bytes {
		return fmt.Errorf("%s: found %d bytes, expected at least the %d of its state: the file was changed; delete the two to begin anew",
			f.Name(), info.Size(), bytes)
	}
	if err := f.Truncate(bytes); err != nil {
		return err
	}
	_, err = f.Seek(bytes, io.SeekStart)
	return err
}

// Write appends bytes.
func (f *File) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	f.bytes += int64(n)
	return n, err
}

// Save makes durable what was written, and how far the work is: Open goes on from here. It costs two or three syncs of the disk.
func (f *File) Save(progress any) error {
	raw, err := json.Marshal(progress)
	if err != nil {
		return err
	}
	if err := errors.Join(f.w.Flush(), f.f.Sync()); err != nil {
		return err
	}
	s := state{Longspan: version, Facts: f.facts, Bytes: f.bytes, Progress: raw}
	return durable.Write(State(f.path), func(w io.Writer) error { return json.NewEncoder(w).Encode(s) })
}

// Finish gives the file its name, durably, and removes the state. Of a file whose last bytes cannot be written nothing is left.
func (f *File) Finish() error {
	if err := errors.Join(f.w.Flush(), f.f.Sync()); err != nil {
		return errors.Join(err, f.Drop())
	}
	return f.last(func() error {
		if err := os.Rename(Partial(f.path), f.path); err != nil {
			return err
		}
		return errors.Join(remove(State(f.path)), durable.SyncDir(filepath.Dir(f.path)))
	})
}

// last closes the file after its last change, which the lock protects. Windows, where there are no locks, changes names of closed files
// alone.
func (f *File) last(change func() error) error {
	if runtime.GOOS == "windows" {
		return errors.Join(f.f.Close(), change())
	}
	return errors.Join(change(), f.f.Close())
}

// Keep closes the file, for an Open that goes on behind the last Save. A file that was never saved is removed.
func (f *File) Keep() error {
	if _, err := os.Stat(State(f.path)); errors.Is(err, fs.ErrNotExist) {
		return f.Drop()
	}
	return f.f.Close()
}

// Drop closes the file, and removes it and its state.
func (f *File) Drop() error {
	return f.last(func() error { return errors.Join(remove(State(f.path)), remove(Partial(f.path))) })
}

// remove removes a file that may not be there.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
