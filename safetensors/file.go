package safetensors

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/longspan/longspan/internal/mmap"
)

// File is a safetensors file open for reading. Only the header is in memory; tensors are read when asked for.
// It is safe for concurrent use where its reader is.
type File struct {
	r        io.ReaderAt
	size     int64
	header   []byte // the JSON, as it stands in the file
	entries  []Entry
	index    map[string]int // into entries, by name
	metadata map[string]string
	closer   io.Closer
	mapped   []byte // the whole file, if OpenMapped opened it or OpenBytes was given it
}

// NewFile reads and checks the header of a file of size bytes. It keeps r.
//
// The cost is that of the header. Whether the elements are those that were written is for Verify to say.
func NewFile(r io.ReaderAt, size int64) (*File, error) {
	f := &File{r: r, size: size, index: map[string]int{}}
	var err error
	if f.entries, f.metadata, f.header, err = readHeader(r, size); err != nil {
		return nil, err
	}
	for i, e := range f.entries {
		f.index[e.Name] = i
	}
	return f, nil
}

// Open is NewFile for the file at path. Close it when done.
func Open(path string) (*File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	f, err := NewFile(file, info.Size())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), file.Close())
	}
	f.closer = file
	return f, nil
}

// Close closes the file that Open or OpenMapped opened; matrices that View gave are no longer valid. It closes nothing after NewFile
// and OpenBytes.
func (f *File) Close() error {
	var err error
	mapped := f.mapped
	f.mapped = nil
	if f.closer == nil {
		return nil
	}
	if mapped != nil {
		err = mmap.Unmap(mapped)
	}
	return errors.Join(err, f.closer.Close())
}

// Entries lists the tensors in the order of their bytes. The caller must not change the list.
func (f *File) Entries() []Entry { return f.entries }

// Metadata is the text that goes with the tensors; nil where there is none. The caller must not change it.
func (f *File) Metadata() map[string]string { return f.metadata }

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

// Bytes reads the elements of a tensor as they stand in the file, little-endian.
func (f *File) Bytes(name string) ([]byte, error) {
	e, err := f.find(name)
	if err != nil {
		return nil, err
	}
	data := make([]byte, e.Bytes())
	if _, err := io.ReadFull(f.section(e), data); err != nil {
		return nil, fmt.Errorf("reading tensor %q: %w", name, err)
	}
	return data, nil
}

// Ints reads an I64 tensor.
func (f *File) Ints(name string) ([]int64, error) {
	e, err := f.find(name)
	if err != nil {
		return nil, err
	}
	if e.DType != I64 { // before its bytes are read
		return e.Ints(nil)
	}
	data, err := f.Bytes(name)
	if err != nil {
		return nil, err
	}
	return e.Ints(data)
}

// section reads the bytes of e through a buffer, since readers ask for a row at a time and a row may be one number.
func (f *File) section(e Entry) io.Reader {
	section := io.NewSectionReader(f.r, 8+int64(len(f.header))+e.begin, e.Bytes())
	return bufio.NewReaderSize(section, int(min(max(e.Bytes(), 16), chunk)))
}
