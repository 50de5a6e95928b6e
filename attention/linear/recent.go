package linear

import (
	"unsafe"

	"github.com/longspan/longspan/internal/kernel"
)

// Sums of many tokens drift when each is added by itself: a token that is small beside the sum is rounded off, and after a million of
// like keys the sums are wrong by some 0.1 to 1 %. So a State sums some tokens from zero, and adds these sums with Kahan's compensation
// (Kahan 1965, CACM 8(1)): a range of tokens that come together, and a tile of tokens that come one by one. Until there is a whole tile,
// queries meet the tokens of the tile one by one.

// recent is the tokens of a key/value head that are not yet in its sums. Columns of tokens to come are zero.
type recent struct {
	phi  []float32 // [M][Lanes]: features, to the stabilisers of the sums
	vals []float32 // [Lanes][width]
}

// recentLen is the number of floats of a recent.
func (l *Linear) recentLen() int { return kernel.Lanes * (l.c.Features + l.width()) }

func (s *State) recentOf(kvHead int) recent {
	n, phi := s.l.recentLen(), kernel.Lanes*s.l.c.Features
	mem := s.recent[kvHead*n : (kvHead+1)*n]
	return recent{mem[:phi], mem[phi:]}
}

// lost is what Kahan's additions rounded off of a head's z and s, in that order: the sums are theirs less it.
func (s *State) lostOf(kvHead int) []float32 {
	n := s.l.sumsLen() - s.l.c.Features
	return s.lost[kvHead*n : (kvHead+1)*n]
}

// raise is that of the head's sums, and scales what is not in them yet.
func (s *State) raise(kvHead, i int, c float32) {
	sm := s.sums(kvHead)
	before := sm.c[i]
	sm.raise(i, c)
	if before == kernel.NoScore || sm.c[i] == before {
		return
	}
	factor, lost, width := exp2(before-sm.c[i]), s.lostOf(kvHead), s.l.width()
	for _, row := range [][]float32{
		s.recentOf(kvHead).phi[i*kernel.Lanes : (i+1)*kernel.Lanes],
		lost[i*kernel.SumLanes : (i+1)*kernel.SumLanes], lost[len(sm.z)+i*width : len(sm.z)+(i+1)*width],
	} {
		kernel.Scale(row, factor, row)
	}
}

// addTo adds the tile to z and s.
func (r recent) addTo(l *Linear, z, s, ones []float32) {
	const lanes = kernel.Lanes
	m, width := l.c.Features, l.width()
	kernel.FeatureSum(m, r.phi, lanes, ones, z)
	for j := 0; j < width; j += lanes {
		kernel.TileMulAdd(m, lanes, r.phi, lanes, r.vals[j:], width, s[j:], width)
	}
	clear(r.phi)
	clear(r.vals)
}

// flush adds the recent tokens of a head to its sums.
func (w *tokenWorker) flush(s *State, kvHead int) {
	n := len(s.sums(kvHead).z)
	clear(w.tile)
	s.recentOf(kvHead).addTo(w.l, w.tile[:n], w.tile[n:], w.ones)
	s.add(kvHead, w.tile[:n], w.tile[n:], w.next)
}

// flush is that of a tokenWorker. It uses up own.
func (w *worker) flush(s *State, kvHead int) {
	clear(w.own.z)
	clear(w.own.s)
	s.recentOf(kvHead).addTo(w.l, w.own.z, w.own.s, w.ones)
	s.add(kvHead, w.own.z, w.own.s, w.pair)
}

// take adds own, the sums of a range, to those of a head. It uses up own.
func (w *worker) take(s *State, kvHead int) {
	sm := s.sums(kvHead)
	for i, c := range w.own.c {
		s.raise(kvHead, i, c)
		w.own.raise(i, sm.c[i])
	}
	s.add(kvHead, w.own.z, w.own.s, w.pair)
}

// add adds x and y to a head's z and s, whose stabilisers they have. It uses up both. next is scratch.
func (s *State) add(kvHead int, x, y, next []float32) {
	sm, lost := s.sums(kvHead), s.lostOf(kvHead)
	addKahan(sm.z, lost[:len(sm.z)], x, next)
	addKahan(sm.s, lost[len(sm.z):], y, next)
}

// addKahan adds x to sum, and keeps what is rounded off in lost. It uses up x. next is scratch: with the sums at hand it should fit the
// first-level cache.
func addKahan(sum, lost, x, next []float32) {
	for len(sum) > 0 {
		n := min(len(next), len(sum))
		s, l, x1, t := sum[:n], lost[:n], x[:n], next[:n]
		kernel.Sub(x1, x1, l)
		kernel.Add(t, s, x1)
		kernel.Sub(l, t, s)
		kernel.Sub(l, l, x1)
		copy(s, t)
		sum, lost, x = sum[n:], lost[n:], x[n:]
	}
}

// attend adds to the outputs o [group][D] and normalisers den of the group's queries, whose features are lanes of phi [M][Lanes],
// what they get of n recent tokens. weights is scratch, [group][Lanes].
func (r recent) attend(l *Linear, n int, phi, o, den, weights []float32) {
	const lanes = kernel.Lanes
	d, group, width := l.c.HeadDim, l.group(), l.width()
	clear(weights)
	rows := (*byte)(unsafe.Pointer(&r.phi[0])) // features of tokens are to features what a cache of values is to keys
	kernel.DecodeSums(kernel.ElementF32, l.c.Features, group, group, lanes, phi, rows, 4*lanes, weights)
	for g := range group {
		for j, weight := range weights[g*lanes : g*lanes+n] {
			den[g] += weight
			kernel.Axpy(o[g*d:(g+1)*d], weight, r.vals[j*width:j*width+d])
		}
	}
}
