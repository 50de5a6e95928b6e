package autograd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/tensor"
)

func TestLinear(t *testing.T) {
	const rows, in, out = 5, 6, 3
	product := func(v [][]float64, bias bool) []float64 {
		y := make([]float64, rows*out)
		for i := range rows {
			for j := range out {
				for k := range in {
					y[i*out+j] += v[0][i*in+k] * v[1][j*in+k]
				}
				if bias {
					y[i*out+j] += v[2][j]
				}
			}
		}
		return y
	}
	opCase{
		name:  "bias",
		in:    []operand{{rows, in, false}, {out, in, true}, {1, out, true}},
		build: func(g *Graph, v []*Var) *Var { return g.Linear(v[0], v[1], v[2]) },
		naive: func(v [][]float64) []float64 { return product(v, true) },
	}.check(t)
	opCase{
		name:  "plain",
		in:    []operand{{rows, in, false}, {out, in, true}},
		build: func(g *Graph, v []*Var) *Var { return g.LinearF32(v[0], v[1], nil) },
		naive: func(v [][]float64) []float64 { return product(v, false) },
	}.check(t)
}

func TestAdd(t *testing.T) {
	opCase{
		name:  "two",
		in:    []operand{{4, 5, false}, {4, 5, false}},
		build: func(g *Graph, v []*Var) *Var { return g.Add(v[0], v[1]) },
		naive: func(v [][]float64) []float64 { return sum64(v[0], v[1]) },
	}.check(t)
	opCase{ // the gradient of x is shared by three readers, and must not be changed under any of them
		name: "shared",
		in:   []operand{{4, 5, false}},
		build: func(g *Graph, v []*Var) *Var {
			x := g.Scale(v[0], 1)
			y := g.Add(x, g.Scale(x, 2))
			return g.Add(y, g.Add(x, x))
		},
		naive: func(v [][]float64) []float64 {
			y := make([]float64, len(v[0]))
			for i, x := range v[0] {
				y[i] = 5 * x
			}
			return y
		},
	}.check(t)
}

func TestScaleRows(t *testing.T) {
	const rows, cols = 4, 5
	factors := []float32{2, 0, -0.5, 1}
	opCase{
		name:  "rows",
		in:    []operand{{rows, cols, false}},
		build: func(g *Graph, v []*Var) *Var { return g.ScaleRows(v[0], factors) },
		naive: func(v [][]float64) []float64 {
			y := append([]float64(nil), v[0]...)
			for i := range y {
				y[i] *= float64(factors[i/cols])
			}
			return y
		},
	}.check(t)
}

func TestNorm(t *testing.T) {
	const rows, cols, eps = 4, 7, 1e-3
	naive := func(v [][]float64, rms bool) []float64 {
		y := make([]float64, rows*cols)
		for i := range rows {
			x := v[0][i*cols : (i+1)*cols]
			mean, square := 0.0, 0.0
			for _, a := range x {
				mean += a / cols
			}
			if rms {
				mean = 0
			}
			for _, a := range x {
				square += (a - mean) * (a - mean) / cols
			}
			for j, a := range x {
				y[i*cols+j] = v[1][j] * (a - mean) / math.Sqrt(square+eps)
				if len(v) > 2 {
					y[i*cols+j] += v[2][j]
				}
			}
		}
		return y
	}
	opCase{
		name:  "layer",
		in:    []operand{{rows, cols, false}, {1, cols, true}, {1, cols, true}},
		build: func(g *Graph, v []*Var) *Var { return g.LayerNorm(v[0], v[1], v[2], eps) },
		naive: func(v [][]float64) []float64 { return naive(v, false) },
	}.check(t)
	opCase{
		name:  "rms",
		in:    []operand{{rows, cols, false}, {1, cols, true}},
		build: func(g *Graph, v []*Var) *Var { return g.RMSNorm(v[0], v[1], eps) },
		naive: func(v [][]float64) []float64 { return naive(v, true) },
	}.check(t)
	// The gradient of a residual connection has come in when that of the norm does: by itself, or shared.
	opCase{
		name: "in a branch",
		in:   []operand{{rows, cols, false}, {1, cols, true}},
		build: func(g *Graph, v []*Var) *Var {
			x := g.Scale(v[0], 1)
			return g.Add(x, g.Scale(g.RMSNorm(x, v[1], eps), 0.5))
		},
		naive: func(v [][]float64) []float64 {
			y := naive(v, true)
			for i, x := range v[0] {
				y[i] = x + y[i]/2
			}
			return y
		},
	}.check(t)
	opCase{
		name: "beside",
		in:   []operand{{rows, cols, false}, {1, cols, true}, {1, cols, true}},
		build: func(g *Graph, v []*Var) *Var {
			x := g.Scale(v[0], 1)
			return g.Add(x, g.LayerNorm(x, v[1], v[2], eps))
		},
		naive: func(v [][]float64) []float64 { return sum64(naive(v, false), v[0]) },
	}.check(t)
}

