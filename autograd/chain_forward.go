package autograd

import (
	"github.com/longspan/longspan/internal/gemm"
	"github.com/longspan/longspan/tensor"
)

// forwardStrip is the rows of a strip of a forward pass: those that a product takes at a time. In L2 their rows of float32 leave room for
// 1,024 features of 512 KiB.
const forwardStrip = 96

// chainFrom is the live nodes from index at on that are a chain, and the index behind the last.
func (t *tape) chainFrom(at int) (nodes []*node, next int) {
	for next = at; next < len(t.nodes); next++ {
		n := t.nodes[next]
		if !n.live {
			continue
		}
		if !n.follows(nodes) {
			break
		}
		nodes = append(nodes, n)
	}
	return nodes, next
}

// forwardChain computes a chain, and releases the values that were read for the last time.
func (t *tape) forwardChain(g *Graph, nodes []*node, keep bool) error {
	for _, n := range nodes {
		if op, ok := n.op.(checker); ok {
			if err := op.check(n.out.rows); err != nil {
				return err
			}
		}
	}
	c := newChain(g, t, nodes, forwardStrip)
	defer c.free()
	c.keeps = keep
	c.findInner()
	var taken []*Var
	for i, n := range nodes {
		g.free(n.out) // a kept value from the first run of a recomputed part
		if !c.inner[n.out] {
			if v := c.place(i); v != nil {
				n.out.value, taken = v.value, append(taken, v)
			} else {
				n.out.value = g.x.Pool.Get(n.out.typ, n.out.rows, n.out.cols)
			}
		}
		if cols := c.ops[i].savedCols(); cols > 0 && keep && n.wants {
			n.saved = []tensor.Mat{g.x.Pool.Get(tensor.F32, c.rows, cols)}
		}
	}
	c.pack(gemm.T) // small matrices take what the large leave
	err := c.each(func(s *strip, _ int) error { return s.forward() }, func(*strip) {})
	for _, v := range taken { // the result has it, even a result that is not whole
		v.value = tensor.Mat{}
	}
	if err != nil {
		return err
	}
	g.between = max(g.between, g.x.Pool.InUse())
	for _, n := range nodes {
		for _, v := range n.in {
			t.release(g, v)
		}
		if n.out.readers == 0 {
			g.free(n.out)
		}
	}
	return nil
}

// findInner finds the results that the chain alone reads in this pass.
func (c *chain) findInner() {
	reads := map[*Var]int{}
	for _, n := range c.nodes {
		for _, v := range n.in {
			reads[v]++
		}
	}
	for _, n := range c.nodes {
		c.inner[n.out] = reads[n.out] == n.out.readers
	}
}

// place is the variable that the result of node i takes the place of, if the operation can and nothing reads it later; or nil.
func (c *chain) place(i int) *Var {
	n := c.nodes[i]
	v := n.in[0]
	_, own := c.inner[v]
	if _, ok := n.op.(inPlace); !ok || own || v.home != c.tape || v.typ != n.out.typ || v.cols != n.out.cols {
		return nil
	}
	reads := 0
	for _, before := range c.nodes[:i+1] {
		for _, in := range before.in {
			if in == v {
				reads++
			}
		}
	}
	if reads != v.readers {
		return nil
	}
	return v
}

// forward computes the rows, and keeps what the operations save.
func (s *strip) forward() error {
	s.tape.count(false, false)
	s.direct()
	for _, n := range s.tape.nodes {
		if err := s.tape.run(s.g, n, s.chain.keeps && n.wants); err != nil {
			return err
		}
		for k, m := range n.saved {
			if !s.g.Dry() {
				n.whole.saved[k].SliceRows(s.lo, s.hi).CopyFrom(m)
			}
		}
		n.dropSaved(s.g)
	}
	return nil
}

// direct puts the input of an operation in place where the result is to be, if nothing else reads it.
func (s *strip) direct() {
	for _, n := range s.tape.nodes {
		if _, ok := n.op.(inPlace); !ok {
			continue
		}
		v, out := n.in[0], n.out
		if v.home == s.tape && !v.borrowed && v.readers == 1 && out.borrowed && v.typ == out.typ && v.cols == out.cols {
			v.borrowed, v.value = true, out.value
		}
	}
}
