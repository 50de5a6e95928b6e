package verify

import (
	"math/rand/v2"

	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/tensor"
)

// The default shape of a check: two query heads share a key/value head, and D is no multiple of a register.
const (
	heads   = 4
	kvHeads = 2
	headDim = 40
)

// problem is a packed batch of random sequences that attend to themselves.
type problem struct {
	dtype         tensor.Type
	lengths       []int
	q, k, v, dout tensor.Mat
}

func newProblem(t tensor.Type, seed uint64, kvHeads int, lengths ...int) problem {
	tokens := 0
	for _, n := range lengths {
		tokens += n
	}
	r := rand.New(rand.NewPCG(seed, 1))
	return problem{t, lengths, normal(r, t, tokens, heads*headDim), normal(r, t, tokens, kvHeads*headDim),
		normal(r, t, tokens, kvHeads*headDim), normal(r, t, tokens, heads*headDim)}
}

// part is sequence i of the batch alone.
func (p problem) part(i int) problem {
	first := 0
	for _, n := range p.lengths[:i] {
		first += n
	}
	return p.rows(first, first+p.lengths[i])
}

// rows views tokens i … j−1 as one sequence.
func (p problem) rows(i, j int) problem {
	return problem{p.dtype, []int{j - i}, p.q.SliceRows(i, j), p.k.SliceRows(i, j), p.v.SliceRows(i, j), p.dout.SliceRows(i, j)}
}

// normal returns a matrix of standard normal numbers, rounded to the type.
func normal(r *rand.Rand, t tensor.Type, rows, cols int) tensor.Mat {
	numbers := make([]float32, rows*cols)
	for i := range numbers {
		numbers[i] = float32(r.NormFloat64())
	}
	m := tensor.New(t, rows, cols)
	switch t {
	case tensor.F32:
		copy(m.F32, numbers)
	case tensor.BF16:
		kernel.F32ToBF16(m.U16, numbers)
	default:
		kernel.F32ToF16(m.U16, numbers)
	}
	return m
}

// widen returns the elements of matrices one after the other.
func widen(mats ...tensor.Mat) []float64 {
	var all []float64
	for _, m := range mats {
		row := make([]float32, m.Cols)
		for i := range m.Rows {
			switch m.Type {
			case tensor.F32:
				copy(row, m.Row(i))
			case tensor.BF16:
				kernel.BF16ToF32(row, m.Row16(i))
			default:
				kernel.F16ToF32(row, m.Row16(i))
			}
			for _, x := range row {
				all = append(all, float64(x))
			}
		}
	}
	return all
}

// answer is what an attention gives for a problem.
type answer struct{ out, dq, dk, dv tensor.Mat }

func (p problem) answer() answer {
	like := func(m tensor.Mat) tensor.Mat { return tensor.New(m.Type, m.Rows, m.Cols) }
	return answer{like(p.q), like(p.q), like(p.k), like(p.v)}
}

// rows views tokens i … j−1.
func (a answer) rows(i, j int) answer {
	return answer{a.out.SliceRows(i, j), a.dq.SliceRows(i, j), a.dk.SliceRows(i, j), a.dv.SliceRows(i, j)}
}

// values returns all elements.
func (a answer) values() []float64 { return widen(a.out, a.dq, a.dk, a.dv) }
