package nystrom

import (
	"github.com/longspan/longspan/attention/internal/door"
	"github.com/longspan/longspan/tensor"
)

// Forward computes out for q, k and v, all [T, H·D] and of any element types; conv is [H, ConvKernel] F32, the taps of the
// skip, or the zero Mat where there is none. out must not overlap the others. Sums are float32; where out has 16 bits, the
// product is rounded to it before the skip is added.
//
// Scratch from x.Pool: four rows of H·D for every landmark, what package attention needs to attend to T keys, and about
// 10·m² floats a thread. Bits depend on each sequence alone, not on the rest of the batch or x.Threads. Shapes that do not
// fit are errors. Dry matrices take and give back the same memory and compute nothing.
func (n *Nystrom) Forward(x tensor.Exec, out, q, k, v, conv tensor.Mat) error {
	dry, err := door.Check("nystrom", x.Pool, door.Of("q", q, n.tokens, n.width()), door.Of("k", k, n.tokens, n.width()),
		door.Of("v", v, n.tokens, n.width()), door.Of("out", out, n.tokens, n.width()))
	if err == nil {
		err = n.checkConv("conv", conv, dry)
	}
	if err != nil {
		return err
	}
	r := n.begin(x, dry)
	defer r.end()
	if err := r.product(out, tensor.Mat{}, tensor.Mat{}, q, k, v); err != nil {
		return err
	}
	r.convolve(out, v, conv, false)
	return nil
}

// product computes F·A⁺·B·V into out; lseKeys and lseMark receive the normalisers of B and F, if they are not zero Mats.
func (r *run) product(out, lseKeys, lseMark, q, k, v tensor.Mat) error {
	r.landmarks(q, k, v)
	if err := r.n.toKeys.Forward(r.x, r.bv, lseKeys, r.markQ, k, v); err != nil {
		return err
	}
	long, heads := r.n.long(), r.n.c.Heads
	_, size := r.n.carve(nil, false)
	r.scratch(len(long)*heads, size, func(mem []float32, piece int) {
		w, _ := r.n.carve(mem, false)
		s, col := long[piece/heads], piece%heads*r.n.c.HeadDim
		r.loadInverse(w, s, col)
		w.forward()
		storeRows(r.w, s.at, col, w)
	})
	return r.n.toMark.Forward(r.x, out, lseMark, q, r.markK, r.w)
}

// long lists the sequences that have more tokens than landmarks.
func (n *Nystrom) long() []sequence {
	var long []sequence
	for _, s := range n.seqs {
		if !s.short {
			long = append(long, s)
		}
	}
	return long
}

func (r *run) loadInverse(w *inverse, s sequence, col int) {
	w.rows(w.ql, r.markQ, s.mark, col)
	w.rows(w.kl, r.markK, s.at, col)
	w.rows(w.bv, r.bv, s.mark, col)
}

// storeRows copies the landmarks in o to rows of dst.
func storeRows(dst tensor.Mat, row, col int, w *inverse) {
	for i := range w.c.Landmarks {
		dst.WritePart(row+i, col, w.o[i*w.wide:i*w.wide+w.c.HeadDim])
	}
}
