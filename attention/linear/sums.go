package linear

import (
	"math"

	"github.com/longspan/longspan/internal/kernel"
)

// sums is what queries need to know of the keys before them: Σ φ(k)·vᵀ and Σ φ(k). In the backward pass it is also what
// keys need to know of the queries that see them: Σ φ(q)·dOᵀ and Σ φ(q)·δ.
//
// A feature of Performer is an exponential, and may be far out of float32's range. So each has a stabiliser c, in base 2, and its sums are
// those of 2^(logarithm − c). A stabiliser is near the maximum of the logarithms so far: at most slack below it and, for keys, less than
// step − keyRoom above. A stabiliser a feature, where the published code has one for all keys, is what bounds a normaliser from below for
// any keys: the feature that is largest for a query has a sum of at least 2^(keyRoom − step).
type sums struct {
	c []float32 // [M]; 0 and unused for maps other than Performer
	z []float32 // [M][kernel.SumLanes]: Σ φ, in partial sums
	s []float32 // [M][width]: Σ φ·vᵀ
}

// slack is how far above its stabiliser a logarithm may lie before the stabiliser is raised: raising costs a pass over the
// sums and is rare this way. Sums of 2^29 tokens of 2^16 stay far below float32's 2^128.
const slack = 16

// step is what stabilisers are multiples of. Those of different ranges of a sequence are then mostly equal, so that their sums are added
// without factors: 0 for keys of usual size, whose logarithms are around 0, and for queries, whose logarithms are less their normaliser's.
const (
	step      = 32
	keyRoom   = slack // stabilisers of keys are raised to less than step above the maximum less keyRoom
	queryRoom = 0
)

// hiddenNorm is subtracted from the logarithms of lanes that hold no token: what is left is 0 after 2^x.
const hiddenNorm = 1e30

// sumsLen is the number of floats of a sums.
func (l *Linear) sumsLen() int { return l.c.Features * (1 + kernel.SumLanes + l.width()) }

// sumsOf views memory of sumsLen floats.
func (l *Linear) sumsOf(mem []float32) sums {
	m := l.c.Features
	return sums{c: mem[:m], z: mem[m : m*(1+kernel.SumLanes)], s: mem[m*(1+kernel.SumLanes):]}
}

// reset makes it the sums of no tokens.
func (s sums) reset(f FeatureMap) {
	clear(s.z)
	clear(s.s)
	clear(s.c)
	if f == Performer {
		for i := range s.c {
			s.c[i] = kernel.NoScore
		}
	}
}

// cover lifts the stabiliser of feature i to that of top and room.
func (s sums) cover(i int, top, room float32) { s.raise(i, stabiliser(top, room)) }

// stabiliser is the one that a logarithm of top is at most room above, and not more than step − room below.
func stabiliser(top, room float32) float32 {
	return step * float32(math.Ceil(float64((top-room)/step)))
}

// raise lifts the stabiliser of feature i to c, if that is higher, and scales its sums to match: by a power of two, which rounds nothing
// that is not far below the others.
func (s sums) raise(i int, c float32) {
	if c <= s.c[i] {
		return
	}
	if s.c[i] != kernel.NoScore { // else the sums are zero
		factor, z, row := exp2(s.c[i]-c), s.zRow(i), s.row(i)
		kernel.Scale(z, factor, z)
		kernel.Scale(row, factor, row)
	}
	s.c[i] = c
}

// zRow and row are the sums of feature i.
func (s sums) zRow(i int) []float32 { return s.z[i*kernel.SumLanes : (i+1)*kernel.SumLanes] }

func (s sums) row(i int) []float32 {
	w := len(s.s) / len(s.c)
	return s.s[i*w : (i+1)*w]
}

// none reports whether s is no sums at all.
func (s sums) none() bool { return s.c == nil }

// join makes s the sum of a and b. s may be b. Where stabilisers differ, the smaller sums are scaled to the greater.
func (s sums) join(a, b sums) {
	w := len(s.s) / len(s.c)
	for i := 0; i < len(a.c); i++ {
		from := i
		for i < len(a.c) && a.c[i] == b.c[i] {
			i++
		}
		copy(s.c[from:i], a.c[from:i])
		z0, z1, s0, s1 := from*kernel.SumLanes, i*kernel.SumLanes, from*w, i*w
		kernel.Add(s.z[z0:z1], a.z[z0:z1], b.z[z0:z1])
		kernel.Add(s.s[s0:s1], a.s[s0:s1], b.s[s0:s1])
		if i == len(a.c) {
			return
		}
		high := max(a.c[i], b.c[i])
		fa, fb := exp2(a.c[i]-high), exp2(b.c[i]-high)
		s.c[i] = high
		kernel.Scale(s.zRow(i), fb, b.zRow(i))
		kernel.Axpy(s.zRow(i), fa, a.zRow(i))
		kernel.Scale(s.row(i), fb, b.row(i))
		kernel.Axpy(s.row(i), fa, a.row(i))
	}
}

// copyFrom makes s equal to other.
func (s sums) copyFrom(other sums) {
	copy(s.c, other.c)
	copy(s.z, other.z)
	copy(s.s, other.s)
}

// exp2 is 2^x of a whole number x up to 0.
func exp2(x float32) float32 {
	if x < -126 { // denormal or 0
		return float32(math.Exp2(float64(x)))
	}
	return math.Float32frombits(uint32(127+int(x)) << 23)
}
