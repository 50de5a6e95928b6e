package autograd

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/kerneltest"
	"github.com/longspan/longspan/tensor"
)

// depthwise64 is the convolution by its definition; b may be nil.
func depthwise64(x, w, b []float64, features int, grids []Grid) []float64 {
	y := make([]float64, 0, len(x))
	for _, g := range grids {
		for h := range g.Height {
			for v := range g.Width {
				for f := range features {
					s := 0.0
					if b != nil {
						s = b[f]
					}
					for k := range 9 {
						up, along := min(max(h+k/3-1, 0), g.Height-1), min(max(v+k%3-1, 0), g.Width-1)
						s += w[k*features+f] * x[(up*g.Width+along)*features+f]
					}
					y = append(y, s)
				}
			}
		}
		x = x[g.Height*g.Width*features:]
	}
	return y
}

func gridRows(grids []Grid) (rows int) {
	for _, g := range grids {
		rows += g.Height * g.Width
	}
	return rows
}

func TestDepthwise(t *testing.T) {
	for _, c := range []struct {
		features int
		grids    []Grid
	}{
		{5, []Grid{{1, 1}}},
		{1, []Grid{{1, 6}}},
		{3, []Grid{{7, 1}}},
		{2, []Grid{{2, 2}}},
		{3, []Grid{{3, 3}, {1, 1}, {2, 7}, {1, 3}}},
		{17, []Grid{{3, 8}}},
		{2, []Grid{{33, 3}, {4, 5}}}, // three bands
	} {
		for _, bias := range []bool{false, true} {
			in := []operand{{gridRows(c.grids), c.features, false}, {9, c.features, true}}
			if bias {
				in = append(in, operand{1, c.features, true})
			}
			opCase{
				name: fmt.Sprintf("%d features, %v, bias %v", c.features, c.grids, bias),
				in:   in,
				build: func(g *Graph, v []*Var) *Var {
					return g.Depthwise3x3(g.Scale(v[0], 1), v[1], append(v, nil)[2], c.grids)
				},
				naive: func(v [][]float64) []float64 { return depthwise64(v[0], v[1], append(v, nil)[2], c.features, c.grids) },
			}.check(t)
		}
	}
}

// The result is computed again for the backward pass, by itself and inside of a recomputed part.
func TestDepthwiseAgain(t *testing.T) {
	const features = 3
	grids := []Grid{{3, 4}, {2, 1}}
	for _, recompute := range []bool{false, true} {
		opCase{
			name: fmt.Sprintf("recompute %v", recompute),
			in:   []operand{{gridRows(grids), features, false}, {9, features, true}, {1, features, true}},
			build: func(g *Graph, v []*Var) *Var {
				block := func() *Var { return g.Activate(g.Depthwise3x3(g.Scale(v[0], 1), v[1], v[2], grids), SiLU) }
				if recompute {
					return g.Recompute(block)
				}
				return block()
			},
			naive: func(v [][]float64) []float64 {
				y := depthwise64(v[0], v[1], v[2], features, grids)
				for i, x := range y {
					y[i] = x * sigmoid64(x)
				}
				return y
			},
		}.check(t)
	}
}

// Several tiles in both directions, at every level. There are too many derivatives for differences. The result is linear in x and in w, so
// that Σ g·y = Σ dx·x = Σ dw·w for the right dx and dw.
func TestDepthwiseTiles(t *testing.T) {
	const features = 640
	grids := []Grid{{18, 55}, {1, 2}}
	kerneltest.Levels(t, func(t *testing.T) {
		for _, p := range []Policy{F32(), BF16()} {
			c := opCase{
				name:  "tiles",
				in:    []operand{{gridRows(grids), features, false}, {9, features, true}},
				build: func(g *Graph, v []*Var) *Var { return g.Depthwise3x3(v[0], v[1], nil, grids) },
			}
			got, again := c.run(t, p, 1, false), c.run(t, p, 3, false)
			x, w := got.inputs[0], got.inputs[1]
			compare(t, "value", got.value, depthwise64(x, w, nil, features, grids), tolerances[p])
			value := dot64(got.seed, depthwise64(x, w, nil, features, grids))
			for i, in := range got.inputs {
				dot, limit := dot64(kerneltest.Float64(got.grads[i]), in), tolerances[p]*sqrt64(len(x)) // roundings that do not conspire
				if !(math.Abs(dot-value) < limit) {
					t.Errorf("%s: gradient %d times its input is %g, want %g", p, i, dot, value)
				}
				if !slices.Equal(got.grads[i], again.grads[i]) {
					t.Errorf("%s: gradient %d depends on the number of threads", p, i)
				}
			}
		}
	})
}

