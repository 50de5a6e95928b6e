package data

import "math/bits"

// Permutation is a pseudo-random order of 0 … n−1 without memory. Any element costs O(1), so a position in a shuffled epoch is one number.
//
// It is a Feistel network on the smallest 2²ᵇ ≥ n, walked until it lands below n (Black and Rogaway 2002,
// "Ciphers with arbitrary finite domains"); 2²ᵇ < 4n, so that takes fewer than four steps on average.
type Permutation struct {
	n    uint64
	half uint // b
	keys [feistelRounds]uint64
}

// feistelRounds is six. Four make a Feistel network a strong pseudo-random permutation (Luby and Rackoff 1988), but the halves are tiny for
// small n.
const feistelRounds = 6

// NewPermutation returns the order of 0 … n−1 that seed and epoch choose.
func NewPermutation(n int, seed, epoch uint64) Permutation {
	p := Permutation{n: uint64(max(n, 0))}
	p.half = uint(bits.Len64(max(p.n, 2)-1)+1) / 2
	r := NewRandom(seed, epoch)
	for i := range p.keys {
		p.keys[i] = r.Uint64()
	}
	return p
}

// At returns element i, 0 … n−1. Like a slice it panics for other i.
func (p Permutation) At(i int) int {
	x := uint64(i)
	if x >= p.n {
		panic("data: a place outside the permutation")
	}
	for {
		if x = p.round(x); x < p.n {
			return int(x)
		}
	}
}

func (p Permutation) round(x uint64) uint64 {
	mask := uint64(1)<<p.half - 1
	left, right := x>>p.half, x&mask
	for _, key := range p.keys {
		left, right = right, left^(Mix(right^key)&mask)
	}
	return left<<p.half | right
}
