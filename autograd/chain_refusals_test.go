package autograd

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/tensor"
)

// drawnLeaf is a leaf of random numbers, with a gradient of zeros.
func drawnLeaf(g *Graph, rows, cols int) *Var {
	m, _ := randomMat(rand.New(rand.NewPCG(uint64(rows), uint64(cols))), tensor.F32, rows, cols, 0.3)
	return g.Leaf(m, tensor.New(tensor.F32, rows, cols))
}

// differentiateAt runs g, with a random gradient at y.
func differentiateAt(t *testing.T, g *Graph, y *Var) {
	t.Helper()
	if err := g.Forward(); err != nil {
		t.Fatal(err)
	}
	m := g.x.Pool.Get(tensor.F32, y.rows, y.cols)
	copy(m.F32, drawnLeaf(g, y.rows, y.cols).value.F32)
	g.give(y, m)
	g.stage = closed
	if err := g.root.backward(g); err != nil {
		t.Fatal(err)
	}
	g.Close()
}

// What several operations read has the gradient of operations alone: a weight of two of them, two leaves with one gradient, and a leaf that
// is rows for one and a weight for another.
func TestChainsOfSharedLeaves(t *testing.T) {
	for name, c := range map[string]struct {
		rows, width int
		net         func(g *Graph, x, w, again *Var, mark func(*Var) *Var) *Var
	}{
		"a weight twice": {chainRows + 50, 16, func(g *Graph, x, w, _ *Var, mark func(*Var) *Var) *Var {
			return g.Linear(mark(g.Activate(mark(g.Linear(x, w, nil)), Tanh)), w, nil)
		}},
		"two leaves of a weight": {chainRows + 50, 16, func(g *Graph, x, w, again *Var, mark func(*Var) *Var) *Var {
			return g.Linear(mark(g.Activate(mark(g.Linear(x, w, nil)), Tanh)), again, nil)
		}},
		"rows and a weight": {chainRows, 8, func(g *Graph, x, _, _ *Var, mark func(*Var) *Var) *Var {
			return g.Linear(mark(g.Activate(x, Tanh)), x, nil)
		}},
	} {
		run := func(mark func(*Graph, *Var) *Var) []float32 {
			g := New(tensor.Exec{Threads: 2, Pool: tensor.NewPool()}, Options{Train: true})
			x, w := drawnLeaf(g, c.rows, c.width), drawnLeaf(g, c.width, c.width)
			again := g.Leaf(w.value, w.sink)
			y := c.net(g, x, w, again, func(v *Var) *Var { return mark(g, v) })
			differentiateAt(t, g, g.Activate(y, Tanh))
			return append(slices.Clone(x.sink.F32), w.sink.F32...)
		}
		got := run(func(_ *Graph, v *Var) *Var { return v })
		want := run(func(g *Graph, v *Var) *Var { return g.Scale(v, 1) }) // which no chain has
		if !slices.Equal(got, want) {
			t.Errorf("%s: gradients differ from those of operations alone", name)
		}
	}
}

// An error of one row names it, with data or without, and nothing is lost or given back twice.
func TestChainErrorsNameTheRow(t *testing.T) {
	for _, dry := range []bool{false, true} {
		pool := tensor.NewPool()
		if dry {
			pool = tensor.NewDryPool()
		}
		g := New(tensor.Exec{Threads: 2, Pool: pool}, Options{Train: true})
		rotary, err := attention.NewRotary(attention.RotaryConfig{HeadDim: 8}, chainRows)
		if err != nil {
			t.Fatal(err)
		}
		positions := make([]int32, chainRows)
		positions[5000] = chainRows // one more than there are
		y := g.Keep(g.Rotary(rotary, g.Scale(drawnLeaf(g, chainRows, 16), 1), 16, positions))
		g.Activate(y, Tanh)
		if err := g.Forward(); err == nil || !strings.Contains(err.Error(), "at row 5000") {
			t.Errorf("dry %v: error %v, expected one about row 5000", dry, err)
		}
		g.Close()
		if pool.InUse() != 0 {
			t.Errorf("dry %v: %d bytes did not come back", dry, pool.InUse())
		}
	}
}

// A strip gives everything back, also what was computed again for an operation that gets no gradient.
func TestStripsGiveBack(t *testing.T) {
	g := New(tensor.Exec{Threads: 2, Pool: tensor.NewPool()}, Options{Train: true})
	defer g.Close()
	n := g.LayerNorm(drawnLeaf(g, chainRows, 64), drawnLeaf(g, 1, 64), drawnLeaf(g, 1, 64), 1e-5)
	z := g.Activate(g.Linear(n, drawnLeaf(g, 16, 64), nil), Tanh)
	g.Linear(n, drawnLeaf(g, 16, 64), nil) // nobody reads it
	if err := g.Forward(); err != nil {
		t.Fatal(err)
	}
	nodes, _ := g.root.chainTo(len(g.root.nodes) - 1)
	if len(nodes) != len(g.root.nodes) {
		t.Fatalf("a chain of %d operations, want all %d", len(nodes), len(g.root.nodes))
	}
	const rows = 512
	c := &chainGrads{chain: newChain(g, g.root, nodes, rows), into: map[*Var]*gradient{}}
	if err := c.fetch(); err != nil {
		t.Fatal(err)
	}
	z.grad = &gradient{m: g.x.Pool.GetZero(tensor.F32, z.rows, z.cols), owners: 1}
	mem := tensor.NewPool()
	s := c.newStrip(mem)
	s.at(0, rows)
	if err := s.backward(c, 0); err != nil {
		t.Fatal(err)
	}
	if mem.InUse() != 0 {
		t.Errorf("%d bytes of a strip did not come back", mem.InUse())
	}
}