// A leaf may be a view with gaps between its rows.
func TestDepthwiseOfAView(t *testing.T) {
	const features = 3
	grids := []Grid{{3, 4}}
	all, values := randomMat(kerneltest.Rand(1), tensor.F32, 12, 5, 1)
	taps, w := randomMat(kerneltest.Rand(2), tensor.F32, 9, features, 1)
	var x []float64
	for i := range 12 {
		x = append(x, values[5*i+1:5*i+1+features]...)
	}
	g := New(tensor.Exec{}, Options{})
	defer g.Close()
	y := g.Keep(g.Depthwise3x3(g.Input(all.SliceCols(1, 1+features)), g.Input(taps), nil, grids))
	if err := g.Forward(); err != nil {
		t.Fatal(err)
	}
	compare(t, "value", flat(y.Value()), depthwise64(x, w, nil, features, grids), tolerances[F32()])
}

func TestDepthwiseRefuses(t *testing.T) {
	x := tensor.New(tensor.F32, 12, 3)
	for name, c := range map[string]struct {
		taps, bias tensor.Mat
		grids      []Grid
		want       string
	}{
		"taps":     {tensor.New(tensor.F32, 3, 3), tensor.Mat{}, []Grid{{3, 4}}, "f32 3×3, expected an f32 leaf of 9×3"},
		"type":     {tensor.New(tensor.BF16, 9, 3), tensor.Mat{}, []Grid{{3, 4}}, "bf16 9×3, expected an f32 leaf of 9×3"},
		"bias":     {tensor.New(tensor.F32, 9, 3), tensor.New(tensor.F32, 1, 2), []Grid{{3, 4}}, "f32 1×2, expected an f32 leaf of 1×3"},
		"empty":    {tensor.New(tensor.F32, 9, 3), tensor.Mat{}, []Grid{{3, 4}, {0, 1}}, "grid 1 of 0×1, expected at least 1×1"},
		"few":      {tensor.New(tensor.F32, 9, 3), tensor.Mat{}, []Grid{{3, 3}}, "add up to 9 for 12 rows"},
		"many":     {tensor.New(tensor.F32, 9, 3), tensor.Mat{}, []Grid{{3, 3}, {2, 2}}, "more than the 12 rows of x: grid 1 of 2×2 has 3 left"},
		"overflow": {tensor.New(tensor.F32, 9, 3), tensor.Mat{}, []Grid{{1 << 30, 1 << 30}}, "more than the 12 rows"},
		"none":     {tensor.New(tensor.F32, 9, 3), tensor.Mat{}, nil, "add up to 0 for 12 rows"},
	} {
		t.Run(name, func(t *testing.T) {
			g := New(tensor.Exec{}, Options{})
			var b *Var
			if c.bias.Rows > 0 {
				b = g.Input(c.bias)
			}
			g.Depthwise3x3(g.Input(x), g.Input(c.taps), b, c.grids)
			if err := g.Forward(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

// BenchmarkDepthwise is a 4K picture in patches of 8×8 in a feed-forward layer of 640 features, beside a copy of it. GB/s are of what is
// read and written once.
func BenchmarkDepthwise(b *testing.B) {
	const features = 640
	grids := []Grid{{270, 480}}
	rows := gridRows(grids)
	for _, typ := range []tensor.Type{tensor.F32, tensor.BF16} {
		for _, threads := range []int{1, 2} {
			x, dy, out := tensor.New(typ, rows, features), tensor.New(typ, rows, features), tensor.New(typ, rows, features)
			exec := tensor.Exec{Threads: threads, Pool: tensor.NewPool()}
			g := New(exec, Options{Train: true})
			in := []*Var{
				{graph: g, typ: typ, rows: rows, cols: features, wants: true, value: x},
				g.Leaf(tensor.New(tensor.F32, 9, features), tensor.New(tensor.F32, 9, features)),
			}
			o := &depthwise{tiles: gridTiles(grids, features)}
			n := &node{op: o, in: in, out: &Var{graph: g, typ: typ, rows: rows, cols: features}}
			for _, c := range []struct {
				pass string
				mats int64
				run  func() error
			}{
				{"copy", 2, func() error { convert(exec, out, x); return nil }},
				{"forward", 2, func() error { return o.forward(&call{x: exec, in: []tensor.Mat{x, in[1].value}, out: out}) }},
				{"backward", 3, func() error {
					defer g.dropGrad(in[0])
					return o.backward(&backCall{x: exec, in: []tensor.Mat{x, in[1].value}, dout: dy, graph: g, tape: g.root, node: n})
				}},
			} {
				b.Run(fmt.Sprintf("%s/%s/threads=%d/level=%v", c.pass, typ, threads, kernel.Level()), func(b *testing.B) {
					run := func() {
						if err := c.run(); err != nil {
							b.Fatal(err)
						}
					}
					run() // touches the memory
					for b.Loop() {
						run()
					}
					b.ReportMetric(float64(c.mats*x.Bytes())*float64(b.N)/b.Elapsed().Seconds()/1e9, "GB/s")
				})
			}
		}
	}
}
