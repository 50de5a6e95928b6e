package gguf_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"github.com/longspan/longspan/gguf"
)

// builder writes GGUF files, right and wrong ones.
type builder struct {
	magic         string
	version       uint32
	keys, tensors int64 // counts; −1 takes those of pair and tensor
	nKeys, nTens  int
	kv, info      bytes.Buffer
	elements      []byte
	alignment     int
}

func newBuilder() *builder {
	return &builder{magic: "GGUF", version: 3, keys: -1, tensors: -1, alignment: 32}
}

func put(b *bytes.Buffer, values ...any) {
	for _, v := range values {
		if s, ok := v.(string); ok {
			put(b, uint64(len(s)))
			b.WriteString(s)
			continue
		}
		if err := binary.Write(b, binary.LittleEndian, v); err != nil {
			panic(err)
		}
	}
}

// pair adds a key, its kind, and what follows.
func (b *builder) pair(key string, kind gguf.Kind, values ...any) *builder {
	b.nKeys++
	put(&b.kv, key, uint32(kind))
	put(&b.kv, values...)
	return b
}

// text adds a key with a string.
func (b *builder) text(key, s string) *builder { return b.pair(key, gguf.KindString, s) }

// array adds a key with an array.
func (b *builder) array(key string, element gguf.Kind, values ...any) *builder {
	return b.pair(key, gguf.KindArray, append([]any{uint32(element), uint64(len(values))}, values...)...)
}

// strings adds a key with an array of strings.
func (b *builder) strings(key string, values ...string) *builder {
	all := make([]any, len(values))
	for i, v := range values {
		all[i] = v
	}
	return b.array(key, gguf.KindString, all...)
}

// tensor adds what the header says of a tensor; dims innermost first.
func (b *builder) tensor(name string, t gguf.DType, offset uint64, dims ...uint64) *builder {
	b.nTens++
	put(&b.info, name, uint32(len(dims)), dims, uint32(t), offset)
	return b
}

// data adds n bytes of elements.
func (b *builder) data(n int) *builder {
	for i := range n {
		b.elements = append(b.elements, byte(i*7))
	}
	return b
}

func (b *builder) bytes() []byte {
	var out bytes.Buffer
	count := func(given int64, found int) int64 {
		if given >= 0 {
			return given
		}
		return int64(found)
	}
	out.WriteString(b.magic)
	put(&out, b.version, count(b.tensors, b.nTens), count(b.keys, b.nKeys))
	out.Write(b.kv.Bytes())
	out.Write(b.info.Bytes())
	for out.Len()%b.alignment != 0 {
		out.WriteByte(0)
	}
	out.Write(b.elements)
	return out.Bytes()
}

func (b *builder) file(t *testing.T) *gguf.File {
	t.Helper()
	f, err := open(b.bytes())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func open(b []byte) (*gguf.File, error) { return gguf.NewFile(bytes.NewReader(b), int64(len(b))) }

// sameBits reports whether two rows have the same bits: −0 is not 0.
func sameBits(a, b []float32) int {
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return i
		}
	}
	return -1
}
