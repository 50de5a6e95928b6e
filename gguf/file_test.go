package gguf_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/longspan/longspan/gguf"
	"github.com/longspan/longspan/tensor"
)

// What is no GGUF file of a version that is read, or damaged, is refused in words.
func TestRefusals(t *testing.T) {
	deep := []any{uint32(gguf.KindArray), uint64(1), uint32(gguf.KindU8)}
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "it is empty"},
		{"Git LFS", []byte("version https://git-lfs.github.com/spec/v1\n"), "it is a Git LFS pointer, not the weights"},
		{"page", []byte("<!DOCTYPE html>"), "it is a web page"},
		{"zip", []byte("PK\x03\x04…"), "it is a zip archive"},
		{"old", []byte("tjgg\x03\x00\x00\x00"), "it is a ggjt file from before GGUF"},
		{"safetensors", []byte("\x20\x00\x00\x00\x00\x00\x00\x00{\"a\":"), "it is a safetensors file"},
		{"other", []byte("GGML"), `it begins with "GGML"; "GGUF" was expected`},
		{"magic only", []byte("GGUF"), "truncated"},
		{"version 1", (&builder{magic: "GGUF", version: 1, alignment: 32}).bytes(), "it has version 1; 2 and 3 are read"},
		{"version 4", (&builder{magic: "GGUF", version: 4, alignment: 32}).bytes(), "it has version 4; 2 and 3 are read"},
		{"big-endian", (&builder{magic: "GGUF", version: 3 << 24, alignment: 32}).bytes(), "it is big-endian"},
		{"counts", (&builder{magic: "GGUF", version: 3, tensors: math.MaxInt64, alignment: 32}).bytes(),
			"the list of tensors is said to have 92233"},
		{"keys", (&builder{magic: "GGUF", version: 3, keys: 1 << 40, alignment: 32}).bytes(), "the list of keys is said to have 1099511627776"},
		{"kind", newBuilder().pair("k", 13, uint64(0)).bytes(), `key "k" has a value of kind 13; 0 to 12 were expected`},
		{"array of arrays", newBuilder().pair("k", gguf.KindArray, deep...).bytes(),
			`key "k" has an array of array; arrays of numbers, bool or string are read`},
		{"long array", newBuilder().pair("k", gguf.KindArray, uint32(gguf.KindU64), uint64(1<<60)).bytes(),
			`the array of key "k" is said to have`},
		{"long text", newBuilder().pair("k", gguf.KindString, uint64(1<<40)).bytes(), `the text of key "k" is said to have`},
		{"bool", newBuilder().pair("k", gguf.KindBool, uint8(2)).bytes(), `key "k" has the bool 2; 0 or 1 was expected`},
		{"key twice", newBuilder().text("k", "a").text("k", "b").bytes(), `the key "k" is there twice`},
		{"key not UTF-8", newBuilder().text("\xff", "a").bytes(), `the key "\xff" is not UTF-8`},
		{"alignment 0", newBuilder().pair("general.alignment", gguf.KindU32, uint32(0)).bytes(), "is no power of two"},
		{"alignment 24", newBuilder().pair("general.alignment", gguf.KindU32, uint32(24)).bytes(), "is no power of two"},
		{"alignment text", newBuilder().text("general.alignment", "32").bytes(), "is no power of two"},
		{"name twice", newBuilder().tensor("w", gguf.F32, 0, 4).tensor("w", gguf.F32, 32, 4).data(64).bytes(), `tensor "w" is there twice`},
		{"name not UTF-8", newBuilder().tensor("\xff", gguf.F32, 0, 4).data(16).bytes(), `name "\xff" is not UTF-8`},
		{"dimensions", newBuilder().tensor("w", gguf.F32, 0, 1, 1, 1, 1, 1).data(16).bytes(), `tensor "w" has 5 dimensions; at most 4`},
		{"unknown type", newBuilder().tensor("w", 99, 0, 4).data(16).bytes(),
			`tensor "w" has elements of type 99, which is not known; F32, F16,`},
		{"huge", newBuilder().tensor("w", gguf.F32, 0, 1<<31, 1<<31, 1<<31).data(16).bytes(), `tensor "w" has`},
		{"huge dimension", newBuilder().tensor("w", gguf.F32, 0, math.MaxUint64).data(16).bytes(),
			`tensor "w" has a dimension of 18446744073709551615`},
		{"part of a block", newBuilder().tensor("w", gguf.Q4_K, 0, 128).data(144).bytes(),
			`tensor "w" has rows of 128 elements; Q4_K has blocks of 256`},
		{"offset", newBuilder().tensor("w", gguf.F32, 4, 4).data(64).bytes(), `tensor "w" begins at byte 4 of the elements; a multiple of 32`},
		{"huge offset", newBuilder().tensor("w", gguf.F32, 1<<63, 4).data(64).bytes(), `tensor "w" begins at byte 9223372036854775808`},
		{"far offset", newBuilder().tensor("w", gguf.F32, 1<<62, 4).data(64).bytes(), "it is truncated"},
		{"truncated", newBuilder().tensor("w", gguf.F32, 0, 4).data(15).bytes(),
			`tensor "w" has 16 bytes of F32 from byte 0 of the elements on, and the file has 15`},
		{"overlap", newBuilder().tensor("b", gguf.F32, 32, 4).tensor("a", gguf.F32, 0, 9).data(64).bytes(), `tensors "a" and "b" overlap`},
		{"shard", newBuilder().pair("split.no", gguf.KindU16, uint16(0)).pair("split.count", gguf.KindU16, uint16(3)).bytes(),
			"it is shard 1 of 3; open it by its path"},
		{"shard text", newBuilder().text("split.count", "3").bytes(), `key "split.count" is string; a number`},
	} {
		if _, err := open(c.file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: found the error %v, expected one with %q", c.name, err, c.want)
		}
	}
}

