package kernel

import "github.com/longspan/longspan/internal/cpu"

// The bf16 half of the tile family multiplies pairs of bf16 numbers and adds both products to a float32 sum (VDPBF16PS). What
// is summed over lies in adjacent pairs:
//
//	k    [keys][d]           a pair is two neighbouring elements of a row
//	qt16 [d/2][Lanes][2]     a pair is two neighbouring rows of qt
//	vt16 [d][keys]           a pair is one element of two neighbouring keys
//	p16  [keys/2][Lanes][2]  a pair is the probabilities of two neighbouring keys

// tileBF16Funcs are the functions of one level.
type tileBF16Funcs struct {
	pair    func(d int, src *float32, dst *uint16)
	zip     func(d int, even, odd, dst *uint16)
	mul     func(rows, k int, a *uint16, lda int, b *uint16, c *float32)
	mulAdd  func(rows, k int, a *uint16, lda int, b *uint16, ldb int, c *float32, ldc int)
	mulIn   func(rows, k int, a *uint16, lda int, b *uint16, alpha, c *float32)
	softmax func(keys int, s *float32, mask *uint32, m, l, alpha *float32, p *uint16)
}

var tileBF16Generic = tileBF16Funcs{
	pair:    tilePairGeneric,
	zip:     tileZipGeneric,
	mul:     tileMulBF16Generic,
	mulAdd:  tileMulAddBF16Generic,
	mulIn:   tileMulInBF16Generic,
	softmax: tileSoftmaxBF16Generic,
}

// HasBF16 reports whether the level in use multiplies bf16 numbers. If not, widening them first is faster.
func HasBF16() bool { return level >= cpu.AVX512BF16 }

// TilePair rounds src [d][Lanes] to bf16 and pairs its rows: dst is [d/2][Lanes][2].
func TilePair(d int, src []float32, dst []uint16) { active.bf16.pair(d, &src[0], &dst[0]) }

// TileZip writes even[0], odd[0], even[1] … to dst: two rows of d elements, a multiple of 8, become one of pairs.
func TileZip(d int, even, odd, dst []uint16) { active.bf16.zip(d, &even[0], &odd[0], &dst[0]) }

// TileMulBF16 is TileMul for a [rows][k] and b [k/2][Lanes][2]; c has rows of Lanes.
func TileMulBF16(rows, k int, a []uint16, lda int, b []uint16, c []float32) {
	active.bf16.mul(rows, k, &a[0], lda, &b[0], &c[0])
}

// TileMulAddBF16 is TileMulAdd for a [rows][k] and b [k/2][Lanes][2], whose rows of pairs are ldb pairs apart.
func TileMulAddBF16(rows, k int, a []uint16, lda int, b []uint16, ldb int, c []float32, ldc int) {
	active.bf16.mulAdd(rows, k, &a[0], lda, &b[0], ldb, &c[0], ldc)
}

// TileMulInBF16 computes c = alpha·c + a·b: TileMulT for transposed factors, a [rows][k] and b [k/2][Lanes][2]. c has rows of Lanes.
func TileMulInBF16(rows, k int, a []uint16, lda int, b []uint16, alpha, c []float32) {
	active.bf16.mulIn(rows, k, &a[0], lda, &b[0], &alpha[0], &c[0])
}

// TileSoftmaxBF16 is TileSoftmax that leaves the probabilities in p [keys/2][Lanes][2], rounded; s is scratch afterwards. l sums
// them before they are rounded.
func TileSoftmaxBF16(keys int, s []float32, mask []uint32, m, l, alpha []float32, p []uint16) {
	active.bf16.softmax(keys, &s[0], first(mask), &m[0], &l[0], &alpha[0], &p[0])
}
