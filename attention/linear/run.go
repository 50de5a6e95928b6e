package linear

import (
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// run is one call of Forward or Backward: its scratch memory and its sums.
type run struct {
	l       *Linear
	x       tensor.Exec
	dry     bool
	mats    []tensor.Mat // all that came from the pool
	workers []*worker
}

// begin takes the memory of the workers from the pool. A dry run takes the same and touches none of it.
func (l *Linear) begin(x tensor.Exec, dry, backward bool) *run {
	r := &run{l: l, x: x, dry: dry}
	r.takeWorkers(len(l.pieces)*l.c.KVHeads, backward)
	return r
}

// takeWorkers allocates the memory of the workers that can run at the same time, for a number of jobs.
func (r *run) takeWorkers(jobs int, backward bool) {
	_, size := r.l.carve(nil, backward)
	for range min(pool.Threads(r.x.Threads), jobs) {
		mat := r.get(1, size)
		if !r.dry {
			w, _ := r.l.carve(mat.F32, backward)
			r.workers = append(r.workers, w)
		}
	}
}

func (r *run) get(rows, cols int) tensor.Mat {
	m := r.x.Pool.Get(tensor.F32, rows, cols)
	r.mats = append(r.mats, m)
	return m
}

// end gives the memory back.
func (r *run) end() {
	for i := len(r.mats) - 1; i >= 0; i-- {
		r.x.Pool.Put(r.mats[i])
	}
}

// each runs f for every piece and key/value head, unless the run is dry.
func (r *run) each(f func(w *worker, p piece, kvHead int)) {
	heads := r.l.c.KVHeads
	if r.dry {
		return
	}
	pool.Run(r.x.Threads, len(r.l.pieces)*heads, func(worker, i int) {
		f(r.workers[worker], r.l.pieces[i/heads], i%heads)
	})
}

// eachWalk runs f for every walk and key/value head, unless the run is dry.
func (r *run) eachWalk(f func(w *worker, k walk, kvHead int)) {
	heads := r.l.c.KVHeads
	if r.dry {
		return
	}
	pool.Run(r.x.Threads, len(r.l.walks)*heads, func(worker, i int) {
		f(r.workers[worker], r.l.walks[i/heads], i%heads)
	})
}
