package autograd

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/attention/mechanism"
	"github.com/longspan/longspan/tensor"
)

// network is a stack of pre-norm feed-forward blocks with its weights and gradients.
type network struct {
	pool    *tensor.Pool
	weights []tensor.Mat
	grads   []tensor.Mat
	x       tensor.Mat
	targets []int32
}

const (
	netRows, netWidth, netHidden, netDepth, netClasses = 40, 16, 64, 4, 5
)

func newNetwork(dry bool) *network {
	n := &network{pool: tensor.NewPool()}
	if dry {
		n.pool = tensor.NewDryPool()
	}
	r := rand.New(rand.NewPCG(1, 2))
	add := func(rows, cols int) {
		w, _ := randomMat(r, tensor.F32, rows, cols, 0.3)
		n.weights = append(n.weights, w)
		n.grads = append(n.grads, tensor.New(tensor.F32, rows, cols))
	}
	for range netDepth {
		add(1, netWidth)
		add(1, netWidth)
		add(netHidden, netWidth)
		add(netWidth, netHidden)
	}
	add(netClasses, netWidth)
	n.x, _ = randomMat(r, tensor.F32, netRows, netWidth, 1)
	for i := range netRows {
		n.targets = append(n.targets, int32(i%netClasses))
	}
	return n
}

// loss records the network; blocks for which wrap says so are checkpoints.
func (n *network) loss(g *Graph, wrap func(block int) bool) *Var {
	leaf := func(i int) *Var { return g.Leaf(n.weights[i], n.grads[i]) }
	x := g.Cast(g.Input(n.x))
	for b := range netDepth {
		block := func() *Var {
			h := g.LayerNorm(x, leaf(4*b), leaf(4*b+1), 1e-5)
			h = g.Activate(g.Linear(h, leaf(4*b+2), nil), GELU)
			h = g.Dropout(g.Linear(h, leaf(4*b+3), nil), 0.1, uint64(b))
			return g.Add(x, h)
		}
		if wrap(b) {
			x = g.Recompute(block)
		} else {
			x = block()
		}
	}
	return g.Keep(g.CrossEntropy(x, leaf(4*netDepth), nil, n.targets, CrossEntropyOptions{}))
}

func (n *network) step(t *testing.T, p Policy, wrap func(int) bool) (loss float32, cost Cost) {
	t.Helper()
	g := New(tensor.Exec{Pool: n.pool}, Options{Policy: p, Train: true})
	defer g.Close()
	v := n.loss(g, wrap)
	if err := g.Forward(); err != nil {
		t.Fatal(err)
	}
	loss = v.Scalar()
	if err := g.Backward(v, 1); err != nil {
		t.Fatal(err)
	}
	return loss, g.Cost()
}

func TestCheckpointKeepsTheBits(t *testing.T) {
	none := func(int) bool { return false }
	for _, p := range []Policy{F32(), BF16()} {
		plain := newNetwork(false)
		want, _ := plain.step(t, p, none)
		for name, wrap := range map[string]func(int) bool{
			"every": func(int) bool { return true },
			"odd":   func(b int) bool { return b%2 == 1 },
		} {
			n := newNetwork(false)
			got, _ := n.step(t, p, wrap)
			if got != want {
				t.Errorf("%s, %s: loss %v, without checkpoints %v", p, name, got, want)
			}
			for i := range n.grads {
				if !slices.Equal(n.grads[i].F32, plain.grads[i].F32) {
					t.Errorf("%s, %s: gradient %d differs from that without checkpoints", p, name, i)
				}
			}
			if n.pool.InUse() != 0 {
				t.Errorf("%s, %s: %d bytes did not come back", p, name, n.pool.InUse())
			}
			if n.pool.Peak() >= plain.pool.Peak() {
				t.Errorf("%s, %s: peak %d, without checkpoints %d", p, name, n.pool.Peak(), plain.pool.Peak())
			}
		}
	}
}

