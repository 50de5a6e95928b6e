package tensor_test

import (
	"testing"

	"github.com/longspan/longspan/tensor"
)

func TestHalvesLieInTheirRows(t *testing.T) {
	whole := tensor.New(tensor.F32, 4, 7)
	m := whole.Slice(1, 3, 2, 7)
	h := m.Halves(tensor.BF16)
	if h.Type != tensor.BF16 || h.Rows != m.Rows || h.Cols != m.Cols {
		t.Fatalf("found %s %d×%d", h.Type, h.Rows, h.Cols)
	}
	for i := range h.Rows {
		for j := range h.Row16(i) {
			h.Row16(i)[j] = 0x7FFF
		}
	}
	for i := range whole.Rows {
		for j, v := range whole.Row(i) {
			// 5 elements of 2 bytes take two and a half of 4.
			if inside := (i == 1 || i == 2) && j >= 2 && j < 5; inside == (v == 0) {
				t.Errorf("element (%d, %d) is %g", i, j, v)
			}
		}
	}
	dry := tensor.NewDryPool().Get(tensor.F32, 2, 3).Halves(tensor.F16)
	if !dry.Dry() || dry.Rows != 2 || dry.Cols != 3 {
		t.Errorf("a dry matrix became %+v", dry)
	}
	defer func() {
		if recover() == nil {
			t.Error("16-bit elements were halved")
		}
	}()
	h.Halves(tensor.BF16)
}
