package autograd

import (
	"slices"

	"github.com/longspan/longspan/internal/ceil"
	"github.com/longspan/longspan/internal/gemm"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// Operations that follow one another and go row by row are a chain. In a narrow model each of them alone is bound by memory: it reads and
// writes matrices of all rows, and does little with an element. So a chain is computed strip by strip: one thread takes some rows through
// all of its operations, while a cache has them. What the chain alone reads is never a matrix of all rows.
//
// A strip is a small tape of copies of the operations. Its variables view rows of the matrices of the graph, or lie in memory of the
// thread. Results have the bits of whole matrices: a row does not depend on others, and gradients of weights are summed from zero over a
// strip and added in the order of the strips, as [gemm.Mul] sums blocks of its terms and reduceRows parts of the rows.

// rowwise is an operation each row of whose result depends on the same row of its first inputs, and on leaves.
type rowwise interface {
	operation
	rowInputs() int             // their number
	strip(lo, hi int) operation // the operation on rows lo … hi−1
	savedCols() int             // float32 numbers a row that it saves
}

const (
	// chainRows are the least rows of a chain. At 443 features, the widest square of chainWeights, their float32 take 14 MiB: fewer stay in a
	// last cache.
	chainRows = 1 << 13
	// chainWeights bounds the elements of a matrix of weights in a chain: 768 KiB. Wider products are bound by their multiply-adds.
	chainWeights = 3 << 16
)

// chain is nodes of a tape that are computed strip by strip.
type chain struct {
	g     *Graph
	tape  *tape
	nodes []*node
	ops   []rowwise     // of the nodes; those of products have packed weights
	inner map[*Var]bool // results: whether they lie in the strips alone
	rows  int
	strip int  // rows of a strip
	keeps bool // a backward pass will follow
	packs []*gemm.Packed
}

// inChain reports whether a chain can have the node. All is float32: matrices of 16 bits take half the bytes, and with them chains gained
// nothing.
func (n *node) inChain() bool {
	op, ok := n.op.(rowwise)
	if !ok || n.out.rows < chainRows || n.out.typ != tensor.F32 {
		return false
	}
	if d, ok := op.(dense); ok && d.products != tensor.F32 {
		return false // blocks of K are longer where pairs of bf16 are multiplied
	}
	for k, v := range n.in {
		switch {
		case k < op.rowInputs():
			if v.rows != n.out.rows {
				return false
			}
		case !v.leaf || v.typ != tensor.F32 || v.elements() > chainWeights:
			return false
		}
	}
	return true
}

// follows reports whether the node can follow the others of a chain. What one of them reads row by row, none may read whole.
func (n *node) follows(nodes []*node) bool {
	if !n.inChain() || len(nodes) > 0 && n.out.rows != nodes[0].out.rows {
		return false
	}
	for _, v := range n.in {
		byRow, whole := n.uses(v)
		for _, other := range nodes {
			r, w := other.uses(v)
			byRow, whole = byRow || r, whole || w
		}
		if byRow && whole {
			return false
		}
	}
	return true
}

// uses reports whether the operation, which is rowwise, reads v row by row, and whether it reads v whole.
func (n *node) uses(v *Var) (byRow, whole bool) {
	rows := n.op.(rowwise).rowInputs()
	return slices.Contains(n.in[:rows], v), slices.Contains(n.in[rows:], v)
}

func newChain(g *Graph, t *tape, nodes []*node, strip int) *chain {
	c := &chain{g: g, tape: t, nodes: nodes, inner: map[*Var]bool{}, rows: nodes[0].out.rows, strip: strip}
	for _, n := range nodes {
		c.ops = append(c.ops, n.op.(rowwise))
	}
	return c
}

// pack packs the weights of the products, as a pass reads them.
func (c *chain) pack(as func(w tensor.Mat) gemm.Operand) {
	for i, n := range c.nodes {
		if d, ok := n.op.(dense); ok {
			d.packed = gemm.Pack(c.g.x, as(n.in[1].value))
			c.ops[i], c.packs = d, append(c.packs, d.packed)
		}
	}
}

// free gives packed weights back.
func (c *chain) free() {
	for _, p := range c.packs {
		p.Free(c.g.x)
	}
}

// each calls do for every strip, in memory that each thread has for itself. Before, it calls do for a strip without data: its peak is what
// a thread needs, and ready learns of it.
func (c *chain) each(do func(s *strip, i int) error, ready func(dry *strip)) error {
	mem := tensor.NewDryPool()
	dry := c.newStrip(mem)
	dry.at(0, min(c.strip, c.rows))
	if err := do(dry, 0); err != nil {
		return err
	}
	c.g.cost.Add(dry.g.cost)
	strips := ceil.Div(c.rows, c.strip)
	workers := min(pool.Threads(c.g.x.Threads), strips)
	room := c.g.x.Pool.Get(tensor.F32, workers, stripWords(mem.Peak()))
	defer c.g.x.Pool.Put(room)
	ready(dry)
	if c.g.Dry() {
		return nil
	}
	own, errs := make([]*strip, workers), make([]error, strips)
	for i := range own {
		own[i] = c.newStrip(tensor.NewPoolOver(room.Row(i)))
	}
	pool.Run(workers, strips, func(worker, i int) {
		s := own[worker]
		s.at(i*c.strip, min((i+1)*c.strip, c.rows))
		errs[i] = do(s, i)
	})
	i := slices.IndexFunc(errs, func(err error) bool { return err != nil })
	if i < 0 {
		return nil
	}
	return errs[i]
}

// stripWords is the floats that a thread's memory has for strips of so many bytes: gaps between matrices of many sizes take a fourth more,
// and 16 KiB.
func stripWords(bytes int64) int { return int(bytes)/4*5/4 + 1<<12 }

// strip is rows lo … hi−1 of a chain, and goes from rows to rows.
type strip struct {
	chain  *chain
	g      *Graph // of one thread
	tape   *tape
	vars   map[*Var]*Var // of the graph, and what stands for them here
	byRow  []*Var        // those of the graph that have a row for each row
	lo, hi int
}

func (c *chain) newStrip(mem *tensor.Pool) *strip {
	t := &tape{}
	g := &Graph{x: tensor.Exec{Threads: 1, Pool: mem}, options: c.g.options, root: t, current: t}
	s := &strip{chain: c, g: g, tape: t, vars: make(map[*Var]*Var, 3*len(c.nodes))}
	for i, n := range c.nodes {
		own := &node{wants: n.wants, whole: n}
		for k, v := range n.in {
			own.in = append(own.in, s.standIn(v, k < c.ops[i].rowInputs()))
		}
		own.out = s.standIn(n.out, true)
		own.out.home, own.out.producer = t, own
		t.nodes = append(t.nodes, own)
	}
	return s
}

// standIn stands for v, which the chain reads row by row or whole, or computes.
func (s *strip) standIn(v *Var, byRow bool) *Var {
	own := s.vars[v]
	if own == nil {
		own = &Var{graph: s.g, typ: v.typ, rows: v.rows, cols: v.cols, wants: v.wants, leaf: v.leaf, value: s.dried(v.value)}
		if s.vars[v] = own; byRow {
			s.byRow = append(s.byRow, v)
		}
	}
	return own
}

// at moves the strip to rows lo … hi−1.
func (s *strip) at(lo, hi int) {
	s.lo, s.hi = lo, hi
	for i, n := range s.tape.nodes {
		n.op = s.chain.ops[i].strip(lo, hi)
	}
	for _, v := range s.byRow {
		own, inner := s.vars[v], s.chain.inner[v]
		own.rows, own.borrowed, own.sink, own.grad = hi-lo, !inner, s.cut(v.sink), nil
		if own.value = (tensor.Mat{}); !inner {
			own.value = s.cut(v.value)
		}
	}
}

// dried is m, without data in a dry run.
func (s *strip) dried(m tensor.Mat) tensor.Mat {
	if s.g.Dry() {
		m.F32, m.U16 = nil, nil
	}
	return m
}

// cut is the strip's rows of m, which may be a matrix without rows.
func (s *strip) cut(m tensor.Mat) tensor.Mat {
	if m.Rows == 0 {
		return m
	}
	return s.dried(m).SliceRows(s.lo, s.hi)
}
