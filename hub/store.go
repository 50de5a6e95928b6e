package hub

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/longspan/longspan/internal/durable"
)

// store is the place that a plan's files go to: the cache, or a folder of the user's.
type store interface {
	// paths says where the bytes of a file go. Files with the same final path are downloaded once.
	paths(f File) paths
	// here says what needs no download.
	here(b blob) (holding, error)
	// enter makes a whole blob visible as files. fresh: this call of Fetch downloaded it.
	enter(b blob, fresh bool) error
	// finish makes a complete plan known.
	finish() error
	// absent notes that the hub lists a file and does not have it.
	absent(name string) error
}

// holding is what a store has of a blob.
type holding struct {
	bytes int64 // all, or those of a download that broke off
	whole bool  // under the final name
}

// paths are the files of one blob.
type paths struct {
	final   string // the bytes
	partial string // the bytes so far, of this package alone
	lock    string // held while partial is written; huggingface_hub takes the same
}

// kept is what an earlier download left to continue. Without a hash nothing would tell whether its bytes fit.
func (p paths) kept(f File) holding {
	info, err := os.Stat(p.partial)
	if err != nil || f.Hash == "" || info.Size() > f.Size {
		return holding{}
	}
	return holding{bytes: info.Size()}
}

// cacheStore is the cache.
type cacheStore struct {
	cache     Cache
	ref       Ref
	commit    string
	copyFiles bool
}

func (s *cacheStore) repo() string { return filepath.Join(s.cache.Dir, folderOf(s.ref.Repo)) }

func (s *cacheStore) pointer(name string) string {
	return filepath.Join(s.repo(), "snapshots", s.commit, filepath.FromSlash(name))
}

func (s *cacheStore) paths(f File) paths {
	final := filepath.Join(s.repo(), "blobs", f.ETag)
	return paths{
		final:   final,
		partial: final + ".longspan.incomplete", // huggingface_hub appends to .incomplete without a check
		lock:    filepath.Join(s.cache.Dir, ".locks", folderOf(s.ref.Repo), f.ETag+".lock"),
	}
}

func (s *cacheStore) here(b blob) (holding, error) {
	size := b.files[0].Size
	if isWhole(b.final, size) {
		return holding{size, true}, nil
	}
	for _, f := range b.files {
		if !s.isEntered(b.final, f) {
			return b.kept(f), nil
		}
	}
	return holding{size, true}, nil
}

// isEntered reports whether the snapshot has a file: a link to its blob, or the file itself.
func (s *cacheStore) isEntered(final string, f File) bool {
	path := s.pointer(f.Name)
	if target, err := os.Readlink(path); err == nil && filepath.Base(target) != filepath.Base(final) {
		return false
	}
	return isWhole(path, f.Size)
}

// isWhole reports whether a file has all its bytes. Files are renamed to their names when their hashes are checked.
func isWhole(path string, size int64) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Size() == size
}

// enter links the files to the blob. Where links cannot be made, the files get copies, and the last gets the blob itself if it is fresh.
func (s *cacheStore) enter(b blob, fresh bool) error {
	for i, f := range b.files {
		if s.isEntered(b.final, f) {
			continue
		}
		path := s.pointer(f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		if !s.copyFiles && s.link(b.final, path) == nil {
			continue
		}
		if err := place(b.final, path, fresh && i == len(b.files)-1); err != nil {
			return err
		}
	}
	return nil
}

// link makes path a symbolic link to a blob, relative so that the cache can be moved. What was at path is replaced.
func (s *cacheStore) link(blob, path string) error {
	target, err := filepath.Rel(filepath.Dir(path), blob)
	if err != nil {
		return err
	}
	// Not in the snapshot, where what a killed process leaves would be a file of the model.
	temporary := filepath.Join(s.repo(), fmt.Sprintf(".%s.%d.link", filepath.Base(blob), os.Getpid()))
	_ = os.Remove(temporary) // of an earlier process with this number; Symlink tells if it is still there
	if err := os.Symlink(target, temporary); err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return nil
}

// place copies or moves a blob to path.
func place(blob, path string, move bool) error {
	if move {
		return os.Rename(blob, path)
	}
	from, err := os.Open(blob)
	if err != nil {
		return err
	}
	defer from.Close()
	return durable.Write(path, func(w io.Writer) error {
		_, err := io.Copy(w, from)
		return err
	})
}

// finish writes the ref, so that the revision names the commit once its files are here.
func (s *cacheStore) finish() error {
	const tag = "Signature: 8a477f597d28d172789f06886806bc55\n" + // https://bford.info/cachedir
		"# This folder is a cache of models that can be downloaded again. Backups may leave it out.\n"
	path := filepath.Join(s.cache.Dir, "CACHEDIR.TAG")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := publish(s.cache.Dir, path, tag); err != nil {
			return err
		}
	}
	if s.ref.Revision == s.commit {
		return nil
	}
	path = filepath.Join(s.repo(), "refs", filepath.FromSlash(s.ref.Revision))
	if text, err := readSmall(path); err == nil && text == s.commit {
		return nil
	}
	return publish(s.repo(), path, s.commit)
}

// publish replaces a small file at once. The temporary file is in folder, since huggingface_hub takes every file of refs for a ref.
func publish(folder, path, text string) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	f, err := os.CreateTemp(folder, ".longspan-*")
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, text)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()) // CreateTemp makes files that only their owner can read
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return durable.SyncDir(filepath.Dir(path))
}

func (s *cacheStore) absent(name string) error {
	path := filepath.Join(s.repo(), ".no_exist", s.commit, filepath.FromSlash(name))
	return publish(s.repo(), path, "")
}