func TestNestedCheckpoints(t *testing.T) {
	plain, nested := newNetwork(false), newNetwork(false)
	want, _ := plain.step(t, F32(), func(int) bool { return false })
	g := New(tensor.Exec{Pool: nested.pool}, Options{Train: true})
	loss := g.Recompute(func() *Var { return nested.loss(g, func(int) bool { return true }) })
	g.Keep(loss)
	if err := g.Forward(); err != nil {
		t.Fatal(err)
	}
	if loss.Scalar() != want {
		t.Errorf("loss %v, want %v", loss.Scalar(), want)
	}
	if err := g.Backward(loss, 1); err != nil {
		t.Fatal(err)
	}
	for i := range plain.grads {
		if !slices.Equal(nested.grads[i].F32, plain.grads[i].F32) {
			t.Errorf("gradient %d differs", i)
		}
	}
	g.Close()
	if nested.pool.InUse() != 0 {
		t.Errorf("%d bytes did not come back", nested.pool.InUse())
	}
}

func TestDryRunIsTheRun(t *testing.T) {
	for _, p := range []Policy{F32(), BF16(), FP16()} {
		for name, wrap := range map[string]func(int) bool{
			"none":  func(int) bool { return false },
			"every": func(int) bool { return true },
		} {
			real, dry := newNetwork(false), newNetwork(true)
			_, cost := real.step(t, p, wrap)
			_, dryCost := dry.step(t, p, wrap)
			if real.pool.Peak() != dry.pool.Peak() || cost != dryCost {
				t.Errorf("%s, %s: dry peak %d and cost %v, real %d and %v", p, name, dry.pool.Peak(), dryCost, real.pool.Peak(), cost)
			}
		}
	}
}

// Without a backward pass to come only two rows of buffers are ever needed: the residual stream and the layer at work.
func TestInferenceKeepsNothing(t *testing.T) {
	n := newNetwork(true)
	g := New(tensor.Exec{Threads: 1, Pool: n.pool}, Options{})
	n.loss(g, func(int) bool { return false })
	if err := g.Forward(); err != nil {
		t.Fatal(err)
	}
	const stream, hidden = netRows * netWidth * 4, netRows * netHidden * 4
	if limit := int64(stream + 2*hidden + 8192); n.pool.Peak() > limit { // 8 KiB of scratch rows
		t.Errorf("peak %d bytes, want at most %d", n.pool.Peak(), limit)
	}
	g.Close()
	if n.pool.InUse() != 0 {
		t.Errorf("%d bytes did not come back", n.pool.InUse())
	}
}

