// Package kernel holds the innermost loops: plain Go versions that build on every target, and the assembly that
// replaces them where the processor allows. It is the only package with assembly.
//
// Each family of kernels is one file, <family>.go: its exported functions, the shapes they take, and the generic
// code, which is both the reference and the fallback. <family>_amd64.go names the assembly of each level, and
// _asm/<family>.go generates it. A NEON level would add <family>_arm64.go beside them.
//
// Shapes are the caller's promise. What breaks one panics with a constant that begins "kernel:", or reads
// out of bounds where checking would cost more than the work.
package kernel

import "github.com/longspan/longspan/internal/cpu"

// table holds the functions of one level, by family.
type table struct {
	tile      tileFuncs
	bf16      tileBF16Funcs
	decode    decodeFuncs
	feature   featureFuncs
	gemm      gemmFuncs
	convert   convertFuncs
	vector    vectorFuncs
	activate  activateFuncs
	spin      spinFuncs
	adam      adamFuncs
	depthwise depthwiseFuncs
}

// tables is filled by each family's init: plain Go everywhere, then assembly by level.
var tables [cpu.AMX + 1]table

// active is what the exported functions call. It changes only in Use.
var (
	active *table
	level  cpu.Level
)

func init() {
	for l := range tables {
		tables[l].tile = tileGeneric
		tables[l].bf16 = tileBF16Generic
		tables[l].decode = decodeGeneric
		tables[l].feature = featureGeneric
		tables[l].gemm = gemmGeneric
		tables[l].convert = convertGeneric
		tables[l].vector = vectorGeneric
		tables[l].activate = activateGeneric
		tables[l].spin = spinGeneric
		tables[l].adam = adamGeneric
		tables[l].depthwise = depthwiseGeneric
	}
	fillTables()
	chosen, _ := cpu.Chosen() // the tool reports the error; a wrong name means plain Go here
	Use(chosen)
}

// Level is the level in use.
func Level() cpu.Level { return level }

// Use switches every kernel to level l, which this processor must have, and returns a function that switches
// back. It is for tests, verification and benchmarks; nothing else may run kernels meanwhile.
func Use(l cpu.Level) (restore func()) {
	before := level
	level, active = l, &tables[l]
	return func() { level, active = before, &tables[before] }
}
