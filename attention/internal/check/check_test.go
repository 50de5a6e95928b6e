package check

import (
	"math"
	"strings"
	"testing"

	"github.com/longspan/longspan/tensor"
)

func TestMats(t *testing.T) {
	whole := tensor.New(tensor.F32, 3, 4)
	with := func(change func(m *tensor.Mat)) tensor.Mat {
		m := whole
		change(&m)
		return m
	}
	dry := tensor.Mat{Type: tensor.BF16, Rows: 3, Cols: 4, Stride: 4}
	for name, c := range map[string]struct {
		mem  *tensor.Pool
		mats []tensor.Mat
		want string // of the error; none where it is empty
		dry  bool
	}{
		"data":            {tensor.NewPool(), []tensor.Mat{whole, whole}, "", false},
		"no pool":         {nil, []tensor.Mat{whole}, "", false},
		"dry":             {nil, []tensor.Mat{dry, dry}, "", true},
		"half dry":        {nil, []tensor.Mat{whole, dry}, "p: found data in only one of a and b, expected all matrices", false},
		"a dry pool":      {tensor.NewDryPool(), []tensor.Mat{whole}, "p: found a dry pool and matrices with data", false},
		"rows":            {nil, []tensor.Mat{whole.SliceRows(0, 2)}, "p: found a of 2×4, expected 3×4", false},
		"an unknown type": {nil, []tensor.Mat{with(func(m *tensor.Mat) { m.Type = 9 })}, "expected f32, bf16 or f16", false},
		"data of a type":  {nil, []tensor.Mat{with(func(m *tensor.Mat) { m.Type = tensor.F16 })}, "found 0 elements of f16 in a", false},
		"short": {nil, []tensor.Mat{with(func(m *tensor.Mat) { m.F32 = m.F32[:11] })},
			"found 11 elements of f32 in a with rows 4 apart", false},
		"a stride too small": {nil, []tensor.Mat{with(func(m *tensor.Mat) { m.Stride = 3 })}, "expected rows 4 or more apart", false},
		"a huge stride":      {nil, []tensor.Mat{with(func(m *tensor.Mat) { m.Stride = math.MaxInt })}, "view it with Slice", false},
	} {
		var mats []Mat
		for i, m := range c.mats {
			mats = append(mats, Mat{string(rune('a' + i)), m, 3, 4})
		}
		isDry, err := Mats("p", c.mem, mats...)
		if isDry != c.dry || (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: dry %v, error %v; want dry %v, error %q", name, isDry, err, c.dry, c.want)
		}
	}
	if _, err := Mats("p", nil, Mat{"e", tensor.Mat{Rows: 0, Cols: 4}, 0, 4}); err != nil {
		t.Errorf("an empty matrix: %v", err)
	}
}
