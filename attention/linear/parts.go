package linear

import (
	"fmt"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/tensor"
)

// Place is where other tokens of a sequence lie.
type Place int

// The places.
const (
	Before Place = iota // where the token before the first one here lies
	After               // where the token after the last one here lies
	End                 // where the last token of the sequence lies whose tokens go on after those here
	Others              // all places but this one with tokens of the sequence that ends here and began elsewhere
)

// Neighbours moves sums between the places of a sequence's tokens. Matrices are F32, have no gaps between rows, and between two places
// arrive in the order in which they were sent. In a dry run they are dry.
type Neighbours interface {
	// Send begins to send m and returns. m stays as it is until Wait.
	Send(to Place, m tensor.Mat)
	// Receive fills m.
	Receive(from Place, m tensor.Mat) error
	// Wait returns when all has been sent.
	Wait() error
}

// NewParts prepares linear attention for what lies here of a packed batch. All sequences lie here whole, but that the first may have begun
// elsewhere, and the last may go on elsewhere. It returns an error for other parts.
func NewParts(c Config, parts []Part) (*Linear, error) {
	if err := checkParts(parts); err != nil {
		return nil, err
	}
	return newLinear(c, parts)
}

// Border is the shape of the F32 matrix that [Linear.ForwardPart] writes for [Linear.BackwardPart]: at most 2·Hkv rows of sums, whose size
// does not depend on the tokens; 0 rows where all sequences lie here whole.
func (l *Linear) Border() (rows, cols int) { return l.borderRows(false), l.sumsLen() }

// ForwardPart is [Linear.Forward] of the tokens that lie here, where n moves sums between the places. All places of a sequence call it
// together. The bits are those of a sequence in one place.
//
// A place sends at most two times Hkv·M·(17 + D)·4 bytes (D rounded up to 32) to the next one, and without a causal mask as much from the
// last to each other place. border is written for BackwardPart, or is the zero Mat. After an error other places may still wait.
func (l *Linear) ForwardPart(x tensor.Exec, n Neighbours, out, border tensor.Mat, in attention.In) error {
	if err := l.checkBorder(border); err != nil {
		return err
	}
	return l.forward(x, n, out, border, in)
}

// BackwardPart is [Linear.Backward] of the tokens that lie here, where border is what ForwardPart wrote. Sums of keys are not exchanged
// again: sums of queries are, in the direction of the tokens, or against it under a causal mask.
func (l *Linear) BackwardPart(x tensor.Exec, n Neighbours, g Grads, do, border tensor.Mat, in attention.In) error {
	if rows, _ := l.Border(); border.Rows != rows {
		return fmt.Errorf("linear: found a border of %d rows, expected %d, as ForwardPart wrote it", border.Rows, rows)
	}
	if err := l.checkBorder(border); err != nil {
		return err
	}
	return l.backward(x, n, g, do, border, in)
}

// wait waits for all that was sent, before its memory is given back.
func wait(n Neighbours) error {
	if n == nil {
		return nil
	}
	return n.Wait()
}

// checkBorder refuses a border of another shape or type, or with gaps between its rows.
func (l *Linear) checkBorder(m tensor.Mat) error {
	rows, cols := l.Border()
	if m.Rows == 0 || rows == 0 && m.Rows == rows {
		return nil
	}
	if m.Type != tensor.F32 || m.Rows != rows || m.Cols != cols || m.Stride != cols || !m.Dry() && len(m.F32) < rows*cols {
		return fmt.Errorf("linear: found a border of %v %d×%d in rows %d apart, expected f32 of %d×%d without gaps", m.Type, m.Rows, m.Cols,
			m.Stride, rows, cols)
	}
	return nil
}

// checkWhole refuses parts where whole sequences are expected.
func (l *Linear) checkWhole() error {
	if len(l.openSequences()) > 0 {
		return fmt.Errorf("linear: found parts of sequences, expected whole ones; use ForwardPart and BackwardPart")
	}
	return nil
}
