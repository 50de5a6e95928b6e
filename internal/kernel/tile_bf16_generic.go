package kernel

import "math"

func widenBF16(b uint16) float32 { return math.Float32frombits(uint32(b) << 16) }

// roundBF16 rounds to nearest even; a NaN stays one.
func roundBF16(f float32) uint16 {
	b := math.Float32bits(f)
	if f != f {
		return uint16(b>>16) | 0x40
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

func tilePairGeneric(d int, src *float32, dst *uint16) {
	from, to := slice(src, d*Lanes), slice(dst, d*Lanes)
	for p := range d {
		for x := range Lanes {
			to[(p/2*Lanes+x)*2+p%2] = roundBF16(from[p*Lanes+x])
		}
	}
}

func tileZipGeneric(d int, even, odd, dst *uint16) {
	es, os, to := slice(even, d), slice(odd, d), slice(dst, 2*d)
	for i := range d {
		to[2*i], to[2*i+1] = es[i], os[i]
	}
}

func tileMulBF16Generic(rows, k int, a *uint16, lda int, b *uint16, c *float32) {
	as, bs, cs := slice(a, (rows-1)*lda+k), slice(b, k*Lanes), slice(c, rows*Lanes)
	clear(cs)
	for i := range rows {
		for p := range k {
			factor := widenBF16(as[i*lda+p])
			for x := range Lanes {
				cs[i*Lanes+x] += factor * widenBF16(bs[(p/2*Lanes+x)*2+p%2])
			}
		}
	}
}

func tileMulAddBF16Generic(rows, k int, a *uint16, lda int, b *uint16, ldb int, c *float32, ldc int) {
	as, bs, cs := slice(a, (rows-1)*lda+k), slice(b, (k/2-1)*2*ldb+2*Lanes), slice(c, (rows-1)*ldc+Lanes)
	for i := range rows {
		for p := range k {
			factor := widenBF16(as[i*lda+p])
			for x := range Lanes {
				cs[i*ldc+x] += factor * widenBF16(bs[(p/2*ldb+x)*2+p%2])
			}
		}
	}
}

func tileMulInBF16Generic(rows, k int, a *uint16, lda int, b *uint16, alpha, c *float32) {
	as, bs, cs, al := slice(a, (rows-1)*lda+k), slice(b, k*Lanes), slice(c, rows*Lanes), slice(alpha, Lanes)
	for i := range rows {
		var sum [Lanes]float32
		for p := range k {
			factor := widenBF16(as[i*lda+p])
			for x := range sum {
				sum[x] += factor * widenBF16(bs[(p/2*Lanes+x)*2+p%2])
			}
		}
		for x := range sum {
			cs[i*Lanes+x] = al[x]*cs[i*Lanes+x] + sum[x]
		}
	}
}

func tileSoftmaxBF16Generic(keys int, s *float32, mask *uint32, m, l, alpha *float32, p *uint16) {
	tileSoftmaxGeneric(keys, s, mask, m, l, alpha)
	tilePairGeneric(keys, s, p)
}
