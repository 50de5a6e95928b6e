package autograd

import "github.com/longspan/longspan/tensor"

// operation is the mathematics of one node of the tape: one file each. An operation holds its settings and no
// matrices: what it must remember between its passes goes through call.save.
type operation interface {
	// reads reports what the backward pass reads: the values of the inputs whose bit is set, and the result's.
	reads() (inputs uint64, result bool)

	// forward computes c.out from c.in. Everything about it but the arithmetic also happens when c is dry.
	forward(c *call) error

	// backward hands the gradients of the inputs to b.give (or adds them to b.sink), given that of the result.
	backward(b *backCall) error

	// cost is the work of the forward pass and of the backward pass, given the shapes.
	cost(out *Var, in []*Var) (forward, backward Cost)
}

// maxInputs is the largest number of inputs of an operation: the bits of the result of reads.
const maxInputs = 64

// cheap is an operation that costs less to run again than its result costs to keep. Its backward pass must read
// all its inputs (leaves aside), so that running it again keeps nothing more alive.
type cheap interface{ cheap() }

// inPlace is an operation whose result may take the place of its first input, when nothing else reads that.
type inPlace interface{ inPlace() }

// saver is an operation that saves something in its forward pass that its backward pass reads.
type saver interface{ saves() }

// checker is an operation that can fail in a single row. A chain asks it for all rows before its strips, since a strip does not know which
// rows of all it has, and a run without data has the first strip alone.
type checker interface{ check(rows int) error }

// node is an operation with its operands.
type node struct {
	op    operation
	in    []*Var
	out   *Var
	wants bool         // some input wants a gradient
	live  bool         // takes part in the run under way
	done  uint64       // inputs whose backward read is over already
	saved []tensor.Mat // from the forward pass, for the backward pass
	whole *node        // of a strip: the node of the graph; nil: it is one
}

// cost is the work of the whole operation.
func (n *node) cost() (forward, backward Cost) {
	if n.whole != nil {
		n = n.whole
	}
	return n.op.cost(n.out, n.in)
}

// call is what an operation computes its result with.
type call struct {
	x     tensor.Exec
	in    []tensor.Mat
	out   tensor.Mat
	dry   bool
	keeps bool // a backward pass will follow
	node  *node
	saved []tensor.Mat // what it will be given
}

// save keeps m, which came from the pool, for the backward pass. Without one, m is given back after the call.
func (c *call) save(m tensor.Mat) { c.saved = append(c.saved, m) }

// backCall is what an operation computes gradients with. Matrices that reads did not ask for are empty.
type backCall struct {
	x     tensor.Exec
	in    []tensor.Mat
	out   tensor.Mat
	dout  tensor.Mat
	saved []tensor.Mat
	dry   bool
	graph *Graph
	tape  *tape
	node  *node
}

// wants reports whether input i wants a gradient.
func (b *backCall) wants(i int) bool { return b.node.in[i].wants }

// sink is where the gradient of leaf i is to be added, in float32; ok is false for one that is no leaf.
func (b *backCall) sink(i int) (m tensor.Mat, ok bool) {
	v := b.node.in[i]
	return v.sink, v.leaf
}

// fresh takes a matrix like input i from the pool, for its gradient.
func (b *backCall) fresh(i int) tensor.Mat {
	v := b.node.in[i]
	return b.x.Pool.Get(v.typ, v.rows, v.cols)
}

// reuse is fresh, in the memory of the gradient of the result where nobody else needs that and it fits: each row of it must
// be read before the same row is written.
func (b *backCall) reuse(i int) tensor.Mat {
	v, out := b.node.in[i], b.node.out
	if out.grad.owners == 1 && v.typ == out.typ && v.rows == out.rows && v.cols == out.cols {
		return b.takeDout()
	}
	return b.fresh(i)
}

// done says that the value of input i will not be read again, so that its memory can serve what follows.
func (b *backCall) done(i int) {
	b.in[i] = tensor.Mat{}
	b.tape.releaseInput(b.graph, b.node.in[i])
	b.node.done |= 1 << i
}

// partRows is the number of rows of a part that reduceRows sums: a strip is one part.
func (b *backCall) partRows() int {
	if b.node.whole != nil {
		return b.dout.Rows
	}
	return partRows(b.dout.Rows)
}

// give hands over m, which came from the pool, as a part of the gradient of input i.
func (b *backCall) give(i int, m tensor.Mat) { b.graph.give(b.node.in[i], m) }

// before is what has come in so far of the gradient of input i, for an operation that adds its own part in the same pass and gives the sum
// to replace; without rows where nothing has, or where i is a leaf.
func (b *backCall) before(i int) tensor.Mat {
	if v := b.node.in[i]; v.wants && !v.leaf && v.grad != nil {
		return v.grad.m
	}
	return tensor.Mat{}
}

// replace is give for a sum that has all of before.
func (b *backCall) replace(i int, m tensor.Mat) {
	v := b.node.in[i]
	b.graph.dropGrad(v)
	v.grad = &gradient{m: m, owners: 1}
}

// pass makes the gradient of the result, as it is, a part of the gradient of input i, which has its shape and type.
func (b *backCall) pass(i int) { b.graph.pass(b.node.in[i], b.node.out) }

// takeDout takes the gradient of the result from the tape, to be changed and given on. It is a copy if another
// variable shares it.
func (b *backCall) takeDout() tensor.Mat { return b.graph.takeGrad(b.node.out) }
