//go:build !purego

package kernel

import "unsafe"

// AMX multiplies by tiles: a register of 16 rows of 64 bytes holds 16 × 32 bf16 of A, 16 × 16 pairs of B, or 16 × 16 sums, and one
// instruction of 16 cycles does 8,192 multiply-adds, eight times what two pipes of VDPBF16PS do. The gemm and the tile family both
// read A as rows and B as rows of pairs already, so that one kernel serves them.
//
// Sums: a product of tiles adds an element's 16 even terms, and its 16 odd ones, to zero in ascending order, and then both to the sum
// so far (Intel's manual, volume 2, TDPBF16PS). A sum takes its pairs 16 at a time, and then what is left of them: it does not depend on
// the rows and columns that are computed with it. Denormals count as zero.

// amxSide is the rows of a tile, the pairs of a row of A, and the columns of B: 16 words are 64 bytes.
const amxSide = 16

// amxConfig is what LDTILECFG reads: byte 0 is the palette, bytes 16 … 31 have the bytes of a row of each tile, 48 … 55 its rows.
type amxConfig [64]byte

// amxShape describes the tiles of tilesMulAMX for rows × cols sums of pairs pairs: at most twice a side, and a side. Unused tiles have no
// rows.
func amxShape(rows, cols, pairs int) (c amxConfig) {
	c[0] = 1
	set := func(tile, rows, words int) {
		if rows > 0 && words > 0 {
			c[16+2*tile], c[48+tile] = byte(4*words), byte(rows)
		}
	}
	part := func(n, i int) int { return max(0, min(amxSide, n-i*amxSide)) }
	for i := range 2 {
		set(2*i, part(rows, i), part(cols, 0))
		set(2*i+1, part(rows, i), part(cols, 1))
		set(4+i, part(rows, i), pairs)
		set(6+i, pairs, part(cols, i))
	}
	return c
}

// amxFull is the shape of most calls.
var amxFull = amxShape(2*amxSide, 2*amxSide, amxSide)

// amxMul computes c[rows][cols] = a·b, or c += a·b, for cols ≤ 32: a is [rows][pairs], b [pairs][cols], each element a pair of bf16. lda
// and ldb count elements of 16 bits, ldc floats.
func amxMul(rows, cols, pairs int, a *uint16, lda int, b *uint16, ldb int, c *float32, ldc int, add bool) {
	steps, rest := pairs/amxSide, pairs%amxSide
	if steps > 0 {
		amxSteps(rows, cols, amxSide, steps, a, lda, b, ldb, c, ldc, add)
	}
	if rest > 0 { // else a and b would end where the memory does
		amxSteps(rows, cols, rest, 1, at(a, steps*2*amxSide), lda, at(b, steps*amxSide*ldb), ldb, c, ldc, add || steps > 0)
	}
}

// amxSteps is amxMul for steps times pairs pairs, pairs ≤ 16, and 1 step where they are fewer.
func amxSteps(rows, cols, pairs, steps int, a *uint16, lda int, b *uint16, ldb int, c *float32, ldc int, add bool) {
	const high = 2 * amxSide
	if groups := rows / high; groups > 0 {
		config := &amxFull
		if cols < 2*amxSide || pairs < amxSide {
			shape := amxShape(high, cols, pairs)
			config = &shape
		}
		tilesMulAMX(&config[0], groups, steps, a, 2*lda, b, 2*ldb, c, 4*ldc, add)
		if rows%high == 0 {
			return
		}
		a, c = at(a, groups*high*lda), at(c, groups*high*ldc)
	}
	config := amxShape(rows%high, cols, pairs)
	tilesMulAMX(&config[0], 1, steps, a, 2*lda, b, 2*ldb, c, 4*ldc, add)
}

// at is the element n after p.
func at[T any](p *T, n int) *T { return (*T)(unsafe.Add(unsafe.Pointer(p), n*int(unsafe.Sizeof(*p)))) }

// gemmPairsAMX is kernel.GemmBF16. The pairs of a row of a are neighbours, as GemmBF16 says.
func gemmPairsAMX(rows, pairs int, a *uint16, rs, _ int, b *uint16, ldb int, c *float32, ldc, cols int, add bool) {
	amxMul(rows, cols, pairs, a, rs, b, ldb, c, ldc, add)
}

// amxFewPairs is the number of pairs of the few rows gemmFewPairsAMX transposes at a time, a whole number of steps.
const amxFewPairs = 8 * amxSide

// gemmFewPairsAMX computes the transpose, acc' = b·a'. The rows of b are read in place, like rows of A, and only the few rows are
// transposed.
func gemmFewPairsAMX(rows, pairs int, a *uint16, rs int, b *uint16, ldb int, _ *uint16, acc *float32) {
	var transposed [amxFewPairs * GemmFewRows]uint32
	var sums [amxSide * GemmFewRows]float32
	out := slice(acc, rows*amxSide)
	for i := range rows {
		for j := range amxSide {
			sums[j*GemmFewRows+i] = out[i*amxSide+j]
		}
	}
	for p := 0; p < pairs; p += amxFewPairs {
		n := min(amxFewPairs, pairs-p)
		for i := range rows {
			for q, x := range slice(word(at(a, i*rs+2*p)), n) {
				transposed[q*GemmFewRows+i] = x
			}
		}
		amxMul(amxSide, rows, n, at(b, 2*p), ldb, (*uint16)(unsafe.Pointer(&transposed[0])), 2*GemmFewRows, &sums[0], GemmFewRows, true)
	}
	for i := range rows {
		for j := range amxSide {
			out[i*amxSide+j] = sums[j*GemmFewRows+i]
		}
	}
}

func tileMulAMX(rows, k int, a *uint16, lda int, b *uint16, c *float32) {
	amxMul(rows, Lanes, k/2, a, lda, b, 2*Lanes, c, Lanes, false)
}

func tileMulAddAMX(rows, k int, a *uint16, lda int, b *uint16, ldb int, c *float32, ldc int) {
	amxMul(rows, Lanes, k/2, a, lda, b, 2*ldb, c, ldc, true)
}

func tileMulInAMX(rows, k int, a *uint16, lda int, b *uint16, alpha, c *float32) {
	tilesScaleAMX(rows, alpha, c)
	amxMul(rows, Lanes, k/2, a, lda, b, 2*Lanes, c, Lanes, true)
}

var tileAMX = tileBF16Funcs{
	pair:    tilePairAVX512BF16,
	zip:     tileZipAVX512BF16,
	mul:     tileMulAMX,
	mulAdd:  tileMulAddAMX,
	mulIn:   tileMulInAMX,
	softmax: tileSoftmaxAVX512BF16,
}

// Tiles multiply faster than the last cache delivers. 192 rows of A use each panel of B twice as often as 96, and 1,024 pairs read and
// write C half as often as 512: together 9% on the products of GPT-2, and more of either gave no more.
var gemmAMXFuncs = gemmAVX512Funcs.withPairs(gemmFuncs{
	rowsPairs: 192, depthPairs: 1024, pairsGoOn: true,
	mulPairs:  gemmPairsAMX,
	fewPairs:  gemmFewPairsAMX,
	packPairs: packPairsAVX512,
})

// spinAMX counts four products of full tiles a round.
var spinAMX = spinFuncs{
	f32: spinF32AVX512, f32Flops: 24 * 16 * 2,
	bf16: func(n int) { spinBF16AMX(&amxFull[0], n) }, bf16Flops: 4 * 4 * amxSide * amxSide * amxSide,
}
