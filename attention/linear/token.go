package linear

import (
	"unsafe"

	"github.com/longspan/longspan/attention/internal/scratch"
	"github.com/longspan/longspan/internal/ceil"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/tensor"
)

// One token would use a thirty-second of a tile with tokens across its lanes. Decoding has heads across the lanes instead:
// Ω is shared by all of them, so one tile product projects the token for every head, and what is left is reading and
// writing the sums once.

// tokenHeads is the number of query heads share a tile: half its lanes, so that models of many heads are still cut into pieces.
const tokenHeads = kernel.Lanes / 2

// fewTokens is up to how many tokens are taken one by one; more are cheaper as a chunk.
const fewTokens = 4

// kahanLen is the number of sums added at a time: they and their operands fit the first-level cache.
const kahanLen = 1024

// tokenWorker is the scratch memory of a goroutine that decodes.
type tokenWorker struct {
	l          *Linear
	x          []float32 // [D][Lanes] a token's keys or queries
	phi, phiQ  []float32 // [M][Lanes] features of its keys, of its queries
	c          []float32 // [M][Lanes] stabilisers
	weights    []float32 // [tokenHeads][Lanes] of recent tokens
	rows       []float32 // [tokenHeads][D] inputs, widened
	o          []float32 // [tokenHeads][D]
	z, zeros   []float32 // [M]
	norm, top  []float32 // [Lanes]
	den, inv   []float32 // [Lanes]
	none, ones []float32 // [Lanes] zeros, ones
	tile       []float32 // [M][SumLanes], [M][width]: the sums of a tile of tokens
	next       []float32 // [kahanLen] sums
}

func (l *Linear) carveToken(mem []float32) (*tokenWorker, int) {
	const lanes = kernel.Lanes
	m, d := l.c.Features, l.c.HeadDim
	c := scratch.New(mem)
	w := &tokenWorker{
		l: l, x: c.Take(d * lanes), phi: c.Take(m * lanes), phiQ: c.Take(m * lanes), c: c.Take(m * lanes),
		weights: c.Take(tokenHeads * lanes), rows: c.Take(tokenHeads * d), o: c.Take(tokenHeads * d), z: c.Take(m), zeros: c.Take(m),
		norm: c.Take(lanes), top: c.Take(lanes), den: c.Take(lanes), inv: c.Take(lanes), none: c.Take(lanes), ones: c.Take(lanes),
		tile: c.Take(l.sumsLen() - m), next: c.Take(kahanLen),
	}
	for _, zero := range [][]float32{w.zeros, w.none} {
		clear(zero)
	}
	for i := range w.ones {
		w.ones[i] = 1
	}
	return w, c.Taken()
}

// stepTokens takes the rows of q, k and v into the state, one after the other.
func (s *State) stepTokens(r *run, out, q, k, v tensor.Mat) {
	c := s.l.c
	batch := tokenHeads / s.l.group() // key/value heads a piece
	pieces := ceil.Div(c.KVHeads, batch)
	_, size := s.l.carveToken(nil)
	var workers []*tokenWorker
	for range min(pool.Threads(r.x.Threads), pieces) {
		if mat := r.get(1, size); !mat.Dry() {
			w, _ := s.l.carveToken(mat.F32)
			workers = append(workers, w)
		}
	}
	if q.Dry() {
		return
	}
	pool.Run(r.x.Threads, pieces, func(worker, piece int) {
		first, slot := piece*batch, s.pending
		n := min(batch, c.KVHeads-first)
		for row := range q.Rows {
			workers[worker].token(s, out, q, k, v, row, slot, first, n)
			if slot++; slot == kernel.Lanes {
				for h := range n {
					workers[worker].flush(s, first+h)
				}
				slot = 0
			}
		}
	})
	s.pending = (s.pending + q.Rows) % kernel.Lanes
}

