package kernel

import "unsafe"

// The decode family is attention for one query at a time: every key and value is read once from memory, for all heads. Nothing is copied.
// 16-bit elements are widened on the way, once for three or four of the query heads that share them.
//
//	q     [heads][d]     queries, times scale·log2(e)
//	k, v  [keys][ld]     rows of heads/group key/value heads side by side, d elements each
//	s     [keys][Lanes]  scores, then probabilities: heads lie across the lanes, heads ≤ Lanes
//	o     [heads][d]     output so far
//
// 256-bit registers serve every level: 16 bytes a cycle and core is more than memory gives.

// Element is how keys and values are stored.
type Element int

// The elements, in the order of tensor.Type.
const (
	ElementF32 Element = iota
	ElementBF16
	ElementF16
)

// decodeFuncs are the functions of one level, by element. ld is in bytes.
type decodeFuncs struct {
	dots [3]func(keys, heads, group, d int, q *float32, k *byte, ld int, s *float32)
	sums [3]func(keys, heads, group, d int, p *float32, v *byte, ld int, o *float32)
}

var decodeGeneric = decodeFuncs{
	dots: [3]func(int, int, int, int, *float32, *byte, int, *float32){dotsOf(elementF32), dotsOf(elementBF16), dotsOf(elementF16)},
	sums: [3]func(int, int, int, int, *float32, *byte, int, *float32){sumsOf(elementF32), sumsOf(elementBF16), sumsOf(elementF16)},
}

// DecodeDots computes s[j][h] = q[h]·k[j][h/group] for keys rows that begin at k and lie ld bytes apart. d is a multiple of 8.
func DecodeDots(e Element, keys, heads, group, d int, q []float32, k *byte, ld int, s []float32) {
	active.decode.dots[e](keys, heads, group, d, &q[0], k, ld, &s[0])
}

// sumsBytes is what DecodeSums takes of the values at a time. Output stays in registers over all keys, so that some columns of all rows are
// read before the next. These bytes, and as many behind them that are brought near meanwhile, fit in the second cache.
const sumsBytes = 16 << 10

// DecodeSums computes o[h] += Σ_j p[j][h]·v[j][h/group], keys in ascending order.
func DecodeSums(e Element, keys, heads, group, d int, p []float32, v *byte, ld int, o []float32) {
	step := max(8, sumsBytes/ld)
	for j := 0; j < keys; j += step {
		active.decode.sums[e](min(step, keys-j), heads, group, d, &p[j*Lanes], (*byte)(unsafe.Add(unsafe.Pointer(v), j*ld)), ld, &o[0])
	}
}
