package gguf_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/gguf"
	"github.com/longspan/longspan/tensor"
)

// Rows come back into the order that they had before the converter of llama.cpp.
func TestUnpermuteRows(t *testing.T) {
	f, err := gguf.Open(golden)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := readF32(t, f, "permuted.want")
	for _, kind := range []tensor.Type{tensor.F32, tensor.BF16} {
		m := tensor.New(kind, want.Rows, want.Cols)
		if err := f.ReadMat(m, "permuted"); err != nil {
			t.Fatal(err)
		}
		if err := gguf.UnpermuteRows(m, 3); err != nil {
			t.Fatal(err)
		}
		got := tensor.New(tensor.F32, want.Rows, want.Cols)
		if err := tensor.Convert(tensor.Exec{}, got, m); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.F32, want.F32) {
			t.Errorf("%v: %v, want %v", kind, got.F32, want.F32)
		}
	}
	for _, c := range []struct{ rows, heads int }{{24, 0}, {24, -1}, {24, 5}, {24, 8}, {24, 24}} {
		err := gguf.UnpermuteRows(tensor.New(tensor.F32, c.rows, 2), c.heads)
		if err == nil || !strings.Contains(err.Error(), "heads of an even number of rows") {
			t.Errorf("%d rows of %d heads: %v", c.rows, c.heads, err)
		}
	}
}
