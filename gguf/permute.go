package gguf

import (
	"fmt"

	"github.com/longspan/longspan/tensor"
)

// UnpermuteRows puts the rows of a query or key projection of architecture "llama" into the order of Hugging Face's files, in place. heads
// are those of m: the key's own number for attn_k. A bias is a matrix of one column.
//
// llama.cpp rotates neighbours, so its converter has put row h·D + a·D/2 + i of a head's D rows at h·D + 2i + a, with a of 0 or 1.
// Cost: m.Bytes() moved twice, and a head of scratch memory.
func UnpermuteRows(m tensor.Mat, heads int) error {
	if heads < 1 || m.Rows%heads != 0 || m.Rows/heads%2 != 0 {
		return fmt.Errorf("gguf: %d rows are not %d heads of an even number of rows", m.Rows, heads)
	}
	if m.Dry() || m.Rows == 0 || m.Cols == 0 {
		return nil
	}
	size := m.Rows / heads
	head := tensor.New(m.Type, size, m.Cols)
	for h := range heads {
		rows := m.SliceRows(h*size, (h+1)*size)
		if err := tensor.Convert(tensor.Exec{Threads: 1}, head, rows); err != nil {
			return err
		}
		for i := range size {
			copyRow(rows, i%2*(size/2)+i/2, head, i)
		}
	}
	return nil
}

// copyRow copies row j of src to row i of dst, which has the same type.
func copyRow(dst tensor.Mat, i int, src tensor.Mat, j int) {
	if dst.Type == tensor.F32 {
		copy(dst.Row(i), src.Row(j))
	} else {
		copy(dst.Row16(i), src.Row16(j))
	}
}