// Every file that ends early is refused, without a panic.
func TestTruncatedAnywhere(t *testing.T) {
	b := newBuilder().text("a", "text").strings("b", "x", "yy").pair("c", gguf.KindF32, float32(1)).
		tensor("w", gguf.F32, 0, 4).data(16).bytes()
	if _, err := open(b); err != nil {
		t.Fatal(err)
	}
	for n := range b {
		if _, err := open(b[:n]); err == nil {
			t.Errorf("%d of %d bytes are accepted", n, len(b))
		}
	}
}

// Files without keys or tensors, of version 2, with another alignment, and with gaps between tensors are right.
func TestAccepted(t *testing.T) {
	two := newBuilder()
	two.version = 2
	wide := newBuilder().pair("general.alignment", gguf.KindU32, uint32(64)).
		tensor("b", gguf.F32, 128, 1).tensor("a", gguf.F32, 0, 2, 3).data(132)
	wide.alignment = 64
	none, one := newBuilder().tensor("none", gguf.F32, 0, 0, 5), newBuilder().tensor("one", gguf.F32, 0).data(4)
	for _, b := range []*builder{newBuilder(), two, wide, none, one} {
		b.file(t)
	}
	f := wide.file(t)
	if e := f.Entries(); len(e) != 2 || e[0].String() != "a F32 [3 2]" || e[1].Name != "b" || e[0].Bytes() != 24 {
		t.Errorf("the entries are %v", e)
	}
}

