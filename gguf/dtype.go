package gguf

import (
	"fmt"
	"strings"
)

// DType is how the elements of a tensor are stored; its values are the format's.
type DType uint32

// The element types. A block type has its bits in its name: Q4_1 is 4 bits with scale and minimum, Q4_K the same in a hierarchy of 256.
const (
	F32  DType = 0
	F16  DType = 1
	Q4_0 DType = 2
	Q4_1 DType = 3
	Q5_0 DType = 6
	Q5_1 DType = 7
	Q8_0 DType = 8
	Q4_K DType = 12
	Q5_K DType = 13
	Q6_K DType = 14
	BF16 DType = 30
)

// layout is how a type divides a row.
type layout struct {
	name     string
	elements int // of a block
	bytes    int // of a block
	widen    widener
}

// layouts has every type whose size is known, so that the bounds of its tensors can be checked even where it is not read.
var layouts = map[DType]layout{
	F32:  {"F32", 1, 4, widenF32},
	F16:  {"F16", 1, 2, widenF16},
	BF16: {"BF16", 1, 2, widenBF16},
	Q4_0: {"Q4_0", 32, 18, blocks(widenQ4_0, 32, 18, 0)},
	Q4_1: {"Q4_1", 32, 20, blocks(widenQ4_1, 32, 20, 0, 2)},
	Q5_0: {"Q5_0", 32, 22, blocks(widenQ5_0, 32, 22, 0)},
	Q5_1: {"Q5_1", 32, 24, blocks(widenQ5_1, 32, 24, 0, 2)},
	Q8_0: {"Q8_0", 32, 34, blocks(widenQ8_0, 32, 34, 0)},
	Q4_K: {"Q4_K", 256, 144, blocks(widenQ4_K, 256, 144, 0, 2)},
	Q5_K: {"Q5_K", 256, 176, blocks(widenQ5_K, 256, 176, 0, 2)},
	Q6_K: {"Q6_K", 256, 210, blocks(widenQ6_K, 256, 210, 208)},

	9:  {"Q8_1", 32, 36, nil},
	10: {"Q2_K", 256, 84, nil},
	11: {"Q3_K", 256, 110, nil},
	15: {"Q8_K", 256, 292, nil},
	16: {"IQ2_XXS", 256, 66, nil},
	17: {"IQ2_XS", 256, 74, nil},
	18: {"IQ3_XXS", 256, 98, nil},
	19: {"IQ1_S", 256, 50, nil},
	20: {"IQ4_NL", 32, 18, nil},
	21: {"IQ3_S", 256, 110, nil},
	22: {"IQ2_S", 256, 82, nil},
	23: {"IQ4_XS", 256, 136, nil},
	24: {"I8", 1, 1, nil},
	25: {"I16", 1, 2, nil},
	26: {"I32", 1, 4, nil},
	27: {"I64", 1, 8, nil},
	28: {"F64", 1, 8, nil},
	29: {"IQ1_M", 256, 56, nil},
	34: {"TQ1_0", 256, 54, nil},
	35: {"TQ2_0", 256, 66, nil},
	39: {"MXFP4", 32, 17, nil},
	40: {"NVFP4", 64, 36, nil},
	41: {"Q1_0", 128, 18, nil},
	42: {"Q2_0", 64, 18, nil},
}

// String returns the format's name of the type, such as "Q4_K", or "type 99" where it has none that is known here.
func (t DType) String() string {
	if l, ok := layouts[t]; ok {
		return l.name
	}
	return fmt.Sprintf("type %d", uint32(t))
}

// Readable reports whether ReadMat widens the type.
func (t DType) Readable() bool { return layouts[t].widen != nil }

// BlockSize returns the elements and the bytes of a block: 1 and the element's size for types without blocks, 0 and 0 for an unknown type.
func (t DType) BlockSize() (elements, bytes int) { return layouts[t].elements, layouts[t].bytes }

// readableNames lists what ReadMat widens, for errors.
func readableNames() string {
	var names []string
	for t := range DType(64) {
		if t.Readable() {
			names = append(names, t.String())
		}
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
