package autograd

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
)

// drawn returns a matrix of numbers around 0.
func drawn(seed uint64, rows, cols int) tensor.Mat {
	r, m := data.NewRandom(seed, 0), tensor.New(tensor.F32, rows, cols)
	for i := range m.F32 {
		m.F32[i] = float32(r.Float64() - 0.5)
	}
	return m
}

// TestDropoutRows checks that the rows of parts lose what they lose in the whole.
func TestDropoutRows(t *testing.T) {
	x := drawn(1, 9, 40)
	drop := func(rows tensor.Mat, first int) []float32 {
		g := New(tensor.Exec{}, Options{Train: true})
		defer g.Close()
		y := g.Keep(g.DropoutRows(g.Leaf(rows, tensor.New(tensor.F32, rows.Rows, rows.Cols)), 0.5, 7, first))
		if err := g.Forward(); err != nil {
			t.Fatal(err)
		}
		return slices.Clone(y.Value().F32)
	}
	whole := drop(x, 0)
	if parts := append(drop(x.SliceRows(0, 4), 0), drop(x.SliceRows(4, 9), 4)...); !slices.Equal(parts, whole) {
		t.Error("the parts lose other elements than the whole")
	}
}

// TestLossesOfParts checks that losses and gradients of parts, one of them without a row, add up to those of the whole.
func TestLossesOfParts(t *testing.T) {
	const rows, classes = 7, 5
	x, w := drawn(1, rows, 6), drawn(2, classes, 6)
	targets, values := []int32{1, 4, Ignore, 0, 2, Ignore, 3}, drawn(3, rows, 6)
	for name, loss := range map[string]func(g *Graph, x, w *Var, lo, hi int) *Var{
		"cross-entropy": func(g *Graph, x, w *Var, lo, hi int) *Var {
			return g.CrossEntropy(x, w, nil, targets[lo:hi], CrossEntropyOptions{Counted: 5, Derivative: 1})
		},
		"mean square": func(g *Graph, x, _ *Var, lo, hi int) *Var { return g.MeanSquareOf(x, values.SliceRows(lo, hi), rows) },
	} {
		run := func(lo, hi int) (mean float32, dx, dw tensor.Mat) {
			dx, dw = tensor.New(tensor.F32, rows, 6), tensor.New(tensor.F32, classes, 6)
			g := New(tensor.Exec{}, Options{Train: true, Part: true})
			defer g.Close()
			var index []int32
			for i := lo; i < hi; i++ {
				index = append(index, int32(i))
			}
			l := g.Keep(loss(g, g.Take(g.Leaf(x, dx), index), g.Leaf(w, dw), lo, hi))
			if err := g.Forward(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if err := g.Backward(l, 1); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return l.Scalar(), dx, dw
		}
		want, wantX, wantW := run(0, rows)
		var got float32
		gotX, gotW := tensor.New(tensor.F32, rows, 6), tensor.New(tensor.F32, classes, 6)
		for _, part := range [][2]int{{0, 3}, {3, 3}, {3, rows}} {
			l, dx, dw := run(part[0], part[1])
			got += l
			for i := range dx.F32 {
				gotX.F32[i] += dx.F32[i]
			}
			for i := range dw.F32 {
				gotW.F32[i] += dw.F32[i]
			}
		}
		if d := got - want; d > 1e-6 || d < -1e-6 {
			t.Errorf("%s: the losses of the parts add up to %g, expected %g", name, got, want)
		}
		if !slices.Equal(gotX.F32, wantX.F32) {
			t.Errorf("%s: the gradients of the rows differ", name)
		}
		for i, v := range wantW.F32 {
			if d := gotW.F32[i] - v; d > 1e-6 || d < -1e-6 {
				t.Errorf("%s: gradient %d of the weights is %g, expected %g", name, i, gotW.F32[i], v)
			}
		}
	}
}

// TestMeanPoolOver checks means and gradients over ranks against MeanPool, bit for bit.
func TestMeanPoolOver(t *testing.T) {
	lengths := []int{5, 1400, 1, 700}
	for _, policy := range []Policy{F32(), BF16()} {
		x := tensor.New(policy.Activations, 2106, 10)
		if err := tensor.Convert(tensor.Exec{}, x, drawn(1, 2106, 10)); err != nil {
			t.Fatal(err)
		}
		weights := drawn(2, 4, 10)
		whole, wholeGrad := pooled(t, policy, x, 0, x.Rows, weights, func(g *Graph, v *Var) *Var { return g.MeanPool(v, lengths) })
		for ranks := 1; ranks <= 5; ranks++ {
			got, grad := make([][]float32, ranks), make([][]float32, ranks)
			errs := make([]error, ranks)
			var all sync.WaitGroup
			for r, e := range parallel.Local(ranks) {
				all.Go(func() {
					share, err := parallel.NewShare(e, lengths)
					if err != nil {
						errs[r] = err
						return
					}
					lo, hi := share.Own()
					first, last := owned(share, r)
					got[r], grad[r] = pooled(t, policy, x, lo, hi, weights.SliceRows(first, last),
						func(g *Graph, v *Var) *Var { return g.MeanPoolOver(v, share) })
				})
			}
			all.Wait()
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(slices.Concat(got...), whole) || !slices.Equal(slices.Concat(grad...), wholeGrad) {
				t.Errorf("%s over %d ranks: the means or their gradients differ", policy, ranks)
			}
		}
	}
}

// owned are the sequences whose first row a rank has: first … last−1.
func owned(share *parallel.Share, rank int) (first, last int) {
	for _, p := range share.Pieces(rank) {
		if p.From == 0 {
			if last == 0 {
				first = p.Sequence
			}
			last = p.Sequence + 1
		}
	}
	return first, last
}

// pooled returns what pool makes of rows lo … hi−1 of x, and the gradients of these rows.
func pooled(t *testing.T, policy Policy, x tensor.Mat, lo, hi int, weights tensor.Mat, pool func(*Graph, *Var) *Var) (means, grads []float32) {
	g := New(tensor.Exec{}, Options{Policy: policy, Train: true, Part: true})
	defer g.Close()
	dx := tensor.New(tensor.F32, x.Rows, x.Cols)
	var index []int32
	for i := lo; i < hi; i++ {
		index = append(index, int32(i))
	}
	v := g.Take(g.Leaf(x, dx), index)
	y := g.Keep(pool(g, v))
	loss := g.MeanSquareOf(y, weights, 1)
	if err := g.Forward(); err != nil {
		t.Error(err)
		return nil, nil
	}
	wide := tensor.New(tensor.F32, y.Rows(), y.Cols())
	if err := tensor.Convert(tensor.Exec{}, wide, y.Value()); err != nil {
		t.Error(err)
	}
	if err := g.Backward(loss, 1); err != nil {
		t.Error(err)
	}
	return wide.F32, dx.SliceRows(lo, hi).F32
}
