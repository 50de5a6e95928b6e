package kernel

import "unsafe"

var depthwiseGeneric = depthwiseFuncs{
	four:     depthwiseFourGeneric,
	one:      depthwiseOneGeneric,
	gradFour: depthwiseGradFourGeneric,
	gradOne:  depthwiseGradOneGeneric,
}

// offset is the address of the element n after p.
func offset(p *float32, n int) *float32 {
	return (*float32)(unsafe.Add(unsafe.Pointer(p), n*int(unsafe.Sizeof(*p))))
}

func depthwiseFourGeneric(c int, dst, top, mid, low, w, b *float32) {
	for i := range 4 {
		centre := (i + 1) * c
		depthwiseOneGeneric(c, offset(dst, i*c), offset(top, centre), offset(mid, centre), offset(low, centre), w, b, -c, c)
	}
}

func depthwiseOneGeneric(c int, dst, top, mid, low, w, b *float32, left, right int) {
	y, taps := slice(dst, c), slice(w, 9*c)
	copy(y, slice(b, c))
	for i, row := range [3]*float32{top, mid, low} {
		l, m, r := slice(offset(row, left), c), slice(row, c), slice(offset(row, right), c)
		t := taps[3*i*c:]
		t0, t1, t2 := t[:c], t[c:2*c], t[2*c:3*c]
		for j := range y {
			s := y[j] + l[j]*t0[j]
			s += m[j] * t1[j]
			y[j] = s + r[j]*t2[j]
		}
	}
}

func depthwiseGradFourGeneric(c int, sums, dy, top, mid, low *float32) {
	for i := range 4 {
		centre := (i + 1) * c
		depthwiseGradOneGeneric(c, sums, offset(dy, i*c), offset(top, centre), offset(mid, centre), offset(low, centre), -c, c)
	}
}

func depthwiseGradOneGeneric(c int, sums, dy, top, mid, low *float32, left, right int) {
	d, all := slice(dy, c), slice(sums, 10*c)
	for i, row := range [3]*float32{top, mid, low} {
		l, m, r := slice(offset(row, left), c), slice(row, c), slice(offset(row, right), c)
		t := all[3*i*c:]
		t0, t1, t2 := t[:c], t[c:2*c], t[2*c:3*c]
		for j, g := range d {
			t0[j] += g * l[j]
			t1[j] += g * m[j]
			t2[j] += g * r[j]
		}
	}
	bias := all[9*c:]
	for j, g := range d {
		bias[j] += g
	}
}
