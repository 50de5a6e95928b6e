package attention

import (
	"fmt"
	"math"
)

// RotaryScaling changes the angles of the rotary encoding, so that a model reads longer sequences than those that it was trained on. It is
// [Llama3] or [YaRN].
type RotaryScaling interface {
	check() error
	// frequency is the angle of pair p at position 1, for a base and rotated dimensions.
	frequency(p int, base float64, dim int) float64
	// amplitude is the factor of cosines and sines.
	amplitude() float64
}

// Llama3 divides the frequencies of long waves by Factor, leaves those of short waves, and interpolates between them. It is the rope_type
// llama3 of the configurations of Llama 3.1 (Grattafiori et al. 2024, arXiv:2407.21783, section 3.4.2).
type Llama3 struct {
	Factor    float64 // at least 1
	Low, High float64 // waves of more than Original/Low tokens are long, of fewer than Original/High short; Low < High
	Original  int     // longest sequence of the first training
}

func (l Llama3) check() error {
	if !(l.Factor >= 1 && l.Low > 0 && l.Low < l.High && l.Original > 0) || math.IsInf(l.Factor, 0) || math.IsInf(l.High, 0) {
		return fmt.Errorf("attention: found rotary scaling %+v, expected a factor of at least 1, 0 < Low < High, and Original above 0", l)
	}
	return nil
}

func (l Llama3) frequency(p int, base float64, dim int) float64 {
	f := frequency(p, base, dim)
	waves := float64(l.Original) * f / (2 * math.Pi) // in Original tokens
	between := min(max((waves-l.Low)/(l.High-l.Low), 0), 1)
	return (1-between)*f/l.Factor + between*f
}

func (Llama3) amplitude() float64 { return 1 }

// YaRN divides the frequencies of pairs that turn seldom in Original tokens by Factor, leaves those that turn often, and interpolates
// between them by the number of the pair. It also multiplies queries and keys. Peng et al. 2023, arXiv:2309.00071, sections 3.2 to 3.4.
type YaRN struct {
	Factor     float64 // at least 1
	Fast, Slow float64 // pairs of more than Fast turns are left, of fewer than Slow divided; Slow < Fast; the paper: 32 and 1
	Original   int     // longest sequence of the first training
	Amplitude  float64 // factor of queries and of keys; 0: 0.1·ln(Factor) + 1, equation 22
	Exact      bool    // the borders are fractions of a pair; else they are rounded outwards, as published code does
}

func (y YaRN) check() error {
	if !(y.Factor >= 1 && y.Slow > 0 && y.Slow < y.Fast && y.Original > 0 && y.Amplitude >= 0 && y.Amplitude <= maxFactor) ||
		math.IsInf(y.Factor, 0) || math.IsInf(y.Fast, 0) {
		return fmt.Errorf("attention: found rotary scaling %+v, expected a factor of at least 1, 0 < Slow < Fast, Original above 0, and a "+
			"finite amplitude of at least 0", y)
	}
	return nil
}

func (y YaRN) frequency(p int, base float64, dim int) float64 {
	// pair is the fractional number of the pair that makes the given number of turns in Original tokens.
	pair := func(turns float64) float64 {
		return float64(dim) * math.Log(float64(y.Original)/(turns*2*math.Pi)) / (2 * math.Log(base))
	}
	low, high := pair(y.Fast), pair(y.Slow)
	if !y.Exact {
		low, high = math.Floor(low), math.Ceil(high)
	}
	low, high = max(low, 0), min(high, float64(dim-1))
	if low == high {
		high += 0.001 // a border between two pairs
	}
	divided := min(max((float64(p)-low)/(high-low), 0), 1)
	f := frequency(p, base, dim)
	return divided*f/y.Factor + (1-divided)*f
}

func (y YaRN) amplitude() float64 {
	if y.Amplitude != 0 {
		return y.Amplitude
	}
	return 0.1*math.Log(y.Factor) + 1
}

// frequency is the angle of pair p at position 1 without scaling.
func frequency(p int, base float64, dim int) float64 {
	return math.Pow(base, -float64(2*p)/float64(dim))
}
