package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/longspan/longspan/internal/durable"
	"github.com/longspan/longspan/tensor"
)

// chunk is the number of bytes are encoded, hashed or read at a time: they stay in the L2 cache.
const chunk = 64 << 10

// headerAlign is what the header's length plus its prefix is a multiple of: a cache line, so that a file mapped
// into memory has its first tensor, and with tensors in the order of their element size every element, aligned.
const headerAlign = 64

// Tensor is what Write puts into a file. Make one with Matrix, Shaped, Int64s or Raw.
type Tensor struct {
	Name  string
	DType DType
	Shape []int

	// encode writes the little-endian elements to w in pieces, using buffer, which has room for chunk bytes.
	encode func(w io.Writer, buffer []byte) error
}

// Matrix is a tensor of m's shape [rows, cols] and type. m's elements are read when the file is written.
func Matrix(name string, m tensor.Mat) Tensor { return Shaped(name, m, m.Rows, m.Cols) }

// Shaped is Matrix with another shape for the same elements: [n] for a vector, say.
func Shaped(name string, m tensor.Mat, shape ...int) Tensor {
	return Tensor{name, matDType(m.Type), shape, func(w io.Writer, buffer []byte) error {
		for i := range m.Rows {
			if err := encodeRow(w, buffer, m, i); err != nil {
				return err
			}
		}
		return nil
	}}
}

// encodeRow is written out by type: a call for every number would cost more than hashing it.
func encodeRow(w io.Writer, buffer []byte, m tensor.Mat, i int) error {
	if m.Type != tensor.F32 {
		return encodeNumbers(w, buffer, m.Row16(i), 2, func(b []byte, piece []uint16) {
			for j, v := range piece {
				binary.LittleEndian.PutUint16(b[2*j:], v)
			}
		})
	}
	return encodeNumbers(w, buffer, m.Row(i), 4, func(b []byte, piece []float32) {
		for j, v := range piece {
			binary.LittleEndian.PutUint32(b[4*j:], math.Float32bits(v))
		}
	})
}

// Int64s is a vector of whole numbers.
func Int64s(name string, values []int64) Tensor {
	return Tensor{name, I64, []int{len(values)}, func(w io.Writer, buffer []byte) error {
		return encodeNumbers(w, buffer, values, 8, func(b []byte, piece []int64) {
			for j, v := range piece {
				binary.LittleEndian.PutUint64(b[8*j:], uint64(v))
			}
		})
	}}
}

// Raw is a tensor whose elements are already little-endian bytes.
func Raw(name string, d DType, shape []int, data []byte) Tensor {
	return Tensor{name, d, shape, func(w io.Writer, _ []byte) error {
		_, err := w.Write(data)
		return err
	}}
}

// encodeNumbers writes numbers of size bytes each, a buffer at a time.
func encodeNumbers[N any](w io.Writer, buffer []byte, numbers []N, size int, put func(b []byte, piece []N)) error {
	for piece := range slices.Chunk(numbers, len(buffer)/size) {
		put(buffer, piece)
		if _, err := w.Write(buffer[:len(piece)*size]); err != nil {
			return err
		}
	}
	return nil
}

// Write writes a whole file to w: the tensors by falling element size and then by name, so that the same
// tensors give the same bytes whatever their order, and the metadata, with a checksum added to it.
//
// It reads each tensor twice, first to hash it, and holds 64 KiB. It returns an error before it writes anything
// if two tensors have one name, a name is empty or not UTF-8, or elements and shape disagree.
func Write(w io.Writer, tensors []Tensor, metadata map[string]string) error {
	tensors = slices.Clone(tensors)
	slices.SortFunc(tensors, func(a, b Tensor) int {
		return cmp.Or(cmp.Compare(b.DType.Size(), a.DType.Size()), cmp.Compare(a.Name, b.Name))
	})
	metadata = maps.Clone(metadata)
	if metadata == nil {
		metadata = map[string]string{}
	}
	metadata[checksumKey] = noChecksum
	header, err := buildHeader(tensors, metadata)
	if err != nil {
		return err
	}
	if err := sign(header, tensors); err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	return writeElements(w, tensors)
}

// Save is Write to the file at path, which is replaced whole or not at all.
func Save(path string, tensors []Tensor, metadata map[string]string) error {
	return durable.Write(path, func(w io.Writer) error { return Write(w, tensors, metadata) })
}

// writeElements writes every tensor and checks that each is as long as its shape says.
func writeElements(w io.Writer, tensors []Tensor) error {
	buffer := make([]byte, chunk)
	for _, t := range tensors {
		n, _ := elements(t.Shape)
		counted := counter{w: w}
		if err := t.encode(&counted, buffer); err != nil {
			return err
		}
		if want := int64(n) * int64(t.DType.Size()); counted.n != want {
			return fmt.Errorf("tensor %q of shape %v has %d bytes of %s; %d were expected", t.Name, t.Shape, counted.n, t.DType, want)
		}
	}
	return nil
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// buildHeader returns the length prefix and the JSON, padded with spaces as the format allows.
func buildHeader(tensors []Tensor, metadata map[string]string) ([]byte, error) {
	header := append(make([]byte, 8), '{')
	header = append(header, quote(metadataKey)+":{"...)
	for i, key := range slices.Sorted(maps.Keys(metadata)) {
		if !utf8.ValidString(key) || !utf8.ValidString(metadata[key]) {
			return nil, fmt.Errorf("the metadata's %q is not UTF-8", key)
		}
		if i > 0 {
			header = append(header, ',')
		}
		header = append(header, quote(key)+":"+quote(metadata[key])...)
	}
	header = append(header, '}')
	var at int64
	seen := make(map[string]bool, len(tensors))
	for _, t := range tensors {
		n, ok := elements(t.Shape)
		switch {
		case t.Name == "" || t.Name == metadataKey || !utf8.ValidString(t.Name):
			return nil, fmt.Errorf("%q cannot be the name of a tensor", t.Name)
		case seen[t.Name]:
			return nil, fmt.Errorf("two tensors are named %q", t.Name)
		case t.DType.Size() == 0:
			return nil, fmt.Errorf("tensor %q has the dtype %q, which is not known", t.Name, t.DType)
		case !ok:
			return nil, fmt.Errorf("tensor %q has the impossible shape %v", t.Name, t.Shape)
		}
		seen[t.Name] = true
		end := at + int64(n)*int64(t.DType.Size())
		header = fmt.Appendf(header, ",%s:{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}",
			quote(t.Name), t.DType, shapeText(t.Shape), at, end)
		at = end
	}
	header = append(header, '}')
	header = append(header, bytes.Repeat([]byte{' '}, -len(header)&(headerAlign-1))...)
	if len(header)-8 > maxHeader {
		return nil, fmt.Errorf("the header of %d tensors would be %d bytes; the format allows %d", len(tensors), len(header)-8, maxHeader)
	}
	binary.LittleEndian.PutUint64(header, uint64(len(header)-8))
	return header, nil
}

// quote is s, which is valid UTF-8, as JSON.
func quote(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic("safetensors: " + err.Error()) // a string always has a form in JSON
	}
	return string(text)
}

func shapeText(shape []int) string {
	if len(shape) == 0 {
		return "[]"
	}
	text, err := json.Marshal(shape)
	if err != nil {
		panic("safetensors: " + err.Error()) // so does a list of integers
	}
	return string(text)
}
