// Package cpu finds the kernel levels of this processor, and chooses the level in use.
//
// LONGSPAN_CPU caps the level ("generic", "avx2", "avx512", "avx512bf16", "amx"): kernels above it are not used.
// LONGSPAN_REQUIRE_CPU names a level that tests must find: where it is missing they fail instead of skipping.
package cpu

import (
	"fmt"
	"os"
	"strings"
)

// Level is a set of instructions for which kernels exist. Levels are ordered: each includes the ones below it.
type Level int

// The levels. A level is one full set of CPU flags; kernels are chosen by level and never by a single flag.
const (
	Generic    Level = iota // plain Go, every target
	AVX2                    // AVX2 + FMA + F16C
	AVX512                  // AVX-512 F + BW + DQ + VL, and all of AVX2
	AVX512BF16              // AVX-512 BF16 (VDPBF16PS), and all of AVX512
	AMX                     // AMX tiles of BF16 (TDPBF16PS) that the system lets this process use, and all of AVX512BF16
)

var names = [...]string{"generic", "avx2", "avx512", "avx512bf16", "amx"}

// String returns the name that LONGSPAN_CPU takes.
func (l Level) String() string {
	if l < 0 || int(l) >= len(names) {
		return fmt.Sprintf("level(%d)", int(l))
	}
	return names[l]
}

// ParseLevel reads a level's name; the error lists the names there are.
func ParseLevel(name string) (Level, error) {
	for i, n := range names {
		if n == name {
			return Level(i), nil
		}
	}
	return Generic, fmt.Errorf("cpu: level %q is not known; use one of %s", name, strings.Join(names[:], ", "))
}

// Levels lists every level this processor has, lowest first. Generic is always there.
func Levels() []Level {
	all := make([]Level, 0, len(names))
	for l := Generic; l <= detect(); l++ {
		all = append(all, l)
	}
	return all
}

// Chosen is the highest level this processor has, capped by LONGSPAN_CPU. A name in LONGSPAN_CPU that is not
// a level is an error; the level returned beside it is Generic.
func Chosen() (Level, error) {
	found := detect()
	name := os.Getenv("LONGSPAN_CPU")
	if name == "" {
		return found, nil
	}
	limit, err := ParseLevel(name)
	if err != nil {
		return Generic, fmt.Errorf("LONGSPAN_CPU: %w", err)
	}
	return min(found, limit), nil
}
