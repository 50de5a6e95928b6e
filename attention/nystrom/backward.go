package nystrom

import (
	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/internal/check"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// Grads is what Backward writes.
type Grads struct {
	DQ, DK, DV tensor.Mat // like Q, K and V, of any element types
	Conv       tensor.Mat // [H, ConvKernel] F32, or the zero Mat without a skip
}

// Backward computes the gradients of a Forward with the same in from do [T, H·D], the gradient of its output: through
// the skip, the two attentions, every step of the pseudo-inverse and the means. They are overwritten, and must not overlap
// what is read.
//
// What in has not saved of Forward is computed again, to the same bits. Scratch from x.Pool: that of package attention's Backward with T
// keys, [T, H·D] floats for each gradient that is stored in 16 bits, as much for the product if there are more than 128 landmarks, and
// five rows of H·D for every landmark, nine where they are not saved. Cost: [Nystrom.BackwardFlops] and [Nystrom.RecomputedFlops], and
// where nothing is saved [Nystrom.ForwardFlops] in its place. Errors, bits and dry matrices are as in Forward.
func (n *Nystrom) Backward(x tensor.Exec, g Grads, do tensor.Mat, in In) error {
	t, width := n.tokens, n.width()
	dry, err := n.checkMats(x.Pool, in, check.Of("DO", do, t, width),
		check.Of("DQ", g.DQ, t, width), check.Of("DK", g.DK, t, width), check.Of("DV", g.DV, t, width))
	if err == nil {
		err = n.checkConv("Grads.Conv", g.Conv, dry)
	}
	if err != nil {
		return err
	}
	r := n.begin(x, in.Saved, dry)
	defer r.end()
	if n.c.Exact {
		return r.exactBackward(g, do, in)
	}
	out, err := r.again(in)
	if err != nil {
		return err
	}
	b := r.newBackward(g)
	if err := n.toMark.Backward(x, attention.Grads{DQ: b.dq, DK: b.dmarkK, DV: b.dw}, do, out, r.toMark(in.In)); err != nil {
		return err
	}
	r.inverses(b)
	err = n.toKeys.Backward(x, attention.Grads{DQ: b.dmarkQ2, DK: b.dk, DV: b.dv}, b.dbv,
		attention.Out{O: r.bv, LSE: r.norms}, attention.In{Q: r.markQ, K: in.K, V: in.V})
	if err != nil {
		return err
	}
	r.join(g, b)
	r.convolve(g.DV, do, in.Conv, true)
	r.tapGrads(g.Conv, do, in.V)
	return nil
}

// again computes what is needed of the forward pass and was not saved: up to A⁺·B·V, and the product where [attention.Attention.WholeRows]
// is false.
func (r *run) again(in In) (out attention.Out, err error) {
	n := r.n
	if in.Saved.Rows.Rows == 0 {
		r.norms = r.get(n.c.Heads, n.marks)
		if err := r.values(in.In); err != nil {
			return out, err
		}
	}
	if !n.toMark.WholeRows() {
		out = attention.Out{O: r.get(n.tokens, n.width()), LSE: r.get(n.c.Heads, n.tokens)}
		err = n.toMark.Forward(r.x, out, r.toMark(in.In))
	}
	return out, err
}

// backward holds the gradients on their way.
type backward struct {
	dq, dk, dv tensor.Mat // [T, H·D] F32: the caller's, where they are F32
	dmarkK, dw tensor.Mat // [rows, H·D]
	dbv        tensor.Mat // [marks, H·D]
	dmarkQ     tensor.Mat // [marks, H·D] through A
	dmarkQ2    tensor.Mat // [marks, H·D] through B
}

func (r *run) newBackward(g Grads) *backward {
	wide := func(m tensor.Mat) tensor.Mat {
		if m.Type == tensor.F32 {
			return m
		}
		return r.get(m.Rows, m.Cols)
	}
	rows, marks, width := r.n.rows, r.n.marks, r.n.width()
	return &backward{
		dq: wide(g.DQ), dk: wide(g.DK), dv: wide(g.DV), dmarkK: r.get(rows, width), dw: r.get(rows, width),
		dbv: r.get(marks, width), dmarkQ: r.get(marks, width), dmarkQ2: r.get(marks, width),
	}
}

// inverses takes the gradient of w = A⁺·bv to bv and, through A, to the landmarks.
func (r *run) inverses(b *backward) {
	long, heads := r.n.long(), r.n.c.Heads
	one := r.oneNorm(long)
	_, size := r.n.carve(nil, true)
	r.scratch(len(long)*heads, size, func(mem []float32, piece int) {
		w, _ := r.n.carve(mem, true)
		i, head := piece/heads, piece%heads
		dnorm := r.inverseBackward(b, w, long[i], head, one.of(i))
		if own, done := one.done(i, head, dnorm); done {
			w.normBackward(own)
			r.scoresBackward(b, w, long[i], head)
		}
	})
	r.normHeads(b, long, one)
}

// inverseBackward computes A⁺·bv of a head again, with that norm as in [inverse.start], and takes its gradient back to A. It returns the
// gradient of the norm.
func (r *run) inverseBackward(b *backward, w *inverse, s sequence, head int, norm float32) float32 {
	col := head * r.n.c.HeadDim
	r.loadInverse(w, s, col)
	w.rows(w.dw, b.dw, s.at, col)
	w.forward(norm)
	return w.backward()
}

// scoresBackward takes the gradient of A, in w, to the landmarks, and stores that of bv.
func (r *run) scoresBackward(b *backward, w *inverse, s sequence, head int) {
	col := head * r.n.c.HeadDim
	storeRows(b.dbv, s.mark, col, w)
	w.scoresBackward()
	w.mulRows(w.o, w.da, w.kl)
	storeRows(b.dmarkQ, s.mark, col, w)
	w.transpose(w.t, w.da)
	w.mulRows(w.o, w.t, w.ql)
	for i := range w.c.Landmarks {
		to := b.dmarkK.Row(s.at + i)[col : col+w.c.HeadDim]
		kernel.Add(to, to, w.o[i*w.wide:i*w.wide+w.c.HeadDim])
	}
}

// join gives every token its share of its landmark's gradients, and stores the sums.
func (r *run) join(g Grads, b *backward) {
	width := r.n.width()
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
	r.scratch(len(all), 0, func(_ []float32, piece int) {
		s, i := all[piece].s, all[piece].i
		from, to := segment(i, s.landmarks, s.tokens)
		share := 1 / float32(to-from)
		if !s.short {
			q := b.dmarkQ.Row(s.mark + i)
			kernel.Add(q, q, b.dmarkQ2.Row(s.mark+i))
		}
		for t := s.row + from; t < s.row+to; t++ {
			kernel.Axpy(b.dk.Row(t)[:width], share, b.dmarkK.Row(s.at+i))
			if s.short {
				kernel.Add(b.dv.Row(t), b.dv.Row(t), b.dw.Row(s.at+i))
			} else {
				kernel.Axpy(b.dq.Row(t), share, b.dmarkQ.Row(s.mark+i))
			}
			for _, pair := range [3][2]tensor.Mat{{g.DQ, b.dq}, {g.DK, b.dk}, {g.DV, b.dv}} {
				if pair[0].Type != tensor.F32 {
					pair[0].WriteRow(t, pair[1].Row(t))
				}
			}
		}
	})
}
