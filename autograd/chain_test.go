package autograd

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/tensor"
)

// rowNet is a part of a Transformer in which every operation goes row by row: what lies between two layers of attention.
type rowNet struct {
	pool           *tensor.Pool
	values, grads  []tensor.Mat // x first
	rotation       *attention.Rotary
	positions      []int32
	width, hidden  int
	bias, rms, cut bool // cut: an operation after each, which no chain has
	kept           []*Var
}

func newRowNet(t *testing.T, rows int, bias, rms bool) *rowNet {
	t.Helper()
	n := &rowNet{pool: tensor.NewPool(), width: 24, hidden: 40, bias: bias, rms: rms}
	r := rand.New(rand.NewPCG(5, 6))
	add := func(rows, cols int, scale float64) {
		v, _ := randomMat(r, tensor.F32, rows, cols, scale)
		g, _ := randomMat(r, tensor.F32, rows, cols, 1) // gradients are added to what is there
		n.values, n.grads = append(n.values, v), append(n.grads, g)
	}
	add(rows, n.width, 1)
	for _, shape := range [][2]int{{1, n.width}, {1, n.width}, {2 * n.hidden, n.width}, {1, 2 * n.hidden}, {n.width, n.hidden}, {1, n.width},
		{1, n.width}, {1, n.width}, {3 * n.width, n.width}, {1, 3 * n.width}, {5, 3 * n.width},
		{3 * n.width, n.width}} {
		add(shape[0], shape[1], 0.3)
	}
	clear(n.grads[0].F32) // of x, which has two readers: they add to the leaf one by one, or their sum is added
	var err error
	if n.rotation, err = attention.NewRotary(attention.RotaryConfig{HeadDim: 8}, rows); err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		n.positions = append(n.positions, int32(rows-1-i))
	}
	return n
}

// loss records the net, and keeps some of its values.
func (n *rowNet) loss(g *Graph) *Var {
	leaf := func(i int) *Var { return g.Leaf(n.values[i], n.grads[i]) }
	optional := func(i int) *Var {
		if n.bias {
			return leaf(i)
		}
		return nil
	}
	mark := func(v *Var) *Var {
		if n.cut {
			return g.Scale(v, 1)
		}
		return v
	}
	norm := func(x *Var, i int) *Var {
		if n.rms {
			return mark(g.RMSNorm(x, leaf(i), 1e-5))
		}
		return mark(g.LayerNorm(x, leaf(i), leaf(i+1), 1e-5))
	}
	x := mark(g.Cast(leaf(0)))
	up := mark(g.Linear(norm(x, 1), leaf(3), optional(4)))
	down := mark(g.Linear(mark(g.Activate(up, SwiGLU)), leaf(5), optional(6)))
	y := mark(g.Add(x, mark(g.Dropout(down, 0.1, 7))))
	qkv := mark(g.Linear(norm(y, 7), leaf(9), optional(10)))
	rotated := mark(g.Rotary(n.rotation, qkv, 2*n.width, n.positions))
	n.kept = []*Var{g.Keep(y), g.Keep(rotated)}
	targets := make([]int32, x.Rows())
	for i := range targets {
		targets[i] = int32(i % 5)
	}
	sum := mark(g.Add(rotated, mark(g.Linear(y, leaf(12), nil))))
	return g.Keep(g.CrossEntropy(sum, leaf(11), nil, targets, CrossEntropyOptions{}))
}

// run computes the loss and adds the gradients, and returns the loss with the values that were kept.
func (n *rowNet) run(t *testing.T, p Policy, threads int, recompute bool) (values []float32, cost Cost) {
	t.Helper()
	g := New(tensor.Exec{Pool: n.pool, Threads: threads}, Options{Policy: p, Train: true})
	defer g.Close()
	var v *Var
	if recompute {
		v = g.Keep(g.Recompute(func() *Var { return n.loss(g) }))
	} else {
		v = n.loss(g)
	}
	if err := g.Forward(); err != nil {
		t.Fatal(err)
	}
	values = append(values, v.Scalar())
	for _, k := range n.kept {
		if g.Dry() {
			continue
		}
		values = append(values, flat(k.Value())...)
	}
	if err := g.Backward(v, 1); err != nil {
		t.Fatal(err)
	}
	return values, g.Cost()
}

// TestChainsKeepTheBits compares values and gradients of chains with those of operations by themselves, whatever the rows and threads.
func TestChainsKeepTheBits(t *testing.T) {
	for _, c := range []struct {
		rows      int
		bias, rms bool
	}{{chainRows, true, false}, {chainRows + 77, false, true}, {chainRows - 1, true, true}} {
		for _, p := range []Policy{F32(), BF16(), FP16()} {
			alone := newRowNet(t, c.rows, c.bias, c.rms)
			alone.cut = true
			want, _ := alone.run(t, p, 2, false)
			for _, threads := range []int{1, 2, 3} {
				for _, recompute := range []bool{false, true} {
					name := fmt.Sprintf("%d rows, %s, %d threads, recompute %v", c.rows, p, threads, recompute)
					n := newRowNet(t, c.rows, c.bias, c.rms)
					got, _ := n.run(t, p, threads, recompute)
					if !slices.Equal(got, want) {
						t.Errorf("%s: values differ from those of operations alone", name)
					}
					for i := range n.grads {
						if !slices.Equal(n.grads[i].F32, alone.grads[i].F32) {
							t.Errorf("%s: gradient %d differs from that of operations alone", name, i)
						}
					}
					if n.pool.InUse() != 0 {
						t.Errorf("%s: %d bytes did not come back", name, n.pool.InUse())
					}
				}
			}
		}
	}
}

// TestChainsAreCounted compares a run with a dry run: peaks and costs.
func TestChainsAreCounted(t *testing.T) {
	for _, p := range []Policy{F32(), BF16()} {
		real, dry := newRowNet(t, chainRows+77, true, false), newRowNet(t, chainRows+77, true, false)
		dry.pool = tensor.NewDryPool()
		_, cost := real.run(t, p, 2, false)
		_, dryCost := dry.run(t, p, 2, false)
		if real.pool.Peak() != dry.pool.Peak() || cost != dryCost {
			t.Errorf("%s: dry peak %d and cost %v, real %d and %v", p, dry.pool.Peak(), dryCost, real.pool.Peak(), cost)
		}
	}
}

// TestWhatIsAChain counts the operations of the longest chain. The last addition of a chain is left out of a backward pass.
func TestWhatIsAChain(t *testing.T) {
	for _, c := range []struct {
		name          string
		rows          int
		cut           bool
		forward, back int
	}{
		{"narrow", chainRows, false, 11, 10},
		{"few rows", chainRows - 1, false, 0, 0},
		{"cut", chainRows, true, 1, 1},
	} {
		n := newRowNet(t, c.rows, false, true)
		n.cut, n.pool = c.cut, tensor.NewDryPool()
		g := New(tensor.Exec{Pool: n.pool}, Options{Train: true})
		n.loss(g)
		if err := g.Forward(); err != nil {
			t.Fatal(err)
		}
		forward, back := 0, 0
		for i := range g.root.nodes {
			ahead, _ := g.root.chainFrom(i)
			behind, _ := g.root.chainTo(i)
			forward, back = max(forward, len(ahead)), max(back, len(behind))
		}
		if forward != c.forward || back != c.back {
			t.Errorf("%s: chains of %d operations forward and %d backward, want %d and %d", c.name, forward, back, c.forward, c.back)
		}
		g.Close()
	}
}
