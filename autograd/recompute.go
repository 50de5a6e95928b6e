package autograd

import "slices"

// recomputed is a part of the graph that is run again in the backward pass.
type recomputed struct {
	tape *tape
}

// Recompute records what f records, and keeps nothing of it for the backward pass but what it reads from outside:
// it is run again there, with the same bits. The result is f's; every other variable made inside f may be used
// only inside, or kept.
//
// Cost: the forward pass of f a second time, without the operations that only led to f's result. Memory: the largest
// recomputed part instead of the sum of all. Chen et al. 2016, arXiv:1604.06174.
//
// In a graph without Train it only calls f.
func (g *Graph) Recompute(f func() *Var) *Var {
	if !g.check("Recompute") {
		return g.nothing()
	}
	if !g.options.Train {
		return f()
	}
	outer, inner := g.current, &tape{parent: g.current}
	g.current = inner
	result := f()
	g.current = outer
	switch {
	case g.err != nil:
		return result
	case result == nil || result.graph != g:
		return g.failf("Recompute: the function returned no variable of this graph")
	case result.home != inner:
		return g.failf("Recompute: the function returned a variable that it did not compute")
	}
	inner.result = result
	in := inner.captured()
	if len(in) > maxInputs {
		return g.failf("Recompute: the function reads %d variables from outside, expected at most %d; wrap a smaller part", len(in), maxInputs)
	}
	c := &recomputed{tape: inner}
	out := g.record(c, result.typ, result.rows, result.cols, in...)
	out.wants, out.producer.wants = result.wants, result.wants
	return out
}

// captured is what the operations of t, and of recomputed parts inside it, read from outside.
func (t *tape) captured() []*Var {
	var in []*Var
	for _, n := range t.nodes {
		for _, v := range n.in {
			if !v.leaf && v.home != t && !slices.Contains(in, v) {
				in = append(in, v)
			}
		}
	}
	return in
}

func (c *recomputed) reads() (inputs uint64, result bool) { return ^uint64(0), false }

func (c *recomputed) forward(k *call) error { panic("autograd: a recomputed part runs by its tape") }

func (c *recomputed) backward(b *backCall) error {
	g, result := b.graph, c.tape.result
	if err := c.tape.forward(g, true, true); err != nil {
		return err
	}
	result.grad, b.node.out.grad = b.node.out.grad, nil
	return c.tape.backward(g)
}

// cost is nothing: the operations inside count as they run.
func (c *recomputed) cost(*Var, []*Var) (forward, backward Cost) { return Cost{}, Cost{} }
