package attention

import (
	"math"
)

// NaiveInput is what the dense reference reads: the matrices of a packed batch in float64, row-major and without gaps.
type NaiveInput struct {
	Q       []float64 // [Tq, H·D]
	K, V    []float64 // [Tk, Hkv·D]
	Out     []float64 // [Tq, H·D], written by Naive and read by NaiveBackward
	LSE     []float64 // [H, Tq], written by Naive: natural log of the softmax's denominator, −Inf where no key is seen
	DOut    []float64 // [Tq, H·D], the gradient that NaiveBackward starts from
	DQ      []float64 // written by NaiveBackward, like Q, K and V
	DK, DV  []float64
	DSinks  []float64                             // [H]
	DScores func(seq, head, q, k int, ds float64) // if set, NaiveBackward reports the gradient of each score's bias
}

// Naive is the definition in float64: for each query i of head h,
//
//	s_j = cap(scale·q_i·k_j) + bias_ij       over the keys j that the pattern shows
//	O_i = Σ_j exp(s_j)·v_j / Z               Z = exp(sink_h) + Σ_j exp(s_j)
//
// and O_i = 0 where no key is seen. It is O(pairs·D) and exists to be compared with.
func Naive(c Config, seqs []Seq, x *NaiveInput) error {
	n, err := newNaive(c, seqs)
	if err != nil {
		return err
	}
	x.Out, x.LSE = make([]float64, len(x.Q)), make([]float64, n.tq*n.c.Heads)
	n.rows(x, func(r naiveRow) {
		scores, z := r.scores(x)
		o := x.Out[r.q : r.q+n.c.HeadDim]
		for i, j := range r.keys {
			for p := range o {
				o[p] += scores[i] / z * x.V[r.kv(j)+p]
			}
		}
		x.LSE[r.head*n.tq+r.row] = r.lse
	})
	return nil
}

// NaiveBackward is the chain rule of Naive, row by row: with p_j the softmax of a row and δ = dO_i·O_i,
//
//	dV_j += p_j·dO_i    ds_j = p_j·(dO_i·v_j − δ)    dQ_i += scale·cap'·ds_j·k_j    dK_j += scale·cap'·ds_j·q_i
//
// and the sink's gradient is −p_sink·δ.
func NaiveBackward(c Config, seqs []Seq, x *NaiveInput) error {
	n, err := newNaive(c, seqs)
	if err != nil {
		return err
	}
	x.DQ, x.DK, x.DV = make([]float64, len(x.Q)), make([]float64, len(x.K)), make([]float64, len(x.V))
	x.DSinks = make([]float64, n.c.Heads)
	n.rows(x, func(r naiveRow) {
		scores, z := r.scores(x)
		do, delta := x.DOut[r.q:r.q+n.c.HeadDim], 0.0
		for p := range do {
			delta += do[p] * x.Out[r.q+p]
		}
		if n.c.Sinks != nil {
			x.DSinks[r.head] -= math.Exp(float64(n.c.Sinks[r.head])-r.lse) * delta
		}
		for i, j := range r.keys {
			r.backwardKey(x, j, scores[i]/z, delta, do)
		}
	})
	return nil
}

// backwardKey adds what one visible key of a row contributes to the gradients.
func (r naiveRow) backwardKey(x *NaiveInput, j int, prob, delta float64, do []float64) {
	kv, dp := r.kv(j), 0.0
	for p := range do {
		x.DV[kv+p] += prob * do[p]
		dp += do[p] * x.V[kv+p]
	}
	ds := prob * (dp - delta)
	if x.DScores != nil {
		x.DScores(r.seq, r.head, r.qi, j, ds)
	}
	ds *= r.n.c.Scale * r.n.capSlope(r.dot(x, j))
	for p := range do {
		x.DQ[r.q+p] += ds * x.K[kv+p]
		x.DK[kv+p] += ds * x.Q[r.q+p]
	}
	if r.n.c.Bias != nil {
		r.n.c.Bias.naiveBackward(x, r, j, prob*(dp-delta))
	}
}

// naive walks the rows of a batch.
type naive struct {
	c    Config
	seqs []Seq
	tq   int
}

// naiveRow is one query of one head.
type naiveRow struct {
	n         *naive
	seq, head int
	qi        int // query within its sequence
	row       int // row of the batch
	q         int // index of its first element in Q
	k0        int // first row of its sequence in K and V
	keys      []int
	lse       float64
	of        Seq
}

func newNaive(c Config, seqs []Seq) (*naive, error) {
	c, err := c.resolve()
	if err != nil {
		return nil, err
	}
	n := &naive{c: c, seqs: seqs}
	for _, s := range seqs {
		n.tq += s.Q
	}
	return n, c.checkSeqs(seqs)
}

func (n *naive) rows(x *NaiveInput, f func(naiveRow)) {
	q0, k0 := 0, 0
	for i, s := range n.seqs {
		for qi := range s.Q {
			var keys []int
			for _, span := range s.cut(n.c.Pattern.Spans(nil, qi, s.shape()), 0) {
				for j := span.Lo; j < span.Hi; j++ {
					keys = append(keys, j)
				}
			}
			for h := range n.c.Heads {
				row := q0 + qi
				f(naiveRow{n: n, seq: i, head: h, qi: qi, row: row, q: (row*n.c.Heads + h) * n.c.HeadDim, k0: k0, keys: keys, of: s})
			}
		}
		q0, k0 = q0+s.Q, k0+s.K
	}
}

// distance is how far the query stands after key j.
func (r naiveRow) distance(j int) int { return r.of.distance(r.qi, j) }

// kv is the index of the first element of key j's row, in K and V.
func (r naiveRow) kv(j int) int {
	c := r.n.c
	return ((r.k0+j)*c.KVHeads + r.head*c.KVHeads/c.Heads) * c.HeadDim
}

func (r naiveRow) dot(x *NaiveInput, j int) (sum float64) {
	kv := r.kv(j)
	for p := range r.n.c.HeadDim {
		sum += x.Q[r.q+p] * x.K[kv+p]
	}
	return sum
}

// scores returns exp(s_j − max) of the row's keys and their sum with the sink's, and sets lse.
func (r *naiveRow) scores(x *NaiveInput) (e []float64, z float64) {
	c := r.n.c
	e = make([]float64, len(r.keys))
	high := math.Inf(-1)
	if c.Sinks != nil {
		high = float64(c.Sinks[r.head])
	}
	for i, j := range r.keys {
		e[i] = r.n.cap(c.Scale * r.dot(x, j))
		if c.Bias != nil {
			e[i] += c.Bias.naive(x, *r, j)
		}
		high = max(high, e[i])
	}
	if math.IsInf(high, -1) {
		r.lse = high
		clear(e)
		return e, 1
	}
	if c.Sinks != nil {
		z = math.Exp(float64(c.Sinks[r.head]) - high)
	}
	for i := range e {
		e[i] = math.Exp(e[i] - high)
		z += e[i]
	}
	r.lse = high + math.Log(z)
	return e, z
}

func (n *naive) cap(s float64) float64 {
	if n.c.SoftCap == 0 {
		return s
	}
	return n.c.SoftCap * math.Tanh(s/n.c.SoftCap)
}

// capSlope is the derivative of cap at scale·dot.
func (n *naive) capSlope(dot float64) float64 {
	if n.c.SoftCap == 0 {
		return 1
	}
	t := math.Tanh(n.c.Scale * dot / n.c.SoftCap)
	return 1 - t*t
}
