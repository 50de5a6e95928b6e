package mechanism

import (
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
)

// parcel is a matrix that goes to a rank or comes from it, often a view of some rows or columns of a larger one.
type parcel struct {
	rank int
	m    tensor.Mat
}

// transfer is an exchange of parcels on its way.
type transfer struct {
	x       tensor.Exec
	pending parallel.Pending
	staged  []tensor.Mat // the memory of parcels whose rows do not touch
	arrive  []arrival
}

// arrival is a received parcel that is to be copied to its place.
type arrival struct{ place, staged tensor.Mat }

// begin starts to exchange parcels. The ranks' lists must agree: parcels of a pair of ranks keep their order, and have one shape and type
// on both sides. Parcels of the rank to itself are copied at once, and empty ones are left out. A view whose rows do not touch travels by
// way of memory from the pool, as large as it is. What is sent must stay unchanged until the transfer ends.
func begin(e parallel.Engine, x tensor.Exec, name string, send, recv []parcel) (*transfer, error) {
	t := &transfer{x: x}
	own := ownParcels(e.Rank(), recv)
	var parts [2][]parallel.Part
	for _, p := range send {
		switch {
		case p.rank == e.Rank():
			if err := tensor.Convert(x, own[0], p.m); err != nil {
				return nil, err
			}
			own = own[1:]
		case p.m.Rows > 0 && p.m.Cols > 0:
			m, isView := t.stage(p.m)
			if isView {
				if err := tensor.Convert(x, m, p.m); err != nil {
					return nil, err
				}
			}
			parts[0] = append(parts[0], parallel.MatPart(p.rank, m))
		}
	}
	for _, p := range recv {
		if p.rank == e.Rank() || p.m.Rows == 0 || p.m.Cols == 0 {
			continue
		}
		m, isView := t.stage(p.m)
		if isView {
			t.arrive = append(t.arrive, arrival{p.m, m})
		}
		parts[1] = append(parts[1], parallel.MatPart(p.rank, m))
	}
	t.pending = e.Begin(name, parts[0], parts[1])
	return t, nil
}

func ownParcels(rank int, all []parcel) (own []tensor.Mat) {
	for _, p := range all {
		if p.rank == rank {
			own = append(own, p.m)
		}
	}
	return own
}

// stage returns memory for m without gaps between its rows: m itself where it has none.
func (t *transfer) stage(m tensor.Mat) (staged tensor.Mat, isView bool) {
	if m.Rows == 1 || m.Stride == m.Cols {
		return m, false
	}
	staged = t.x.Pool.Get(m.Type, m.Rows, m.Cols)
	t.staged = append(t.staged, staged)
	return staged, true
}

// end waits for the transfer, puts what has arrived into its place, and gives the memory back.
func (t *transfer) end() error {
	err := t.pending.Wait()
	for _, a := range t.arrive {
		if err == nil {
			err = tensor.Convert(t.x, a.place, a.staged)
		}
	}
	for _, m := range t.staged {
		t.x.Pool.Put(m)
	}
	return err
}

// move exchanges parcels, from begin to end.
func move(e parallel.Engine, x tensor.Exec, name string, send, recv []parcel) error {
	t, err := begin(e, x, name, send, recv)
	if err != nil {
		return err
	}
	return t.end()
}
