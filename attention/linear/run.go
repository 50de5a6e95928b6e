package linear

import (
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// run is one call of Forward or Backward: its scratch memory and its sums.
type run struct {
	l       *Linear
	x       tensor.Exec
	mats    []tensor.Mat // all that came from the pool
	workers []*worker
	keys    []sums // [states·Hkv] sums of the keys of each range; of cut sequences only
	queries []sums // [states·Hkv] the same of the queries, in the backward pass
	saved   saved  // of the causal backward pass
}

// begin takes scratch memory from the pool. A dry run takes the same and touches none of it.
func (l *Linear) begin(x tensor.Exec, dry, backward bool) *run {
	r := &run{l: l, x: x}
	r.takeWorkers(len(l.pieces)*l.c.KVHeads, dry, backward)
	r.keys = r.takeSums(dry)
	if backward {
		r.queries = r.takeSums(dry)
	}
	return r
}

// takeWorkers allocates the memory of the workers that can run at the same time, for a number of jobs.
func (r *run) takeWorkers(jobs int, dry, backward bool) {
	_, size := r.l.carve(nil, backward)
	for range min(pool.Threads(r.x.Threads), jobs) {
		mat := r.get(1, size)
		if !dry {
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

func (r *run) takeSums(dry bool) []sums {
	n := r.l.states * r.l.c.KVHeads
	if n == 0 {
		return nil
	}
	mat := r.get(n, r.l.sumsLen())
	if dry {
		return nil
	}
	s := make([]sums, n)
	for i := range s {
		s[i] = r.l.sumsOf(mat.Row(i))
	}
	return s
}

// end gives the memory back.
func (r *run) end() {
	for i := len(r.mats) - 1; i >= 0; i-- {
		r.x.Pool.Put(r.mats[i])
	}
}

// each runs f for every piece and key/value head.
func (r *run) each(f func(w *worker, p piece, kvHead int)) {
	heads := r.l.c.KVHeads
	pool.Run(r.x.Threads, len(r.l.pieces)*heads, func(worker, i int) {
		f(r.workers[worker], r.l.pieces[i/heads], i%heads)
	})
}

// eachCut runs f for every cut sequence and key/value head, with the sums of its ranges in order.
func (r *run) eachCut(states []sums, f func(ranges []sums)) {
	heads := r.l.c.KVHeads
	pool.Run(r.x.Threads, len(r.l.cuts)*heads, func(_, i int) {
		c := r.l.cuts[i/heads]
		ranges := make([]sums, c.ranges)
		for j := range ranges {
			ranges[j] = states[(c.first+j)*heads+i%heads]
		}
		f(ranges)
	})
}

// sumKeys sums the keys of every range of the cut sequences, and joins the ranges: without a causal mask each sequence's
// first state becomes the sums of all its keys, with one each state those of its own range and all before it.
func (r *run) sumKeys(k, v tensor.Mat) {
	if len(r.l.cuts) == 0 {
		return
	}
	c := r.l.c
	r.each(func(w *worker, p piece, kvHead int) {
		if p.state != whole && !(c.Causal && p.last) {
			s := r.keys[p.state*c.KVHeads+kvHead]
			s.reset(c.Feature)
			w.sumKeys(s, k, v, p, kvHead)
		}
	})
	r.eachCut(r.keys, func(ranges []sums) {
		for j := 1; j < len(ranges); j++ {
			switch {
			case !c.Causal:
				ranges[0].add(ranges[j])
			case j < len(ranges)-1:
				prefix := ranges[j]
				prefix.add(ranges[j-1])
			}
		}
	})
}
