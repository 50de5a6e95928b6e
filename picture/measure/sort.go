package measure

import "math"

// radixBits is the number of bits of one pass of sort: three passes for 32.
const radixBits = 11

// sorter holds the memory of sort.
type sorter struct{ from, to []uint32 }

// sort puts x into ascending order, by counting (radix sort, from the lowest bits). A distance takes thousands of sorts, and this is
// several times as fast as comparing.
func (s *sorter) sort(x []float32) {
	if len(s.from) < len(x) {
		s.from, s.to = make([]uint32, len(x)), make([]uint32, len(x))
	}
	from, to := s.from[:len(x)], s.to[:len(x)]
	for i, v := range x {
		from[i] = ordered(math.Float32bits(v))
	}
	for shift := 0; shift < 32; shift += radixBits {
		var next [1 << radixBits]int // where the next key with these bits goes
		for _, k := range from {
			next[k>>shift&(1<<radixBits-1)]++
		}
		at := 0
		for i, n := range next {
			next[i] = at
			at += n
		}
		for _, k := range from {
			bits := k >> shift & (1<<radixBits - 1)
			to[next[bits]] = k
			next[bits]++
		}
		from, to = to, from
	}
	for i, k := range from {
		x[i] = math.Float32frombits(unordered(k))
	}
}

// ordered maps the bits of a float32 to an integer of the same order: the bits of negative numbers count downwards.
func ordered(bits uint32) uint32 {
	if bits>>31 == 1 {
		return ^bits
	}
	return bits | 1<<31
}

// unordered is the inverse of ordered.
func unordered(key uint32) uint32 {
	if key>>31 == 1 {
		return key &^ (1 << 31)
	}
	return ^key
}
