// Package random is SplitMix64 (Steele, Lea and Flood 2014, Fast splittable pseudorandom number generators, OOPSLA). It is
// written out here so that a seed means the same numbers on every machine and with every version of Go.
package random

import "math/bits"

// Gamma is what SplitMix64's state moves by: 2⁶⁴ divided by the golden ratio, made odd.
const Gamma = 0x9e3779b97f4a7c15

// Finalise is the output function of SplitMix64: a bijection of 64 bits whose values look independent. Finalise(0) is 0.
func Finalise(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Mix is the first number of the sequence that x seeds.
func Mix(x uint64) uint64 { return Finalise(x + Gamma) }

// SplitMix is a sequence of numbers.
type SplitMix struct{ state uint64 }

// NewSplitMix returns the sequence that the values seed, in their order.
func NewSplitMix(values ...uint64) SplitMix {
	var r SplitMix
	for _, v := range values {
		r.state = Mix(r.state + v)
	}
	return r
}

// Next returns the next 64 bits.
func (r *SplitMix) Next() uint64 {
	r.state += Gamma
	return Finalise(r.state)
}

// Below returns a number of 0 … n−1: the upper half of a 128-bit product, whose bias is below n/2⁶⁴.
func (r *SplitMix) Below(n int) int {
	hi, _ := bits.Mul64(r.Next(), uint64(n))
	return int(hi)
}
