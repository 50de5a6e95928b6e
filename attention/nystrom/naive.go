package nystrom

import "math"

// NaiveInput is what the dense reference reads and writes: the matrices of a packed batch in float64, row-major, without
// gaps.
type NaiveInput struct {
	Q, K, V    []float64 // [T, H·D]
	Conv       []float64 // [H, ConvKernel]
	Out        []float64 // [T, H·D], written by Naive
	DOut       []float64 // [T, H·D], the gradient that NaiveBackward starts from
	DQ, DK, DV []float64 // written by NaiveBackward, like Q, K and V
	DConv      []float64 // the same, like Conv
}

// Naive is the definition in float64: for each sequence and head
//
//	q̃_s = mean of q_t over the tokens t of segment s, and k̃_s the same; segment s of m is ⌊s·T/m⌋ … ⌊(s+1)·T/m⌋−1
//	F = softmax(q·k̃ᵀ/√D)    A = softmax(q̃·k̃ᵀ/√D)    B = softmax(q̃·kᵀ/√D)
//	Z_0 = Aᵀ/(‖A‖₁·‖A‖∞)    Z_{i+1} = ¼·Z_i·(13I − A·Z_i·(15I − A·Z_i·(7I − A·Z_i)))
//	O_t = (F·Z·B·V)_t + Σ_u conv_u·v_{t+u−⌊K/2⌋}, values outside of the sequence being 0
//
// and softmax(q·kᵀ/√D)·V in place of the product where T ≤ m, or Exact is set. With OneNorm ‖A‖₁ is the largest of the heads of the
// sequence. It is O(T·m·D) and exists to be compared with.
func (n *Nystrom) Naive(x *NaiveInput) {
	r := naiveOf[float64]{n: n, q: x.Q, k: x.K, v: x.V, conv: x.Conv}
	r.forward()
	x.Out = r.out
}

// NaiveBackward is the chain rule of Naive, through the landmarks, the three softmaxes and every step of the iteration.
func (n *Nystrom) NaiveBackward(x *NaiveInput) {
	r := naiveOf[float64]{n: n, q: x.Q, k: x.K, v: x.V, conv: x.Conv, dout: x.DOut}
	r.backward()
	x.DQ, x.DK, x.DV, x.DConv = r.dq, r.dk, r.dv, r.dconv
}

// naiveOf is the reference in float64, and in float32 as the measure of what rounding alone does.
type naiveOf[F float32 | float64] struct {
	n                  *Nystrom
	q, k, v, conv, out []F
	dout               []F
	dq, dk, dv, dconv  []F
	qh, kh, vh, doh    dense[F] // one head of one sequence
	ql, kl             dense[F] // its landmarks
	f, a, b, bv, zbv   dense[F]
	z                  []dense[F] // Z_0 … Z_n

	norm, dnorm F   // that all heads of a sequence share, and the sum of its gradients
	normHead    int // that has it
}

// heads calls f for every sequence and head with q, k and v, and dout, of that head in place.
func (r *naiveOf[F]) heads(f func(s sequence, head int)) {
	for _, s := range r.n.seqs {
		r.norm = 0
		if r.n.c.OneNorm && !s.short {
			r.oneNorm(s)
		}
		for h := range r.n.c.Heads {
			r.take(s, h)
			f(s, h)
		}
	}
}

// take takes q, k and v, and dout, of a head.
func (r *naiveOf[F]) take(s sequence, h int) {
	r.qh, r.kh, r.vh = r.head(r.q, s, h), r.head(r.k, s, h), r.head(r.v, s, h)
	if r.dout != nil {
		r.doh = r.head(r.dout, s, h)
	}
}

// oneNorm computes the norm that the heads of a sequence share, and its gradient.
func (r *naiveOf[F]) oneNorm(s sequence) {
	norm := F(0)
	for h := range r.n.c.Heads {
		r.take(s, h)
		r.product(s)
		if own := r.a.norm(); own > norm {
			norm, r.normHead = own, h
		}
	}
	r.norm, r.dnorm = norm, 0
	for h := range r.n.c.Heads {
		if r.dout != nil {
			r.take(s, h)
			r.product(s)
			_, dnorm := r.backwardInverse(r.f.t().mul(r.doh).mul(r.bv.t()))
			r.dnorm += dnorm
		}
	}
}

