package nystrom

import "github.com/longspan/longspan/tensor"

// oneNorm is what starts the inverses of all heads of a sequence, where they share it: the largest ‖A‖₁ of the heads. Its gradient is the
// sum of those of the heads, and flows to the A that has the norm. A nil oneNorm gives each head its own.
type oneNorm struct {
	norms  []float32  // of each long sequence
	heads  []int      // that has it, the first of equal ones
	shares tensor.Mat // [long sequences, H] in a backward pass: each head's gradient of the norm
}

// oneNorm finds the norms, or returns nil where each head has its own.
func (r *run) oneNorm(long []sequence) *oneNorm {
	if !r.n.c.OneNorm {
		return nil
	}
	heads := r.n.c.Heads
	all := r.get(len(long), heads)
	_, size := r.n.carve(nil, false)
	r.scratch(len(long)*heads, size, func(mem []float32, piece int) {
		w, _ := r.n.carve(mem, false)
		r.loadInverse(w, long[piece/heads], piece%heads*r.n.c.HeadDim)
		w.attention()
		w.columnNorm()
		all.Row(piece / heads)[piece%heads] = w.norm
	})
	one := &oneNorm{norms: make([]float32, len(long)), heads: make([]int, len(long)), shares: all}
	if r.dry {
		return one
	}
	for i := range long {
		for h, norm := range all.Row(i) {
			if h == 0 || norm > one.norms[i] {
				one.norms[i], one.heads[i] = norm, h
			}
		}
	}
	return one
}

// of is the norm of a sequence; 0: each head has its own.
func (o *oneNorm) of(i int) float32 {
	if o == nil {
		return 0
	}
	return o.norms[i]
}

// done keeps the gradient of the norm that a head gives. It returns what the head itself takes of it, and whether the head is then done:
// all are but the one that has a shared norm.
func (o *oneNorm) done(i, head int, dnorm float32) (own float32, done bool) {
	if o == nil {
		return dnorm, true
	}
	o.shares.Row(i)[head] = dnorm
	return 0, head != o.heads[i]
}

// normHeads computes the heads that have the norms again, now that the other heads' gradients of them are known.
func (r *run) normHeads(b *backward, long []sequence, one *oneNorm) {
	if one == nil {
		return
	}
	_, size := r.n.carve(nil, true)
	r.scratch(len(long), size, func(mem []float32, i int) {
		w, _ := r.n.carve(mem, true)
		r.inverseBackward(b, w, long[i], one.heads[i], one.of(i))
		total := float32(0)
		for _, share := range one.shares.Row(i) {
			total += share
		}
		w.normBackward(total)
		r.scoresBackward(b, w, long[i], one.heads[i])
	})
}
