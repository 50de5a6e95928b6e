package kernel

import "unsafe"

// four are sums of the generic level. The compiler keeps structures of up to four fields in registers, and arrays in memory.
type four struct{ a, b, c, d float32 }

func fourOf(x *[4]float32) four { return four{x[0], x[1], x[2], x[3]} }

// plus is s + x·y.
func (s four) plus(x float32, y four) four {
	return four{s.a + x*y.a, s.b + x*y.b, s.c + x*y.c, s.d + x*y.d}
}

// addDots adds the products of a and four rows to their sums, in ascending order. The rows are no shorter than a.
func (s four) addDots(a, b0, b1, b2, b3 []float32) four {
	b0, b1, b2, b3 = b0[:len(a)], b1[:len(a)], b2[:len(a)], b3[:len(a)]
	for p, x := range a {
		s = s.plus(x, four{b0[p], b1[p], b2[p], b3[p]})
	}
	return s
}

// addRow adds the product of a row of A and a panel of B to its sums: sums[j] += Σ a[p·step]·b[p·ld+j], in ascending p. It is the inside
// of the products of the generic level. In the last step of a round the compiler keeps two sums in memory, and waiting for them takes
// longer than the step. So a round has four steps.
func addRow(sums *[8]float32, k int, a *float32, step int, b *float32, ld int) {
	low, high := fourOf((*[4]float32)(sums[:4])), fourOf((*[4]float32)(sums[4:]))
	i, j := 0, 0
	for ; k >= 4; k -= 4 {
		x, y := elementAt(a, i), panelAt(b, j)
		low, high = low.plus(x, fourOf((*[4]float32)(y[:4]))), high.plus(x, fourOf((*[4]float32)(y[4:])))
		x, y = elementAt(a, i+step), panelAt(b, j+ld)
		low, high = low.plus(x, fourOf((*[4]float32)(y[:4]))), high.plus(x, fourOf((*[4]float32)(y[4:])))
		x, y = elementAt(a, i+2*step), panelAt(b, j+2*ld)
		low, high = low.plus(x, fourOf((*[4]float32)(y[:4]))), high.plus(x, fourOf((*[4]float32)(y[4:])))
		x, y = elementAt(a, i+3*step), panelAt(b, j+3*ld)
		low, high = low.plus(x, fourOf((*[4]float32)(y[:4]))), high.plus(x, fourOf((*[4]float32)(y[4:])))
		i, j = i+4*step, j+4*ld
	}
	for ; k > 0; k-- {
		x, y := elementAt(a, i), panelAt(b, j)
		low, high = low.plus(x, fourOf((*[4]float32)(y[:4]))), high.plus(x, fourOf((*[4]float32)(y[4:])))
		i, j = i+step, j+ld
	}
	*sums = [...]float32{low.a, low.b, low.c, low.d, high.a, high.b, high.c, high.d}
}

// elementAt is element i from p on, which the caller promises is there.
func elementAt(p *float32, i int) float32 { return *(*float32)(unsafe.Add(unsafe.Pointer(p), 4*i)) }

// panelAt are the eight elements from element i on.
func panelAt(p *float32, i int) *[8]float32 { return (*[8]float32)(unsafe.Add(unsafe.Pointer(p), 4*i)) }
