package safetensors_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/tensor"
)

// A view of a mapped file has the elements that reading gives, in the file's type.
func TestViewEqualsReading(t *testing.T) {
	f32, bf16, f16 := tensor.New(tensor.F32, 3, 5), tensor.New(tensor.BF16, 2, 7), tensor.New(tensor.F16, 1, 3)
	for i := range f32.F32 {
		f32.F32[i] = float32(i) / 3
	}
	for i := range bf16.U16 {
		bf16.U16[i] = uint16(i * 77)
	}
	copy(f16.U16, []uint16{1, 2, 0x3c00})
	path := filepath.Join(t.TempDir(), "m.safetensors")
	err := safetensors.Save(path, []safetensors.Tensor{safetensors.Matrix("a", f32),
		safetensors.Matrix("b", bf16), safetensors.Matrix("c", f16),
		safetensors.Int64s("n", []int64{1, 2})}, nil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := safetensors.OpenMapped(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]tensor.Mat{"a": f32, "b": bf16, "c": f16} {
		got, ok := f.View(name)
		if !ok {
			t.Skip("files are not mapped here")
		}
		if got.Type != want.Type || got.Rows != want.Rows || got.Cols != want.Cols ||
			!slices.Equal(got.F32, want.F32) || !slices.Equal(got.U16, want.U16) {
			t.Errorf("%s: the view is %v, want %v", name, got, want)
		}
	}
	for _, name := range []string{"n", "none"} {
		if _, ok := f.View(name); ok {
			t.Errorf("%s has a view", name)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, ok := f.View("a"); ok {
		t.Error("a closed file has views")
	}
}
