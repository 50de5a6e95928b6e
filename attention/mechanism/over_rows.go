package mechanism

import (
	"github.com/longspan/longspan/internal/ceil"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
)

// fetch is an exchange of rows: every rank sends those of its rows that others need.
type fetch struct {
	s          *parallel.Share
	x          tensor.Exec
	send, recv []parallel.Part
	mem        []tensor.Mat
}

// rows adds the own rows of m that others need to the exchange, and returns the matrix of those that this rank needs, ascending. needs
// lists what each rank needs.
func (f *fetch) rows(needs []links, m tensor.Mat) tensor.Mat {
	return f.add(needs, m, m.Cols, func(to tensor.Mat, row int) { to.CopyFrom(m.SliceRows(row, row+to.Rows)) })
}

// columns is rows of the transpose of m, which is F32 and has a column a row of the batch.
func (f *fetch) columns(needs []links, m tensor.Mat) tensor.Mat {
	return f.add(needs, m, m.Rows, func(to tensor.Mat, row int) {
		for j := range m.Rows {
			for i, v := range m.Row(j)[row : row+to.Rows] {
				to.Row(i)[j] = v
			}
		}
	})
}

// add is rows of any form: copyTo fills a matrix with own rows from row on.
func (f *fetch) add(needs []links, like tensor.Mat, cols int, copyTo func(to tensor.Mat, row int)) tensor.Mat {
	rank := f.s.Engine.Rank()
	first, _ := f.s.Own()
	for r := range needs {
		if rows := needs[r].of(rank); len(rows) > 0 {
			staged := f.get(like, length(rows), cols)
			for at, i := 0, 0; i < len(rows) && !staged.Dry(); i++ {
				n := rows[i].Len()
				f.copyRows(staged.SliceRows(at, at+n), rows[i].Lo-first, copyTo)
				at += n
			}
			f.send = append(f.send, parallel.MatPart(r, staged))
		}
	}
	far, at := f.get(like, needs[rank].rows(), cols), 0
	for _, l := range needs[rank] {
		n := length(l.rows)
		f.recv = append(f.recv, parallel.MatPart(l.owner, far.SliceRows(at, at+n)))
		at += n
	}
	return far
}

// get takes memory of the type of like, and without data if like has none.
func (f *fetch) get(like tensor.Mat, rows, cols int) tensor.Mat {
	m := f.x.Pool.Get(like.Type, rows, cols)
	f.mem = append(f.mem, m)
	if like.Dry() {
		m.F32, m.U16 = nil, nil
	}
	return m
}

// stageRows is the number of rows one piece of copying takes.
const stageRows = 1024

// copyRows fills a matrix with own rows from row on, in pieces.
func (f *fetch) copyRows(to tensor.Mat, row int, copyTo func(to tensor.Mat, row int)) {
	pool.Run(f.x.Threads, ceil.Div(to.Rows, stageRows), func(_, piece int) {
		lo, hi := piece*stageRows, min(to.Rows, (piece+1)*stageRows)
		copyTo(to.SliceRows(lo, hi), row+lo)
	})
}

// exchange sends and receives the rows.
func (f *fetch) exchange(name string) error { return f.begin(name)() }

// begin sends the rows, and returns what waits for those to receive. A rank that neither has nor needs any takes no part.
func (f *fetch) begin(name string) (arrive func() error) {
	if len(f.send)+len(f.recv) == 0 {
		return func() error { return nil }
	}
	return f.s.Engine.Begin(name, f.send, f.recv).Wait
}

// free gives the memory of the exchange back.
func (f *fetch) free() {
	for _, m := range f.mem {
		f.x.Pool.Put(m)
	}
}
