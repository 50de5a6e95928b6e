package autograd

import (
	"fmt"

	"github.com/longspan/longspan/internal/gemm"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
)

// Unprojected is attention of a few queries to all tokens of their sequences, whose keys W_k·x + b_k and values W_v·x + b_v are never made.
// A query of a head is projected back to the width of x, and the sum of the tokens forward:
//
//	score_j = q·(W_k x_j + b_k) = (W_kᵀ q)·x_j + q·b_k    softmax does not see the last term, which is the same for all j
//	o = Σ p_j (W_v x_j + b_v) = W_v (Σ p_j x_j) + b_v     since Σ p_j = 1
type Unprojected struct {
	Heads, KVHeads, HeadDim int             // H, Hkv and D
	Scale                   float64         // of the scores
	Lengths                 []int           // rows of each sequence of the batch
	Queries                 []int32         // rows of the batch that are queries, ascending: each attends to all rows of its sequence
	Share                   *parallel.Share // whose rows are here; nil: all rows of the batch
}

// unprojected is Unprojected in the types of a policy.
type unprojected struct {
	noBackward
	Unprojected
	products tensor.Type
	lo, hi   int     // rows of the batch that are here
	own      []int32 // queries that are here
}

// AttendUnprojected returns attended [T, H·D] with the attention of q [queries, H·D] to x [T, width] in the rows of the queries: T rows and
// those of o.Queries that are here. w [2·Hkv·D, width] projects keys, then values; b [1, 2·Hkv·D] has their biases, or is nil. It is for
// graphs without Train. Over ranks, those that have queries fetch the rows of their sequences from the others.
//
// A query costs 4·H·width flops for each token of its sequence, and 4·H·D·width once. Projecting a token costs 4·Hkv·D·width, and
// attending to it then 4·H·D. Scratch: H·width elements for each query, and H·n scores of 4 bytes for each of the sequence with the most.
func (g *Graph) AttendUnprojected(o Unprojected, attended, q, x, w, b *Var) *Var {
	in := []*Var{attended, q, x, w}
	if b != nil {
		in = append(in, b)
	}
	if !g.checkInference("AttendUnprojected", in...) {
		return g.nothing()
	}
	u := &unprojected{Unprojected: o, products: g.options.Policy.Products}
	err := u.place()
	if err == nil {
		err = u.check(attended, q, x, w, b)
	}
	if err != nil {
		return g.failf("AttendUnprojected: %w", err)
	}
	return g.record(u, attended.typ, attended.rows, attended.cols, in...)
}

// place finds the rows and the queries that are here.
func (o *unprojected) place() error {
	total := 0
	for s, n := range o.Lengths {
		if n < 0 {
			return fmt.Errorf("found length %d of sequence %d, expected 0 or more", n, s)
		}
		total += n
	}
	o.hi = total
	if o.Share != nil {
		if o.lo, o.hi = o.Share.Own(); o.Share.Cuts[len(o.Share.Cuts)-1] != total {
			return fmt.Errorf("found a share of %d rows, expected the %d of the lengths", o.Share.Cuts[len(o.Share.Cuts)-1], total)
		}
	}
	for i, row := range o.Queries {
		if row < 0 || int(row) >= total || i > 0 && row <= o.Queries[i-1] {
			return fmt.Errorf("found row %d of query %d, expected rising rows up to %d", row, i, total-1)
		}
	}
	o.own = between(o.Queries, o.lo, o.hi)
	return nil
}

// between are the rows lo … hi−1 among rising ones.
func between(rows []int32, lo, hi int) []int32 {
	for len(rows) > 0 && int(rows[0]) < lo {
		rows = rows[1:]
	}
	n := 0
	for n < len(rows) && int(rows[n]) < hi {
		n++
	}
	return rows[:n]
}

func (o *unprojected) check(attended, q, x, w, b *Var) error {
	if o.KVHeads < 1 || o.Heads < 1 || o.Heads%o.KVHeads != 0 || o.HeadDim < 1 {
		return fmt.Errorf("found %d heads, %d key/value heads and a head dimension of %d, expected heads a multiple of key/value heads",
			o.Heads, o.KVHeads, o.HeadDim)
	}
	rows, width, kv := o.hi-o.lo, o.Heads*o.HeadDim, 2*o.KVHeads*o.HeadDim
	if attended.rows != rows || attended.cols != width || q.rows != len(o.own) || q.cols != width || x.rows != rows {
		return fmt.Errorf("found %d×%d attended rows, %d×%d queries and %d tokens, expected %d×%d, %d×%d and %d", attended.rows,
			attended.cols, q.rows, q.cols, x.rows, rows, width, len(o.own), width, rows)
	}
	if x.leaf && x.value.Stride != x.cols {
		return fmt.Errorf("found tokens that are a view of a wider matrix, expected rows without gaps")
	}
	if !w.leaf || w.rows != kv || w.cols != x.cols {
		return fmt.Errorf("found weights of %s %d×%d, expected a leaf of %d×%d", w.typ, w.rows, w.cols, kv, x.cols)
	}
	if b != nil && (!b.leaf || b.typ != tensor.F32 || b.rows != 1 || b.cols != kv) {
		return fmt.Errorf("found a bias of %s %d×%d, expected an f32 leaf of 1×%d", b.typ, b.rows, b.cols, kv)
	}
	return nil
}

