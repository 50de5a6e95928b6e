package autograd

import (
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// backward takes the tiles in groups that depend on the grids alone. The gradients of the weights are summed over the tiles of a group,
// and then over the groups, each in order.
func (o *depthwise) backward(b *backCall) error {
	x, n := b.in[0], b.dout.Cols
	var dx tensor.Mat
	if b.wants(0) {
		dx = b.fresh(0)
	}
	weights := b.wants(1) || o.bias && b.wants(2)
	perGroup := max(1, (len(o.tiles)+reduceParts-1)/reduceParts)
	groups := (len(o.tiles) + perGroup - 1) / perGroup
	partial := b.x.Pool.Get(tensor.F32, groups, 10*n)
	adjoint := b.x.Pool.Get(tensor.F32, len(tapSets{}), 9*n)
	none := b.x.Pool.GetZero(tensor.F32, 1, n)
	width := ringFloats(x) + ringFloats(b.dout) + runFloats(dx)
	workers := min(pool.Threads(b.x.Threads), groups)
	scratch := b.x.Pool.Get(tensor.F32, workers, width)
	if !b.dry {
		sets := adjointTaps(adjoint, b.in[1])
		pool.Run(workers, groups, func(worker, group int) {
			s, sums := scratch.F32[worker*width:(worker+1)*width], partial.Row(group)
			clear(sums)
			for _, t := range o.tiles[group*perGroup : min(len(o.tiles), (group+1)*perGroup)] {
				runs := t.runs(n)
				xs := gridReader{m: x, tile: t, ring: s[:ringFloats(x)]}
				ds := gridReader{m: b.dout, tile: t, ring: s[len(xs.ring):][:ringFloats(b.dout)]}
				for h := t.h0; h < t.h1; h++ {
					around := ds.around(h)
					if b.wants(0) {
						t.convolve(dx, h, runs, around, &sets, none.F32, s[len(xs.ring)+len(ds.ring):])
					}
					if weights {
						t.correlate(sums, runs, around[1], xs.around(h))
					}
				}
			}
		})
		o.addSums(b, partial)
	}
	for _, m := range []tensor.Mat{scratch, none, adjoint, partial} {
		b.x.Pool.Put(m)
	}
	if b.wants(0) {
		b.give(0, dx)
	}
	return nil
}

// addSums adds the gradients of the weights, those of the groups in order, to where they are wanted.
func (o *depthwise) addSums(b *backCall, partial tensor.Mat) {
	n := b.dout.Cols
	if partial.Rows == 0 {
		return
	}
	total := partial.Row(0)
	for group := 1; group < partial.Rows; group++ {
		kernel.Add(total, total, partial.Row(group))
	}
	for k := 1; k < len(b.node.in); k++ {
		if sink, _ := b.sink(k); b.wants(k) {
			for i := range sink.Rows {
				kernel.Add(sink.Row(i), sink.Row(i), total[(9*(k-1)+i)*n:][:n])
			}
		}
	}
}

// adjointTaps writes to the rows of adjoint the taps by which a pixel of each side takes in the gradients around it.
func adjointTaps(adjoint, w tensor.Mat) (sets tapSets) {
	n := w.Cols
	for rows := range sides {
		for cols := range sides {
			set := adjoint.Row(int(rows*sides + cols))
			clear(set)
			for k := range 9 {
				for _, i := range rows.readers(k/3 - 1) {
					for _, j := range cols.readers(k%3 - 1) {
						to := set[(3*(i+1)+j+1)*n:][:n]
						kernel.Add(to, to, w.Row(k))
					}
				}
			}
			sets[rows*sides+cols] = set
		}
	}
	return sets
}

// readers are the places, seen from a row or column of this side, of those that read it as their neighbour a.
func (s side) readers(a int) (places []int) {
	if !(a > 0 && s&start != 0) && !(a < 0 && s&end != 0) {
		places = append(places, -a)
	}
	if a < 0 && s&start != 0 || a > 0 && s&end != 0 {
		places = append(places, 0)
	}
	return places
}
