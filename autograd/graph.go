package autograd

import (
	"errors"
	"fmt"

	"github.com/longspan/longspan/tensor"
)

// Options configure a graph. The zero value is inference in float32.
type Options struct {
	Policy Policy // types of storage and of products
	Train  bool   // keep what the backward pass reads; without it, Backward is refused and memory is given back sooner
	Part   bool   // the rows are a part of a batch, which may be empty: Embedding and Take accept an empty index
}

// Graph is a tape of operations. It is recorded and run once, by one goroutine, and closed.
type Graph struct {
	x       tensor.Exec
	options Options
	root    *tape
	current *tape // where operations are being recorded
	err     error // the first mistake made in recording
	stage   stage
	kept    []*Var
	cost    Cost
	between int64
}

type stage uint8

const (
	recording stage = iota
	ran
	closed
)

// New returns an empty graph. Values and gradients come from x.Pool.
func New(x tensor.Exec, o Options) *Graph {
	root := &tape{}
	return &Graph{x: x, options: o, root: root, current: root}
}

// Policy is the precision the graph was made with.
func (g *Graph) Policy() Policy { return g.options.Policy }

// Train reports whether the graph was made for training; dropout does nothing when it was not.
func (g *Graph) Train() bool { return g.options.Train }

// Dry reports whether the graph counts only.
func (g *Graph) Dry() bool { return g.x.Pool.Dry() }

// Exec is what the graph computes with.
func (g *Graph) Exec() tensor.Exec { return g.x }

// Fail makes Forward return err, unless there was a mistake before: for layers that find one while they record.
func (g *Graph) Fail(err error) *Var {
	if g.err == nil {
		g.err = err
	}
	return g.nothing()
}

// Err is the first mistake made in recording, if any.
func (g *Graph) Err() error { return g.err }

// Var is a matrix that a graph computes, or is given.
type Var struct {
	graph      *Graph
	typ        tensor.Type
	rows, cols int

	home     *tape // whose run owns the value; nil for a leaf
	producer *node
	wants    bool       // a gradient flows to it
	leaf     bool       // value is the caller's
	kept     bool       // stays readable until Close
	borrowed bool       // of a strip: value is another graph's
	sink     tensor.Mat // F32, where a leaf's gradient is added

	value    tensor.Mat // while it is needed
	readers  int        // reads of value still to come
	deferred int        // backward reads still to come of a value that is computed again for them
	grad     *gradient  // what has come in so far
}

// Rows is the number of rows, Cols that of columns, Type how its elements are stored.
func (v *Var) Rows() int { return v.rows }

// Cols is the number of columns.
func (v *Var) Cols() int { return v.cols }

// Type is how the elements are stored.
func (v *Var) Type() tensor.Type { return v.typ }

// Value is the matrix of a leaf, or that of a [Graph.Keep] variable once Forward has run. It is valid until Close.
func (v *Var) Value() tensor.Mat { return v.value }

// Scalar is the value of a kept 1×1 variable, such as a loss; 0 in a dry run.
func (v *Var) Scalar() float32 {
	if len(v.value.F32) == 0 {
		return 0
	}
	return v.value.F32[0]
}

// Input is a matrix that takes no gradient. The caller keeps it unchanged until Close.
func (g *Graph) Input(value tensor.Mat) *Var { return g.Leaf(value, tensor.Mat{}) }

// Leaf is a matrix of the caller's, such as a weight. Its gradient is added to grad, an F32 matrix of the same shape,
// which Backward does not clear; a grad of no rows means that none is wanted.
func (g *Graph) Leaf(value, grad tensor.Mat) *Var {
	if grad.Rows != 0 && (grad.Rows != value.Rows || grad.Cols != value.Cols || grad.Type != tensor.F32) {
		return g.failf("Leaf: found a %s gradient of %d×%d, expected f32 of %d×%d like the value",
			grad.Type, grad.Rows, grad.Cols, value.Rows, value.Cols)
	}
	if err := checkData("value", value, g.Dry()); err != nil {
		return g.Fail(err)
	}
	if grad.Rows != 0 {
		if err := checkData("gradient", grad, g.Dry()); err != nil {
			return g.Fail(err)
		}
	}
	if g.Dry() {
		value.F32, value.U16, grad.F32 = nil, nil, nil // a dry run is dry throughout
	}
	return &Var{graph: g, typ: value.Type, rows: value.Rows, cols: value.Cols, leaf: true, value: value,
		sink: grad, wants: grad.Rows > 0}
}

