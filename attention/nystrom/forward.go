package nystrom

import (
	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/internal/check"
	"github.com/longspan/longspan/tensor"
)

// In is what Nyström attention reads, with as many keys as queries and as many key/value heads as heads.
type In struct {
	attention.In
	Conv tensor.Mat // [H, ConvKernel] F32: the taps of the skip; the zero Mat without a skip
	// Saved is what Forward writes and Backward reads. With the zero Saved nothing is kept, and Backward computes it again.
	Saved Saved
}

// Saved is what a backward pass takes from its forward pass: matrices of landmarks, which do not grow with the tokens.
type Saved struct {
	Rows  tensor.Mat // [SavedRows, H·D] F32: landmarks of the queries, B·V, landmarks of the keys, and A⁺·B·V
	Norms tensor.Mat // [H, SavedMarks] F32: the logarithms of the normalisers of B
}

// SavedRows is the rows of Saved.Rows: two for each landmark of the keys, and two for each of the queries. It is 0 where Exact is set.
func (n *Nystrom) SavedRows() int { return 2 * (n.marks + n.rows) }

// SavedMarks is the columns of Saved.Norms.
func (n *Nystrom) SavedMarks() int { return n.marks }

// Forward computes out [T, H·D] of any element type. out must not overlap the others. Sums are float32; where out has 16 bits,
// the product is rounded to it before the skip is added.
//
// Scratch from x.Pool: four rows of H·D for every landmark, unless they are saved, what package attention needs to attend to T keys, and
// about 10·m² floats a thread. Bits depend on each sequence alone, not on the rest of the batch or x.Threads. Shapes that do not
// fit are errors. Dry matrices take and give back the same memory and compute nothing.
func (n *Nystrom) Forward(x tensor.Exec, out tensor.Mat, in In) error {
	dry, err := n.checkMats(x.Pool, in, check.Of("O", out, n.tokens, n.width()))
	if err != nil {
		return err
	}
	r := n.begin(x, in.Saved, dry)
	defer r.end()
	if n.c.Exact {
		err = n.toMark.Forward(x, attention.Out{O: out}, in.In)
	} else if err = r.values(in.In); err == nil {
		err = n.toMark.Forward(x, attention.Out{O: out}, r.toMark(in.In))
	}
	if err != nil {
		return err
	}
	r.convolve(out, in.V, in.Conv, false)
	return nil
}

// toMark is what the tokens' attention to the landmarks reads.
func (r *run) toMark(in attention.In) attention.In {
	return attention.In{Q: in.Q, K: r.markK, V: r.w}
}

// values computes the landmarks, B·V and A⁺·B·V.
func (r *run) values(in attention.In) error {
	r.landmarks(in)
	err := r.n.toKeys.Forward(r.x, attention.Out{O: r.bv, LSE: r.norms}, attention.In{Q: r.markQ, K: in.K, V: in.V})
	if err != nil {
		return err
	}
	long, heads := r.n.long(), r.n.c.Heads
	one := r.oneNorm(long)
	_, size := r.n.carve(nil, false)
	r.scratch(len(long)*heads, size, func(mem []float32, piece int) {
		w, _ := r.n.carve(mem, false)
		s, col := long[piece/heads], piece%heads*r.n.c.HeadDim
		r.loadInverse(w, s, col)
		w.forward(one.of(piece / heads))
		storeRows(r.w, s.at, col, w)
	})
	return nil
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