// Metadata of another kind, and none, are refused with key, found kind and expected kind.
func TestMetadataRefusals(t *testing.T) {
	f := newBuilder().text("text", "x").pair("minus", gguf.KindI32, int32(-5)).pair("big", gguf.KindU64, uint64(math.MaxUint64)).
		strings("texts", "a").array("bigs", gguf.KindU64, uint64(math.MaxUint64)).file(t)
	for _, c := range []struct {
		read func() error
		want string
	}{
		{func() error { _, err := f.Uint("text"); return err }, `key "text" is string; an integer of 0 or more was expected`},
		{func() error { _, err := f.Uint("minus"); return err }, `key "minus" is -5; an integer of 0 or more was expected`},
		{func() error { _, err := f.Int("big"); return err }, `key "big" is 18446744073709551615; at most`},
		{func() error { _, err := f.Int("text"); return err }, `key "text" is string; an integer was expected`},
		{func() error { _, err := f.Float("minus"); return err }, `key "minus" is i32; f32 or f64 was expected`},
		{func() error { _, err := f.Bool("texts"); return err }, `key "texts" is array of 1 string; bool was expected`},
		{func() error { _, err := f.String("minus"); return err }, `key "minus" is i32; string was expected`},
		{func() error { _, err := f.Strings("text"); return err }, `key "text" is string; an array of string was expected`},
		{func() error { _, err := f.Floats("texts"); return err }, `key "texts" is array of 1 string; an array of f32 or f64 was expected`},
		{func() error { _, err := f.Ints("texts"); return err }, `key "texts" is array of 1 string; an array of integers was expected`},
		{func() error { _, err := f.Bools("texts"); return err }, `key "texts" is array of 1 string; an array of bool was expected`},
		{func() error { _, err := f.Ints("bigs"); return err }, `key "bigs" has 18446744073709551615 at place 0`},
		{func() error { _, err := f.Uint("none"); return err }, `key "none", an integer of 0 or more: the file does not have it`},
	} {
		if err := c.read(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("found the error %v, expected one with %q", err, c.want)
		}
	}
	if _, err := f.Bool("none"); !errors.Is(err, gguf.ErrNoKey) {
		t.Errorf("a key that is not there gives %v", err)
	}
}

