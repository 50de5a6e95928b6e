package torch

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/longspan/longspan/internal/foreign"
	"github.com/longspan/longspan/internal/mmap"
	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/tensor"
)

// File is a file of torch.save open for reading. Only names, types and shapes are in memory; elements are read when asked for. It is safe
// for concurrent use where its reader is.
type File struct {
	r       io.ReaderAt
	size    int64
	entries []safetensors.Entry
	tensors map[string]namedTensor
	closer  io.Closer
	mapped  []byte // the whole file, if OpenMapped opened it
}

// namedTensor is a tensor with its name.
type namedTensor struct {
	safetensors.Entry
	view *view
}

// The first bytes of the two forms. The legacy form begins with the pickle of its magic number.
const (
	zipMagic    = "PK\x03\x04"
	legacyMagic = "\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
)

// errFormat is wrapped by every error that says a file is not one that can be read here.
var errFormat = errors.New("not a file of weights that torch.save wrote")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errFormat, fmt.Sprintf(format, args...))
}

// Recognise reports whether a file with this head, its first 16 bytes, has one of the two forms.
func Recognise(head []byte) bool {
	return bytes.HasPrefix(head, []byte(zipMagic)) || bytes.HasPrefix(head, []byte(legacyMagic))
}

// NewFile reads the names, types and shapes of a file of size bytes, and checks that every tensor lies inside its storage and every
// storage inside the file. It keeps r. The elements are not read: the cost is that of the pickle, some 110 bytes a tensor.
//
// It returns an error if the file holds anything but a dictionary of dense tensors, or names a function that such a dictionary does not
// need.
func NewFile(r io.ReaderAt, size int64) (*File, error) {
	head := make([]byte, min(max(size, 0), foreign.HeadBytes))
	if n, err := r.ReadAt(head, 0); n < len(head) {
		return nil, fmt.Errorf("reading the first bytes: %w", err)
	}
	f := &File{r: r, size: size}
	var state any
	var err error
	switch {
	case bytes.HasPrefix(head, []byte(zipMagic)):
		state, err = readZip(r, size)
	case bytes.HasPrefix(head, []byte(legacyMagic)):
		state, err = readLegacy(r, size)
	default:
		return nil, identify(head)
	}
	if err == nil {
		err = f.list(state)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errFormat, err)
	}
	return f, nil
}

// identify returns an error that names the format of a file with this head.
func identify(head []byte) error {
	if len(head) == 0 {
		return malformed("the file is empty; the download or copy was perhaps interrupted: get it again")
	}
	if is, remedy := foreign.Identify(head); is != "" {
		return malformed("it is %s; %s", is, remedy)
	}
	return malformed("it begins with %q, expected a zip archive or the magic number of torch's older form; "+
		"save the model's state_dict() again with torch.save", head[:min(len(head), 8)])
}

// OpenMapped is NewFile for the file at path, which is mapped into memory where the system can. View gives matrices of the file's own
// memory. The file must not be changed in place until Close.
func OpenMapped(path string) (*File, error) {
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
	if f.mapped, err = mmap.Map(file, f.size); err != nil {
		return nil, fmt.Errorf("%s: mapping the file into memory: %w", path, errors.Join(err, f.Close()))
	}
	return f, nil
}

// Close closes the file that OpenMapped opened; matrices that View gave are no longer valid. It does nothing after NewFile.
func (f *File) Close() error {
	var err error
	if f.mapped != nil {
		err = mmap.Unmap(f.mapped)
		f.mapped = nil
	}
	if f.closer == nil {
		return err
	}
	return errors.Join(err, f.closer.Close())
}

// Entries lists the tensors in the order of the dictionary. The caller must not change the list.
func (f *File) Entries() []safetensors.Entry { return f.entries }

// Lookup finds a tensor by name.
func (f *File) Lookup(name string) (safetensors.Entry, bool) {
	t, ok := f.tensors[name]
	return t.Entry, ok
}

// find is Lookup with an error, and with the place of the elements.
func (f *File) find(name string) (namedTensor, error) {
	t, ok := f.tensors[name]
	if !ok {
		return t, fmt.Errorf("no tensor is named %q among the %d in the file", name, len(f.entries))
	}
	return t, nil
}

// Bytes reads the elements of a tensor row by row, little-endian.
func (f *File) Bytes(name string) ([]byte, error) {
	t, err := f.find(name)
	if err != nil {
		return nil, err
	}
	data, inPlace, err := f.elements(t)
	if inPlace {
		data = bytes.Clone(data)
	}
	return data, err
}

// Ints reads an I64 tensor.
func (f *File) Ints(name string) ([]int64, error) {
	t, err := f.find(name)
	if err != nil {
		return nil, err
	}
	if t.DType != safetensors.I64 { // before its bytes are read
		return t.Ints(nil)
	}
	data, _, err := f.elements(t)
	if err != nil {
		return nil, err
	}
	return t.Ints(data)
}

// View returns the elements of a tensor as a matrix of the mapped file, read only, in the file's own type. ok is false where the file is
// not mapped, where the elements do not lie in order, and where safetensors' Entry.View gives nothing: in the older form elements are
// rarely aligned. The matrix is valid until Close.
func (f *File) View(name string) (m tensor.Mat, ok bool) {
	t, found := f.tensors[name]
	if !found || f.mapped == nil || !t.view.inOrder() {
		return tensor.Mat{}, false
	}
	data, _, err := f.elements(t)
	if err != nil {
		return tensor.Mat{}, false
	}
	return t.Entry.View(data)
}

// ReadMat reads a tensor into dst. Shapes and types are those of [safetensors.File.ReadMat]. Where the file is not mapped or the elements
// do not lie in order, it holds a copy of them meanwhile.
func (f *File) ReadMat(dst tensor.Mat, name string) error {
	t, err := f.find(name)
	if err != nil {
		return err
	}
	data, _, err := f.elements(t)
	if err != nil {
		return err
	}
	return t.Decode(dst, bytes.NewReader(data))
}

// elements is the bytes of a tensor, row by row. inPlace says that they are the mapped file's.
func (f *File) elements(t namedTensor) (data []byte, inPlace bool, err error) {
	begin, end := t.view.bytes()
	if f.mapped != nil {
		data, inPlace = f.mapped[begin:end:end], true
	} else {
		data = make([]byte, end-begin)
		if n, err := f.r.ReadAt(data, begin); n < len(data) {
			return nil, false, fmt.Errorf("reading tensor %q: %w", t.Name, err)
		}
	}
	if t.view.inOrder() {
		return data, inPlace, nil
	}
	return t.view.gather(data, int(t.Entry.Bytes())), false, nil
}
