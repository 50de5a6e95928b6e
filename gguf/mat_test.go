package gguf_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/gguf"
	"github.com/longspan/longspan/tensor"
)

func openGolden(t *testing.T) *gguf.File {
	t.Helper()
	f, err := gguf.Open(golden)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// A BF16 or F16 matrix takes its own type bit for bit, and others as tensor.Convert rounds them.
func TestReadingIntoOtherTypes(t *testing.T) {
	f := openGolden(t)
	for _, name := range []string{"F32", "F16", "BF16", "Q4_K", "Q8_0.rounded"} {
		e, _ := f.Lookup(name)
		wide := readF32(t, f, name)
		for _, kind := range []tensor.Type{tensor.BF16, tensor.F16} {
			got, want := tensor.New(kind, wide.Rows, wide.Cols), tensor.New(kind, wide.Rows, wide.Cols)
			if err := f.ReadMat(got, name); err != nil {
				t.Fatal(err)
			}
			if err := tensor.Convert(tensor.Exec{}, want, wide); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got.U16, want.U16) {
				t.Errorf("%v into %v differs from the rounded F32", e, kind)
			}
		}
	}
}

// A view has the elements that reading gives, and only types that a matrix can have are viewed.
func TestView(t *testing.T) {
	f, err := gguf.Open(golden)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := f.View("F32"); !ok {
		t.Skip("files are not mapped here")
	}
	for name, kind := range map[string]tensor.Type{"F32": tensor.F32, "F16": tensor.F16, "BF16": tensor.BF16} {
		got, ok := f.View(name)
		if !ok || got.Type != kind {
			t.Errorf("%s: the view is %v, %v", name, got, ok)
			continue
		}
		want := tensor.New(kind, got.Rows, got.Cols)
		if err := f.ReadMat(want, name); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.U16, want.U16) || sameBits(got.F32, want.F32) >= 0 {
			t.Errorf("%s: the view differs from what is read", name)
		}
	}
	for _, name := range []string{"Q8_0", "foreign", "none"} {
		if _, ok := f.View(name); ok {
			t.Errorf("%s has a view", name)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, ok := f.View("F32"); ok {
		t.Error("a closed file has views")
	}
	raw, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if f, err = open(raw); err != nil {
		t.Fatal(err)
	} else if _, ok := f.View("F32"); ok {
		t.Error("a file that is not mapped has views")
	}
}

// The result does not depend on the threads, and rows of a matrix with gaps stay apart.
func TestThreadsAndStrides(t *testing.T) {
	const rows, blocks = 900, 8
	b := newBuilder().tensor("w", gguf.Q8_0, 0, 32*blocks, rows).data(34 * blocks * rows)
	for i := range rows * blocks { // a scale of about 1, so that none is infinite
		binary.LittleEndian.PutUint16(b.elements[34*i:], 0x3c00+uint16(i%512))
	}
	f := b.file(t)
	want := readF32(t, f, "w")
	for _, threads := range []int{1, 3} {
		wide := tensor.New(tensor.F32, rows, 32*blocks+5)
		if err := f.Widen(tensor.Exec{Threads: threads}, wide.SliceCols(2, 32*blocks+2), "w"); err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			if sameBits(wide.Row(i)[2:32*blocks+2], want.Row(i)) >= 0 || wide.Row(i)[0] != 0 || wide.Row(i)[32*blocks+2] != 0 {
				t.Fatalf("%d threads: row %d differs", threads, i)
			}
		}
	}
}

// A vector is one row, and is read into one column too.
func TestVector(t *testing.T) {
	f := openGolden(t)
	want := readF32(t, f, "vector")
	for _, kind := range []tensor.Type{tensor.F32, tensor.BF16} {
		column, row := tensor.New(kind, want.Cols, 1), tensor.New(kind, 1, want.Cols)
		for _, m := range []tensor.Mat{column, row} {
			if err := f.ReadMat(m, "vector"); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(column.U16, row.U16) || sameBits(column.F32, row.F32) >= 0 {
			t.Errorf("%v: the column differs from the row", kind)
		}
	}
}

// What cannot be read is refused with the tensor's name, what was found, and what was expected.
func TestReadingRefusals(t *testing.T) {
	f := openGolden(t)
	for _, c := range []struct {
		name       string
		rows, cols int
		want       string
	}{
		{"none", 1, 1, `no tensor is named "none" among the 39`},
		{"foreign", 1, 256, `tensor "foreign" is Q2_K, which is not read; F32, F16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K and BF16 are`},
		{"Q8_0", 224, 4, `tensor "Q8_0" has the shape [4 224]; 224×4 was expected`},
		{"vector", 2, 32, `tensor "vector" has the shape [64]; 2×32 was expected`},
	} {
		err := f.ReadMat(tensor.New(tensor.F32, c.rows, c.cols), c.name)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: found the error %v, expected one with %q", c.name, err, c.want)
		}
	}
	if err := f.ReadMat(tensor.Mat{Rows: 4, Cols: 224}, "Q8_0"); err != nil {
		t.Errorf("a dry matrix is refused: %v", err)
	}
}

// An error of the reader comes through with the tensor's name.
func TestReadingFails(t *testing.T) {
	b := newBuilder().tensor("w", gguf.F32, 0, 40_000, 4).data(640_000).bytes()
	f, err := gguf.NewFile(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	short, err := gguf.NewFile(bytes.NewReader(b[:len(b)-4]), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	m := tensor.New(tensor.F32, 4, 40_000)
	if err := f.ReadMat(m, "w"); err != nil {
		t.Error(err)
	}
	if err := short.ReadMat(m, "w"); err == nil || !strings.Contains(err.Error(), `reading tensor "w": EOF`) {
		t.Errorf("found the error %v", err)
	}
}

func BenchmarkWiden(b *testing.B) {
	const rows, cols = 2048, 2048
	for _, kind := range []gguf.DType{gguf.F16, gguf.Q8_0, gguf.Q4_0, gguf.Q4_1, gguf.Q5_0, gguf.Q5_1, gguf.Q4_K, gguf.Q5_K, gguf.Q6_K} {
		b.Run(kind.String(), func(b *testing.B) {
			elements, bytes := kind.BlockSize()
			f, err := open(newBuilder().tensor("w", kind, 0, cols, rows).data(rows * cols / elements * bytes).bytes())
			if err != nil {
				b.Fatal(err)
			}
			m := tensor.New(tensor.F32, rows, cols)
			b.SetBytes(m.Bytes())
			for b.Loop() {
				if err := f.Widen(tensor.Exec{Threads: 1}, m, "w"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
