package nn

import "github.com/longspan/longspan/internal/random"

// Init initialises a weight to Offset plus normal numbers of mean 0 and standard deviation Std.
type Init struct{ Std, Offset float64 }

// Common initialisers.
func Normal(std float64) Init { return Init{Std: std} }
func Zeros() Init             { return Init{} }
func Ones() Init              { return Init{Offset: 1} }

// fill draws elements first … first+len(x)−1 of a weight into x, from the sequence of seed.
func (i Init) fill(x []float32, seed, first uint64) {
	for j := range x {
		x[j] = float32(i.Offset)
		if i.Std != 0 {
			x[j] = float32(i.Offset + i.Std*normal(seed, first+uint64(j)))
		}
	}
}

// normal is number j of a sequence of nearly normal numbers: the sum of twelve uniform ones, less 6, has mean 0 and variance
// 1. Only integers are added, so that the bits are the same on every processor, which logarithms and cosines would not
// promise. Nothing lies beyond ±6, which initial weights are often cut to anyway.
func normal(seed, j uint64) float64 {
	sum := uint64(0)
	for k := range uint64(3) {
		z := random.Finalise(seed + (3*j+k)*random.Gamma)
		sum += z&0xffff + z>>16&0xffff + z>>32&0xffff + z>>48
	}
	// Each term is 0 … 65535 with mean 32767.5.
	return (float64(sum) - 12*32767.5) / 65536
}

// hashName is the seed of a name: FNV-1a of its bytes, mixed with the model's seed.
func hashName(seed uint64, name string) uint64 {
	h := uint64(0xcbf29ce484222325)
	for _, b := range []byte(name) {
		h = (h ^ uint64(b)) * 0x100000001b3
	}
	return random.Finalise(h + random.Mix(seed))
}
