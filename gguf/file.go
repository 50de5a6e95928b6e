package gguf

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/longspan/longspan/internal/mmap"
)

// File is a GGUF file, or several that are shards of one, open for reading. Its metadata are in memory; tensors are read when asked
// for. It is safe for concurrent use where its reader is.
type File struct {
	shards  []shard
	entries []Entry
	index   map[string]int // into entries, by name
	keys    []string
	values  map[string]value
}

// shard is one of the files.
type shard struct {
	r      io.ReaderAt
	closer io.Closer
	mapped []byte // the whole file, if Open mapped it
}

// NewFile reads and checks the header of a file of size bytes. It keeps r.
//
// The cost is that of the header, in time and in memory; a vocabulary makes it some megabytes. A shard of several is refused: Open
// finds the others.
func NewFile(r io.ReaderAt, size int64) (*File, error) {
	h, err := readHeader(r, size)
	if err != nil {
		return nil, err
	}
	s, err := h.split()
	if err != nil {
		return nil, err
	}
	if s.count > 1 {
		return nil, malformed("it is shard %d of %d; open it by its path, beside the others", s.no+1, s.count)
	}
	return newFile([]shard{{r: r}}, []*header{h})
}

// Open opens the file at path and maps it into memory, where the system can: View then gives matrices of the file's own memory, of
// which the system reads a page when it is first used. The file must not be changed in place until Close; one that is written anew and
// renamed over it does no harm.
//
// If path names a shard, such as "model-00001-of-00003.gguf", all shards are opened, and an error says which files are missing.
// Metadata are those of the first.
func Open(path string) (*File, error) {
	first, h, err := openShard(path)
	if err != nil {
		return nil, err
	}
	s, err := h.split()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), first.close())
	}
	if s.count > 1 {
		if err := first.close(); err != nil {
			return nil, err
		}
		return openSplit(path, s)
	}
	f, err := newFile([]shard{first}, []*header{h})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), first.close())
	}
	return f, nil
}

// openShard opens and maps one file and reads its header.
func openShard(path string) (s shard, h *header, err error) {
	file, err := os.Open(path)
	if err != nil {
		return s, nil, err
	}
	s = shard{r: file, closer: file}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("%s: %w", path, err), s.close())
		}
	}()
	info, err := file.Stat()
	if err != nil {
		return s, nil, err
	}
	if h, err = readHeader(file, info.Size()); err != nil {
		return s, nil, err
	}
	if s.mapped, err = mmap.Map(file, info.Size()); err != nil {
		return s, nil, fmt.Errorf("mapping the file into memory: %w", err)
	}
	return s, h, nil
}

func (s *shard) close() error {
	var err error
	if s.mapped != nil {
		err = mmap.Unmap(s.mapped)
		s.mapped = nil
	}
	if s.closer != nil {
		err = errors.Join(err, s.closer.Close())
		s.closer = nil
	}
	return err
}

// newFile joins what the headers say.
func newFile(shards []shard, headers []*header) (*File, error) {
	f := &File{shards: shards, index: map[string]int{}, keys: headers[0].keys, values: headers[0].values}
	for no, h := range headers {
		for _, e := range h.entries {
			if _, twice := f.index[e.Name]; twice {
				return nil, malformed("tensor %q is in two shards", e.Name)
			}
			e.shard = no
			f.index[e.Name] = len(f.entries)
			f.entries = append(f.entries, e)
		}
	}
	return f, nil
}

// Close closes the files that Open opened; matrices that View gave are no longer valid. It does nothing after NewFile.
func (f *File) Close() error {
	var errs []error
	for i := range f.shards {
		errs = append(errs, f.shards[i].close())
	}
	return errors.Join(errs...)
}

// Entries lists the tensors in the order of their bytes, shard after shard. The caller must not change the list.
func (f *File) Entries() []Entry { return f.entries }

// Lookup finds a tensor by name.
func (f *File) Lookup(name string) (Entry, bool) {
	i, ok := f.index[name]
	if !ok {
		return Entry{}, false
	}
	return f.entries[i], true
}

// find is Lookup with an error.
func (f *File) find(name string) (Entry, error) {
	e, ok := f.Lookup(name)
	if !ok {
		return e, fmt.Errorf("no tensor is named %q among the %d in the file", name, len(f.entries))
	}
	return e, nil
}
