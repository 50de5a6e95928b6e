package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// folderStore is a folder of the user's. As with huggingface_hub, a text in .cache/huggingface/download says of each file which commit and
// ETag it has, and when that was true.
type folderStore struct {
	dir    string // absolute
	commit string
}

func (s *folderStore) state() string { return filepath.Join(s.dir, ".cache", "huggingface") }

// note is the text about a file.
func (s *folderStore) note(name string) string {
	return filepath.Join(s.state(), "download", filepath.FromSlash(name)+".metadata")
}

func (s *folderStore) paths(f File) paths {
	base := filepath.Join(s.state(), "download", filepath.FromSlash(f.Name))
	return paths{
		final:   filepath.Join(s.dir, filepath.FromSlash(f.Name)),
		partial: base + "." + f.ETag + ".longspan.incomplete",
		lock:    base + ".lock",
	}
}

// here refuses a file that this store did not write and that is another one: it may be the user's work.
func (s *folderStore) here(b blob) (holding, error) {
	f := b.files[0]
	info, err := os.Stat(b.final)
	if errors.Is(err, fs.ErrNotExist) {
		return b.kept(f), nil
	}
	if err != nil {
		return holding{}, err
	}
	etag, unchanged := s.noted(f.Name, info)
	if unchanged && etag == f.ETag && info.Size() == f.Size {
		return holding{f.Size, true}, nil
	}
	if info.Mode().IsRegular() && info.Size() == f.Size && f.Hash != "" {
		if err := checkFile(b.final, f); err == nil {
			return holding{f.Size, true}, nil
		}
	}
	if !unchanged {
		return holding{}, input(fmt.Errorf("%s is there already and differs from the file of the hub; "+
			"move it away, or choose another --local-dir", b.final))
	}
	return b.kept(f), nil
}

// noted is the ETag that a file had when it was written, and whether it has not been changed since.
func (s *folderStore) noted(name string, info fs.FileInfo) (etag string, unchanged bool) {
	text, err := readSmall(s.note(name))
	if err != nil {
		return "", false
	}
	lines := strings.Split(text, "\n")
	if len(lines) != 3 {
		return "", false
	}
	seconds, err := strconv.ParseFloat(strings.TrimSpace(lines[2]), 64)
	if err != nil {
		return "", false
	}
	const grain = 1 // seconds; file systems round times
	modified := float64(info.ModTime().UnixNano()) / 1e9
	return strings.TrimSpace(lines[1]), modified-grain <= seconds
}

// enter notes what the file is.
func (s *folderStore) enter(b blob, fresh bool) error {
	f := b.files[0]
	if info, err := os.Stat(b.final); err != nil {
		return err
	} else if etag, unchanged := s.noted(f.Name, info); !fresh && unchanged && etag == f.ETag {
		return nil
	}
	now := float64(time.Now().UnixNano()) / 1e9
	return publish(s.state(), s.note(f.Name), fmt.Sprintf("%s\n%s\n%f\n", s.commit, f.ETag, now))
}

// finish keeps the state out of a repo of Git.
func (s *folderStore) finish() error {
	path := filepath.Join(s.state(), ".gitignore")
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return publish(s.state(), path, "*\n")
}

func (s *folderStore) absent(string) error { return nil }
