package autograd

import (
	"slices"

	"github.com/longspan/longspan/internal/gemm"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// chainTo is the nodes up to index at that are a chain whose gradients are computed strip by strip, and the index of the first. An addition
// at either end is none: it hands its gradient on as it is, which costs nothing.
func (t *tape) chainTo(at int) (nodes []*node, first int) {
	if _, ok := t.nodes[at].op.(add); ok {
		return nil, at
	}
	for i := at; i >= 0; i-- {
		n := t.nodes[i]
		if !n.wants {
			continue
		}
		if !n.follows(nodes) || n.sumsWith(nodes) {
			break
		}
		nodes, first = append([]*node{n}, nodes...), i
	}
	for len(nodes) > 0 {
		if _, ok := nodes[0].op.(add); !ok {
			break
		}
		nodes = nodes[1:]
		for first++; t.nodes[first] != nodes[0]; first++ {
		}
	}
	return nodes, first
}

// sumsWith reports whether the node sums the gradient of a leaf over its rows that one of the nodes adds to. A strip would add both before
// the next strip adds its own, and whole matrices add one after the other.
func (n *node) sumsWith(nodes []*node) bool {
	for _, other := range nodes {
		if n.sharesSink(other) || other.sharesSink(n) {
			return true
		}
	}
	return false
}

// sharesSink reports whether a leaf that the node reads whole has its gradient where that of an input of other is added.
func (n *node) sharesSink(other *node) bool {
	for _, v := range n.in[n.op.(rowwise).rowInputs():] {
		if v.wants && slices.ContainsFunc(other.in, func(w *Var) bool { return v == w || w.leaf && w.wants && sameBuffer(v.sink, w.sink) }) {
			return true
		}
	}
	return false
}

// chainGrads is what the strips of a backward pass have in common.
type chainGrads struct {
	*chain
	leaves []*Var             // weights that want a gradient
	into   map[*Var]*gradient // of what the chain reads: where rows of their gradients go
	turns  pool.Turns
}

// backwardChain computes the gradients of what a chain reads, and releases what it has read for the last time.
func (t *tape) backwardChain(g *Graph, nodes []*node) error {
	c := &chainGrads{chain: newChain(g, t, nodes, gemm.Block(nodes[0].out.rows)), into: map[*Var]*gradient{}}
	defer c.free()
	if err := c.fetch(); err != nil {
		return err
	}
	c.pack(gemm.N)
	err := c.each(func(s *strip, i int) error { return s.backward(c, i) }, c.takeRoom)
	for v, into := range c.into {
		v.grad = into
	}
	if err != nil {
		return err
	}
	g.between = max(g.between, g.x.Pool.InUse())
	for i := len(nodes) - 1; i >= 0; i-- {
		g.dropGrad(nodes[i].out)
		nodes[i].dropSaved(g)
		t.releaseBackward(g, nodes[i])
	}
	return nil
}

// fetch finds which values strips compute again, and computes others that they read and that were not kept.
func (c *chainGrads) fetch() error {
	seen := map[*Var]bool{}
	for _, n := range c.nodes {
		c.inner[n.out] = n.out.value.Rows == 0
	}
	for i, n := range c.nodes {
		reads, _ := n.op.reads()
		for k, v := range n.in {
			if _, own := c.inner[v]; !own && reads>>k&1 == 1 {
				if err := c.g.fetch(v); err != nil {
					return err
				}
			}
			if k >= c.ops[i].rowInputs() && v.wants && !seen[v] {
				seen[v] = true
				c.leaves = append(c.leaves, v)
			}
		}
	}
	return nil
}

// takeRoom takes the matrices that gradients of what the chain reads are written to, given a strip that says which there are.
func (c *chainGrads) takeRoom(dry *strip) {
	for i, n := range c.nodes {
		for _, v := range n.in[:c.ops[i].rowInputs()] {
			_, own := c.inner[v]
			if own || v.leaf || c.into[v] != nil || dry.vars[v].grad == nil {
				continue
			}
			if v.grad == nil {
				c.into[v] = &gradient{m: c.g.x.Pool.Get(v.typ, v.rows, v.cols), owners: 1}
				continue
			}
			c.g.own(v)
			c.into[v] = v.grad
		}
	}
}

// backward computes the gradients of the rows, and adds those of weights in turn.
func (s *strip) backward(c *chainGrads, i int) error {
	s.tape.count(true, false)
	for _, v := range c.leaves {
		own := s.vars[v]
		own.sink = s.g.x.Pool.GetZero(tensor.F32, v.rows, v.cols)
	}
	for v, own := range s.vars {
		if v.grad != nil {
			own.grad = &gradient{m: s.cut(v.grad.m), owners: 2} // one of them is the graph
		}
	}
	err := s.differentiate()
	for v, into := range c.into {
		s.move(into.m, s.vars[v])
	}
	if !s.g.Dry() {
		c.turns.Do(i, func() {
			for _, v := range c.leaves {
				addTo(s.g.x, v.sink, s.vars[v].sink)
			}
		})
		for _, v := range c.leaves {
			s.g.x.Pool.Put(s.vars[v].sink)
		}
	}
	return err
}

// differentiate runs the operations in reverse.
func (s *strip) differentiate() error {
	for i := len(s.tape.nodes) - 1; i >= 0; i-- {
		n := s.tape.nodes[i]
		if n.out.grad != nil {
			for _, m := range n.whole.saved {
				n.saved = append(n.saved, s.cut(m))
			}
			if err := s.tape.differentiate(s.g, n); err != nil {
				return err
			}
			s.g.dropGrad(n.out)
			n.saved = nil // the graph's
		}
		s.tape.releaseBackward(s.g, n)
	}
	return nil
}

// move writes the gradient of v to its rows of m.
func (s *strip) move(m tensor.Mat, v *Var) {
	if v.grad == nil {
		return
	}
	to := s.cut(m)
	if !s.g.Dry() && !sameBuffer(to, v.grad.m) {
		to.CopyFrom(v.grad.m)
	}
	s.g.dropGrad(v)
}
