package gguf

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"slices"
	"unicode/utf8"
)

// errFormat is wrapped by every error that says a file is not what the format asks for.
var errFormat = errors.New("not a valid GGUF file")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errFormat, fmt.Sprintf(format, args...))
}

// maxDims is the most dimensions that a tensor may have.
const maxDims = 4

// header is what one file says before its elements.
type header struct {
	version uint32
	keys    []string // in the file's order
	values  map[string]value
	entries []Entry // in the order of their bytes
}

// readHeader reads and checks the header of a file of size bytes.
func readHeader(r io.ReaderAt, size int64) (*header, error) {
	if err := identify(r, size); err != nil {
		return nil, err
	}
	in := newReader(r, size)
	in.u32() // the magic
	h := &header{version: in.u32(), values: map[string]value{}}
	if err := checkVersion(h.version); in.err == nil && err != nil {
		return nil, err
	}
	const smallestTensor, smallestKey = 8 + 4 + 4 + 8, 8 + 4 + 1
	tensors, keys := in.count("the list of tensors", smallestTensor), in.count("the list of keys", smallestKey)
	for range keys {
		readKey(in, h)
	}
	for i := range tensors {
		if in.err != nil {
			break
		}
		h.entries = append(h.entries, readEntry(in, i))
	}
	if in.err != nil {
		return nil, in.err
	}
	alignment, err := h.alignment()
	if err != nil {
		return nil, err
	}
	return h, h.place(in.at, size, alignment)
}

func checkVersion(v uint32) error {
	switch {
	case v == 2 || v == 3:
		return nil
	case bits.ReverseBytes32(v) <= 3:
		return malformed("it is big-endian; write it anew as a little-endian file with gguf-py's gguf-convert-endian")
	case v == 1:
		return malformed("it has version 1; 2 and 3 are read: convert the model anew with a llama.cpp of 2023-10 or later")
	}
	return malformed("it has version %d; 2 and 3 are read", v)
}

func readKey(in *reader, h *header) {
	if in.err != nil {
		return
	}
	key := in.text("a key's name")
	v := readValue(in, key)
	switch _, twice := h.values[key]; {
	case in.err != nil:
	case !utf8.ValidString(key):
		in.fail(malformed("the key %q is not UTF-8", key))
	case twice:
		in.fail(malformed("the key %q is there twice", key))
	default:
		h.keys, h.values[key] = append(h.keys, key), v
	}
}

// readEntry reads what the header says of tensor number i. Its begin is still relative to the first element.
func readEntry(in *reader, i int) Entry {
	e := Entry{Name: in.text(fmt.Sprintf("the name of tensor %d", i))}
	dims := in.u32()
	if in.err == nil && dims > maxDims {
		in.fail(malformed("tensor %q has %d dimensions; at most %d are allowed", e.Name, dims, maxDims))
		return e
	}
	for range dims {
		d := in.u64()
		if in.err == nil && d > math.MaxInt {
			in.fail(malformed("tensor %q has a dimension of %d", e.Name, d))
		}
		e.Shape = append(e.Shape, int(d))
	}
	slices.Reverse(e.Shape)
	e.DType = DType(in.u32())
	offset := in.u64()
	if in.err == nil && int64(offset) < 0 {
		in.fail(malformed("tensor %q begins at byte %d of the elements", e.Name, offset))
	}
	e.begin = int64(offset)
	return e
}

// alignment is that of the tensors: a power of two.
func (h *header) alignment() (int64, error) {
	const key, usual = "general.alignment", 32
	v, ok := h.values[key]
	if !ok {
		return usual, nil
	}
	n, ok := v.int(0)
	if v.kind == KindArray || !ok || n < 1 || n > 1<<31 || n&(n-1) != 0 {
		return 0, malformed("key %q is no power of two", key)
	}
	return n, nil
}

// place turns the offsets of the tensors into bytes of the file, whose header ends at byte end, and checks them.
func (h *header) place(end, size, alignment int64) error {
	first := (end + alignment - 1) &^ (alignment - 1)
	names := map[string]bool{}
	for i := range h.entries {
		e := &h.entries[i]
		if err := checkEntry(*e); err != nil {
			return err
		}
		if names[e.Name] {
			return malformed("tensor %q is there twice", e.Name)
		}
		names[e.Name] = true
		if e.begin&(alignment-1) != 0 {
			return malformed("tensor %q begins at byte %d of the elements; a multiple of %d was expected", e.Name, e.begin, alignment)
		}
		if bytes := storedBytes(*e); e.begin > size-first || bytes > size-first-e.begin {
			return malformed("tensor %q has %d bytes of %s from byte %d of the elements on, and the file has %d bytes for them; it is truncated",
				e.Name, bytes, e.DType, e.begin, max(0, size-first))
		}
		e.begin, e.end = first+e.begin, first+e.begin+storedBytes(*e)
	}
	return checkOverlap(h.entries)
}

// checkEntry checks the fields of a tensor that do not depend on others.
func checkEntry(e Entry) error {
	if !utf8.ValidString(e.Name) {
		return malformed("the tensor's name %q is not UTF-8", e.Name)
	}
	elements, _ := e.DType.BlockSize()
	if elements == 0 {
		return malformed("tensor %q has elements of type %d, which is not known; %s are read", e.Name, uint32(e.DType), readableNames())
	}
	if _, ok := product(e.Shape); !ok {
		return malformed("tensor %q has the impossible shape %v", e.Name, e.Shape)
	}
	if inner := innermost(e.Shape); inner%elements != 0 {
		return malformed("tensor %q has rows of %d elements; %s has blocks of %d", e.Name, inner, e.DType, elements)
	}
	return nil
}

func innermost(shape []int) int {
	if len(shape) == 0 {
		return 1
	}
	return shape[len(shape)-1]
}

// storedBytes is the size of the elements by shape and type. It does not overflow: product leaves room for 8 bytes an element.
func storedBytes(e Entry) int64 {
	elements, bytes := e.DType.BlockSize()
	return int64(e.Elements()) / int64(elements) * int64(bytes)
}

// checkOverlap sorts the entries by their bytes and refuses those that share some.
func checkOverlap(entries []Entry) error {
	slices.SortStableFunc(entries, func(a, b Entry) int { return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end)) })
	for i := 1; i < len(entries); i++ {
		if a, b := entries[i-1], entries[i]; b.begin < a.end {
			return malformed("tensors %q and %q overlap at byte %d of the file", a.Name, b.Name, b.begin)
		}
	}
	return nil
}