func (r *naiveOf[F]) head(x []F, s sequence, h int) dense[F] {
	d := r.n.c.HeadDim
	m := newDense[F](s.tokens, d)
	for t := range s.tokens {
		copy(m.x[t*d:(t+1)*d], x[(s.row+t)*r.n.width()+h*d:])
	}
	return m
}

// addHead adds m to the columns of a head.
func (r *naiveOf[F]) addHead(x []F, s sequence, h int, m dense[F]) {
	d := r.n.c.HeadDim
	for t := range s.tokens {
		for p := range d {
			x[(s.row+t)*r.n.width()+h*d+p] += m.x[t*d+p]
		}
	}
}

func (r *naiveOf[F]) scale() F { return F(1 / math.Sqrt(float64(r.n.c.HeadDim))) }

// segment returns the tokens from … to−1 of segment i of m among t tokens: sizes differ by one at most.
func segment(i, m, t int) (from, to int) { return i * t / m, (i + 1) * t / m }

func landmarksOf[F float32 | float64](x dense[F], m int) dense[F] {
	l := newDense[F](m, x.cols)
	for i := range m {
		from, to := segment(i, m, x.rows)
		for t := from; t < to; t++ {
			for p := range x.cols {
				l.x[i*x.cols+p] += x.x[t*x.cols+p] / F(to-from)
			}
		}
	}
	return l
}

// spread is the gradient of landmarksOf: each token of a segment gets its share of dl.
func spread[F float32 | float64](dl dense[F], t int) dense[F] {
	dx := newDense[F](t, dl.cols)
	for i := range dl.rows {
		from, to := segment(i, dl.rows, t)
		for j := from; j < to; j++ {
			for p := range dl.cols {
				dx.x[j*dl.cols+p] = dl.x[i*dl.cols+p] / F(to-from)
			}
		}
	}
	return dx
}

// product computes what replaces softmax attention for one head, keeping every factor.
func (r *naiveOf[F]) product(s sequence) dense[F] {
	if s.short {
		r.f = softmax(r.qh.mul(r.kh.t()).times(r.scale()))
		return r.f.mul(r.vh)
	}
	r.ql, r.kl = landmarksOf(r.qh, s.landmarks), landmarksOf(r.kh, s.landmarks)
	r.f = softmax(r.qh.mul(r.kl.t()).times(r.scale()))
	r.a = softmax(r.ql.mul(r.kl.t()).times(r.scale()))
	r.b = softmax(r.ql.mul(r.kh.t()).times(r.scale()))
	r.z = []dense[F]{r.a.t().times(1 / r.startNorm())}
	for i := range r.n.c.Iterations {
		z := r.z[i]
		p := r.a.mul(z)
		r.z = append(r.z, z.mul(p.mul(p.mul(p.minusFrom(7)).minusFrom(15)).minusFrom(13)).times(0.25))
	}
	r.bv = r.b.mul(r.vh)
	r.zbv = r.z[r.n.c.Iterations].mul(r.bv)
	return r.f.mul(r.zbv)
}

// startNorm is the norm in Z_0 = Aᵀ/norm.
func (r *naiveOf[F]) startNorm() F {
	if r.norm != 0 {
		return r.norm
	}
	return r.a.norm()
}

func (r *naiveOf[F]) forward() {
	r.out = make([]F, len(r.q))
	r.heads(func(s sequence, h int) {
		r.addHead(r.out, s, h, r.product(s))
		r.addHead(r.out, s, h, r.band(s, h).mul(r.vh))
	})
}

// band is the skip as a T×T matrix.
func (r *naiveOf[F]) band(s sequence, h int) dense[F] {
	m, taps := newDense[F](s.tokens, s.tokens), r.n.c.ConvKernel
	for t := range s.tokens {
		for u := range taps {
			if j := t + u - taps/2; j >= 0 && j < s.tokens {
				m.x[t*s.tokens+j] = r.conv[h*taps+u]
			}
		}
	}
	return m
}