func (*unprojected) inPlace() {}

func (o *unprojected) forward(c *call) error {
	q, x, w := c.in[1], c.in[2], c.in[3]
	if !c.dry && !sameBuffer(c.out, c.in[0]) {
		c.out.CopyFrom(c.in[0])
	}
	back := c.x.Pool.Get(o.products, q.Rows*o.Heads, x.Cols) // [query, head]: W_kᵀ q, and then the weighted sum of tokens
	defer c.x.Pool.Put(back)
	for h := range o.Heads {
		columns := q.SliceCols(h*o.HeadDim, (h+1)*o.HeadDim)
		gemm.Mul(c.x, every(back, h, o.Heads), gemm.N(columns), gemm.N(o.rows(w, h)), false)
	}
	start, first := 0, 0
	for _, n := range o.Lengths {
		tokens, done, err := o.tokens(c, x, start, n)
		if err != nil {
			return err
		}
		count := len(between(o.own, start, start+n))
		if count > 0 {
			o.attend(c, back.SliceRows(first*o.Heads, (first+count)*o.Heads), tokens)
		}
		done()
		start, first = start+n, first+count
	}
	o.project(c, back)
	return nil
}

// rows is the part of w that makes the key of query head h, or of what follows the keys its value.
func (o *unprojected) rows(w tensor.Mat, h int) tensor.Mat {
	from := h / (o.Heads / o.KVHeads) * o.HeadDim
	return w.SliceRows(from, from+o.HeadDim)
}

// every views the rows first, first+step, … of m.
func every(m tensor.Mat, first, step int) tensor.Mat {
	v := m.SliceRows(min(first, m.Rows), m.Rows)
	v.Rows, v.Stride = (v.Rows+step-1)/step, v.Stride*step
	return v
}

// attend replaces each row of back, a query of a head, by the sum of the tokens x that its scores weigh.
func (o *unprojected) attend(c *call, back, x tensor.Mat) {
	scores := c.x.Pool.Get(tensor.F32, back.Rows, x.Rows)
	gemm.Mul(c.x, scores, gemm.N(back), gemm.T(x), false)
	p := scores
	if o.products == tensor.BF16 {
		p = scores.Halves(tensor.BF16)
	}
	eachRow(c.x, c.dry, scores.Rows, scores.Cols, 0, func(i int, _ []float32) {
		row := scores.Row(i)
		kernel.Scale(row, float32(o.Scale), row)
		kernel.Softmax(row, row)
		store(p, i, row)
	})
	gemm.Mul(c.x, back, gemm.N(p), gemm.N(x), false)
	c.x.Pool.Put(scores)
}

// project makes the values of the sums in back, head by head, and puts them into their rows of the result.
func (o *unprojected) project(c *call, back tensor.Mat) {
	keys := o.KVHeads * o.HeadDim
	values := c.in[3].SliceRows(keys, 2*keys)
	over := c.x.Pool.Get(tensor.F32, len(o.own), c.out.Cols)
	for h := range o.Heads {
		columns := over.SliceCols(h*o.HeadDim, (h+1)*o.HeadDim)
		gemm.Mul(c.x, columns, gemm.N(every(back, h, o.Heads)), gemm.T(o.rows(values, h)), false)
	}
	for i, row := range o.own {
		if c.dry {
			break
		}
		if len(c.in) > 4 {
			o.addBias(over.Row(i), c.in[4].Row(0)[keys:])
		}
		c.out.WriteRow(int(row)-o.lo, over.Row(i))
	}
	c.x.Pool.Put(over)
}

// addBias adds the bias of the values to each head of a row.
func (o *unprojected) addBias(row, bias []float32) {
	for h := range o.Heads {
		from := h / (o.Heads / o.KVHeads) * o.HeadDim
		head := row[h*o.HeadDim : (h+1)*o.HeadDim]
		kernel.Add(head, head, bias[from:from+o.HeadDim])
	}
}

func (o *unprojected) cost(out *Var, in []*Var) (forward, backward Cost) {
	q, x, w := in[1], in[2], in[3]
	vectors := int64(o.Heads) * int64(x.cols)
	forward = Cost{Matmul: 4 * int64(len(o.own)) * int64(o.HeadDim) * vectors, Moved: 2*q.bytes() + w.bytes()}
	start := 0
	for _, n := range o.Lengths {
		if count := int64(len(between(o.own, start, start+n))); count > 0 {
			forward.Matmul += 4 * count * int64(n) * vectors
			forward.Vector += 5 * count * int64(n) * int64(o.Heads)
			forward.Moved += 2 * int64(n) * int64(x.cols) * int64(x.typ.Size())
		}
		start += n
	}
	return forward, Cost{}
}
