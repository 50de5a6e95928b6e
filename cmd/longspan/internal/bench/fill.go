package bench

import (
	"math/rand/v2"

	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// period is the number of random numbers that an input repeats: a prime, so that rows differ in any matrix, and small enough to draw in
// a millisecond for inputs of gigabytes.
const period = 65521

// fill writes standard normal numbers to m, the same ones for the same seed.
func fill(seed uint64, m tensor.Mat) {
	random := rand.New(rand.NewPCG(seed, 0))
	numbers := make([]float32, period)
	for i := range numbers {
		numbers[i] = float32(random.NormFloat64())
	}
	if m.Type == tensor.F32 {
		repeat(m.F32, numbers)
		return
	}
	bits := make([]uint16, period)
	if m.Type == tensor.BF16 {
		kernel.F32ToBF16(bits, numbers)
	} else {
		kernel.F32ToF16(bits, numbers)
	}
	repeat(m.U16, bits)
}

func repeat[T any](dst, src []T) {
	for len(dst) > 0 { // a dry matrix has none
		dst = dst[copy(dst, src):]
	}
}
