package autograd

import (
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
)

// meanPoolOver is meanPool of sequences whose rows several ranks have. A rank sums its rows in the runs of meanPool, which begin at
// multiples of takeRun from the first row of a sequence, and sends the sums to the rank that has the first row. That rank adds the runs in
// order, so that the mean has the bits of meanPool.
type meanPoolOver struct {
	share *parallel.Share
	runs  []poolRuns // of the pieces of this rank
	owned []int      // sequences whose first row this rank has
}

// poolRuns are the runs of a piece, in rows of a matrix of sums.
type poolRuns struct {
	parallel.Piece
	row   int // first row of the piece
	first int // first run
	owner int // rank that has the first row of the sequence
}

func (r poolRuns) count() int { return (r.Len() + takeRun - 1) / takeRun }

// MeanPoolOver is MeanPool of the sequences of a share: x has the rows of this rank, and the result one row for each sequence whose first
// row is among them, in the order of the sequences. All ranks call it. Received: a row of float32 for each 256 rows of a sequence, forward,
// and one for each sequence, backward.
func (g *Graph) MeanPoolOver(x *Var, share *parallel.Share) *Var {
	if !g.check("MeanPoolOver", x) {
		return g.nothing()
	}
	o := &meanPoolOver{share: share}
	rank := share.Engine.Rank()
	if lo, hi := share.Own(); hi-lo != x.rows {
		return g.failf("MeanPoolOver: found %d rows, expected the %d of the share", x.rows, hi-lo)
	}
	for s, n := range share.Lengths {
		if n < 1 {
			return g.failf("MeanPoolOver: found length %d of sequence %d, expected at least 1", n, s)
		}
	}
	o.runs = piecesOf(share, rank)
	for _, r := range o.runs {
		if r.From == 0 {
			o.owned = append(o.owned, r.Sequence)
		}
	}
	return g.record(o, x.typ, len(o.owned), x.cols, x)
}

// piecesOf lists the runs of the pieces of a rank.
func piecesOf(share *parallel.Share, rank int) (all []poolRuns) {
	starts := share.Starts()
	row, first := 0, 0
	for _, p := range share.Pieces(rank) {
		r := poolRuns{Piece: p, row: row, first: first, owner: share.Owner(starts[p.Sequence])}
		all = append(all, r)
		row, first = row+p.Len(), first+r.count()
	}
	return all
}

func (*meanPoolOver) reads() (inputs uint64, result bool) { return 0, false }

func (o *meanPoolOver) forward(c *call) error {
	x, n := c.in[0], c.out.Cols
	sums := o.sums(c, x)
	defer c.x.Pool.Put(sums)
	e := o.share.Engine
	var send, recv []parallel.Part
	for _, r := range o.runs {
		if r.owner != e.Rank() {
			send = append(send, parallel.MatPart(r.owner, sums.SliceRows(r.first, r.first+r.count())))
		}
	}
	others, received := map[int][]tensor.Mat{}, []tensor.Mat{} // the runs of each owned sequence, in order
	for rank := range e.Size() {
		for _, r := range piecesOf(o.share, rank) {
			switch {
			case r.owner != e.Rank():
			case rank == e.Rank():
				others[r.Sequence] = append(others[r.Sequence], sums.SliceRows(r.first, r.first+r.count()))
			default:
				m := c.x.Pool.Get(tensor.F32, r.count(), n)
				received = append(received, m)
				recv = append(recv, parallel.MatPart(rank, m))
				others[r.Sequence] = append(others[r.Sequence], m)
			}
		}
	}
	err := e.Begin("means of sequences", send, recv).Wait()
	if err == nil {
		o.join(c, others)
	}
	for _, m := range received {
		c.x.Pool.Put(m)
	}
	return err
}

// sums adds the rows of each run: [runs, columns].
func (o *meanPoolOver) sums(c *call, x tensor.Mat) tensor.Mat {
	n, count := x.Cols, 0
	var at []int // first and last+1 row of each run
	for _, r := range o.runs {
		for i := 0; i < r.Len(); i += takeRun {
			at = append(at, r.row+i, r.row+min(r.Len(), i+takeRun))
		}
		count += r.count()
	}
	sums := c.x.Pool.Get(tensor.F32, count, n)
	eachRow(c.x, c.dry, count, n*takeRun, n, func(i int, buf []float32) {
		part := sums.Row(i)
		clear(part)
		for k := at[2*i]; k < at[2*i+1]; k++ {
			kernel.Add(part, part, load(x, k, buf))
		}
	})
	return sums
}

// join adds the runs of each owned sequence, and divides by its length.
func (o *meanPoolOver) join(c *call, runs map[int][]tensor.Mat) {
	n := c.out.Cols
	eachRow(c.x, c.dry, c.out.Rows, n, 2*n, func(i int, buf []float32) {
		s := o.owned[i]
		total := buf[:n]
		clear(total)
		for _, m := range runs[s] {
			for k := range m.Rows {
				kernel.Add(total, total, m.Row(k))
			}
		}
		y := room(c.out, i, buf[n:])
		kernel.Scale(y, 1/float32(o.share.Lengths[s]), total)
		store(c.out, i, y)
	})
}

func (o *meanPoolOver) backward(b *backCall) error {
	dx, e, n := b.fresh(0), o.share.Engine, b.dout.Cols
	owned := b.x.Pool.Get(tensor.F32, len(o.owned), n)
	convert(b.x, owned, b.dout)
	rowOf := map[int]int{} // of each owned sequence
	for i, s := range o.owned {
		rowOf[s] = i
	}
	var send, recv []parallel.Part
	for rank := range e.Size() {
		for _, r := range piecesOf(o.share, rank) {
			if rank != e.Rank() && r.owner == e.Rank() {
				i := rowOf[r.Sequence]
				send = append(send, parallel.MatPart(rank, owned.SliceRows(i, i+1)))
			}
		}
	}
	dy := b.x.Pool.Get(tensor.F32, len(o.runs), n)
	for i, r := range o.runs {
		to := dy.SliceRows(i, i+1)
		switch {
		case r.owner != e.Rank():
			recv = append(recv, parallel.MatPart(r.owner, to))
		case !b.dry:
			copy(to.F32, owned.Row(rowOf[r.Sequence]))
		}
	}
	err := e.Begin("gradients of means of sequences", send, recv).Wait()
	if err == nil {
		o.spread(b, dx, dy)
	}
	b.x.Pool.Put(dy)
	b.x.Pool.Put(owned)
	b.give(0, dx)
	return err
}

// spread gives each row its part of the gradient of its sequence.
func (o *meanPoolOver) spread(b *backCall, dx, dy tensor.Mat) {
	for i, r := range o.runs {
		factor := 1 / float32(o.share.Lengths[r.Sequence])
		rows := dx.SliceRows(r.row, r.row+r.Len())
		eachRow(b.x, b.dry, rows.Rows, rows.Cols, rows.Cols, func(k int, buf []float32) {
			d := room(rows, k, buf)
			kernel.Scale(d, factor, dy.Row(i))
			store(rows, k, d)
		})
	}
}

func (*meanPoolOver) cost(out *Var, in []*Var) (forward, backward Cost) {
	c := elementwise(1, in[0].elements(), in[0].bytes(), out.bytes())
	return c, c
}
