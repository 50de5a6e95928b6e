package autograd

import "github.com/longspan/longspan/tensor"

// gradient is what has come in so far of the derivative of the loss by one variable. Variables share it, by pass, until
// one of them changes it.
type gradient struct {
	m      tensor.Mat
	owners int
}

// backward runs the tape's operations in reverse. Values, saved matrices and gradients go back to the pool as they are
// read for the last time.
func (t *tape) backward(g *Graph) error {
	for i := len(t.nodes) - 1; i >= 0; i-- {
		n := t.nodes[i]
		if !n.wants {
			continue
		}
		if chain, first := t.chainTo(i); len(chain) > 1 {
			if err := t.backwardChain(g, chain); err != nil {
				return err
			}
			i = first
			continue
		}
		if n.out.grad != nil {
			if err := t.differentiate(g, n); err != nil {
				return err
			}
			g.between = max(g.between, g.x.Pool.InUse())
			g.dropGrad(n.out)
		}
		n.dropSaved(g)
		t.releaseBackward(g, n)
	}
	return nil
}

// differentiate runs the backward pass of one operation.
func (t *tape) differentiate(g *Graph, n *node) error {
	inputs, result := n.op.reads()
	b := backCall{x: g.x, dout: n.out.grad.m, saved: n.saved, dry: g.Dry(), graph: g, tape: t, node: n, in: make([]tensor.Mat, len(n.in))}
	for k, v := range n.in {
		if inputs>>k&1 == 1 {
			if err := g.fetch(v); err != nil {
				return err
			}
			b.in[k] = v.value
		}
	}
	if result {
		b.out = n.out.value
	}
	_, cost := n.cost()
	g.cost.Add(cost)
	return n.op.backward(&b)
}

// releaseBackward counts the reads that the backward pass of n has made, or would have made.
func (t *tape) releaseBackward(g *Graph, n *node) {
	inputs, result := n.op.reads()
	if result {
		t.release(g, n.out)
	}
	for k, v := range n.in {
		if inputs>>k&1 == 1 && n.done>>k&1 == 0 {
			t.releaseInput(g, v)
		}
	}
	n.done = 0
}

// releaseInput counts one backward read of v as done, if t runs v.
func (t *tape) releaseInput(g *Graph, v *Var) {
	if v.home != t || !v.again() {
		t.release(g, v)
		return
	}
	v.deferred--
	if v.deferred == 0 {
		g.free(v)
	}
}

// fetch computes the value of v again if it was not kept.
func (g *Graph) fetch(v *Var) error {
	if v.leaf || v.value.Rows > 0 || !v.again() {
		return nil
	}
	n := v.producer
	for _, in := range n.in {
		if err := g.fetch(in); err != nil {
			return err
		}
	}
	v.value = g.x.Pool.Get(v.typ, v.rows, v.cols)
	c := n.call(g, false)
	if err := n.op.forward(&c); err != nil {
		return err
	}
	forward, _ := n.cost()
	g.cost.Add(forward)
	for _, m := range c.saved {
		g.x.Pool.Put(m)
	}
	return nil
}

// give adds m, which came from the pool and now belongs to the tape, to the gradient of v.
func (g *Graph) give(v *Var, m tensor.Mat) {
	switch {
	case !v.wants:
		g.x.Pool.Put(m)
	case v.leaf:
		addTo(g.x, v.sink, m)
		g.x.Pool.Put(m)
	case v.grad == nil:
		v.grad = &gradient{m: m, owners: 1}
	default:
		g.own(v)
		addTo(g.x, v.grad.m, m)
		g.x.Pool.Put(m)
	}
}

// pass adds the gradient of from to that of v, without a copy if it is the first to come in.
func (g *Graph) pass(v, from *Var) {
	switch {
	case !v.wants:
	case v.leaf:
		addTo(g.x, v.sink, from.grad.m)
	case v.grad == nil && v.typ == from.typ:
		v.grad = from.grad
		v.grad.owners++
	case v.grad == nil:
		m := g.x.Pool.Get(v.typ, v.rows, v.cols)
		convert(g.x, m, from.grad.m)
		v.grad = &gradient{m: m, owners: 1}
	default:
		g.own(v)
		addTo(g.x, v.grad.m, from.grad.m)
	}
}

// own makes the gradient of v its own, by a copy if it is shared.
func (g *Graph) own(v *Var) {
	if v.grad.owners == 1 {
		return
	}
	m := g.x.Pool.Get(v.typ, v.rows, v.cols)
	convert(g.x, m, v.grad.m)
	v.grad.owners--
	v.grad = &gradient{m: m, owners: 1}
}

// takeGrad takes the gradient of v away from it, for the caller to change and give on.
func (g *Graph) takeGrad(v *Var) tensor.Mat {
	g.own(v)
	m := v.grad.m
	v.grad = nil
	return m
}

// dropGrad releases the gradient of v.
func (g *Graph) dropGrad(v *Var) {
	if v.grad == nil {
		return
	}
	v.grad.owners--
	if v.grad.owners == 0 {
		g.x.Pool.Put(v.grad.m)
	}
	v.grad = nil
}
