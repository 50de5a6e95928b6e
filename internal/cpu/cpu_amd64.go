//go:build !purego

package cpu

import (
	"sync"

	"golang.org/x/sys/cpu"
)

// detect looks once: asking for the tiles is a system call.
var detect = sync.OnceValue(func() Level {
	x := cpu.X86
	switch {
	case !x.HasAVX2 || !x.HasFMA || !x.HasF16C:
		return Generic
	case !x.HasAVX512F || !x.HasAVX512BW || !x.HasAVX512DQ || !x.HasAVX512VL:
		return AVX2
	case !x.HasAVX512BF16:
		return AVX512
	case !x.HasAMXTile || !x.HasAMXBF16 || !askForTiles():
		return AVX512BF16
	}
	return AMX
})
