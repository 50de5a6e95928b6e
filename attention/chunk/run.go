package chunk

import (
	"fmt"

	"github.com/longspan/longspan/attention/internal/check"
	"github.com/longspan/longspan/tensor"
)

// Run cuts a document of out.Rows tokens as o says, calls f on one chunk after the other, and joins what they give. f
// computes the chunk's results, a row for each token Start … End−1, into piece [End−Start, out.Cols], which is of
// out's type and not cleared; the rows of the tokens that are kept are copied into out [T, features]. Chunks run in
// order, one at a time, each with all the threads there are, so that memory is that of one. piece comes from x.Pool.
//
// An out without data only counts: f is called on pieces without data. Run stops at the first error of f and
// returns it with the chunk's place.
func Run(x tensor.Exec, out tensor.Mat, o Options, f func(piece tensor.Mat, c Chunk) error) error {
	chunks, err := o.Plan(out.Rows)
	if err != nil {
		return err
	}
	if err := checkMat("out", out); err != nil {
		return err
	}
	if x.Pool.Dry() && !out.Dry() {
		return fmt.Errorf("chunk: found a pool that only counts and an out with data, expected both or neither; use an out without data")
	}
	for i, c := range chunks {
		piece := x.Pool.Get(out.Type, c.Len(), out.Cols)
		if out.Dry() {
			piece.F32, piece.U16 = nil, nil
		}
		err := f(piece, c)
		if err == nil {
			err = Join(out, piece, c)
		}
		x.Pool.Put(piece)
		if err != nil {
			return fmt.Errorf("chunk: chunk %d of %d, tokens %d … %d: %w", i+1, len(chunks), c.Start, c.End-1, err)
		}
	}
	return nil
}

// Join copies the rows of piece [End−Start, features] that the chunk keeps to their place in out [T, features]. It
// returns an error if the shapes do not fit or the types differ. Where both are without data it does nothing.
func Join(out, piece tensor.Mat, c Chunk) error {
	if err := checkMat("out", out); err != nil {
		return err
	}
	if err := checkMat("piece", piece); err != nil {
		return err
	}
	if c.Start < 0 || c.KeepStart < c.Start || c.KeepEnd < c.KeepStart || c.End < c.KeepEnd || c.KeepEnd > out.Rows {
		return fmt.Errorf("chunk: found a chunk that reads %d … %d and keeps %d … %d, expected one of the %d rows of out; use Plan",
			c.Start, c.End-1, c.KeepStart, c.KeepEnd-1, out.Rows)
	}
	if piece.Rows != c.Len() || piece.Cols != out.Cols || piece.Type != out.Type || piece.Dry() != out.Dry() && c.Kept() > 0 {
		return fmt.Errorf("chunk: found a piece of %d×%d %v, expected %d×%d %v like out, and data in both or neither",
			piece.Rows, piece.Cols, piece.Type, c.Len(), out.Cols, out.Type)
	}
	if out.Dry() || out.Cols == 0 {
		return nil
	}
	for t := c.KeepStart; t < c.KeepEnd; t++ {
		if out.Type == tensor.F32 {
			copy(out.Row(t), piece.Row(t-c.Start))
		} else {
			copy(out.Row16(t), piece.Row16(t-c.Start))
		}
	}
	return nil
}

// checkMat refuses a matrix whose data do not reach its last element.
func checkMat(name string, m tensor.Mat) error {
	if m.Rows < 0 || m.Cols < 0 {
		return fmt.Errorf("chunk: found %s of %d×%d, expected no negative side", name, m.Rows, m.Cols)
	}
	return check.Data("chunk", name, m)
}
