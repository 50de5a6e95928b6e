package gguf_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/longspan/longspan/gguf"
	"github.com/longspan/longspan/tensor"
)

const golden = "testdata/golden/types.gguf"

func readF32(t *testing.T, f *gguf.File, name string) tensor.Mat {
	t.Helper()
	e, ok := f.Lookup(name)
	if !ok {
		t.Fatalf("there is no tensor %q", name)
	}
	rows, cols := e.Matrix()
	m := tensor.New(tensor.F32, rows, cols)
	if err := f.ReadMat(m, name); err != nil {
		t.Fatal(err)
	}
	return m
}

// Every type widens to the bits that gguf-py gives, from a mapped file and from a reader.
func TestGoldenTypes(t *testing.T) {
	mapped, err := gguf.Open(golden)
	if err != nil {
		t.Fatal(err)
	}
	defer mapped.Close()
	raw, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	read, err := gguf.NewFile(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	types := map[gguf.DType]bool{}
	for _, e := range mapped.Entries() {
		if strings.HasSuffix(e.Name, ".want") || e.Name == "foreign" || e.Name == "permuted" {
			continue
		}
		types[e.DType] = true
		want := readF32(t, mapped, e.Name+".want")
		for _, f := range []*gguf.File{mapped, read} {
			if got := readF32(t, f, e.Name); got.Rows != want.Rows || got.Cols != want.Cols {
				t.Errorf("%v: %d×%d, want %d×%d", e, got.Rows, got.Cols, want.Rows, want.Cols)
			} else if i := sameBits(got.F32, want.F32); i >= 0 {
				t.Errorf("%v: element %d is %v, want %v", e, i, got.F32[i], want.F32[i])
			}
		}
	}
	for d := range gguf.DType(64) {
		if d.Readable() && !types[d] {
			t.Errorf("%v has no golden tensor", d)
		}
	}
}

// The golden file's metadata have the values that gen.py wrote.
func TestGoldenValues(t *testing.T) {
	f, err := gguf.Open(golden)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for key, want := range map[string]int64{
		"u8": 200, "i8": -100, "u16": 60_000, "i16": -30_000, "u32": 4_000_000_000, "i32": -2_000_000_000, "i64": -1 << 62,
	} {
		if got, err := f.Int(key); err != nil || got != want {
			t.Errorf("%s is %d (%v), want %d", key, got, err, want)
		}
	}
	if got, err := f.Uint("u64"); err != nil || got != 1<<63+1 {
		t.Errorf("u64 is %d (%v)", got, err)
	}
	if got, err := f.Float("f32"); err != nil || got != float64(float32(0.1)) {
		t.Errorf("f32 is %v (%v)", got, err)
	}
	if got, err := f.Float("f64"); err != nil || got != 0.1 {
		t.Errorf("f64 is %v (%v)", got, err)
	}
	if got, err := f.Bool("bool"); err != nil || !got {
		t.Errorf("bool is %v (%v)", got, err)
	}
	if got, err := f.String("string"); err != nil || got != "Grüße\n" {
		t.Errorf("string is %q (%v)", got, err)
	}
	if got, err := f.Strings("strings"); err != nil || strings.Join(got, "|") != "a||ü" {
		t.Errorf("strings is %q (%v)", got, err)
	}
	if got, err := f.Ints("ints"); err != nil || len(got) != 3 || got[0] != -1 || got[2] != 1<<31-1 {
		t.Errorf("ints is %v (%v)", got, err)
	}
	if got, err := f.Floats("floats"); err != nil || len(got) != 2 || got[1] != -0.25 {
		t.Errorf("floats is %v (%v)", got, err)
	}
	if got, err := f.Bools("bools"); err != nil || len(got) != 2 || !got[0] || got[1] {
		t.Errorf("bools is %v (%v)", got, err)
	}
	if got, err := f.Architecture(); err != nil || got != "golden" {
		t.Errorf("the architecture is %q (%v)", got, err)
	}
	if _, err := f.Int("u64"); err == nil || !strings.Contains(err.Error(), "9223372036854775809; at most") {
		t.Errorf("u64 as Int gives %v", err)
	}
}