func TestMistakesAreReported(t *testing.T) {
	x := tensor.New(tensor.F32, 3, 4)
	w := tensor.New(tensor.F32, 5, 3)
	for name, c := range map[string]struct {
		record func(g *Graph)
		want   string
	}{
		"linear": {func(g *Graph) { g.Linear(g.Input(x), g.Input(w), nil) }, "expected a leaf of out×4"},
		"add":    {func(g *Graph) { g.Add(g.Input(x), g.Input(w)) }, "expected the same shape"},
		"first mistake": {func(g *Graph) {
			g.Add(g.Add(g.Input(x), g.Input(w)), g.Take(g.Input(x), []int32{9}))
		}, "Add: found"},
		"other graph": {func(g *Graph) { g.Scale(New(tensor.Exec{}, Options{}).Input(x), 1) }, "not a variable of this graph"},
		"ids":         {func(g *Graph) { g.Embedding(g.Input(w), []int32{0, 5}) }, "found index 5 at 1, expected 0 … 4"},
		"targets": {func(g *Graph) {
			g.CrossEntropy(g.Input(w), g.Input(w), nil, []int32{1, 2, 3, 4, 5}, CrossEntropyOptions{})
		}, "found target 5"},
		"factors":      {func(g *Graph) { g.ScaleRows(g.Input(x), []float32{1, 2}) }, "found 2 factors, expected one for each of 3 rows"},
		"dropout rate": {func(g *Graph) { g.Dropout(g.Input(x), 1, 0) }, "found rate 1"},
		"no data":      {func(g *Graph) { g.Input(tensor.Mat{Rows: 2, Cols: 3, Stride: 3}) }, "needs a dry pool"},
		"empty":        {func(g *Graph) { g.Input(tensor.New(tensor.F32, 0, 3)) }, "at least one element"},
		"gradient":     {func(g *Graph) { g.Leaf(x, w) }, "expected f32 of 3×4"},
		"lengths":      {func(g *Graph) { g.MeanPool(g.Input(x), []int{1, 1}) }, "add up to 2 for 3 rows"},
		"gate":         {func(g *Graph) { g.Activate(g.Input(w), GeGLU) }, "expected an even number"},
		"inference": {func(g *Graph) {
			g.Decode(mustState(t, mechanism.Config{Heads: 1, HeadDim: 8, Causal: true}), g.Input(x))
		}, "expected one without Options.Train"},
		"escape": {func(g *Graph) {
			var inside *Var
			g.Recompute(func() *Var { inside = g.Scale(g.Input(x), 1); return g.Scale(inside, 1) })
			g.Scale(inside, 2)
		}, "made inside a recomputed part"},
	} {
		g := New(tensor.Exec{}, Options{Train: true})
		c.record(g)
		if err := g.Forward(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

func TestFrozenLeafTakesNoGradient(t *testing.T) {
	n := newNetwork(false)
	n.grads[2] = tensor.Mat{}
	if _, cost := n.step(t, F32(), func(int) bool { return false }); cost.Flops() == 0 {
		t.Error("nothing ran")
	}
}

func TestBackwardIsRefused(t *testing.T) {
	x := tensor.New(tensor.F32, 3, 4)
	for name, c := range map[string]struct {
		train   bool
		forward bool
		run     func(g *Graph, v *Var) error
		want    string
	}{
		"inference":  {false, true, func(g *Graph, v *Var) error { return g.Backward(v, 1) }, "without Options.Train"},
		"no forward": {true, false, func(g *Graph, v *Var) error { return g.Backward(v, 1) }, "needs Forward first"},
		"no scalar":  {true, true, func(g *Graph, v *Var) error { return g.Backward(v, 1) }, "1×1 loss"},
		"twice":      {true, true, func(g *Graph, _ *Var) error { return g.Forward() }, "has run already"},
		"late":       {true, true, func(g *Graph, v *Var) error { g.Scale(v, 2); return g.Err() }, "after Forward"},
	} {
		g := New(tensor.Exec{}, Options{Train: c.train})
		v := g.Keep(g.Scale(g.Leaf(x, tensor.New(tensor.F32, 3, 4)), 2))
		if c.forward {
			if err := g.Forward(); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.run(g, v); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
		g.Close()
		g.Close() // twice is allowed
	}
}

// The scale multiplies every gradient, exactly where it is a power of two.
func TestScaleMultipliesGradients(t *testing.T) {
	none := func(int) bool { return false }
	plain, scaled := newNetwork(false), newNetwork(false)
	plain.step(t, F32(), none)
	g := New(tensor.Exec{Pool: scaled.pool}, Options{Train: true})
	loss := scaled.loss(g, none)
	if err := g.Forward(); err != nil {
		t.Fatal(err)
	}
	if err := g.Backward(loss, 1024); err != nil {
		t.Fatal(err)
	}
	g.Close()
	for i := range plain.grads {
		for j, v := range plain.grads[i].F32 {
			if scaled.grads[i].F32[j] != 1024*v {
				t.Fatalf("gradient %d[%d] is %g, want 1024 times %g", i, j, scaled.grads[i].F32[j], v)
			}
		}
	}
}

// A graph that is given up after its forward pass gives everything back.
func TestCloseWithoutBackward(t *testing.T) {
	for _, every := range []bool{false, true} {
		n := newNetwork(false)
		g := New(tensor.Exec{Pool: n.pool}, Options{Train: true})
		n.loss(g, func(int) bool { return every })
		if err := g.Forward(); err != nil {
			t.Fatal(err)
		}
		g.Close()
		if n.pool.InUse() != 0 {
			t.Errorf("%d bytes did not come back", n.pool.InUse())
		}
	}
}