func TestHeadNorm(t *testing.T) {
	const rows, heads, kv, dim, cols, eps = 5, 3, 2, 8, 8*5 + 6, 1e-3
	opCase{
		name: "heads",
		in:   []operand{{rows, cols, false}, {1, dim, true}, {1, dim, true}},
		build: func(g *Graph, v []*Var) *Var {
			return g.HeadNorm(v[0], eps, HeadWeight{v[1], heads}, HeadWeight{v[2], kv})
		},
		naive: func(v [][]float64) []float64 {
			y := append([]float64(nil), v[0]...)
			for i := range rows {
				for h := range heads + kv {
					head, w := y[i*cols+h*dim:][:dim], v[1]
					if h >= heads {
						w = v[2]
					}
					square := 0.0
					for _, x := range head {
						square += x * x / dim
					}
					for j := range head {
						head[j] *= w[j] / math.Sqrt(square+eps)
					}
				}
			}
			return y
		},
	}.check(t)
}

// activation64 is each activation's curve, from its definition.
func activation64(a Activation, x float64) float64 {
	switch a.curve() {
	case ReLU:
		return max(x, 0)
	case Tanh:
		return math.Tanh(x)
	case SiLU:
		return x / (1 + math.Exp(-x))
	case GELUTanh:
		return 0.5 * x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
	}
	return 0.5 * x * math.Erfc(-x/math.Sqrt2)
}

func TestActivations(t *testing.T) {
	for a := GELU; a <= Tanh; a++ {
		const rows, cols = 6, 8
		opCase{
			name:  a.String(),
			in:    []operand{{rows, cols, false}},
			build: func(g *Graph, v []*Var) *Var { return g.Activate(g.Scale(v[0], 2), a) },
			naive: func(v [][]float64) []float64 {
				var y []float64
				for i := range rows {
					row := v[0][i*cols : (i+1)*cols]
					if !a.Gated() {
						for _, x := range row {
							y = append(y, activation64(a, 2*x))
						}
						continue
					}
					for j := range cols / 2 {
						y = append(y, activation64(a, 2*row[j])*2*row[cols/2+j])
					}
				}
				return y
			},
		}.check(t)
	}
}

func TestTake(t *testing.T) {
	index := []int32{3, 0, -1, 3, 3, 1}
	const rows, cols = 5, 4
	naive := func(v [][]float64) []float64 {
		y := make([]float64, len(index)*cols)
		for i, k := range index {
			if k >= 0 {
				copy(y[i*cols:(i+1)*cols], v[0][int(k)*cols:])
			}
		}
		return y
	}
	opCase{
		name:  "take",
		in:    []operand{{rows, cols, false}},
		build: func(g *Graph, v []*Var) *Var { return g.Take(g.Scale(v[0], 1), index) },
		naive: naive,
	}.check(t)
	opCase{
		name:  "embedding",
		in:    []operand{{rows, cols, true}},
		build: func(g *Graph, v []*Var) *Var { return g.Embedding(v[0], index) },
		naive: naive,
	}.check(t)
}

func TestSigns(t *testing.T) {
	const rows, cols, width, scale = 5, 10, 70, 1.5
	seeds := [][]uint64{{1, 2, 0, 1, 9}, {7, 0, 0, 8, 1}}
	opCase{
		name:  "before",
		in:    []operand{{rows, cols, false}},
		build: func(g *Graph, v []*Var) *Var { return g.Signs(g.Scale(v[0], 1), scale, width, seeds) },
		naive: func(v [][]float64) []float64 {
			var y []float64
			s := make([]float32, width)
			for i := range rows {
				for _, list := range seeds {
					if clear(s); list[i] != 0 {
						draw(s, scale, list[i])
					}
					for _, x := range s {
						y = append(y, float64(x))
					}
				}
				y = append(y, v[0][i*cols:(i+1)*cols]...)
			}
			return y
		},
	}.check(t)
}

// Signs of two seeds agree as often as not, those of seeds that follow each other too.
func TestSignsAreUnlike(t *testing.T) {
	const width, scale, pairs = 128, 1.5, 1000
	a, b := make([]float32, width), make([]float32, width)
	sum, square := 0.0, 0.0
	for seed := range uint64(pairs) {
		draw(a, scale, seed+1)
		draw(b, scale, seed+2)
		dot := 0.0
		for j := range a {
			if a[j] != scale && a[j] != -scale {
				t.Fatalf("sign %d of seed %d is %g", j, seed+1, a[j])
			}
			dot += float64(a[j]*b[j]) / (scale * scale)
		}
		sum, square = sum+dot/pairs, square+dot*dot/(width*pairs)
	}
	// Standard errors: √(128/1000) = 0.36 of the mean, √(2/1000) = 0.045 of the variance over 128; four of each.
	if math.Abs(sum) > 1.5 || math.Abs(square-1) > 0.18 {
		t.Errorf("products of unequal seeds have mean %g and variance %g times the width, want 0 and 1", sum, square)
	}
}