func (r *naiveOf[F]) backward() {
	r.dq, r.dk, r.dv = make([]F, len(r.q)), make([]F, len(r.k)), make([]F, len(r.v))
	r.dconv = make([]F, len(r.conv))
	r.heads(func(s sequence, h int) {
		r.product(s)
		r.addHead(r.dv, s, h, r.band(s, h).t().mul(r.doh))
		dband, taps := r.doh.mul(r.vh.t()), r.n.c.ConvKernel
		for t := range s.tokens {
			for u := range taps {
				if j := t + u - taps/2; j >= 0 && j < s.tokens {
					r.dconv[h*taps+u] += dband.x[t*s.tokens+j]
				}
			}
		}
		if s.short {
			r.backwardShort(s, h)
			return
		}
		r.backwardLong(s, h)
	})
}

func (r *naiveOf[F]) backwardShort(s sequence, h int) {
	ds := softmaxBackward(r.f, r.doh.mul(r.vh.t())).times(r.scale())
	r.addHead(r.dq, s, h, ds.mul(r.kh))
	r.addHead(r.dk, s, h, ds.t().mul(r.qh))
	r.addHead(r.dv, s, h, r.f.t().mul(r.doh))
}

func (r *naiveOf[F]) backwardLong(s sequence, h int) {
	dzbv := r.f.t().mul(r.doh)
	dbv := r.z[len(r.z)-1].t().mul(dzbv)
	df := softmaxBackward(r.f, r.doh.mul(r.zbv.t())).times(r.scale())
	da := softmaxBackward(r.a, r.backwardA(dzbv.mul(r.bv.t()), h)).times(r.scale())
	db := softmaxBackward(r.b, dbv.mul(r.vh.t())).times(r.scale())
	r.addHead(r.dv, s, h, r.b.t().mul(dbv))
	r.addHead(r.dq, s, h, df.mul(r.kl))
	r.addHead(r.dk, s, h, db.t().mul(r.ql))
	r.addHead(r.dq, s, h, spread(da.mul(r.kl).plus(db.mul(r.kh)), s.tokens))
	r.addHead(r.dk, s, h, spread(df.t().mul(r.qh).plus(da.t().mul(r.ql)), s.tokens))
}

// backwardA takes the gradient of the last Z of a head back to A. The norm that A was divided by is the sum of one column.
func (r *naiveOf[F]) backwardA(dz dense[F], h int) dense[F] {
	da, dnorm := r.backwardInverse(dz)
	if r.norm != 0 {
		dnorm = 0
		if h == r.normHead {
			dnorm = r.dnorm
		}
	}
	column := r.a.largestColumn()
	for i := range da.rows {
		da.x[i*da.cols+column] += dnorm
	}
	return da
}

// backwardInverse takes the gradient of the last Z back to A, and to the norm in Z_0 = Aᵀ/norm. ‖A‖∞ is 1, since the rows of a softmax
// sum to 1, whatever the scores are.
func (r *naiveOf[F]) backwardInverse(dz dense[F]) (da dense[F], dnorm F) {
	da = newDense[F](r.a.rows, r.a.cols)
	for i := len(r.z) - 2; i >= 0; i-- {
		z := r.z[i]
		p := r.a.mul(z)
		q1 := p.minusFrom(7)
		q2 := p.mul(q1).minusFrom(15)
		q3 := p.mul(q2).minusFrom(13)
		dq3 := z.t().mul(dz).times(0.25)
		dq2 := p.t().mul(dq3).times(-1)
		dq1 := p.t().mul(dq2).times(-1)
		dp := dq3.mul(q2.t()).plus(dq2.mul(q1.t())).plus(dq1).times(-1)
		dz = dz.mul(q3.t()).times(0.25).plus(r.a.t().mul(dp))
		da = da.plus(dp.mul(z.t()))
	}
	norm := r.startNorm()
	for i := range dz.x {
		dnorm -= dz.x[i] * r.z[0].x[i] / norm
	}
	return da.plus(dz.t().times(1 / norm)), dnorm
}
