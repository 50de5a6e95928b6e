package safetensors_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/tensor"
)

// Tensors that are made when they are written are those that were made before.
func TestTensorsMadeLater(t *testing.T) {
	m := tensor.New(tensor.F32, 3, 4)
	for i := range m.F32 {
		m.F32[i] = 1 + float32(i)/512 // which BF16 rounds
	}
	rounded := tensor.New(tensor.BF16, 3, 4)
	if err := tensor.Convert(tensor.Exec{}, rounded, m); err != nil {
		t.Fatal(err)
	}
	row := func(dst []float32, i int) { copy(dst, m.Row(i)) }
	for _, c := range []struct{ lazy, eager safetensors.Tensor }{
		{safetensors.Rows("a", tensor.F32, []int{3, 4}, 4, row), safetensors.Matrix("a", m)},
		{safetensors.Rows("a", tensor.BF16, []int{3, 2, 2}, 4, row), safetensors.Shaped("a", rounded, 3, 2, 2)},
		{safetensors.Later("a", safetensors.I64, []int{2}, func() ([]byte, error) { return make([]byte, 16), nil }),
			safetensors.Int64s("a", []int64{0, 0})},
	} {
		if got, want := written(t, c.lazy), written(t, c.eager); !slices.Equal(got, want) {
			t.Errorf("%v: other bytes", c.lazy.Shape)
		}
		if c.lazy.Bytes() != c.eager.Bytes() || c.lazy.Bytes() == 0 {
			t.Errorf("%d bytes, want %d", c.lazy.Bytes(), c.eager.Bytes())
		}
	}
}

func written(t *testing.T, tensors ...safetensors.Tensor) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := safetensors.Write(&b, tensors, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWhatCannotBeMadeLater(t *testing.T) {
	large := func(dst []float32, _ int) { dst[0] = 65520 }
	gone := errors.New("the file is gone")
	for _, c := range []struct {
		tensor safetensors.Tensor
		want   string
	}{
		{safetensors.Rows("a", tensor.F16, []int{1, 1}, 1, large), `tensor "a" has the number 65520, which F16 does not hold`},
		{safetensors.Rows("a", tensor.F32, []int{3}, 2, large), `tensor "a" of shape [3] has no rows of 2 elements`},
		{safetensors.Later("a", safetensors.U8, []int{1}, func() ([]byte, error) { return nil, gone }), "the file is gone"},
		{safetensors.Later("a", safetensors.U8, []int{2}, func() ([]byte, error) { return []byte{1}, nil }), "has 1 bytes of U8; 2 were"},
	} {
		err := safetensors.Write(&bytes.Buffer{}, []safetensors.Tensor{c.tensor}, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
}