func TestMeanPool(t *testing.T) {
	testPool(t, func(g *Graph, x *Var, lengths []int) *Var { return g.MeanPool(x, lengths) },
		func(n int) float64 { return 1 / float64(n) })
}

func TestSumPool(t *testing.T) {
	testPool(t, func(g *Graph, x *Var, lengths []int) *Var { return g.SumPool(x, lengths) }, func(int) float64 { return 1 })
}

// testPool checks the sum of the rows of each sequence times a factor of their number.
func testPool(t *testing.T, pool func(g *Graph, x *Var, lengths []int) *Var, factor func(n int) float64) {
	t.Helper()
	lengths := []int{3, 1, 300}
	const cols = 2
	opCase{
		name:  "pool",
		in:    []operand{{304, cols, false}},
		build: func(g *Graph, v []*Var) *Var { return pool(g, v[0], lengths) },
		naive: func(v [][]float64) []float64 {
			y := make([]float64, len(lengths)*cols)
			i := 0
			for s, n := range lengths {
				for range n {
					for j := range cols {
						y[s*cols+j] += factor(n) * v[0][i*cols+j]
					}
					i++
				}
			}
			return y
		},
	}.check(t)
}

func TestJoin(t *testing.T) {
	const cols = 3
	opCase{
		name:  "join",
		in:    []operand{{3, cols, false}, {4, cols, false}},
		build: func(g *Graph, v []*Var) *Var { return g.Join(v[0], []int{2, 0, 1}, v[1], []int{1, 3, 0}) },
		naive: func(v [][]float64) []float64 {
			a, b := v[0], v[1]
			var y []float64
			y = append(append(y, a[:2*cols]...), b[:cols]...)
			y = append(append(y, b[cols:4*cols]...), a[2*cols:]...)
			return y
		},
	}.check(t)
}

func TestDropout(t *testing.T) {
	const rows, cols = 5, 6
	mask := make([]float32, rows*cols)
	ones := make([]float32, cols)
	for j := range ones {
		ones[j] = 1
	}
	for i := range rows {
		dropout{cut: 1 << 14, scale: 4. / 3, seed: 11}.mask(mask[i*cols:(i+1)*cols], ones, i)
	}
	opCase{
		name:  "quarter",
		in:    []operand{{rows, cols, false}},
		build: func(g *Graph, v []*Var) *Var { return g.Dropout(g.Scale(v[0], 1), 0.25, 11) },
		naive: func(v [][]float64) []float64 {
			y := make([]float64, rows*cols)
			for i, x := range v[0] {
				y[i] = x * float64(mask[i])
			}
			return y
		},
	}.check(t)
}

func TestDropoutRate(t *testing.T) {
	const cols, rows, rate = 1000, 100, 0.1
	ones, row := make([]float32, cols), make([]float32, cols)
	for j := range ones {
		ones[j] = 1
	}
	dropped := 0
	for i := range rows {
		dropout{cut: 6554, scale: 1, seed: 5}.mask(row, ones, i)
		for _, v := range row {
			if v == 0 {
				dropped++
			}
		}
	}
	// 100,000 draws: the standard deviation of the share is √(0.1·0.9/1e5) = 0.00095; five of them.
	if share := float64(dropped) / (cols * rows); math.Abs(share-rate) > 0.005 {
		t.Errorf("dropped %g of the elements, want %g", share, rate)
	}
}

func TestCrossEntropy(t *testing.T) {
	const rows, in, classes = 6, 5, 4
	targets := []int32{3, 0, Ignore, 1, 1, 2}
	random, _ := randomMat(rand.New(rand.NewPCG(3, 5)), tensor.F32, rows, classes, 2)
	for _, prior := range []tensor.Mat{{}, random} {
		checkCrossEntropy(t, targets, in, classes, prior)
	}
}

