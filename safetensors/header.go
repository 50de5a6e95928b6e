package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/longspan/longspan/internal/foreign"
)

// maxHeader bounds the JSON of a header, as the format's own implementation does. 100 MB holds a million tensors.
const maxHeader = 100_000_000

// metadataKey names the header's one member that is no tensor.
const metadataKey = "__metadata__"

// errFormat is wrapped by every error that says a file is not what the format asks for.
var errFormat = errors.New("not a valid safetensors file")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errFormat, fmt.Sprintf(format, args...))
}

// readHeader reads and checks the header of a file of size bytes. raw is the JSON as it stands in the file.
func readHeader(r io.ReaderAt, size int64) (entries []Entry, metadata map[string]string, raw []byte, err error) {
	head := make([]byte, min(max(size, 0), foreign.HeadBytes))
	if n, err := r.ReadAt(head, 0); n < len(head) {
		return nil, nil, nil, fmt.Errorf("reading the header's length: %w", err)
	}
	if err := identify(head); err != nil {
		return nil, nil, nil, err
	}
	if len(head) < 8 {
		return nil, nil, nil, malformed("%d bytes are too few for a header", size)
	}
	n := binary.LittleEndian.Uint64(head)
	if n > maxHeader {
		return nil, nil, nil, malformed("the header would be %d bytes; at most %d are allowed", n, maxHeader)
	}
	if int64(n) > size-8 {
		return nil, nil, nil, malformed("the header should be %d bytes and the file ends after %d; it is truncated", n, size-8)
	}
	raw = make([]byte, n)
	if _, err := r.ReadAt(raw, 8); err != nil && !(errors.Is(err, io.EOF) && size == int64(n)+8) {
		return nil, nil, nil, fmt.Errorf("reading the header: %w", err)
	}
	if entries, metadata, err = parseHeader(raw); err != nil {
		return nil, nil, nil, err
	}
	if err := checkLayout(entries, size-8-int64(n)); err != nil {
		return nil, nil, nil, err
	}
	return entries, metadata, raw, nil
}

// parseHeader decodes the JSON token by token, since that is how a duplicate key can be seen.
func parseHeader(raw []byte) (entries []Entry, metadata map[string]string, err error) {
	if len(raw) == 0 || raw[0] != '{' {
		return nil, nil, malformed("the header does not begin with '{'")
	}
	if !utf8.Valid(raw) {
		return nil, nil, malformed("the header is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	seen := map[string]bool{}
	err = object(dec, func(key string) error {
		if seen[key] {
			return malformed("the header has %q twice", key)
		}
		seen[key] = true
		if key == metadataKey {
			metadata = map[string]string{}
			return parseMetadata(dec, metadata)
		}
		e, err := parseEntry(dec, key)
		entries = append(entries, e)
		return err
	})
	if err == nil {
		if _, trailing := dec.Token(); trailing != io.EOF {
			err = malformed("the header goes on after its closing '}'")
		}
	}
	if err != nil && !errors.Is(err, errFormat) {
		err = malformed("the header's JSON: %v", err)
	}
	return entries, metadata, err
}

// object reads '{', then a value through member for each key, then '}'.
func object(dec *json.Decoder, member func(key string) error) error {
	if t, err := dec.Token(); err != nil {
		return err
	} else if t != json.Delim('{') {
		return malformed("the header has %v where '{' was expected", t)
	}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return err
		}
		if err := member(t.(string)); err != nil { // the decoder accepts only strings as keys
			return err
		}
	}
	_, err := dec.Token()
	return err
}

func parseMetadata(dec *json.Decoder, metadata map[string]string) error {
	return object(dec, func(key string) error {
		if _, twice := metadata[key]; twice {
			return malformed("the metadata has %q twice", key)
		}
		t, err := dec.Token()
		if err != nil {
			return err
		}
		text, ok := t.(string)
		if !ok {
			return malformed("the metadata's %q is not text", key)
		}
		metadata[key] = text
		return nil
	})
}

func parseEntry(dec *json.Decoder, name string) (Entry, error) {
	e := Entry{Name: name}
	var shape, offsets []int64
	seen := map[string]bool{}
	err := object(dec, func(key string) (err error) {
		if seen[key] {
			return malformed("tensor %q has %q twice", name, key)
		}
		seen[key] = true
		switch key {
		case "dtype":
			return dec.Decode(&e.DType)
		case "shape":
			shape, err = integers(dec)
			return err
		case "data_offsets":
			offsets, err = integers(dec)
			return err
		}
		return malformed("tensor %q has the member %q; dtype, shape and data_offsets are the known ones", name, key)
	})
	if err != nil {
		return e, err
	}
	if e.DType.Size() == 0 {
		return e, malformed("tensor %q has the dtype %q, which is not known", name, e.DType)
	}
	if !seen["shape"] || len(offsets) != 2 {
		return e, malformed("tensor %q needs a shape and two data_offsets", name)
	}
	e.Shape = make([]int, len(shape))
	for i, d := range shape {
		if e.Shape[i] = int(d); int64(e.Shape[i]) != d {
			return e, malformed("tensor %q has the impossible shape %v", name, shape)
		}
	}
	n, ok := elements(e.Shape)
	if !ok {
		return e, malformed("tensor %q has the impossible shape %v", name, e.Shape)
	}
	e.begin, e.end = offsets[0], offsets[1]
	if e.begin < 0 || e.end < e.begin || e.end-e.begin != int64(n)*int64(e.DType.Size()) {
		return e, malformed("tensor %q of shape %v is %d bytes of %s; its data_offsets are %v",
			name, e.Shape, int64(n)*int64(e.DType.Size()), e.DType, offsets)
	}
	return e, nil
}

// integers reads an array of whole numbers; unlike Decode it does not take null for 0.
func integers(dec *json.Decoder) ([]int64, error) {
	if t, err := dec.Token(); err != nil {
		return nil, err
	} else if t != json.Delim('[') {
		return nil, malformed("the header has %v where '[' was expected", t)
	}
	var list []int64
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, err
		}
		number, ok := t.(json.Number)
		if !ok {
			return nil, malformed("the header has %v where a number was expected", t)
		}
		v, err := strconv.ParseInt(number.String(), 10, 64)
		if err != nil {
			return nil, malformed("the header has %v where a whole number was expected", t)
		}
		list = append(list, v)
	}
	_, err := dec.Token()
	return list, err
}

// checkLayout puts the entries in the order of their bytes and checks that they fill size bytes exactly.
func checkLayout(entries []Entry, size int64) error {
	slices.SortFunc(entries, func(a, b Entry) int {
		// By end as well: an empty tensor comes before the one that begins at the same byte.
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end), cmp.Compare(a.Name, b.Name))
	})
	var at int64
	for _, e := range entries {
		if e.begin < at {
			return malformed("tensor %q begins at byte %d, inside another that ends at %d", e.Name, e.begin, at)
		}
		if e.begin > at {
			return malformed("bytes %d to %d, before tensor %q, belong to no tensor", at, e.begin, e.Name)
		}
		at = e.end
	}
	if at > size {
		return malformed("the tensors need %d bytes and the file has %d; it is truncated", at, size)
	}
	if at < size {
		return malformed("%d bytes after the last tensor belong to none", size-at)
	}
	return nil
}