// checkData refuses a matrix that is empty, or whose data do not reach its last element. In a dry run none are needed.
func checkData(what string, m tensor.Mat, dry bool) error {
	if m.Rows < 1 || m.Cols < 1 || m.Type > tensor.F16 {
		return fmt.Errorf("autograd: Leaf: found a %s of %s %d×%d, expected f32, bf16 or f16 of at least one element",
			what, m.Type, m.Rows, m.Cols)
	}
	have := len(m.F32)
	if m.Type != tensor.F32 {
		have = len(m.U16)
	}
	if need := (m.Rows-1)*m.Stride + m.Cols; !dry && (m.Stride < m.Cols || have < need) {
		return fmt.Errorf("autograd: Leaf: found a %s of %d×%d with rows %d apart and %d elements, expected at least %d; "+
			"a matrix without data needs a dry pool",
			what, m.Rows, m.Cols, m.Stride, have, need)
	}
	return nil
}

// Keep makes the value of v readable from the end of Forward until Close, and returns v.
func (g *Graph) Keep(v *Var) *Var {
	if !v.leaf && !v.kept && g.check("Keep", v) {
		v.kept = true
		g.kept = append(g.kept, v)
	}
	return v
}

// Detach returns v without its gradient: nothing flows back through the result. It costs a copy.
func (g *Graph) Detach(v *Var) *Var {
	out := g.Scale(v, 1)
	if out.producer != nil {
		out.wants, out.producer.wants = false, false
	}
	return out
}

// failf remembers the first mistake and returns a variable that stands for nothing.
func (g *Graph) failf(format string, args ...any) *Var {
	if g.err == nil {
		g.err = fmt.Errorf("autograd: "+format, args...)
	}
	return g.nothing()
}

// nothing is what operations return once there is a mistake.
func (g *Graph) nothing() *Var { return &Var{graph: g, leaf: true} }

// check reports whether an operation can be recorded on vars.
func (g *Graph) check(name string, vars ...*Var) bool {
	if g.err != nil {
		return false
	}
	if g.stage != recording {
		g.err = fmt.Errorf("autograd: %s was called after Forward; record everything first", name)
		return false
	}
	for i, v := range vars {
		if v == nil || v.graph != g {
			g.err = fmt.Errorf("autograd: %s: operand %d is not a variable of this graph", name, i)
			return false
		}
		if v.home != nil && !g.current.within(v.home) {
			g.err = fmt.Errorf("autograd: %s: operand %d was made inside a recomputed part and is used outside; return it from there", name, i)
			return false
		}
	}
	return true
}

// within reports whether t is outer, or recorded somewhere inside it.
func (t *tape) within(outer *tape) bool {
	for ; t != nil; t = t.parent {
		if t == outer {
			return true
		}
	}
	return false
}

// record appends an operation whose result is a rows × cols matrix of type t.
func (g *Graph) record(op operation, t tensor.Type, rows, cols int, in ...*Var) *Var {
	n := &node{op: op, in: in}
	for _, v := range in {
		n.wants = n.wants || v.wants
	}
	n.wants = n.wants && g.options.Train
	n.out = &Var{graph: g, typ: t, rows: rows, cols: cols, home: g.current, producer: n, wants: n.wants}
	g.current.nodes = append(g.current.nodes, n)
	return n.out
}

// errClosed is what a graph answers that was run already.
var errClosed = errors.New("autograd: the graph has run already; record a new one")

// Forward computes every value. It returns the first mistake made in recording, if there was one.
func (g *Graph) Forward() error {
	if g.err != nil {
		return g.err
	}
	if g.stage != recording {
		return errClosed
	}
	g.stage = ran
	return g.root.forward(g, g.options.Train, false)
}

// Backward adds to every leaf's gradient the derivative of scale·loss, loss being a 1×1 result. It gives back
// everything but what Keep holds. It can be called once, after Forward, on a graph made with Train.
func (g *Graph) Backward(loss *Var, scale float32) error {
	switch {
	case g.err != nil:
		return g.err
	case !g.options.Train:
		return errors.New("autograd: Backward on a graph made without Options.Train")
	case g.stage != ran:
		return errors.New("autograd: Backward needs Forward first, and runs once")
	case loss.graph != g || loss.rows != 1 || loss.cols != 1:
		return fmt.Errorf("autograd: Backward needs a 1×1 loss of this graph, found %d×%d", loss.rows, loss.cols)
	}
	if loss.wants {
		seed := g.x.Pool.Get(tensor.F32, 1, 1)
		if !seed.Dry() {
			seed.F32[0] = scale
		}
		g.give(loss, seed)
	}
	g.stage = closed
	return g.root.backward(g)
}

// Close gives back whatever the graph still holds, kept values among it. It may be called at any time and twice.
func (g *Graph) Close() {
	g.root.drop(g)
	for _, v := range g.kept {
		g.free(v)
	}
	g.kept = nil
	g.stage = closed
}

// PeakBetween is the peak so far of the bytes that were in use in the pool between two operations: values, gradients and saved
// matrices, without the scratch memory of an operation.
func (g *Graph) PeakBetween() int64 { return g.between }

// Cost is what has run so far, or been counted in a dry run: recomputed operations count again.
func (g *Graph) Cost() Cost { return g.cost }
