//go:build !purego

package kernel

var gemmAVX2Funcs = gemmFuncs{
	rows: 6, cols: 16, lanes: 8,
	mul:          gemmAVX2,
	few:          gemmFewAVX2,
	packRows:     packRowsF32AVX2,
	packRowsBF16: packRowsBF16AVX2,
	packRowsF16:  packRowsF16AVX2,
	packCols:     packColsAVX2,
}

var gemmAVX512Funcs = gemmFuncs{
	rows: 12, cols: 32, lanes: 16,
	mul:          gemmAVX512,
	few:          gemmFewAVX512,
	packRows:     packRowsF32AVX512,
	packRowsBF16: packRowsBF16AVX512,
	packRowsF16:  packRowsF16AVX512,
	packCols:     packColsAVX512,
}

var gemmAVX512BF16Funcs = gemmFuncs{
	rows: 12, cols: 32, lanes: 16, rowsPairs: 12, depthPairs: 512,
	mul:          gemmAVX512,
	few:          gemmFewAVX512,
	mulPairs:     gemmAVX512BF16,
	fewPairs:     gemmFewAVX512BF16,
	packRows:     packRowsF32AVX512,
	packRowsBF16: packRowsBF16AVX512,
	packRowsF16:  packRowsF16AVX512,
	packCols:     packColsAVX512,
	packPairs:    packPairsAVX512,
}
