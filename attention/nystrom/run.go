package nystrom

import (
	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// run is one call of Forward or Backward and the memory it took.
type run struct {
	n    *Nystrom
	x    tensor.Exec
	dry  bool
	mats []tensor.Mat

	markQ tensor.Mat // [marks, H·D] landmarks of the queries, of long sequences
	markK tensor.Mat // [rows, H·D] landmarks of the keys; of short sequences the keys
	bv    tensor.Mat // [marks, H·D] B·V
	w     tensor.Mat // [rows, H·D] A⁺·B·V; of short sequences the values
	norms tensor.Mat // [H, marks] the logarithms of the normalisers of B; the zero Mat in a forward pass that saves nothing
}

func (n *Nystrom) begin(x tensor.Exec, saved Saved, dry bool) *run {
	r := &run{n: n, x: x, dry: dry, norms: saved.Norms}
	rows := saved.Rows
	if rows.Rows == 0 {
		rows = r.get(n.SavedRows(), n.width())
	}
	cut := func(n int) tensor.Mat {
		head := rows.SliceRows(0, n)
		rows = rows.SliceRows(n, rows.Rows)
		return head
	}
	r.markQ, r.bv, r.markK, r.w = cut(n.marks), cut(n.marks), cut(n.rows), cut(n.rows)
	return r
}

func (r *run) get(rows, cols int) tensor.Mat {
	m := r.x.Pool.Get(tensor.F32, rows, cols)
	r.mats = append(r.mats, m)
	return m
}

// end gives everything back.
func (r *run) end() {
	for i := len(r.mats) - 1; i >= 0; i-- {
		r.x.Pool.Put(r.mats[i])
	}
}

// scratch takes size floats for each goroutine that pieces can keep busy, and calls f with them for every piece. Nothing
// runs when dry.
func (r *run) scratch(pieces, size int, f func(mem []float32, piece int)) {
	mem := r.x.Pool.Get(tensor.F32, min(pool.Threads(r.x.Threads), pieces), size)
	defer r.x.Pool.Put(mem)
	if r.dry || pieces == 0 {
		return
	}
	pool.Run(r.x.Threads, pieces, func(worker, piece int) { f(mem.Row(worker), piece) })
}

// landmarks fills markQ, markK and the rows of w that belong to short sequences.
func (r *run) landmarks(in attention.In) {
	type mark struct {
		s sequence
		i int
	}
	var all []mark
	for _, s := range r.n.seqs {
		for i := range s.landmarks {
			all = append(all, mark{s, i})
		}
	}
	r.scratch(len(all), r.n.width(), func(row []float32, piece int) {
		s, i := all[piece].s, all[piece].i
		from, to := segment(i, s.landmarks, s.tokens)
		mean(r.markK.Row(s.at+i), in.K, s.row+from, s.row+to, row)
		if s.short {
			in.V.ReadPart(r.w.Row(s.at+i), s.row+i, 0)
			return
		}
		mean(r.markQ.Row(s.mark+i), in.Q, s.row+from, s.row+to, row)
	})
}

// mean computes the mean of rows from … to−1 of m into dst, with a row of scratch.
func mean(dst []float32, m tensor.Mat, from, to int, row []float32) {
	clear(dst)
	for t := from; t < to; t++ {
		x := row
		if m.Type == tensor.F32 {
			x = m.Row(t)
		} else {
			m.ReadPart(row, t, 0)
		}
		kernel.Add(dst, dst, x)
	}
	kernel.Scale(dst, 1/float32(to-from), dst)
}
