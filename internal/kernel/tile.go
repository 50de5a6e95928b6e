package kernel

import "unsafe"

// The tile family is the inside of flash attention. Queries lie across the vector lanes: a tile is Lanes queries by
// up to KeyBlock keys, stored transposed, so that row maxima and sums are lane-wise and need no horizontal reduction.
//
//	s  [keys][Lanes]  scores in units of log2, then probabilities
//	qt [d][Lanes]     queries, transposed and scaled by scale·log2(e)
//	o  [d][Lanes]     output so far, transposed
//	k, v [keys][d]    keys and values of one head, row-major, read by broadcast and never packed
//
// keys and d are multiples of 8. Pointers are to the first element; the caller owns the bounds.

// Lanes is the number of queries of a tile: two 16-lane registers, so that an 8-key row group holds its 16 sums in
// registers and reuses each broadcast twice.
const Lanes = 32

// KeyBlock is the most keys a tile call takes: with d = 64 the scores fill 16 KiB, a third of a 48 KiB L1 cache.
const KeyBlock = 128

// NoScore is where a row maximum begins: below every finite score, and finite itself, so that differences are never NaN.
const NoScore = -3.4028234663852886e38

// tileFuncs are the functions of one level; see the exported functions of this file.
type tileFuncs struct {
	mul     func(rows, k int, a *float32, lda int, b *float32, ldb int, c *float32, ldc int)
	mulAdd  func(rows, k int, a *float32, lda int, b *float32, ldb int, c *float32, ldc int)
	mulT    func(rows, k int, a *float32, lda int, b, alpha, c *float32)
	softmax func(keys int, s *float32, mask *uint32, m, l, alpha *float32)
	probs   func(keys int, s *float32, mask *uint32, lse *float32)
	dscores func(keys int, dp, p, delta *float32)
	load    func(rows, d int, src *float32, ld int, scale float32, dst *float32)
	store   func(rows, d int, src, scale, dst *float32, ld int)
	shift   func(keys int, s, table *float32)
	softcap func(keys int, s *float32, in, out float32)
	skew    func(keys int, s, c *float32)
	unskew  func(keys int, s, c *float32)
	fetch   func(rows, lines int, p *byte, ld int)
}

var tileGeneric = tileFuncs{
	mul:     tileMulGeneric,
	mulAdd:  tileMulAddGeneric,
	mulT:    tileMulTGeneric,
	softmax: tileSoftmaxGeneric,
	probs:   tileProbsGeneric,
	dscores: tileDScoresGeneric,
	load:    tileLoadGeneric,
	store:   tileStoreGeneric,
	shift:   tileShiftGeneric,
	softcap: tileSoftcapGeneric,
	skew:    tileSkewGeneric,
	unskew:  tileUnskewGeneric,
	fetch:   func(int, int, *byte, int) {},
}

// TileMul computes c[i][x] = Σ_p a[i][p]·b[p][x] for rows rows (a multiple of 8) and Lanes columns x, p < k (even). Rows of
// a, b, c are lda, ldb, ldc apart. It is S = K·Qᵀ, and dP = V·dOᵀ.
func TileMul(rows, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int) {
	active.tile.mul(rows, k, &a[0], lda, &b[0], ldb, &c[0], ldc)
}

// TileMulAdd is TileMul with the product added to c. It is dV += Pᵀ·dO and dK += dSᵀ·Q, Lanes columns at a time.
func TileMulAdd(rows, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int) {
	active.tile.mulAdd(rows, k, &a[0], lda, &b[0], ldb, &c[0], ldc)
}

// TileMulT computes c[i][x] = alpha[x]·c[i][x] + Σ_p a[p][i]·b[p][x] for rows rows (a multiple of 8), p < k (even) and Lanes
// columns x; b and c have rows of Lanes, rows of a are lda apart. The product is summed before it joins c. It is Oᵀ = αOᵀ + Vᵀ·P, and
// dQᵀ += Kᵀ·dS.
func TileMulT(rows, k int, a []float32, lda int, b, alpha, c []float32) {
	active.tile.mulT(rows, k, &a[0], lda, &b[0], &alpha[0], &c[0])
}

// TileSoftmax turns scores s into 2^(s−m'), where m' = max(m, scores of the lane), and brings the running sums along:
// alpha = 2^(m−m'), l = alpha·l + Σ s, m = m'. Bit x of mask[j] reports whether query x sees key j; a nil mask, that all do.
// What is not seen becomes 0.
//
// Milakov and Gimelshein 2018, arXiv:1805.02867, algorithm 3, in base 2.
func TileSoftmax(keys int, s []float32, mask []uint32, m, l, alpha []float32) {
	active.tile.softmax(keys, &s[0], first(mask), &m[0], &l[0], &alpha[0])
}

// TileProbs turns scores s into probabilities 2^(s−lse[x]); what the mask hides becomes 0. An lse of +Inf makes a lane 0.
func TileProbs(keys int, s []float32, mask []uint32, lse []float32) {
	active.tile.probs(keys, &s[0], first(mask), &lse[0])
}

// TileDScores computes dp = p·(dp − delta[x]), the gradient of the scores.
func TileDScores(keys int, dp, p, delta []float32) {
	active.tile.dscores(keys, &dp[0], &p[0], &delta[0])
}

// TileLoad transposes rows ≤ Lanes rows of d elements, ld apart, into dst[d][Lanes], times scale. Lanes past rows become 0.
func TileLoad(rows, d int, src []float32, ld int, scale float32, dst []float32) {
	if rows == 0 {
		clear(dst[:d*Lanes])
		return
	}
	active.tile.load(rows, d, &src[0], ld, scale, &dst[0])
}

// TileStore transposes src[d][Lanes], each lane times its scale, into rows ≤ Lanes rows of d elements, ld apart.
func TileStore(rows, d int, src, scale, dst []float32, ld int) {
	if rows == 0 {
		return
	}
	active.tile.store(rows, d, &src[0], &scale[0], &dst[0], ld)
}

// TileShift adds to s[j][x] the entry table[keys−1 − j + x]: a bias that depends on the distance between query and key alone. table
// holds keys−1+Lanes entries.
func TileShift(keys int, s, table []float32) {
	active.tile.shift(keys, &s[0], &table[0])
}

// TileSoftcap computes s = out·tanh(in·s).
func TileSoftcap(keys int, s []float32, in, out float32) {
	active.tile.softcap(keys, &s[0], in, out)
}

// TileSkew adds to s[j][x] the entry c[j + Lanes−1 − x][x]: products by distance find the scores they belong to. c holds keys+Lanes−1 rows.
func TileSkew(keys int, s, c []float32) { active.tile.skew(keys, &s[0], &c[0]) }

// TileUnskew adds s[j][x] to c[j + Lanes−1 − x][x].
func TileUnskew(keys int, s, c []float32) { active.tile.unskew(keys, &s[0], &c[0]) }

// TileFetch asks for rows of d elements, ld apart, to be in the second cache when they are needed. It changes nothing. The generic level
// does nothing.
func TileFetch[E float32 | uint16](rows, d int, x []E, ld int) {
	const line = 64
	size := int(unsafe.Sizeof(x[0]))
	if rows == 0 || d == 0 {
		return
	}
	p, lines := unsafe.Pointer(&x[0]), (d*size+line-1)/line
	if (int(uintptr(p))|ld*size)%line != 0 { // rows that begin within a line may end in one more
		lines++
	}
	active.tile.fetch(rows, lines, (*byte)(p), ld*size)
}

func first(mask []uint32) *uint32 {
	if mask == nil {
		return nil
	}
	return &mask[0]
}
