package chunk

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/longspan/longspan/tensor"
)

// fill writes a number that tells the token and the column into each element that a chunk computes.
func fill(piece tensor.Mat, c Chunk) error {
	for i := range piece.Rows {
		for j := range piece.Cols {
			v := (c.Start+i)*piece.Cols + j
			if piece.Type == tensor.F32 {
				piece.Row(i)[j] = float32(v)
			} else {
				piece.Row16(i)[j] = uint16(v)
			}
		}
	}
	return nil
}

func TestRunJoins(t *testing.T) {
	for _, typ := range []tensor.Type{tensor.F32, tensor.BF16, tensor.F16} {
		x := tensor.Exec{Pool: tensor.NewPool()}
		wide := tensor.New(typ, 1000, 5)
		out := wide.SliceCols(1, 4) // a view with a stride
		for i := range wide.F32 {
			wide.F32[i] = float32(math.NaN())
		}
		if err := Run(x, out, Options{Size: 256, Before: 100, After: 200}, fill); err != nil {
			t.Fatal(err)
		}
		for i := range out.Rows {
			for j := range out.Cols {
				if typ == tensor.F32 && out.Row(i)[j] != float32(i*3+j) || typ != tensor.F32 && out.Row16(i)[j] != uint16(i*3+j) {
					t.Fatalf("%v: element (%d, %d) is not its own", typ, i, j)
				}
			}
		}
		if typ == tensor.F32 && !math.IsNaN(float64(wide.Row(3)[0])) {
			t.Error("wrote outside the view")
		}
		if x.Pool.InUse() != 0 {
			t.Errorf("%d bytes did not come back to the pool", x.Pool.InUse())
		}
		if want := int64(typ.Size() * 640 * 3); x.Pool.Peak() != want { // 128 + 256 + 256 tokens
			t.Errorf("%v: a peak of %d bytes, expected %d, one chunk", typ, x.Pool.Peak(), want)
		}
	}
}

func TestRunDry(t *testing.T) {
	x := tensor.Exec{Pool: tensor.NewDryPool()}
	calls := 0
	err := Run(x, tensor.Mat{Rows: 1000, Cols: 3}, Options{Size: 256, Before: 100, After: 200}, func(piece tensor.Mat, c Chunk) error {
		calls++
		if !piece.Dry() || piece.Rows != c.Len() || piece.Cols != 3 {
			t.Errorf("%+v got a piece of %d×%d", c, piece.Rows, piece.Cols)
		}
		return nil
	})
	if err != nil || calls != 4 || x.Pool.Peak() != 4*640*3 {
		t.Errorf("%d calls, peak %d, %v", calls, x.Pool.Peak(), err)
	}
	if err := Run(tensor.Exec{}, tensor.Mat{Rows: 10, Cols: 3}, Options{}, func(piece tensor.Mat, _ Chunk) error {
		if !piece.Dry() {
			t.Error("a piece with data for an out without")
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func TestRunErrors(t *testing.T) {
	x := tensor.Exec{Pool: tensor.NewPool()}
	broken := errors.New("broken")
	calls := 0
	err := Run(x, tensor.New(tensor.F32, 1000, 2), Options{Size: 256}, func(tensor.Mat, Chunk) error {
		calls++
		if calls == 2 {
			return broken
		}
		return nil
	})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "chunk 2 of 4, tokens 256 … 511") || calls != 2 || x.Pool.InUse() != 0 {
		t.Errorf("%v after %d calls, %d bytes in use", err, calls, x.Pool.InUse())
	}
	good := tensor.New(tensor.F32, 10, 2)
	refused(t, Run(x, good, Options{Size: -1}, fill), "found Size = -1")
	refused(t, Run(tensor.Exec{Pool: tensor.NewDryPool()}, good, Options{}, fill), "found a pool that only counts")
	bad := good
	bad.Stride = 100
	refused(t, Run(x, bad, Options{}, fill), "found 20 elements of f32 in out with rows 100 apart")
}

func TestJoinRefusals(t *testing.T) {
	out, piece, c := tensor.New(tensor.F32, 20, 3), tensor.New(tensor.F32, 10, 3), Chunk{5, 15, 7, 12}
	if err := Join(out, piece, c); err != nil {
		t.Fatal(err)
	}
	short := piece
	short.F32 = short.F32[:5]
	for want, bad := range map[string]struct {
		out, piece tensor.Mat
		c          Chunk
	}{
		"found a piece of 10×4 f32, expected 10×3 f32":  {out, tensor.New(tensor.F32, 10, 4), c},
		"found a piece of 11×3 f32, expected 10×3 f32":  {out, tensor.New(tensor.F32, 11, 3), c},
		"found a piece of 10×3 bf16, expected 10×3 f32": {out, tensor.New(tensor.BF16, 10, 3), c},
		"and data in both or neither":                   {out, tensor.Mat{Rows: 10, Cols: 3, Stride: 3}, c},
		"found 5 elements of f32 in piece":              {out, short, c},
		"reads 12 … 21 and keeps 14 … 20":               {out, piece, Chunk{12, 22, 14, 21}},
		"reads -5 … 4 and keeps -1 … 1":                 {out, piece, Chunk{-5, 5, -1, 2}},
		"reads 5 … 14 and keeps 7 … 15":                 {out, piece, Chunk{5, 15, 7, 16}},
		"reads 5 … 14 and keeps 9 … 7":                  {out, piece, Chunk{5, 15, 9, 8}},
		"found piece of type(9)":                        {out, tensor.Mat{Type: 9, Rows: 10, Cols: 3}, c},
		"found piece of -10×3":                          {out, tensor.Mat{Rows: -10, Cols: 3}, c},
	} {
		refused(t, Join(bad.out, bad.piece, bad.c), want)
	}
}
