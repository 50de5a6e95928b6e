package mechanism

import (
	"unsafe"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
)

// allCore is the reference of the ways to compute over ranks: every rank fetches all rows and computes them all.
type allCore struct {
	Core
	share *parallel.Share
}

func overAll(l Layer, s *parallel.Share) (Core, error) {
	c, err := l.Compile(attention.Self(s.Lengths...))
	return allCore{c, s}, err
}

func (a allCore) rows() int {
	lo, hi := a.share.Own()
	return hi - lo
}

func (a allCore) Queries() int { return a.rows() }
func (a allCore) Keys() int    { return a.rows() }

// Saved is nothing: Backward runs Forward again.
func (a allCore) Saved() []Shape { return nil }

func (a allCore) Forward(x tensor.Exec, out Out, in In) error {
	whole, done, err := a.fetch(x, in)
	defer done()
	if err != nil {
		return err
	}
	o := x.Pool.Get(out.O.Type, whole.Q.Rows, out.O.Cols)
	defer x.Pool.Put(o)
	if err := a.Core.Forward(x, Out{O: o}, whole); err != nil {
		return err
	}
	lo, hi := a.share.Own()
	return tensor.Convert(x, out.O, o.SliceRows(lo, hi))
}

func (a allCore) Backward(x tensor.Exec, g Grads, do tensor.Mat, _ Out, in In) error {
	whole, done, err := a.fetch(x, in)
	defer done()
	if err != nil {
		return err
	}
	var held []tensor.Mat
	get := func(t tensor.Type, rows, cols int) tensor.Mat {
		held = append(held, x.Pool.Get(t, rows, cols))
		return held[len(held)-1]
	}
	defer func() {
		for _, m := range held {
			x.Pool.Put(m)
		}
	}()
	out := Out{O: get(in.Q.Type, whole.Q.Rows, whole.Q.Cols)}
	for _, s := range a.Core.Saved() {
		out.Saved = append(out.Saved, get(tensor.F32, s.Rows, s.Cols))
	}
	if err := a.Core.Forward(x, out, whole); err != nil {
		return err
	}
	all := get(do.Type, whole.Q.Rows, do.Cols)
	if err := a.gather("gradients of outputs", all, do); err != nil {
		return err
	}
	grads := Grads{DQ: get(g.DQ.Type, whole.Q.Rows, g.DQ.Cols), DK: get(g.DK.Type, whole.K.Rows, g.DK.Cols),
		DV: get(g.DV.Type, whole.V.Rows, g.DV.Cols), Learned: g.Learned}
	if err := a.Core.Backward(x, grads, all, out, whole); err != nil {
		return err
	}
	lo, hi := a.share.Own()
	for _, m := range [][2]tensor.Mat{{g.DQ, grads.DQ}, {g.DK, grads.DK}, {g.DV, grads.DV}} {
		if err := tensor.Convert(x, m[0], m[1].SliceRows(lo, hi)); err != nil {
			return err
		}
	}
	for _, m := range g.Learned { // the whole gradients, which one rank counts
		if a.share.Engine.Rank() > 0 {
			clear(m.F32)
		}
	}
	return nil
}

// fetch gathers the rows of all ranks. done gives them back.
func (a allCore) fetch(x tensor.Exec, in In) (whole In, done func(), err error) {
	total := a.share.Cuts[len(a.share.Cuts)-1]
	get := func(m tensor.Mat) tensor.Mat { return x.Pool.Get(m.Type, total, m.Cols) }
	whole = In{In: attention.In{Q: get(in.Q), K: get(in.K), V: get(in.V)}, Learned: in.Learned}
	done = func() {
		for _, m := range []tensor.Mat{whole.V, whole.K, whole.Q} {
			x.Pool.Put(m)
		}
	}
	if err := a.gather("queries", whole.Q, in.Q); err != nil {
		return whole, done, err
	}
	if err := a.gather("keys", whole.K, in.K); err != nil {
		return whole, done, err
	}
	return whole, done, a.gather("values", whole.V, in.V)
}

// gather fills all, without gaps, with the rows of every rank. own are this rank's.
func (a allCore) gather(name string, all, own tensor.Mat) error {
	e := a.share.Engine
	lo, hi := a.share.Own()
	if err := tensor.Convert(tensor.Exec{}, all.SliceRows(lo, hi), own); err != nil {
		return err
	}
	if all.Dry() {
		var send, recv []parallel.Part
		for r := range e.Size() {
			if lo, hi := a.share.Rows(r); r != e.Rank() {
				send = append(send, parallel.Part{Rank: r, Dry: own.Bytes()})
				recv = append(recv, parallel.Part{Rank: r, Dry: all.SliceRows(lo, hi).Bytes()})
			}
		}
		return e.Begin(name, send, recv).Wait()
	}
	parts := make([][]byte, e.Size())
	for r := range parts {
		lo, hi := a.share.Rows(r)
		parts[r] = bytesOf(all.SliceRows(lo, hi))
	}
	return parallel.AllGather(e, name, parts)
}

// bytesOf views the elements of a matrix without gaps.
func bytesOf(m tensor.Mat) []byte {
	switch {
	case m.Rows == 0 || m.Cols == 0:
		return nil
	case m.Type == tensor.F32:
		return parallel.Bytes(m.F32)
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&m.U16[0])), 2*len(m.U16))
}
