//go:build !purego

package kernel

// fewNarrowAVX2 serves every level: 256-bit registers widen more than memory gives. A set of the L1 cache has room for their 8 rows where
// all rows fall into one set, and not for 16.
var fewNarrowAVX2 = [3]fewNarrowFunc{ElementBF16: gemmFewNarrowBF16AVX2, ElementF16: gemmFewNarrowF16AVX2}

const narrowColsAVX2 = 16

var gemmAVX2Funcs = gemmFuncs{
	rows: 6, cols: 16, lanes: 8,
	mul:            gemmAVX2,
	packed:         gemmPackedAVX2,
	few:            gemmFewAVX2,
	fewNarrow:      fewNarrowAVX2,
	narrow:         narrowColsAVX2,
	packRows:       packRowsF32AVX2,
	packRowsBF16:   packRowsBF16AVX2,
	packRowsF16:    packRowsF16AVX2,
	packSliver:     packSliverF32AVX2,
	packSliverBF16: packSliverBF16AVX2,
	packSliverF16:  packSliverF16AVX2,
	packCols:       packColsAVX2,
}

var gemmAVX512Funcs = gemmFuncs{
	rows: 12, cols: 32, lanes: 16,
	mul:            gemmAVX512,
	packed:         gemmPackedAVX512,
	few:            gemmFewAVX512,
	fewNarrow:      fewNarrowAVX2,
	narrow:         narrowColsAVX2,
	packRows:       packRowsF32AVX512,
	packRowsBF16:   packRowsBF16AVX512,
	packRowsF16:    packRowsF16AVX512,
	packSliver:     packSliverF32AVX512,
	packSliverBF16: packSliverBF16AVX512,
	packSliverF16:  packSliverF16AVX512,
	packCols:       packColsAVX512,
}

var gemmAVX512BF16Funcs = gemmAVX512Funcs.withPairs(gemmFuncs{
	rowsPairs: 12, depthPairs: 512,
	mulPairs:  gemmAVX512BF16,
	fewPairs:  gemmFewAVX512BF16,
	packPairs: packPairsAVX512,
})

// withPairs is f with what p says of pairs of bf16.
func (f gemmFuncs) withPairs(p gemmFuncs) gemmFuncs {
	f.rowsPairs, f.depthPairs, f.pairsGoOn = p.rowsPairs, p.depthPairs, p.pairsGoOn
	f.mulPairs, f.fewPairs, f.packPairs = p.mulPairs, p.fewPairs, p.packPairs
	return f
}
