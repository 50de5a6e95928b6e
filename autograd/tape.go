package autograd

import "github.com/longspan/longspan/tensor"

// tape is a list of operations that are run together: the whole graph, or a part wrapped by Checkpoint.
type tape struct {
	nodes  []*node
	parent *tape // of a recomputed part: where it was recorded
	result *Var  // of a recomputed part: what stays of it
}

// forward runs the operations in order. With keep, values that the backward pass reads stay. A rerun leaves out what only
// led to results that are known already.
func (t *tape) forward(g *Graph, keep, rerun bool) error {
	t.count(keep, rerun)
	for i := 0; i < len(t.nodes); i++ {
		n := t.nodes[i]
		if !n.live {
			continue
		}
		if chain, next := t.chainFrom(i); len(chain) > 1 {
			if err := t.forwardChain(g, chain, keep); err != nil {
				return err
			}
			i = next - 1
			continue
		}
		if err := t.run(g, n, keep); err != nil {
			return err
		}
	}
	return nil
}

// count finds the operations to run and how often each value will be read.
func (t *tape) count(keep, rerun bool) {
	for _, n := range t.nodes {
		n.out.readers, n.out.deferred = 0, 0
	}
	for i := len(t.nodes) - 1; i >= 0; i-- {
		n := t.nodes[i]
		_, saves := n.op.(saver)
		n.live = !rerun || n.out.readers > 0 || n.wants && saves
		inputs, result := n.op.reads()
		if keep && n.wants && result {
			n.out.readers++
			n.live = true
		}
		for k, v := range n.in {
			if v.home != t {
				continue
			}
			if n.live {
				v.readers++
			}
			if keep && n.wants && inputs>>k&1 == 1 {
				if v.again() {
					v.deferred++
				} else {
					v.readers++
				}
			}
		}
	}
	for _, n := range t.nodes {
		if n.out.kept || n.out == t.result && !rerun {
			n.out.readers++
		}
	}
}

// again reports whether v is recomputed for the backward pass instead of kept.
func (v *Var) again() bool {
	if v.producer == nil || !v.producer.wants || v.kept {
		return false
	}
	_, ok := v.producer.op.(cheap)
	return ok
}

// run computes one operation and releases the values that were read for the last time.
func (t *tape) run(g *Graph, n *node, keep bool) error {
	g.free(n.out) // a kept value from the first run of a recomputed part
	out, taken := t.place(g, n)
	n.out.value = out
	c := n.call(g, keep && n.wants)
	if taken {
		n.in[0].value = tensor.Mat{}
	}
	if err := n.forward(g, &c); err != nil {
		return err
	}
	forward, _ := n.cost()
	g.cost.Add(forward)
	n.saved = c.saved
	if !c.keeps {
		n.dropSaved(g)
	}
	g.between = max(g.between, g.x.Pool.InUse())
	for _, v := range n.in {
		t.release(g, v)
	}
	if n.out.readers == 0 {
		g.free(n.out)
	}
	return nil
}

// forward runs the operation, or the tape that is the operation.
func (n *node) forward(g *Graph, c *call) error {
	p, ok := n.op.(*recomputed)
	if !ok {
		return n.op.forward(c)
	}
	if err := p.tape.forward(g, false, false); err != nil {
		return err
	}
	result := p.tape.result
	n.out.value = result.value
	if !result.kept {
		result.value = tensor.Mat{}
		return nil
	}
	n.out.value = g.x.Pool.Get(result.typ, result.rows, result.cols)
	convert(g.x, n.out.value, result.value)
	return nil
}

// place finds room for the result: that of the first input, if the operation can and this is its last reader.
func (t *tape) place(g *Graph, n *node) (m tensor.Mat, taken bool) {
	if _, ok := n.op.(*recomputed); ok {
		return tensor.Mat{}, false // its own tape finds it
	}
	if n.out.borrowed {
		return n.out.value, false
	}
	if _, ok := n.op.(inPlace); ok {
		v := n.in[0]
		if v.home == t && !v.borrowed && v.readers == 1 && v.typ == n.out.typ && v.rows == n.out.rows && v.cols == n.out.cols {
			return v.value, true
		}
	}
	return g.x.Pool.Get(n.out.typ, n.out.rows, n.out.cols), false
}

// call gathers what the operation computes with.
func (n *node) call(g *Graph, keep bool) call {
	c := call{x: g.x, out: n.out.value, dry: g.Dry(), keeps: keep, node: n, in: make([]tensor.Mat, len(n.in))}
	for i, v := range n.in {
		c.in[i] = v.value
	}
	return c
}

// release counts one read of v as done, if t runs v, and gives its memory back after the last.
func (t *tape) release(g *Graph, v *Var) {
	if v.home != t {
		return
	}
	v.readers--
	if v.readers == 0 {
		g.free(v)
	}
}

// free gives the value of v back to the pool, if it has one.
func (g *Graph) free(v *Var) {
	if v.leaf || v.borrowed {
		return
	}
	if v.value.Rows > 0 {
		g.x.Pool.Put(v.value)
	}
	v.value = tensor.Mat{}
}

func (n *node) dropSaved(g *Graph) {
	for _, m := range n.saved {
		g.x.Pool.Put(m)
	}
	n.saved = nil
}

// drop gives back everything the tape still holds, save what is kept.
func (t *tape) drop(g *Graph) {
	for _, n := range t.nodes {
		if c, ok := n.op.(*recomputed); ok {
			c.tape.drop(g)
		}
		n.dropSaved(g)
		g.dropGrad(n.out)
		if !n.out.kept {
			g.free(n.out)
		}
	}
}