// token makes one token the recent one at slot, of n key/value heads from first on, and computes the outputs of their query heads.
func (w *tokenWorker) token(s *State, out, q, k, v tensor.Mat, row, slot, first, n int) {
	c, d, group, width := w.l.c, w.l.c.HeadDim, w.l.group(), w.l.width()
	w.keys(s, k, row, first, n)
	for h := range n {
		r := s.recentOf(first + h)
		for i := range c.Features {
			r.phi[i*kernel.Lanes+slot] = w.phi[i*kernel.Lanes+h]
		}
		v.ReadPart(r.vals[slot*width:slot*width+d], row, (first+h)*d)
	}
	w.queries(s, q, row, first, n)
	for h := range n {
		sm, heads := s.sums(first+h), w.o[:group*d]
		kernel.FeatureFold(c.Features, sm.z, w.z)
		kernel.FeatureMix(c.Features, w.phiQ, w.z, w.den)
		clear(heads)
		rows := (*byte)(unsafe.Pointer(&sm.s[0])) // S is to features what a cache of values is to keys
		kernel.DecodeSums(kernel.ElementF32, c.Features, group, group, d, w.phiQ[h*group:], rows, 4*width, heads)
		s.recentOf(first+h).attend(w.l, slot+1, w.phiQ[h*group:], heads, w.den[h*group:], w.weights[:group*kernel.Lanes])
		for g := range group {
			w.finish(out, row, (first+h)*group+g, w.den[h*group+g], heads[g*d:(g+1)*d])
		}
	}
}

// finish divides an output by its normaliser and stores it.
func (w *tokenWorker) finish(out tensor.Mat, row, head int, den float32, o []float32) {
	inv := 1 / den
	if den < minNormaliser {
		inv = 0
	}
	kernel.Scale(o, inv, o)
	out.WritePart(row, head*w.l.c.HeadDim, o)
}

// load puts n heads of a token, from column first·D on, into the lanes of x.
func (w *tokenWorker) load(m tensor.Mat, row, first, n int, scale float32) {
	d := w.l.c.HeadDim
	m.ReadPart(w.rows[:n*d], row, first*d)
	kernel.TileLoad(n, d, w.rows, d, scale, w.x)
}

// project puts into dst what the features of the heads in x are made of.
func (w *tokenWorker) project(m tensor.Mat, row, first, n int, dst []float32) {
	c := w.l.c
	switch c.Feature {
	case Performer:
		w.load(m, row, first, n, w.l.logScale())
		kernel.TileMul(c.Features, c.HeadDim, w.l.omega, c.HeadDim, w.x, kernel.Lanes, dst, kernel.Lanes)
		return
	case Elu:
		w.load(m, row, first, n, 1)
		kernel.FeatureElu(c.HeadDim, w.x)
	case ReLU:
		w.load(m, row, first, n, 1)
		kernel.FeatureRelu(c.HeadDim, w.x)
	}
	copy(dst, w.x)
}

// keys puts the features of a token's keys into phi, raising stabilisers as needed, and leaves those in c.
func (w *tokenWorker) keys(s *State, k tensor.Mat, row, first, n int) {
	c := w.l.c
	w.project(k, row, first, n, w.phi)
	if c.Feature != Performer {
		return
	}
	kernel.FeatureDot(c.HeadDim, w.x, w.x, w.norm)
	kernel.Scale(w.norm, ln2/2, w.norm)
	w.stabilisers(s, first, n)
	kernel.Sub(w.phiQ, w.phi, w.c)
	kernel.FeatureTop(c.Features, w.phiQ, kernel.Lanes, w.norm, w.zeros, w.top)
	raised := false
	for h := range n {
		if w.top[h] <= slack {
			continue
		}
		raised = true
		for i := range c.Features {
			s.raise(first+h, i, stabiliser(w.phi[i*kernel.Lanes+h]-w.norm[h], keyRoom))
		}
	}
	if raised {
		w.stabilisers(s, first, n)
	}
	kernel.Sub(w.phi, w.phi, w.c)
	kernel.FeatureExp(c.Features, w.phi, kernel.Lanes, w.norm, w.zeros)
}

// stabilisers puts those of each head into a lane of c.
func (w *tokenWorker) stabilisers(s *State, first, n int) {
	size := w.l.sumsLen()
	kernel.TileLoad(n, w.l.c.Features, s.mem[first*size:], size, 1, w.c)
}

// queries puts the features of a token's queries into phiQ, c being the stabilisers of their key/value heads.
func (w *tokenWorker) queries(s *State, q tensor.Mat, row, first, n int) {
	c, group := w.l.c, w.l.group()
	w.project(q, row, first*group, n*group, w.phiQ)
	if c.Feature != Performer {
		return
	}
	if group > 1 {
		for i := range c.Features {
			lanes := w.c[i*kernel.Lanes:][:n*group]
			for g := len(lanes) - 1; g >= 0; g-- {
				lanes[g] = lanes[g/group]
			}
		}
	}
	kernel.Add(w.phiQ, w.phiQ, w.c)
	kernel.FeatureTop(c.Features, w.phiQ, kernel.Lanes, w.none, w.zeros, w.top)
	kernel.FeatureExp(c.Features, w.phiQ, kernel.Lanes, w.top, w.zeros)
}