// shardFile writes shard no of count, with one tensor of 4 elements.
func shardFile(t *testing.T, path string, no, count uint16, tensors int32, name string) {
	t.Helper()
	b := newBuilder().pair("split.no", gguf.KindU16, no).pair("split.count", gguf.KindU16, count).
		pair("split.tensors.count", gguf.KindI32, tensors)
	if no == 0 {
		b.text("general.architecture", "llama")
	}
	b.tensor(name, gguf.F32, 0, 4).data(16)
	b.elements[0] = byte(no)
	if err := os.WriteFile(path, b.bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Shards open as one file from any of their names.
func TestShards(t *testing.T) {
	dir := t.TempDir()
	paths := []string{filepath.Join(dir, "m-00001-of-00002.gguf"), filepath.Join(dir, "m-00002-of-00002.gguf")}
	shardFile(t, paths[0], 0, 2, 2, "a")
	shardFile(t, paths[1], 1, 2, 2, "b")
	for _, path := range paths {
		f, err := gguf.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if a, err := f.Architecture(); err != nil || a != "llama" {
			t.Errorf("the architecture is %q (%v)", a, err)
		}
		for no, name := range []string{"a", "b"} {
			m := tensor.New(tensor.F32, 1, 4)
			if err := f.ReadMat(m, name); err != nil || byte(math.Float32bits(m.F32[0])) != byte(no) {
				t.Errorf("%s: %v (%v)", name, m.F32, err)
			}
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Shards that are missing, mixed up or renamed are refused by name.
func TestShardRefusals(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]func(path string)
		want  string
	}{
		{"missing", map[string]func(string){
			"m-00002-of-00003.gguf": func(p string) { shardFile(t, p, 1, 3, 3, "a") },
		}, "these are not beside it: m-00001-of-00003.gguf, m-00003-of-00003.gguf; download them"},
		{"many missing", map[string]func(string){
			"m-00001-of-00009.gguf": func(p string) { shardFile(t, p, 0, 9, 3, "a") },
		}, "m-00006-of-00009.gguf, … (8 in all); download them"},
		{"renamed", map[string]func(string){
			"m.gguf": func(p string) { shardFile(t, p, 0, 2, 2, "a") },
		}, "it is one of 2 shards, and its name does not end in -00001-of-00002.gguf"},
		{"mixed up", map[string]func(string){
			"m-00001-of-00002.gguf": func(p string) { shardFile(t, p, 0, 2, 2, "a") },
			"m-00002-of-00002.gguf": func(p string) { shardFile(t, p, 0, 2, 2, "b") },
		}, "it says that it is shard 1 of 2; 2 of 2 was expected"},
		{"in two", map[string]func(string){
			"m-00001-of-00002.gguf": func(p string) { shardFile(t, p, 0, 2, 2, "a") },
			"m-00002-of-00002.gguf": func(p string) { shardFile(t, p, 1, 2, 2, "a") },
		}, `tensor "a" is in two shards`},
		{"too few tensors", map[string]func(string){
			"m-00001-of-00002.gguf": func(p string) { shardFile(t, p, 0, 2, 5, "a") },
			"m-00002-of-00002.gguf": func(p string) { shardFile(t, p, 1, 2, 5, "b") },
		}, "the shards hold 2 tensors; 5 were expected"},
	} {
		dir, path := t.TempDir(), ""
		for name, write := range c.files {
			path = filepath.Join(dir, name)
			write(path)
		}
		if _, err := gguf.Open(path); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: found the error %v, expected one with the path and %q", c.name, err, c.want)
		}
	}
	if _, err := gguf.Open(filepath.Join(t.TempDir(), "none.gguf")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file gives %v", err)
	}
}

// No bytes make the reader panic or allocate more than some times their own size.
func FuzzNewFile(f *testing.F) {
	raw, err := os.ReadFile(golden)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add(newBuilder().text("a", "text").strings("b", "x", "").array("c", gguf.KindBool, true, false).bytes())
	for kind := range gguf.DType(43) {
		if elements, bytes := kind.BlockSize(); elements > 0 {
			f.Add(newBuilder().tensor("w", kind, 0, uint64(elements), 2).data(2 * bytes).bytes())
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := gguf.NewFile(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		for _, key := range file.Keys() {
			useKey(file, key)
		}
		for _, e := range file.Entries() {
			rows, cols := e.Matrix()
			if e.Bytes() > int64(len(b)) || e.Elements() > 8*len(b) {
				t.Fatalf("%v is larger than the file", e)
			}
			err := file.Widen(tensor.Exec{Threads: 1}, tensor.New(tensor.F32, rows, cols), e.Name)
			if (err == nil) != e.DType.Readable() {
				t.Fatalf("%v: %v", e, err)
			}
		}
	})
}

// useKey reads a key as everything.
func useKey(f *gguf.File, key string) {
	_, _ = f.String(key)
	_, _ = f.Int(key)
	_, _ = f.Uint(key)
	_, _ = f.Float(key)
	_, _ = f.Bool(key)
	_, _ = f.Strings(key)
	_, _ = f.Ints(key)
	_, _ = f.Floats(key)
	_, _ = f.Bools(key)
}

// Every type's blocks widen without a panic whatever their bits, also to infinity and NaN.
func FuzzWiden(f *testing.F) {
	f.Add(uint32(gguf.Q4_K), bytes.Repeat([]byte{0xff}, 300))
	f.Add(uint32(gguf.Q5_0), binary.LittleEndian.AppendUint64(nil, 1<<63))
	f.Fuzz(func(t *testing.T, kind uint32, b []byte) {
		elements, size := gguf.DType(kind).BlockSize()
		if elements == 0 || len(b) < size {
			return
		}
		n := len(b) / size
		in := newBuilder().tensor("w", gguf.DType(kind), 0, uint64(elements*n))
		in.elements = b
		file := in.file(t)
		for _, to := range []tensor.Type{tensor.F32, tensor.BF16} {
			err := file.Widen(tensor.Exec{Threads: 1}, tensor.New(to, 1, elements*n), "w")
			if (err == nil) != gguf.DType(kind).Readable() {
				t.Fatal(err)
			}
		}
	})
}
