package data

import (
	"math/bits"
	"math/rand/v2"

	"github.com/longspan/longspan/internal/random"
)

// Random is a stream of pseudo-random numbers with a seed and a stream number. Its bits never change: the generator is PCG-DXSM (O'Neill
// 2014, as in math/rand/v2, which promises its output), and all derived numbers are computed here.
type Random struct{ pcg rand.PCG }

// NewRandom returns stream number stream of seed. Neighbouring numbers give unrelated streams.
func NewRandom(seed, stream uint64) *Random {
	r := new(Random)
	r.pcg.Seed(random.Mix(seed), random.Mix(stream^random.Gamma))
	return r
}

// Uint64 returns 64 random bits.
func (r *Random) Uint64() uint64 { return r.pcg.Uint64() }

// IntN returns a number 0 … n−1; n must be positive. Lemire 2019, arXiv:1805.10941: a product instead of a
// division, and the few draws that would favour some numbers are thrown away.
func (r *Random) IntN(n int) int {
	hi, lo := bits.Mul64(r.Uint64(), uint64(n))
	for lo < uint64(n) && lo < -uint64(n)%uint64(n) {
		hi, lo = bits.Mul64(r.Uint64(), uint64(n))
	}
	return int(hi)
}

// Float64 returns a number in [0, 1), a multiple of 2⁻⁵³.
func (r *Random) Float64() float64 { return float64(r.Uint64()>>11) / (1 << 53) }

// Shuffle puts s into a random order (Fisher and Yates).
func Shuffle[E any](r *Random, s []E) {
	for i := len(s) - 1; i > 0; i-- {
		j := r.IntN(i + 1)
		s[i], s[j] = s[j], s[i]
	}
}

// MarshalBinary encodes the state of r.
func (r *Random) MarshalBinary() ([]byte, error) { return r.pcg.MarshalBinary() }

// UnmarshalBinary restores a state.
func (r *Random) UnmarshalBinary(state []byte) error { return r.pcg.UnmarshalBinary(state) }

// Mix spreads the bits of x over all 64: the first number of the SplitMix64 sequence that x seeds.
func Mix(x uint64) uint64 { return random.Mix(x) }
