//go:build !purego

package kernel

import "github.com/longspan/longspan/internal/cpu"

// fillTables names the assembly of every level. A level has the functions of the level below but for those named here.
func fillTables() {
	t := &tables[cpu.AVX2] // above plain Go
	t.tile, t.decode, t.feature, t.gemm, t.convert = tileAVX2, decodeAVX2, featureAVX2, gemmAVX2Funcs, convertAVX2
	t.vector, t.activate, t.spin, t.adam = vectorAVX2, activateAVX2, spinAVX2, adamAVX2Funcs
	t.depthwise = depthwiseAVX2

	t = above(cpu.AVX512, cpu.AVX2)
	t.tile, t.feature, t.gemm, t.convert = tileAVX512, featureAVX512, gemmAVX512Funcs, convertAVX512
	t.vector, t.activate, t.spin, t.adam = vectorAVX512, activateAVX512, spinAVX512, adamAVX512Funcs
	t.depthwise = depthwiseAVX512

	t = above(cpu.AVX512BF16, cpu.AVX512)
	t.bf16, t.gemm, t.spin = tileAVX512BF16, gemmAVX512BF16Funcs, spinAVX512BF16

	t = above(cpu.AMX, cpu.AVX512BF16)
	t.bf16, t.gemm, t.spin = tileAMX, gemmAMXFuncs, spinAMX
}

// above returns the table of a level, which begins as that of the level below.
func above(l, below cpu.Level) *table {
	tables[l] = tables[below]
	return &tables[l]
}