// checkCrossEntropy compares the loss and its gradients with the formula, with and without smoothing, in chunks of two sizes.
func checkCrossEntropy(t *testing.T, targets []int32, in, classes int, prior tensor.Mat) {
	rows := len(targets)
	for _, smoothing := range []float64{0, 0.1} {
		naive := func(v [][]float64) []float64 {
			loss, counted := 0.0, 0.0
			for i, k := range targets {
				if k == Ignore {
					continue
				}
				z := make([]float64, classes)
				sum, mean := 0.0, 0.0
				for j := range z {
					z[j] = v[2][j]
					if prior.Rows > 0 {
						z[j] += float64(prior.Row(i)[j])
					}
					for f := range in {
						z[j] += v[0][i*in+f] * v[1][j*in+f]
					}
					sum += math.Exp(z[j])
					mean += z[j] / float64(classes)
				}
				loss += math.Log(sum) - (1-smoothing)*z[k] - smoothing*mean
				counted++
			}
			return []float64{loss / counted}
		}
		for _, chunk := range []int{rows, 4} {
			opCase{
				name: fmt.Sprintf("smoothing %g, chunks of %d, a prior of %d rows", smoothing, chunk, prior.Rows),
				in:   []operand{{rows, in, false}, {classes, in, true}, {1, classes, true}},
				build: func(g *Graph, v []*Var) *Var {
					loss := g.CrossEntropy(v[0], v[1], v[2], targets, CrossEntropyOptions{Smoothing: smoothing, Prior: prior})
					loss.producer.op.(*crossEntropy).chunk = chunk
					return loss
				},
				naive: naive,
			}.check(t)
		}
	}
}

func TestPointwiseLosses(t *testing.T) {
	const rows, cols = 5, 2
	targets := tensor.FromF32([]float32{0, 1, 1, 0, 0.25, 0.5, 1, 1, 0, 0}, rows, cols)
	opCase{
		name:  "square",
		in:    []operand{{rows, cols, false}},
		build: func(g *Graph, v []*Var) *Var { return g.MeanSquare(v[0], targets) },
		naive: func(v [][]float64) []float64 {
			s := 0.0
			for i, x := range v[0] {
				d := x - float64(targets.F32[i])
				s += d * d / (rows * cols)
			}
			return []float64{s}
		},
	}.check(t)
	opCase{
		name:  "dot",
		in:    []operand{{rows, cols, false}},
		build: func(g *Graph, v []*Var) *Var { return g.Dot(v[0], targets) },
		naive: func(v [][]float64) []float64 {
			s := 0.0
			for i, x := range v[0] {
				s += x * float64(targets.F32[i])
			}
			return []float64{s}
		},
	}.check(t)
	weights := []float32{1, 0, 2, 0.5, 3}
	opCase{
		name:  "weighted square",
		in:    []operand{{rows, cols, false}},
		build: func(g *Graph, v []*Var) *Var { return g.WeightedMeanSquare(v[0], targets, weights) },
		naive: func(v [][]float64) []float64 {
			s := 0.0
			for i, x := range v[0] {
				d := x - float64(targets.F32[i])
				s += float64(weights[i/cols]) * d * d / (rows * cols)
			}
			return []float64{s}
		},
	}.check(t)
	opCase{
		name:  "binary",
		in:    []operand{{rows, cols, false}},
		build: func(g *Graph, v []*Var) *Var { return g.BinaryCrossEntropy(v[0], targets) },
		naive: func(v [][]float64) []float64 {
			s := 0.0
			for i, x := range v[0] {
				p, q := 1/(1+math.Exp(-x)), float64(targets.F32[i])
				s -= (q*math.Log(p) + (1-q)*math.Log(1-p)) / (rows * cols)
			}
			return []float64{s}
		},
	}.check(t)
}

func sum64(a, b []float64) []float64 {
	y := make([]float64, len(a))
	for i := range a {
		y[i] = a[i] + b[i]
	}
	return y
}

func TestCast(t *testing.T) {
	opCase{
		name:  "cast",
		in:    []operand{{3, 4, true}},
		build: func(g *Graph, v []*Var) *Var { return g.Cast(g.Scale(v[0], 3)) },
		naive: func(v [][]float64) []float64 {
			y := make([]float64, len(v[0]))
			for i, x := range v[0] {
				y[i] = 3 * x
			}
			return y
		},
	}.check(t)
}

func TestRotary(t *testing.T) {
	const heads, dim, cols, base = 2, 4, 11, 10000.0
	positions := []int32{0, 1, 255, 256, 70000}
	r, err := attention.NewRotary(attention.RotaryConfig{HeadDim: dim}, 70001)
	if err != nil {
		t.Fatal(err)
	}
	opCase{
		name:  "rotary",
		in:    []operand{{len(positions), cols, false}},
		build: func(g *Graph, v []*Var) *Var { return g.Rotary(r, g.Scale(v[0], 1), heads*dim, positions) },
		naive: func(v [][]float64) []float64 {
			y := append([]float64(nil), v[0]...)
			for i, position := range positions {
				for h := range heads {
					for p := range dim / 2 {
						a, b := i*cols+h*dim+p, i*cols+h*dim+p+dim/2
						sin, cos := math.Sincos(float64(position) * math.Pow(base, -2*float64(p)/dim))
						y[a], y[b] = v[0][a]*cos-v[0][b]*sin, v[0][b]*cos+v[0][a]*sin
					}
				}
			}
			return y
		},
	}.check(t)
}
