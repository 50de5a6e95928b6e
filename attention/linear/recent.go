package linear

import (
	"unsafe"

	"github.com/longspan/longspan/internal/kernel"
)

// Sums of many tokens drift when each is added by itself: a token that is small beside the sum is rounded off, and after a million of
// like keys the sums are wrong by some 0.1 to 1 %. So a State gathers tokens until they are a tile, sums the tile from zero, and adds
// it with Kahan's compensation (Kahan 1965, CACM 8(1)). Until then queries meet the tokens of the tile one by one.

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

// cover is that of the head's sums, and scales what is not in them yet.
func (s *State) cover(kvHead, i int, top float32) {
	sm := s.sums(kvHead)
	before := sm.c[i]
	sm.cover(i, top, keyRoom)
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

// flush adds a whole tile to the sums of a head.
func (w *tokenWorker) flush(s *State, kvHead int) {
	sm := s.sums(kvHead)
	clear(w.tile)
	s.recentOf(kvHead).addTo(w.l, w.tile[:len(sm.z)], w.tile[len(sm.z):], w.ones)
	lost := s.lostOf(kvHead)
	w.addKahan(sm.z, lost[:len(sm.z)], w.tile[:len(sm.z)])
	w.addKahan(sm.s, lost[len(sm.z):], w.tile[len(sm.z):])
}

// addKahan adds x to sum, and keeps what is rounded off in lost. It uses up x.
func (w *tokenWorker) addKahan(sum, lost, x []float32) {
	for i := 0; i < len(sum); i += len(w.next) {
		n := min(len(w.next), len(sum)-i)
		sum, lost, x, next := sum[i:i+n], lost[i:i+n], x[i:i+n], w.next[:n]
		kernel.Sub(x, x, lost)
		kernel.Add(next, sum, x)
		kernel.Sub(lost, next, sum)
		kernel.Sub(lost, lost, x)
		copy(sum, next)
	}
}

// flushAll adds the recent tokens of all heads, which chunks follow. They are no whole tile, and a chunk adds without compensation.
func (s *State) flushAll() {
	if s.pending == 0 {
		return
	}
	ones := make([]float32, kernel.Lanes)
	for i := range ones {
		ones[i] = 1
	}
	for h := range s.l.c.KVHeads {
		sm := s.sums(h)
		s.recentOf(h).addTo(s.l, sm.z, sm.s, ones)
	}
	s.pending = 0
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
