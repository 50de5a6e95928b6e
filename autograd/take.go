package autograd

import (
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// take is y_i = x[index_i], and 0 where the index is −1; dx_r = Σ dy_i over the rows i taken from r, in ascending order.
// It is the embedding table, the choice of some rows, and the hand-out of one row to many.
type take struct {
	index []int32
	begin []int32 // rows taken from r are from[begin[r]:begin[r+1]], ascending
	from  []int32
	taken []int32 // rows that something was taken from, ascending
}

// Embedding looks ids up in table, a float32 leaf [V, features]: row i of the result is row ids[i] of the table. The gradient
// is summed in the order of the tokens. ids must stay unchanged until Close.
func (g *Graph) Embedding(table *Var, ids []int32) *Var {
	return g.take("Embedding", table, ids, g.options.Policy.Activations)
}

// Take returns the rows of x that index names, in that order; an index of −1 gives a row of zeros, and one may come
// more than once. index must stay unchanged until Close.
func (g *Graph) Take(x *Var, index []int32) *Var { return g.take("Take", x, index, x.typ) }

func (g *Graph) take(name string, x *Var, index []int32, t tensor.Type) *Var {
	if !g.check(name, x) {
		return g.nothing()
	}
	if len(index) == 0 && !g.options.Part {
		return g.failf("%s: found no index, expected at least one", name)
	}
	for i, k := range index {
		if k < -1 || int(k) >= x.rows {
			return g.failf("%s: found index %d at %d, expected 0 … %d, or −1 for zeros", name, k, i, x.rows-1)
		}
	}
	o := &take{index: index}
	if x.wants && g.options.Train {
		o.invert(x.rows)
	}
	return g.record(o, t, len(index), x.cols, x)
}

// invert lists for each row of the input the rows taken from it.
func (o *take) invert(rows int) {
	o.begin = make([]int32, rows+2)
	for _, k := range o.index {
		o.begin[k+2]++ // −1 counts below the rows
	}
	o.begin[1] = 0
	for r := 1; r <= rows; r++ {
		o.begin[r+1] += o.begin[r]
	}
	o.from = make([]int32, o.begin[rows+1])
	next := o.begin[1:]
	for i, k := range o.index {
		if k >= 0 {
			o.from[next[k]] = int32(i)
			next[k]++
		}
	}
	o.begin = o.begin[:rows+1] // next has moved every begin to the end of its row
	for r := range rows {
		if o.begin[r] < o.begin[r+1] {
			o.taken = append(o.taken, int32(r))
		}
	}
}

func (*take) reads() (inputs uint64, result bool) { return 0, false }

func (o *take) forward(c *call) error {
	x, n := c.in[0], c.out.Cols
	eachRow(c.x, c.dry, c.out.Rows, n, 2*n, func(i int, s []float32) {
		y := room(c.out, i, s[:n])
		if k := int(o.index[i]); k >= 0 {
			copy(y, load(x, k, s[n:]))
		} else {
			clear(y)
		}
		store(c.out, i, y)
	})
	return nil
}

// takeColumns is the number of columns of a row one thread sums: with few rows in the table there is still work for all.
const takeColumns = 64

// takeRun is the number of rows are summed by themselves before they join the total, which bounds the rounding error.
const takeRun = 256

func (o *take) backward(b *backCall) error {
	dst, leaf := b.sink(0)
	if !leaf {
		dst = b.fresh(0)
	}
	rows := dst.Rows
	if leaf {
		rows = len(o.taken) // to the others zero would be added: a vocabulary has many more words than a batch
	}
	n := dst.Cols
	blocks := (n + takeColumns - 1) / takeColumns
	workers := min(pool.Threads(b.x.Threads), dst.Rows*blocks)
	scratch := b.x.Pool.Get(tensor.F32, workers, 3*takeColumns)
	if !b.dry {
		pool.Run(workers, rows*blocks, func(worker, piece int) {
			r, j := piece/blocks, piece%blocks*takeColumns
			if leaf {
				r = int(o.taken[r])
			}
			o.sumRow(dst.SliceCols(j, min(n, j+takeColumns)), b.dout.SliceCols(j, min(n, j+takeColumns)), r, leaf, scratch.Row(worker))
		})
	}
	b.x.Pool.Put(scratch)
	if !leaf {
		b.give(0, dst)
	}
	return nil
}

// sumRow sets row r of dst to the sum of the rows of dout taken from it, or adds it.
func (o *take) sumRow(dst, dout tensor.Mat, r int, add bool, s []float32) {
	n := dst.Cols
	total, part, buf := s[:n], s[takeColumns:][:n], s[2*takeColumns:]
	clear(total)
	rows := o.from[o.begin[r]:o.begin[r+1]]
	for len(rows) > 0 {
		run := rows[:min(takeRun, len(rows))]
		rows = rows[len(run):]
		clear(part)
		for _, i := range run {
			kernel.Add(part, part, load(dout, int(i), buf))
		}
		kernel.Add(total, total, part)
	}
	if add {
		kernel.Add(dst.Row(r), dst.Row(r), total)
		return
	}
	y := room(dst, r, buf)
	copy(y, total)
	store(dst, r, y)
}

func (o *take) cost(out *Var, in []*Var) (forward, backward Cost) {
	return streamed(2 * out.bytes()), elementwise(1, out.elements(), out.bytes(), in[0].bytes())
}
