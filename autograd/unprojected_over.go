package autograd

import (
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
)

// tokens returns the n rows of a sequence that begins at row start of the batch, if queries of it are here, and what to call when they
// are done with. A rank that has a part of them sends it to the others that have queries, and so fetches theirs.
func (o *unprojected) tokens(c *call, x tensor.Mat, start, n int) (all tensor.Mat, done func(), err error) {
	lo, hi := max(o.lo, start), min(o.hi, start+n)
	here := lo < hi
	var piece tensor.Mat
	if here {
		piece = x.SliceRows(lo-o.lo, hi-o.lo)
	}
	if hi-lo == n {
		all = piece
	}
	if o.Share == nil || len(between(o.Queries, start, start+n)) == 0 {
		return all, func() {}, nil
	}
	done = func() {}
	if len(between(o.own, start, start+n)) > 0 && hi-lo < n {
		all = c.x.Pool.Get(x.Type, n, x.Cols)
		done = func() { c.x.Pool.Put(all) }
		if !c.dry {
			all.SliceRows(lo-start, hi-start).CopyFrom(piece)
		}
	}
	var send, recv []parallel.Part
	for rank := range o.Share.Engine.Size() {
		from, to := o.Share.Rows(rank)
		from, to = max(from, start), min(to, start+n)
		if rank == o.Share.Engine.Rank() || from >= to {
			continue
		}
		if here && len(between(o.Queries, from, to)) > 0 {
			send = append(send, parallel.MatPart(rank, piece))
		}
		if len(between(o.own, start, start+n)) > 0 {
			recv = append(recv, parallel.MatPart(rank, all.SliceRows(from-start, to-start)))
		}
	}
	return all, done, o.Share.Engine.Begin("tokens of global queries", send, recv).Wait()
}
