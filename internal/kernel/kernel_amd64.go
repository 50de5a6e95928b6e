//go:build !purego

package kernel

import "github.com/longspan/longspan/internal/cpu"

// fillTables names the assembly of every level, family by family.
func fillTables() {
	tables[cpu.AVX2].tile = tileAVX2
	tables[cpu.AVX512].tile = tileAVX512
	tables[cpu.AVX512BF16].tile = tileAVX512
	tables[cpu.AVX512BF16].bf16 = tileAVX512BF16
	tables[cpu.AVX2].decode = decodeAVX2
	tables[cpu.AVX512].decode = decodeAVX2
	tables[cpu.AVX512BF16].decode = decodeAVX2
	tables[cpu.AVX2].feature = featureAVX2
	tables[cpu.AVX512].feature = featureAVX512
	tables[cpu.AVX512BF16].feature = featureAVX512
	tables[cpu.AVX2].gemm = gemmAVX2Funcs
	tables[cpu.AVX512].gemm = gemmAVX512Funcs
	tables[cpu.AVX512BF16].gemm = gemmAVX512BF16Funcs
	tables[cpu.AVX2].convert = convertAVX2
	tables[cpu.AVX512].convert = convertAVX512
	tables[cpu.AVX512BF16].convert = convertAVX512
	tables[cpu.AVX2].vector = vectorAVX2
	tables[cpu.AVX512].vector = vectorAVX512
	tables[cpu.AVX512BF16].vector = vectorAVX512
	tables[cpu.AVX2].activate = activateAVX2
	tables[cpu.AVX512].activate = activateAVX512
	tables[cpu.AVX512BF16].activate = activateAVX512
	tables[cpu.AVX2].spin = spinAVX2
	tables[cpu.AVX512].spin = spinAVX512
	tables[cpu.AVX512BF16].spin = spinAVX512BF16
	tables[cpu.AVX2].adam = adamAVX2Funcs
	tables[cpu.AVX512].adam = adamAVX512Funcs
	tables[cpu.AVX512BF16].adam = adamAVX512Funcs
	tables[cpu.AMX] = tables[cpu.AVX512BF16]
	tables[cpu.AMX].bf16 = tileAMX
	tables[cpu.AMX].gemm = gemmAMXFuncs
	tables[cpu.AMX].spin = spinAMX
}
