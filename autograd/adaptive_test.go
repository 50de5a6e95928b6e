package autograd

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/tensor"
)

func TestLinearTransposed(t *testing.T) {
	const rows, in, out = 5, 6, 3
	opCase{
		name:  "transposed",
		in:    []operand{{rows, in, false}, {in, out, true}},
		build: func(g *Graph, v []*Var) *Var { return g.LinearTransposed(v[0], v[1]) },
		naive: func(v [][]float64) []float64 {
			y := make([]float64, rows*out)
			for i := range rows {
				for j := range out {
					for k := range in {
						y[i*out+j] += v[0][i*in+k] * v[1][k*out+j]
					}
				}
			}
			return y
		},
	}.check(t)
}

// The probabilities are those of the definition: of each token, of a cluster times of the token in it. They add up to one.
func TestAdaptiveLogProbs(t *testing.T) {
	head := tensor.FromF32([]float32{1, -2, 0.5, 3, 0, 0, 0, 0, 9, -9, 1, 30}, 3, 4) // two tokens, two clusters
	one := tensor.FromF32([]float32{0, 1, 2, 5, 5, 4, -80, 80, 0}, 3, 3)
	two := tensor.FromF32([]float32{7, 7, 7}, 3, 1)
	g := New(tensor.Exec{Pool: tensor.NewPool()}, Options{})
	best := make([]int32, 3)
	out := g.Keep(g.AdaptiveLogProbs(g.Input(head), []*Var{g.Input(one), g.Input(two)}, best))
	if err := g.Forward(); err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	for i := range 3 {
		softmax := func(z []float32) []float64 {
			p, sum := make([]float64, len(z)), 0.0
			for j, v := range z {
				p[j] = math.Exp(float64(v))
				sum += p[j]
			}
			for j := range p {
				p[j] /= sum
			}
			return p
		}
		h := softmax(head.Row(i))
		want := h[:2:2]
		for _, p := range softmax(one.Row(i)) {
			want = append(want, h[2]*p)
		}
		want = append(want, h[3]*softmax(two.Row(i))[0])
		for j, w := range want {
			if got := float64(out.Value().Row(i)[j]); math.Abs(got-math.Log(w)) > 1e-5*math.Max(1, math.Abs(math.Log(w))) {
				t.Errorf("row %d, token %d: %g, want %g", i, j, got, math.Log(w))
			}
		}
	}
	if want := []int32{5, 0, 5}; !slices.Equal(best, want) { // of equals the lowest
		t.Errorf("best tokens %v, want %v", best, want)
	}
}

// Losses of rows are added to the places that they are given.
func TestCrossEntropyLossRows(t *testing.T) {
	x, w := tensor.FromF32([]float32{1, 0, 0, 1}, 2, 2), tensor.FromF32([]float32{1, 0, 0, 1}, 2, 2)
	losses := []float32{10, 20, 30}
	g := New(tensor.Exec{Pool: tensor.NewPool()}, Options{})
	g.CrossEntropy(g.Input(x), g.Input(w), nil, []int32{0, 0}, CrossEntropyOptions{Losses: losses, LossRows: []int32{2, 0}})
	if err := g.Forward(); err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	right := math.Log(1 + math.Exp(-1)) // −log p where the target's logit is 1 above the other
	for i, want := range []float64{11 + right, 20, 30 + right} {
		if math.Abs(float64(losses[i])-want) > 1e-5 {
			t.Errorf("loss %d is %g, want %g", i, losses[i], want)
		}
	}
}

func TestAdaptiveRefuses(t *testing.T) {
	f32 := func(rows, cols int) tensor.Mat { return tensor.New(tensor.F32, rows, cols) }
	for want, build := range map[string]func(g *Graph){
		"LinearTransposed: found weights of f32 3×4 for inputs of 4": func(g *Graph) {
			g.LinearTransposed(g.Input(f32(2, 4)), g.Input(f32(3, 4)))
		},
		"found logits 1 of f32 1×3": func(g *Graph) { g.AdaptiveLogProbs(g.Input(f32(2, 4)), []*Var{g.Input(f32(1, 3))}, nil) },
		"found logits 0 of f32 2×4": func(g *Graph) { g.AdaptiveLogProbs(g.Leaf(f32(2, 4), f32(2, 4)), nil, nil) },
		"found 1 tails for a head of 1 logits": func(g *Graph) {
			g.AdaptiveLogProbs(g.Input(f32(2, 1)), []*Var{g.Input(f32(2, 3))}, nil)
		},
		"found 1 places of losses for 2 rows": func(g *Graph) {
			g.CrossEntropy(g.Input(f32(2, 4)), g.Input(f32(3, 4)), nil, make([]int32, 2), CrossEntropyOptions{LossRows: make([]int32, 1)})
		},
		"of the 2 losses that there is room for": func(g *Graph) {
			g.CrossEntropy(g.Input(f32(2, 4)), g.Input(f32(3, 4)), nil, make([]int32, 2),
				CrossEntropyOptions{Losses: make([]float32, 2), LossRows: []int32{0, 2}})
		},
		"found room for 1 tokens": func(g *Graph) { g.AdaptiveLogProbs(g.Input(f32(2, 4)), nil, make([]int32, 1)) },
	} {
		g := New(tensor.Exec{Pool: tensor.NewPool()}, Options{Train: true})
		build(g)
		if err := g.Forward(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
		g.Close()
	}
}
